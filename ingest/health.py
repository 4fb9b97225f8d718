"""The health object: what ingest says of itself once a second, for page, `/metrics` and `up`."""

import logging
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from edge.places import PlaceKey
from edge.topics import parse_source
from engine.vitals import Vitals
from ingest.line import Line
from ingest.listening import Listening

log = logging.getLogger(__name__)

FORMAT = 1
SILENT_PERIODS = 3.0
SILENT_S_MIN = 10.0
"""A station is silent after three of its periods without a reading, but not before this."""
CLOCKS_SHOWN = 20
SILENT_SHOWN = 100
"""The longest silent stations are listed; `silent_count` counts them all."""


def ages(
    vitals: Vitals, now_ns: int, *, private: bool = False, listening: Listening | None = None
) -> dict[int, tuple[float, bool]]:
    """Age in seconds of the newest reading of each active station, and whether it is online.

    Of public stations, or of private ones: these are for counts only. A station that never sent
    is infinitely old and offline; one whose devices have all moved away or been retired is not
    active. listening: the time in which ingest could not hear is part of the age, and no silence.
    """
    registry, series = vitals.registry, vitals.series
    out: dict[int, tuple[float, bool]] = {
        place: (float("inf"), False) for place in _active(vitals, now_ns)
        if (place in registry.private) == private
    }
    used = len(registry.series)
    if not used:
        return out
    slots = np.arange(used, dtype=np.int32)
    periods = registry.period_at(slots, np.full(used, now_ns // 1_000_000_000, np.int64))
    reached = series.last_ns[:used] + (periods * 1e9).astype(np.int64)
    age = np.maximum(now_ns - reached, 0) / 1e9
    waited = age if listening is None else age - listening.unheard_ns(reached, now_ns) / 1e9
    place = np.array([row.place for row in registry.series], np.int32)
    for k in np.nonzero(periods > 0)[0].tolist():
        limit = max(SILENT_PERIODS * periods[k], SILENT_S_MIN)
        before = out.get(int(place[k]), (0.0, False))[0]
        if age[k] < before:
            out[int(place[k])] = (float(age[k]), bool(waited[k] <= limit))
    return out


def _active(vitals: Vitals, now_ns: int) -> set[int]:
    """Stations at which a device stands at that time."""
    registry = vitals.registry
    rows = (registry.row_at(device, now_ns // 1_000_000) for device in registry.rows_of)
    return {
        registry.place_of[PlaceKey(row.city, row.district, row.station)]
        for row in rows if row is not None and row.status == "active"
    }


class Health:
    """Builds the object; keeps what rates need."""

    def __init__(self, line: Line, clock: str, listening: Listening | None = None) -> None:
        self._line = line
        self._clock = clock
        self._listening = listening
        self._started_ms = time.time_ns() // 1_000_000
        self._rates: list[tuple[float, int]] = []
        self._told_left_out = 0

    def build(
        self, *, now_ns: int, queue: int, broker: dict[str, Any], sinks: Sequence[dict[str, Any]]
    ) -> dict[str, Any]:
        """The health object at clock time `now_ns`."""
        line = self._line
        verdicts = line.verdicts()
        received = sum(verdicts.values())
        if self._listening is not None:
            self._listening.look(line.vitals, now_ns, connected=bool(broker["connected"]))
        by_place = self.ages(now_ns)
        keys = line.vitals.registry.keys
        never = 1e9
        silent = sorted(
            (
                {"place": keys[place].path, "age_s": min(age, never)}
                for place, (age, online) in by_place.items() if not online
            ),
            key=lambda row: -float(row["age_s"]),  # type: ignore[arg-type]
        )
        known = [age for age, _ in by_place.values() if age < never]
        return {
            "format": FORMAT, "at_ms": time.time_ns() // 1_000_000,
            "clock": {"kind": self._clock, "now_ms": now_ns // 1_000_000},
            "city": next((key.city for key in keys), ""),
            "started_ms": self._started_ms, "broker": broker,
            "verdicts": verdicts, "received": received,
            "readings_per_s": self._rate(received), "points": line.points_written,
            "places": len(by_place), "oldest_s": max(known, default=0.0),
            "silent": silent[:SILENT_SHOWN], "silent_count": len(silent),
            "catching_up": self._listening is not None and self._listening.catching_up(now_ns),
            "queue": queue,
            "archive": {
                "bytes": line.archive.size_bytes, "segments": len(line.archive.segments()),
                "synced_ms": line.archive.synced_ms,
            },
            "sinks": list(sinks), "held": self._veiled(line.inbox.held_summary()),
            "dead_letters": self._veiled(line.inbox.dead_summary()), "rss_mb": _rss_mb(),
            "private": self._private(now_ns), "clocks": self._clocks(),
            "late_rows": line.late_rows.status(), "windows_left_out": self._left_out(),
        }

    def _left_out(self) -> int:
        """Windows that nobody computed, since ingest had stopped for too long."""
        found = sum(windows.left_out for windows in self._line.vitals.windows)
        if found > self._told_left_out:
            log.warning(
                "%d windows that ended while ingest had stopped are too far back and not computed; "
                "`cityvitals recompute` does that from the archive", found - self._told_left_out)
            self._told_left_out = found
        return found

    def ages(self, now_ns: int, *, private: bool = False) -> dict[int, tuple[float, bool]]:
        """As `ages`, less what ingest could not hear."""
        return ages(self._line.vitals, now_ns, private=private, listening=self._listening)

    def _clocks(self) -> dict[str, Any]:
        """Clocks of devices: how many are not set or off, which, and whose readings wait."""
        line = self._line
        registry = line.vitals.registry
        private = registry.private_devices()
        known, unset, off = line.clocks.counts()
        worst = [
            {"device": registry.devices[row.device], "ahead_s": round(row.ahead_s, 3),
             "trust": row.trust, "placed": row.placed}
            for row in line.clocks.offsets(CLOCKS_SHOWN)
            if registry.devices[row.device] not in private
        ]
        return {
            "known": known, "unset": unset, "off": off, "worst": worst,
            "waiting": [
                row for row in line.inbox.ahead_summary() if row["device"] not in private
            ],
        }

    def _private(self, now_ns: int) -> dict[str, Any]:
        """How many private stations there are, and, if they are a group, how many are silent."""
        vitals = self._line.vitals
        if not vitals.registry.private:
            return {"stations": 0, "silent": None}
        online = [online for _, online in self.ages(now_ns, private=True).values()]
        told = len(online) >= vitals.registry.group_min
        return {"stations": len(online), "silent": online.count(False) if told else None}

    def _veiled(self, rows: list[dict[str, object]]) -> list[dict[str, object]]:
        """Rows of the inbox, without what they say where it is of a private station."""
        registry = self._line.vitals.registry
        devices = registry.private_devices()
        out = []
        for told in rows:
            row = told
            source = parse_source(str(row["topic"]))
            if self._line.foreign.device_of(str(row["topic"])) in devices or (
                source is not None and (
                    source.device in devices
                    or registry.hides(source.city, source.district, source.station)
                )
            ):
                row = told | {name: "" for name in ("topic", "text", "sample") if name in row}
            out.append(row)
        return out

    def _rate(self, received: int) -> float:
        """Readings a second over the last ten seconds."""
        now = time.monotonic()
        self._rates.append((now, received))
        self._rates = [row for row in self._rates if row[0] > now - 10] or [(now, received)]
        first = self._rates[0]
        return (received - first[1]) / (now - first[0]) if now > first[0] else 0.0


def _rss_mb() -> float:
    """Resident memory in MB, from /proc; 0 where there is none."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * 4096 / 1e6
    except OSError:
        return 0.0
