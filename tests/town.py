"""A town small enough to reason about: readings in, points out, no broker and no files."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from math import isnan
from typing import Any, NamedTuple

import numpy as np

from edge.places import PlaceKey, PlaceRow
from edge.quantities import INDEX
from engine.batch import Batch
from engine.catalogue import INDICATORS, POSITION
from engine.points import Points, concatenate
from engine.registry import Series
from engine.vitals import Vitals

SECOND_NS = 1_000_000_000
CITY = "town"


class Reading(NamedTuple):
    """One reading; `time_s` in Unix seconds, maybe with a fraction."""

    device: str
    quantity: str
    time_s: float
    value: float
    flag: int = 1
    channel: str = ""


def at(text: str) -> int:
    """Unix seconds of a moment in UTC, such as `2026-03-02 10:05`."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def row(
    device: str, station: str, period_s: float = 60.0, *, since: str = "2026-01-01", **more: Any
) -> PlaceRow:
    """A row of the places file; `station` is `district/station`."""
    district, name = station.split("/")
    told = {"tz": "UTC", "lat": 0.0, "lon": 0.0, **more}
    return PlaceRow(
        at(since) * 1000, CITY, district, name, device, name, period_s=period_s, **told
    )


class Town:
    """Vitals with a places file, fed by readings."""

    def __init__(self, rows: Sequence[PlaceRow], grace_s: int = 60) -> None:
        self.vitals = Vitals(grace_s)
        self.vitals.load_places(sorted(rows, key=lambda row: row.valid_from_ms))
        self.parts: list[Points] = []

    def keep(self, *indicators: str) -> None:
        """Compute the families of these indicators alone: before any reading, for long times."""
        wanted = {POSITION[key] for key in indicators}
        self.vitals.windows = [
            windows for windows in self.vitals.windows if wanted & set(windows.family.indicators)
        ]

    def slot(self, reading: Reading) -> int:
        """Slot of a reading's series, by the row of its device at its time."""
        registry = self.vitals.registry
        found = registry.row_at(reading.device, int(reading.time_s * 1000))
        assert found is not None, reading
        place = registry.place(PlaceKey(found.city, found.district, found.station))
        series = Series(
            place, registry.device(reading.device), INDEX[reading.quantity], reading.channel
        )
        return registry.slot(series, self.vitals.panes)

    def take(self, readings: Iterable[Reading]) -> None:
        """Apply readings as one batch."""
        rows = list(readings)
        none = np.zeros(len(rows), np.int64)
        self.vitals.apply(Batch(
            np.array([self.slot(reading) for reading in rows], np.int32),
            np.array([round(reading.time_s * 1e9) for reading in rows], np.int64),
            np.array([reading.value for reading in rows], np.float64),
            np.array([reading.flag for reading in rows], np.uint8),
            none.astype(np.int32), none, none, none.astype(np.uint8), 0,
        ))

    def tick(self, time_s: float, *, with_open: bool = False) -> Points:
        """Move the clock; the points of it are kept, too."""
        points = self.vitals.tick(round(time_s * SECOND_NS), with_open=with_open)
        self.parts.append(points)
        return points

    def said(self, points: Points | None = None) -> list[tuple[str, str, int, float, int, int]]:
        """Points as (place, indicator, end in Unix s, value, level, revision), as they came."""
        every = concatenate(self.parts) if points is None else points
        keys = self.vitals.registry.keys
        return [
            (keys[every.place[k]].path, INDICATORS[every.indicator[k]].key, int(every.end_s[k]),
             float(every.value[k]), int(every.level[k]), int(every.rev[k]))
            for k in range(len(every))
        ]

    def last(self, indicator: str, place: str) -> dict[int, tuple[float, int]]:
        """The last word on each window of one indicator: end in Unix s -> (value, revision)."""
        every = concatenate(self.parts)
        keys = self.vitals.registry.keys
        rows = [row for row, key in enumerate(keys) if key.path == place]
        every = every.take(
            (every.indicator == POSITION[indicator]) & np.isin(every.place, rows) & (every.rev > 0)
        )
        return {
            end: (value if level >= 0 else float("nan"), rev)
            for end, value, level, rev in zip(
                every.end_s.tolist(), every.value.tolist(), every.level.tolist(),
                every.rev.tolist(), strict=True,
            )
        }

    def final(self) -> dict[tuple[str, str, int], tuple[Any, ...]]:
        """The last word on every closed window: all that is promised of a point."""
        every = concatenate(self.parts)
        every = every.take(every.rev > 0)
        paths = [key.path for key in self.vitals.registry.keys]
        keys = [indicator.key for indicator in INDICATORS]
        windows = zip(
            [paths[place] for place in every.place.tolist()],
            [keys[indicator] for indicator in every.indicator.tolist()],
            every.end_s.tolist(), strict=True,
        )
        columns = [
            ["nan" if isnan(value) else value for value in getattr(every, name).tolist()]
            for name in ("value", "level", "n", "cov", "p50", "p95", "max", "over")
        ]
        return dict(zip(windows, zip(*columns, strict=True), strict=True))
