"""A city in a store, for tests of the page: 72 stations in 3 districts, two days of history.

No engine runs here: values follow simple curves, levels follow the catalogue.
"""

import math
import random
import sqlite3
from bisect import bisect_left
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

from edge.places import PlaceKey
from edge.verdicts import Verdict
from engine import points as columns
from engine.catalogue import INDICATORS, POSITION
from ingest.store import PlaceInfo, Reading, Store
from tests.store_readings import write_readings

CITY = "riverton"
TZ = "Europe/Berlin"
DISTRICTS = (("centre", "Centre", 52.520, 13.405), ("harbour", "Harbour", 52.503, 13.455),
             ("north", "North Hill", 52.548, 13.420))
KINDS = ("air", "road", "grid")
STREETS = ("Market", "Mill Lane", "Bridge Street", "School Road", "Park", "Station Square",
           "Canal", "Old Wharf")
HISTORY_S = 2 * 86_400
SUB = ("air.us_aqi_pm25", "air.us_aqi_pm10", "air.us_aqi_no2", "air.us_aqi_o3")
WORST = "harbour/air3"
QUIET = "north/grid5"
SILENT = "north/road7"
SILENT_S = 8_040


def level_of(key: str, value: float) -> int:
    """The row of the indicator's levels that `value` belongs to."""
    better, uppers = _levels(key)
    if better == "high":
        return max(i for i, upper in enumerate(uppers) if value < upper)
    return bisect_left(uppers, value)


@cache
def _levels(key: str) -> tuple[str, list[float]]:
    entry = INDICATORS[POSITION[key]]
    return entry.better, [level.upper for level in entry.levels]


def places() -> list[PlaceInfo]:
    """8 stations of each kind in each district; areas have no rows, as ingest writes it."""
    rng = random.Random(7)
    rows = []
    for district, name, lat, lon in DISTRICTS:
        for kind in KINDS:
            for i, street in enumerate(STREETS, 1):
                spot = (lat + rng.uniform(-0.012, 0.012), lon + rng.uniform(-0.021, 0.021))
                road = (0.8, 2, 50.0) if kind == "road" else (0.0, 0, 0.0)
                key = PlaceKey(CITY, district, f"{kind}{i}")
                rows.append(PlaceInfo(key, f"{name}, {street} ({kind})", *spot, TZ, *road))
    return rows


STEP_S = 300
_histories: dict[int, bytes] = {}
"""The bytes of a store by the end of its history."""


