"""Hourly and daily roll-ups for InfluxDB: written by us, so that every server version has them.

A roll-up is computed from the closed points in the embedded store once its hour (UTC) or civil
day of the city's zone, the one in force when it begins, is over, and again when a point inside is
restated; the same series and time overwrite.
"""

import numpy as np

from edge.places import PlaceKey
from engine.calendar import Zone, civil_day, day_start_min
from engine.catalogue import INDICATORS, POSITION
from engine.points import INSUFFICIENT, Points
from ingest.lines import Batch, rollup
from ingest.store import Store

HOUR_S = 3600
SETTLE_S = 180
"""After its end an hour or day waits this long for its last windows to close."""


class Rollups:
    """Remembers which hours and days changed, and computes those that are over.

    zone: those of the city, one after the other, as its places file has them now.
    """

    def __init__(self, store: Store, zone: Zone) -> None:
        self._store = store
        self.zone = zone
        self._hours: set[int] = set()
        self._days: set[int] = set()

    def note(self, end_s: int) -> None:
        """A point of this window end was written."""
        self._hours.add((end_s - 1) // HOUR_S)
        self._days.add(int(civil_day(self.zone, np.array([(end_s - 1) // 60]))[0]))

    def note_points(self, points: Points) -> None:
        """Points were written."""
        for end_s in np.unique((points.end_s - 1) // HOUR_S).tolist():
            self.note(end_s * HOUR_S + 1)

    def due(self, now_s: int, keys: dict[str, PlaceKey]) -> list[Batch]:
        """Lines of all hours and days that changed and are over; `keys` by place path."""
        parts = []
        for hour in sorted(self._hours):
            end_s = (hour + 1) * HOUR_S
            if end_s + SETTLE_S <= now_s:
                parts.append(self._lines("indicator_1h", end_s - HOUR_S, end_s, keys))
                self._hours.discard(hour)
        for day in sorted(self._days):
            first, last = (day_start_min(self.zone, np.array([day, day + 1])) * 60).tolist()
            if last + SETTLE_S <= now_s:
                parts.append(self._lines("indicator_1d", first, last, keys))
                self._days.discard(day)
        return [Batch(body, body.count(b"\n")) for body in parts if body]

    def _lines(
        self, measurement: str, from_s: int, to_s: int, keys: dict[str, PlaceKey]
    ) -> bytes:
        """One line for each series with a sufficient point whose window ends in the span.

        Indicators of the span's own cadence or a longer one are left to `indicator` itself.
        """
        groups: dict[tuple[str, str], list[tuple[float, int, float]]] = {}
        for path, indicator, value, level, cov in self._store.span(from_s + 1, to_s):
            groups.setdefault((path, indicator), []).append((value, level, cov))
        out = []
        for (path, indicator), rows in groups.items():
            entry = INDICATORS[POSITION[indicator]]
            values = np.array([row[0] for row in rows if row[1] != INSUFFICIENT])
            if path not in keys or not len(values) or entry.cadence_s >= to_s - from_s:
                continue
            over = sum(1 for row in rows if row[1] >= (entry.over_level or len(entry.levels)))
            expected = max((to_s - from_s) // entry.cadence_s, len(rows))
            out.append(rollup(
                measurement, keys[path], entry, to_s, values=values, over=over,
                cov=sum(row[2] for row in rows) / expected,
            ))
        return b"".join(out)
