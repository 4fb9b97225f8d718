"""Recomputes indicators of roads from an explanation alone, by the standards' own words.

As `tests/explained.py`, which holds the others: imports nothing of the project.
"""

import math
from typing import Any

Answer = dict[str, Any]
MILE = 1.609344
FIVE_MS = 300_000
FREEWAY = {"freeway": (11, 18, 26, 35, 45), "freeway-rural": (6, 14, 22, 29, 39)}
URBAN = {"urban-1": (42, 34, 27, 21, 16), "urban-2": (35, 28, 22, 17, 13),
         "urban-3": (30, 24, 18, 14, 10), "urban-4": (25, 19, 13, 9, 7)}


def level(indicator: str, value: float | None) -> int:
    """The level of a value."""
    if value is None:
        return -1
    if ".los_" in indicator:
        return sum(value > limit for limit in (1, 2, 3, 4, 5))
    return 0


def found(answer: Answer, step: str) -> dict[str, Any]:
    """What a step found."""
    told: dict[str, Any] = next(s["found"] for s in answer["steps"] if s["name"] == step)
    return told


def road(answer: Answer) -> dict[str, Any]:
    """The latest row of the places file."""
    row: dict[str, Any] = answer["inputs"][0]["rows"][-1]
    return row


def lanes(answer: Answer, quantity: str) -> dict[tuple[str, str], dict[int, list[int]]]:
    """Panes of five minutes by (device, channel) and start, of the series that there are."""
    return {
        (series["device"], series["channel"]): {
            row[0]: row for row in series.get("panes", {}).get("rows", []) if row[1] == 5
        }
        for series in answer["inputs"]
        if series["quantity"] == quantity and series["began_ms"] is not None
    }


def vehicles(answer: Answer, start: int) -> float | None:
    """Of all counters, each scaled to the whole bin; None with one of them silent."""
    rows = [panes.get(start) for panes in lanes(answer, "count").values()]
    if not rows or any(row is None or row[4] < 4 for row in rows):
        return None
    return sum(row[3] / 1e6 * 5 / row[4] for row in rows if row is not None)


def speed(answer: Answer, start: int) -> float | None:
    """Space-mean speed of the lanes."""
    counts = {lane: panes[start] for lane, panes in lanes(answer, "count").items()
              if start in panes and panes[start][4]}
    rows = {lane: panes[start] for lane, panes in lanes(answer, "speed").items() if start in panes}
    if max((row[4] for row in rows.values()), default=0) < 4:
        return None
    if counts and not sum(row[3] for row in counts.values()):
        return None
    paired = all(lane in counts for lane in rows)
    weight = {
        lane: counts[lane][3] * 5 / counts[lane][4] if paired else row[2]
        for lane, row in rows.items()
    }
    slowness = sum(weight[lane] * row[3] / row[2] for lane, row in rows.items())
    return sum(weight.values()) * 1e12 / slowness if slowness else None


def occupancy(answer: Answer, start: int) -> float | None:
    """Mean of the lanes."""
    rows = [panes[start] for panes in lanes(answer, "occupancy").values() if start in panes]
    means = [row[3] / row[2] / 1e6 for row in rows if row[4] >= 4]
    return sum(means) / len(means) if means else None


def _density(answer: Answer, start: int) -> float | None:
    v, n, share, told = (speed(answer, start), vehicles(answer, start), occupancy(answer, start),
                         road(answer))
    if v is not None and n is not None and told["lanes"]:
        return n * 12 / v / told["lanes"]
    return None if share is None else share * 1000 / (told["g_m"] or 22 * 0.3048)


def _loop(answer: Answer, end: int) -> float | None:
    told, counters = road(answer), len(lanes(answer, "count"))
    cap = told["posted_kmh"] * 1.3 or 130
    smooth: float | None = None
    raw: float | None = None
    for start in range(end - 12 * FIVE_MS, end, FIVE_MS):
        n, share = vehicles(answer, start), occupancy(answer, start)
        raw = None
        if n and share:
            n /= counters
            raw = n * 12 / (share * 1000 / (told["g_m"] or 22 * 0.3048))
            raw = min(max(raw, 3 * MILE), cap)
            p = n / (n + 50)
            smooth = raw if smooth is None else p * raw + (1 - p) * smooth
    return None if raw is None else smooth


def _hour(answer: Answer, name: str) -> float | None:
    rows = [row for series in answer["inputs"] if series["quantity"] == "speed"
            for row in series.get("panes", {}).get("rows", [])]
    if 4 * max((row[4] for row in rows if row[1] == 60), default=0) < 3 * 60:
        return None
    if name == "speed_hour":
        five = [row for row in rows if row[1] == 5]
        return sum(row[2] for row in five) * 1e12 / sum(row[3] for row in five)
    hours = [row for row in rows if row[1] == 60]
    return sum(row[3] for row in hours) / 1e6 / sum(row[2] for row in hours)


def _level(answer: Answer, name: str) -> float | None:
    start, told = answer["window"]["start_ms"], road(answer)
    bins = [(speed(answer, t), vehicles(answer, t)) for t in range(start, start + 900_000, FIVE_MS)]
    if any(v is None for v, _ in bins):
        return None
    known = [n for _, n in bins if n is not None]
    counted = len(known) == 3
    weights = known if counted and sum(known) else [1.0, 1.0, 1.0]
    mean = sum(weights) / sum(w / v for w, (v, _) in zip(weights, bins, strict=True) if v)
    cars = sum(known) * 4 * (1 + told["heavy_share"]) if counted else math.nan
    above = bool(told["capacity_vph"]) and cars > told["capacity_vph"]
    if name == "los_freeway":
        per_mile = round(cars / mean / told["lanes"] * MILE, 7)
        limits = FREEWAY[told["road_class"]]
        return None if not counted else 6 if above else 1 + sum(per_mile > x for x in limits)
    if name == "los_urban_hcm2000":
        return 1 + sum(round(mean / MILE, 7) <= x for x in URBAN[told["road_class"]])
    free = found(answer, "free-flow speed")["free_flow_kmh"]
    if free is None:
        return None
    percent = round(100 * mean / free, 7)
    return 6 if above else 1 + sum(percent <= x for x in (85, 67, 50, 40, 30))


def recompute(answer: Answer) -> float | None:
    """The value that the explanation of a station yields; None where data are insufficient."""
    name, window = answer["indicator"].partition(".")[2], answer["window"]
    start = window["start_ms"]
    if name.startswith("los_"):
        return _level(answer, name)
    if name in ("speed_hour", "speed_time_mean"):
        return _hour(answer, name)
    if name == "gfactor_speed":
        return _loop(answer, window["end_ms"])
    if name in ("flow", "flow_lane"):
        n = vehicles(answer, start)
        return None if n is None else n * 12 / (1 if name == "flow" else road(answer)["lanes"])
    of = {"speed": speed, "occupancy": occupancy, "density": _density}[name]
    return of(answer, start)


NAMES = (
    "speed", "flow", "flow_lane", "occupancy", "density", "gfactor_speed", "speed_hour",
    "speed_time_mean", "los_freeway", "los_urban_hcm2000", "los_urban_hcm2010",
)
"""What this file recomputes."""