class City:
    """Fills a store and keeps it alive; `now_ms` is the clock of its readings."""

    def __init__(self, path: Path, now_ms: int, *, recorded: bool = False) -> None:
        self.places = places()
        areas = [PlaceKey(CITY, district, "") for district in ("", *(row[0] for row in DISTRICTS))]
        self.keys = [place.key for place in self.places] + areas
        self.index = {key.path: i for i, key in enumerate(self.keys)}
        self.seeds = {path: random.Random(path).random() for path in self.index}
        self.recorded = recorded
        self.started_ms = now_ms
        self._begin(path, now_ms // 1000 // STEP_S * STEP_S)

    def _begin(self, path: Path, last_s: int) -> None:
        """Open a store with the history up to `last_s`; made once in five minutes, then copied."""
        made = _histories.get(last_s)
        if made is None:
            self.store = Store.create(path)
            self.store.write_places(self.places)
            self._history(last_s)
            self.store.close()
            _histories.clear()
            with closing(sqlite3.connect(path)) as file:
                _histories[last_s] = file.serialize()  # with what its log holds
        else:
            path.write_bytes(made)
        self.store = Store.create(path)

    def _series(self, path: str, end_s: int) -> list[tuple[str, int, float, float]]:
        """(indicator, window end, value, coverage) of the windows of a station at `end_s`."""
        if path == SILENT and end_s > self.started_ms // 1000 - SILENT_S:
            return []
        kind = path.partition("/")[2][:4]
        if end_s % 3600 and (kind[:3] == "air" or (kind == "grid" and end_s % 900)):
            return []
        rng = random.Random(f"{path}{end_s}")
        seed = self.seeds[path]
        day = math.sin((end_s / 86_400 - 0.3) * 2 * math.pi)
        rush = max(0.0, math.sin(end_s / 86_400 * 4 * math.pi - 1.2))
        cov = 0.35 if path == QUIET else 0.97 - 0.05 * rng.random()
        rows = []
        if end_s % 3600 == 0:
            rows.append(("dq.completeness", end_s, cov * 100, 1.0))
        if "/air" in path and end_s % 3600 == 0:
            base = 48 + 30 * seed + 12 * day  # with all that is added below, not above 100
            if path == WORST and end_s > self.started_ms // 1000 - 5 * 3600:
                base += 99
            parts = [base, base * 0.7, 18 + 10 * rush, 35 + 15 * day]
            rows += [(key, end_s, float(round(value + rng.random() * 4)), 0.96)
                     for key, value in zip(SUB, parts, strict=True)]
            rows.append(("air.us_aqi", end_s, max(row[2] for row in rows[1:]), 0.96))
            rows.append(("air.nowcast_pm25", end_s, base / 4, 0.96))
        if "/road" in path and end_s % 300 == 0:
            value = 1.02 + 0.9 * rush * (0.4 + seed) + 0.05 * rng.random()
            rows.append(("traffic.tti", end_s, value, cov))
        if "/grid" in path and end_s % 900 == 0:
            value = 40 + 120 * seed + 35 * day + 8 * rng.random()
            rows.append(("energy.demand_15min", end_s, value, cov))
        return rows

    def _write(self, rows: list[tuple[str, str, int, float, float]], state: int,
               known_ms: int) -> None:
        """Write (path, indicator, end, value, coverage) rows in one state."""
        points = columns.empty(len(rows))
        for i, (path, key, end_s, value, cov) in enumerate(rows):
            short = key != "dq.completeness" and cov < 0.75
            points.place[i] = self.index[path]
            points.indicator[i] = POSITION[key]
            points.end_s[i] = end_s
            points.value[i] = 0.0 if short else value
            points.level[i] = columns.INSUFFICIENT if short else level_of(key, value)
            points.cov[i] = cov
            points.n[i] = 60
            points.rev[i] = 1 if state else 0
            points.state[i] = state
        stations: dict[tuple[str, int], list[float]] = {}
        for path, key, end_s, value, _ in rows:
            if not path.endswith("/_"):
                stations.setdefault((key, end_s), []).append(value)
        for i, (path, key, end_s, *_) in enumerate(rows):
            if path.endswith("/_"):
                values = sorted(stations[key, end_s])
                points.p50[i], points.max[i] = values[len(values) // 2], values[-1]
                points.p95[i] = values[len(values) * 19 // 20]
                limit = INDICATORS[POSITION[key]].over_level
                points.over[i] = 0 if limit is None else sum(
                    level_of(key, value) >= limit for value in values)
        self.store.write(points, self.keys, known_ms)

    def _areas(self, rows: list[tuple[str, str, int, float, float]]
               ) -> list[tuple[str, str, int, float, float]]:
        grouped: dict[tuple[str, str], list[tuple[str, str, int, float, float]]] = {}
        for row in rows:
            for area in ("_/_", f"{row[0].split('/')[0]}/_"):
                grouped.setdefault((area, row[1]), []).append(row)
        out = []
        for (area, key), members in grouped.items():
            values = [row[3] for row in members]
            rule = INDICATORS[POSITION[key]].area
            value = max(values) if rule == "worst" else sum(values)
            if rule in ("mean", "vmt_weighted", "length_weighted"):
                value /= len(values)
            out.append((area, key, members[0][2], value, 0.95))
        return out

    def _all(self, end_s: int) -> list[tuple[str, str, int, float, float]]:
        rows = [(place.key.path, *row) for place in self.places if place.key.station
                for row in self._series(place.key.path, end_s)]
        return rows + self._areas(rows)

    def _history(self, last_s: int) -> None:
        """An hour at a time, each known five seconds after its last window."""
        for begin_s in range(last_s - HISTORY_S, last_s + 1, 3600):
            steps = range(begin_s, min(begin_s + 3600, last_s + 1), STEP_S)
            self._write([row for end_s in steps for row in self._all(end_s)], 1,
                        steps[-1] * 1000 + 5000)

    def tick(self, now_ms: int, wall_ms: int | None = None, **health: Any) -> None:
        """Open windows, readings and health as of `now_ms`."""
        rows = []
        for width in (300, 900, 3600):
            end_s = (now_ms // 1000 // width + 1) * width
            part = [row for row in self._all(end_s)
                    if INDICATORS[POSITION[row[1]]].cadence_s == width]
            rows += [(*row[:3], self._live(row[3], now_ms), row[4]) for row in part]
        self._write(rows, 0, now_ms)
        write_readings(self.store, self._readings(now_ms))
        self.store.write_health({**self.health(now_ms, wall_ms or now_ms), **health})

    @staticmethod
    def _live(value: float, now_ms: int) -> float:
        """A value that changes from second to second, in steps the page shows."""
        step = now_ms // 1000 % 5
        return value + step if value > 2 else value + step / 50

    def _readings(self, now_ms: int) -> list[Reading]:
        rng = random.Random(now_ms)
        rows = []
        for place in self.places:
            path = place.key.path
            if not place.key.station or path == SILENT:
                continue
            device = f"dev-{path.replace('/', '-')}"
            if "/air" in path:
                quantities = {"pm25": 12.0, "pm10": 20.0, "no2": 15.0, "o3": 30.0}
            elif "/road" in path:
                quantities = {"speed": 41.0, "count": 9.0, "occupancy": 0.12}
            else:
                quantities = {"power": 88.0, "voltage": 231.0}
            rows += [Reading(path, device, quantity, "", now_ms - rng.randrange(900),
                             value * rng.uniform(0.9, 1.1), 1, 10.0)
                     for quantity, value in quantities.items()]
        return rows

    def health(self, now_ms: int, wall_ms: int) -> dict[str, Any]:
        """A health object as ingest writes it."""
        received = 1_200_000 + (now_ms - self.started_ms) // 1000 * 220
        verdicts = {verdict.label: 0 for verdict in Verdict}
        verdicts |= {"late": 812, "duplicate": 40, "held_unknown": 96, "refused_type": 3,
                     "refused_impossible": 21, "refused_unparsable": 5}
        verdicts["applied"] = received - sum(verdicts.values())
        kind = "recorded" if self.recorded else "wall"
        return {
            "format": 1, "at_ms": wall_ms, "clock": {"kind": kind, "now_ms": now_ms},
            "city": CITY, "started_ms": self.started_ms - 3_600_000,
            "broker": {"url": "mqtt://127.0.0.1:18830", "connected": True,
                       "since_ms": self.started_ms - 3_500_000},
            "verdicts": verdicts, "received": received, "readings_per_s": 219.6,
            "points": 48_211, "oldest_s": float(SILENT_S),
            "silent": [{"place": SILENT, "age_s": float(SILENT_S)}], "queue": 3,
            "archive": {"bytes": 48_000_000, "segments": 2, "synced_ms": wall_ms - 300},
            "sinks": [{"name": "store", "queued": 0, "bytes": 0, "dead": 0, "written": 48_211,
                       "ok_ms": wall_ms - 200, "error": ""},
                      {"name": "influx", "queued": 0, "bytes": 0, "dead": 0, "written": 48_000,
                       "ok_ms": wall_ms - 900, "error": ""}],
            "held": [{"device": "pms-77", "topic": f"cv/1/r/{CITY}/centre/cellar/pms-77",
                      "readings": 96, "first_ms": now_ms - 960_000, "last_ms": now_ms - 4_000,
                      "sample": '{"e":1,"s":96,"q":"pm25","t":1763836000000,"v":9.5}'}],
            "dead_letters": [{"at_ms": now_ms - 65_000, "reason": "refused_type",
                              "topic": f"cv/1/r/{CITY}/centre/air1/dev-centre-air1",
                              "bytes": 44, "text": '{"e":1,"s":2,"q":"pm25","t":"now","v":3}'},
                             {"at_ms": now_ms - 605_000, "reason": "refused_unparsable",
                              "topic": f"cv/1/r/{CITY}/centre/air1/dev-centre-air1",
                              "bytes": 17, "text": "<b>not JSON</b>"}],
            "rss_mb": 164.2,
        }
