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
    return int(indicator == "traffic.lottr" and value > 1.495)


def found(answer: Answer, step: str) -> dict[str, Any]:
    """What a step found."""
    told: dict[str, Any] = next(s["found"] for s in answer["steps"] if s["name"] == step)
    return told


def road(answer: Answer) -> dict[str, Any]:
    """The latest row of the places file."""
    row: dict[str, Any] = answer["inputs"][0]["rows"][-1]
    return row


Lanes = dict[tuple[str, str], dict[int, list[int]]]


def lanes(answer: Answer, quantity: str) -> Lanes:
    """Panes of five minutes by (device, channel) and start, of the series that there are."""
    known: dict[str, Lanes] = answer.setdefault("lanes", {})
    if quantity not in known:
        known[quantity] = _lanes(answer, quantity)
    return known[quantity]


def _lanes(answer: Answer, quantity: str) -> Lanes:
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


def _bins(answer: Answer, start: int, end: int) -> list[tuple[float | None, float | None]]:
    """Speed and vehicles of each bin of a span."""
    return [(speed(answer, t), vehicles(answer, t)) for t in range(start, end, FIVE_MS)]


def _excess(answer: Answer, bins: list[tuple[float | None, float | None]]) -> float:
    told, hours = road(answer), 0.0
    for k in range(0, len(bins) - 2, 3):
        three = bins[k : k + 3]
        n = [vehicles_of for _, vehicles_of in three]
        if any(v is None for v, _ in three) or any(x is None for x in n):
            continue
        total = sum(x for x in n if x)
        if not total:
            continue
        mean = total / sum(x / v for v, x in three if v and x)
        limit = max(20 * MILE, 0.6 * told["posted_kmh"])
        lost = told["length_km"] / mean - told["length_km"] / limit
        hours += total * min(max(lost, 0), 0.25)
    return hours


def _total(answer: Answer, name: str) -> float | None:
    window, told = answer["window"], road(answer)
    bins = _bins(answer, window["start_ms"], window["end_ms"])
    valid = [(v, n) for v, n in bins if n == 0 or (n and v)]
    if 4 * len(valid) < 3 * len(bins):
        return None
    moving = [(v, n) for v, n in valid if v and n]
    length, kind = told["length_km"], name.removesuffix("_day").rpartition("_")
    vkm, vh = sum(n * length for _, n in moving), sum(n * length / v for v, n in moving)
    sums = {"vmt": vkm, "vht": vh, "q": vkm / vh if vh else None,
            "phed": _excess(answer, bins) * told["occupants"]}
    if name.removesuffix("_day") in sums:
        return sums[name.removesuffix("_day")]
    if kind[0] == "lost":
        slow = [n for v, n in moving if v < int(kind[2]) * MILE - 1e-9]
        used = [max(1 - n * 12 / told["capacity_vph"], 0) for n in slow]
        return sum(length * part * told["lanes"] / 12 for part in used)
    free = found(answer, "free-flow speed")["free_flow_kmh"]
    limit = int(kind[2]) * MILE if kind[2].isdigit() else free
    if limit is None:
        return None
    lost = sum(n * max(length / v - length / limit, 0) for v, n in moving)
    return float(lost * told["occupants"] if name.startswith("person") else lost)


def _congested(answer: Answer, name: str) -> float | None:
    step = found(answer, "bins")
    free = found(answer, "free-flow speed")["free_flow_kmh"]
    pairs = [(v, n) for v, n in zip(step["speeds_kmh"], step["vehicles"], strict=True)
             if n == 0 or v]
    if 4 * len(pairs) < 3 * 192 or free is None:
        return None
    slow = [(v, n) for v, n in pairs if n != 0 and round(v, 7) < round(0.9 * free, 7)]
    if name == "congested_hours":
        return len(slow) / 12
    every = sum(1 if n is None else n for _, n in pairs)
    return 100 * sum(1 if n is None else n for _, n in slow) / every if every else None


def _reliable(answer: Answer, name: str) -> float | None:
    days = [speeds for _, speeds in found(answer, "peaks")["days"] if len(speeds) >= 54]
    if len(days) < 10:
        return None
    length = road(answer)["length_km"] if answer["inputs"] else (
        answer["steps"][-1]["given"]["length_km"])
    times = sorted(60 * length / v for speeds in days for v in speeds)
    at = 0.95 * (len(times) - 1)
    below = math.floor(at)
    late = times[below] + (at - below) * (times[min(below + 1, len(times) - 1)] - times[below])
    mean = math.fsum(times) / len(times)
    free = found(answer, "free-flow speed")["free_flow_kmh"]
    values = {"buffer_index": (late - mean) / mean, "buffer": late - mean, "peak_time": mean}
    return (late * free / 60 / length if free else None) if name == "pti" else values[name]


OWED = {"weekdays 6-10": (16, 10), "weekdays 10-16": (24, 10), "weekdays 16-20": (16, 10),
        "weekends 6-20": (56, 4), "nights 20-6": (40, 14)}
"""Quarters of a day, and days, that each period of the performance rule needs."""


def _percentile(ordered: list[float], share: float) -> float:
    at = share * (len(ordered) - 1)
    below = math.floor(at)
    return ordered[below] + (at - below) * (
        ordered[min(below + 1, len(ordered) - 1)] - ordered[below])


def _of_periods(answer: Answer, name: str) -> float | None:
    rows = found(answer, "quarters")["days"]
    ratios = []
    for period, (quarters, days) in list(OWED.items())[: 5 if name == "tttr" else 4]:
        good = [speeds for _, of, there, speeds in rows
                if of == period and there >= 0.75 * quarters]
        times = sorted(1 / v for speeds in good for v in speeds)
        if len(good) < days or not times:
            return None
        late = _percentile(times, 0.95 if name == "tttr" else 0.8)
        ratios.append(math.floor(100 * late / _percentile(times, 0.5) + 0.5 + 1e-9) / 100)
    return max(ratios)


def _flow(answer: Answer, name: str) -> float | None:
    n = vehicles(answer, answer["window"]["start_ms"])
    return None if n is None else n * 12 / (1 if name == "flow" else road(answer)["lanes"])


def recompute(answer: Answer) -> float | None:
    """The value that the explanation of a station yields; None where data are insufficient."""
    name, window = answer["indicator"].partition(".")[2], answer["window"]
    start = window["start_ms"]
    of = {"speed": speed, "occupancy": occupancy, "density": _density}
    if name in of:
        return of[name](answer, start)
    if name == "gfactor_speed":
        return _loop(answer, window["end_ms"])
    rules = (
        (("los_",), _level), (("speed_",), _hour), (("flow",), _flow), (("congested",), _congested),
        (RELIABLE, _reliable), (PERIODICAL, _of_periods), (SUMS, _total),
    )
    rule = next(rule for begins, rule in rules if name.startswith(begins))
    return rule(answer, name)


RELIABLE = ("pti", "buffer_index", "buffer", "peak_time")
PERIODICAL = ("lottr", "tttr")
SUMS = ("vmt", "vht", "q", "delay_", "lost_", "person_delay", "phed")
_HOURLY = ("vmt", "vht", "q", "delay_35", "delay_40", "delay_45", "delay_50", "delay_55",
           "delay_60", "delay_free", "lost_35", "lost_60")
NAMES = (
    "speed", "flow", "flow_lane", "occupancy", "density", "gfactor_speed", "speed_hour",
    "speed_time_mean", "los_freeway", "los_urban_hcm2000", "los_urban_hcm2010",
    *_HOURLY, *(f"{name}_day" for name in _HOURLY), "person_delay_day", "phed_day",
    "congested_hours", "congested_travel", *RELIABLE, *PERIODICAL,
)
"""What this file recomputes."""
