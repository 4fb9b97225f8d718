"""Recomputes a value and its level from an explanation alone, by the standards' own words.

Imports nothing of the project: what it knows it reads from the JSON that `explain` prints.
Panes are taken as printed (exact sums, readings, minutes); everything after them is done anew.
"""

import itertools
import math
from typing import Any

from tests import evaluated_air
from tests.evaluated_air import hours_of as _hours

Answer = dict[str, Any]
POLLUTANTS = ("pm25", "pm10", "o3", "co", "so2", "no2")
AQI = ((0, 50), (51, 100), (101, 150), (151, 200), (201, 300), (301, 500))
# Concentrations of each category as EPA-454/B-24-002 prints them: (low, high) a category.
TABLES: dict[tuple[str, int], tuple[float, list[tuple[float, float] | None]]] = {
    ("pm25", 24): (0.1, [(0, 9.0), (9.1, 35.4), (35.5, 55.4), (55.5, 125.4), (125.5, 225.4),
                         (225.5, 325.4)]),
    ("pm10", 24): (1, [(0, 54), (55, 154), (155, 254), (255, 354), (355, 424), (425, 604)]),
    ("o3", 8): (0.001, [(0, 0.054), (0.055, 0.070), (0.071, 0.085), (0.086, 0.105),
                        (0.106, 0.200), None]),
    ("o3", 1): (0.001, [None, None, (0.125, 0.164), (0.165, 0.204), (0.205, 0.404),
                        (0.405, 0.604)]),
    ("co", 8): (0.1, [(0, 4.4), (4.5, 9.4), (9.5, 12.4), (12.5, 15.4), (15.5, 30.4),
                      (30.5, 50.4)]),
    ("so2", 1): (1, [(0, 35), (36, 75), (76, 185), (186, 304), None, None]),
    ("so2", 24): (1, [None, None, None, None, (305, 604), (605, 1004)]),
    ("no2", 1): (1, [(0, 53), (54, 100), (101, 360), (361, 649), (650, 1249), (1250, 2049)]),
}
LEVELS = {
    "aqi": (50, 100, 150, 200, 300), "tti": (1.5, 2.5), "completeness": (90, 75), "plain": (),
    "flat": (0,),
}
HOUR_MS, MINUTE_MS = 3_600_000, 60_000


def kind_of(indicator: str) -> str:
    """Which levels an indicator has."""
    if "us_aqi" in indicator:
        return "aqi"
    if "tti" in indicator:
        return "tti"
    if indicator == "dq.flat_line":
        return "flat"
    return "completeness" if indicator.startswith("dq.completeness") else "plain"


def level(indicator: str, value: float | None) -> int:
    """The level of a value."""
    if value is None:
        return -1
    if evaluated_air.knows(indicator):
        return evaluated_air.level(indicator, value)
    limits = LEVELS[kind_of(indicator)]
    if indicator.startswith("dq.completeness"):
        return sum(value < limit for limit in limits)
    return sum(value > limit for limit in limits)


def recompute(answer: Answer) -> float | None:
    """The value that the explanation yields; None where data are insufficient."""
    if answer["scope"] != "station":
        return _area(answer)
    domain, _, name = answer["indicator"].partition(".")
    of = {"air": _air, "traffic": _traffic, "energy": _energy, "dq": _quality}[domain]
    return of(answer, name)


# ---- areas

def _area(answer: Answer) -> float | None:
    rule = answer["standard"]["area"]
    have = [row for row in answer["members"] if row["value"] is not None]
    if rule == "coincident":
        return _coincident(answer)
    if not have:
        return None
    if rule == "worst":
        return float(max(row["value"] for row in have))
    if rule == "sum":
        ok = len(have) >= 0.75 * len(answer["members"])
        return float(sum(row["value"] for row in have)) if ok else None
    weight = sum(row["weight"] for row in have)
    return float(sum(row["value"] * row["weight"] for row in have) / weight) if weight else None


def _coincident(answer: Answer) -> float | None:
    found = answer["steps"][0]["found"]
    if not found["days"]:
        return None
    peak = max(row[1] for row in found["days"])
    end_ms = min(row[2] for row in found["days"] if row[1] == peak)
    assert end_ms == found["peak_end_ms"]
    parts = [part for part in found["parts"].values() if part is not None]
    assert math.isclose(sum(parts), peak, rel_tol=1e-9)
    if "load_factor" in answer["indicator"]:
        days = found["days"] + found["without_a_block"]
        if answer["indicator"].endswith("_day"):
            days = [max(days)]
        complete, owed = (sum(row[k] for row in days) for k in (4, 5))
        ok = 4 * complete >= 3 * owed
        return float(sum(row[3] for row in days) / complete / max(
            row[1] for row in days)) if ok and complete else None
    return float(peak) if answer["indicator"].endswith("peak") else end_ms / 1000


# ---- air

def _cut(value: float, step: float) -> int:
    return max(math.floor(value / step + 1e-6), 0)


def index(pollutant: str, hours: int, value: float | None) -> float | None:
    """Index of one concentration by linear interpolation between the breakpoints."""
    if value is None:
        return None
    step, table = TABLES[pollutant, hours]
    cut = _cut(value, step)
    rows = [(round(row[0] / step), round(row[1] / step), *AQI[i])
            for i, row in enumerate(table) if row is not None]
    if cut < rows[0][0]:
        return None
    for low, high, i_low, i_high in rows:
        if cut <= high:
            return math.floor((i_high - i_low) * (cut - low) / (high - low) + i_low + 0.5)
    if rows[-1][3] < 500:  # the table ends before the last category
        return 200 if pollutant == "so2" else None
    low, high, i_low, i_high = rows[-1]
    return math.floor((i_high - i_low) * (cut - low) / (high - low) + i_low + 0.5)


def mean(hours: list[float | None]) -> float | None:
    """Mean of hours with 75 % of them, below zero as zero."""
    valid = [max(hour, 0.0) for hour in hours if hour is not None]
    return sum(valid) / len(valid) if 4 * len(valid) >= 3 * len(hours) else None


def largest(values: list[float | None]) -> float | None:
    """The largest of 24, of which 18 must be there."""
    valid = [max(value, 0.0) for value in values if value is not None]
    return max(valid) if 4 * len(valid) >= 3 * 24 else None


def nowcast(hours: list[float | None]) -> float | None:
    """NowCast of 12 hours, newest first."""
    if sum(hour is not None for hour in hours[:3]) < 2:
        return None
    valid = [max(hour, 0.0) for hour in hours if hour is not None]
    if max(valid) == 0:
        return 0.0
    weight = max(min(valid) / max(valid), 0.5)
    pairs = [(weight**age, max(hour, 0.0)) for age, hour in enumerate(hours) if hour is not None]
    return sum(w * hour for w, hour in pairs) / sum(w for w, _ in pairs)


def _reported(pollutant: str, value: float | None) -> float | None:
    step = TABLES[pollutant, 24][0]
    return None if value is None else _cut(value, step) / round(1 / step)


def _ozone(of_8h: float | None, of_1h: float | None) -> float | None:
    parts = [index("o3", 8, None if of_8h is None else of_8h / 1000),
             index("o3", 1, None if of_1h is None else of_1h / 1000)]
    return max((part for part in parts if part is not None), default=None)


def _sulphur(of_1h: float | None, of_24h: float | None) -> float | None:
    if of_1h is not None and _cut(of_1h, 1) >= 305:
        of_day = index("so2", 24, of_24h)
        if of_day is not None:
            return of_day
    return index("so2", 1, of_1h)


def _now(answer: Answer, pollutant: str) -> float | None:
    end = answer["window"]["end_ms"]
    hours = _hours(answer, pollutant, end, 24)[::-1]
    if pollutant in ("pm25", "pm10"):
        return index(pollutant, 24, _reported(pollutant, nowcast(hours[:12])))
    if pollutant == "o3":
        return _ozone(mean(hours[:8]), hours[0])
    if pollutant == "co":
        return index("co", 8, mean(hours[:8]))
    if pollutant == "so2":
        return _sulphur(hours[0], mean(hours))
    return index("no2", 1, hours[0])


def _day(answer: Answer, pollutant: str) -> float | None:
    hours = _hours(answer, pollutant, answer["window"]["end_ms"], 31)
    running = [mean(hours[last - 7 : last + 1]) for last in range(7, 31)]
    day = hours[7:]
    if pollutant in ("pm25", "pm10"):
        return index(pollutant, 24, mean(day))
    if pollutant == "o3":
        return _ozone(largest(running), largest(day))
    if pollutant == "co":
        return index("co", 8, largest(running))
    if pollutant == "so2":
        return _sulphur(largest(day), mean(day))
    return index("no2", 1, largest(day))


def _air(answer: Answer, name: str) -> float | None:
    if evaluated_air.knows(f"air.{name}"):
        return evaluated_air.recompute(answer, name)
    if name.startswith("nowcast_"):
        pollutant = name.removeprefix("nowcast_")
        hours = _hours(answer, pollutant, answer["window"]["end_ms"], 12)[::-1]
        return _reported(pollutant, nowcast(hours))
    if name in ("us_aqi", "us_aqi_day"):
        of = _day if name == "us_aqi_day" else _now
        parts = [of(answer, pollutant) for pollutant in POLLUTANTS]
        return max((part for part in parts if part is not None), default=None)
    return _now(answer, name.removeprefix("us_aqi_"))


# ---- traffic

def _speeds(answer: Answer) -> dict[int, float]:
    """Space-mean speed of each 5-minute bin (start, ms) that has one."""
    lanes: dict[int, dict[tuple[str, str], list[int]]] = {}
    counted: dict[int, dict[tuple[str, str], float]] = {}
    for series in answer["inputs"]:
        lane = (series["device"], series["channel"])
        for start, _, n, total, covered in series.get("panes", {}).get("rows", []):
            if series["quantity"] == "speed":
                lanes.setdefault(start, {})[lane] = [n, total, covered]
            elif series["quantity"] == "count" and covered:
                counted.setdefault(start, {})[lane] = total / covered
    out = {}
    for start, of in lanes.items():
        vehicles = counted.get(start, {})
        paired = all(lane in vehicles for lane in of)
        weight = {lane: vehicles[lane] if paired else row[0] for lane, row in of.items()}
        slowness = sum(weight[lane] * row[1] / row[0] for lane, row in of.items())
        seen = not vehicles or sum(vehicles.values()) > 0
        if max(row[2] for row in of.values()) >= 4 and slowness > 0 and seen:
            out[start] = sum(weight.values()) * 1e12 / slowness
    return out


def _found(answer: Answer, step: str) -> dict[str, Any]:
    found: dict[str, Any] = next(s["found"] for s in answer["steps"] if s["name"] == step)
    return found


def _traffic(answer: Answer, name: str) -> float | None:
    if name == "ffs":
        return _free_flow(answer)
    free = _found(answer, "free-flow speed")["free_flow_kmh"]
    speeds = _speeds(answer)
    if free is None:
        return None
    if name == "tti":
        speed = speeds.get(answer["window"]["start_ms"])
        return None if speed is None else round(free / speed, 9)
    peaks = [_found(answer, f"{word} peak") for word in ("morning", "evening")]
    if any(4 * peak["valid"] < 3 * peak["of"] for peak in peaks):
        return None
    assert sum(peak["valid"] for peak in peaks) == len(speeds)
    return round(sum(free / speed for speed in speeds.values()) / len(speeds), 9)


def _free_flow(answer: Answer) -> float | None:
    bins = sorted(speed for _, day in _found(answer, "off-peak bins")["days"] for speed in day)
    posted = answer["inputs"][0]["rows"][-1]["posted_kmh"] if answer["inputs"] else (
        _last_given(answer)["posted_kmh"])
    if len(bins) < 200:
        return posted or None
    at = 0.85 * (len(bins) - 1)
    below = math.floor(at)
    value: float = bins[below] + (at - below) * (bins[min(below + 1, len(bins) - 1)] - bins[below])
    return min(max(value, 0.8 * posted), 1.3 * posted) if posted else value


def _last_given(answer: Answer) -> dict[str, Any]:
    given: dict[str, Any] = answer["steps"][-1]["given"]
    return given


# ---- energy

def _block(answer: Answer, start_ms: int) -> float | None:
    """Demand of the block that starts then: the sum over the meters."""
    meters = [row for row in answer["inputs"] if _there(row)]
    power = {(row["device"], row["channel"]) for row in meters if row["quantity"] == "power"}
    parts = []
    for series in meters:
        if series["quantity"] == "power":
            rows = [row for row in series.get("panes", {}).get("rows", []) if row[0] == start_ms]
            enough = rows and 4 * rows[0][4] >= 3 * 15
            parts.append(rows[0][3] / (rows[0][2] * 1e6) if enough else None)
        elif (series["device"], series["channel"]) not in power:
            parts.append(_register(series, start_ms))
    known = [part for part in parts if part is not None]
    return sum(known) if known and len(known) == len(parts) else None


def _register(series: dict[str, Any], start_ms: int) -> float | None:
    """Demand of a block by register differences; no rollover, no reset."""
    start, end = start_ms * 1e6, (start_ms + 15 * MINUTE_MS) * 1e6
    gap = (min(2 * series["rows"][0]["period_s"], 900) + 60) * 1e9
    readings: list[tuple[float, float]] = []
    for row in sorted(series["panes"]["rows"]):
        readings += [(row[3], row[4]), (row[5], row[6])]
    energy = known = measured = 0.0
    for (t0, v0), (t1, v1) in itertools.pairwise(readings):
        inside = min(t1, end) - max(t0, start)
        if t1 <= t0 or inside <= 0:
            continue
        energy += (v1 - v0) * inside / (t1 - t0)
        known += inside
        measured += inside if inside == t1 - t0 or t1 - t0 <= gap else 0
    return energy * 3.6e12 / known if known and 4 * measured >= 3 * (end - start) else None


def _there(series: dict[str, Any]) -> bool:
    return series["began_ms"] is not None


def _sliding(answer: Answer) -> float | None:
    total = 0.0
    meters = [step for step in answer["steps"] if step["name"] == "demand of a meter"]
    for step in meters:
        series = next(row for row in answer["inputs"] if row["series"] == step["given"]["series"])
        rows = series.get("panes", {}).get("rows", [])
        end_ms = step["given"]["until_ms"]
        if series["quantity"] == "energy":
            part = _register(series, end_ms - 15 * MINUTE_MS)
            if part is None:
                return None
            total += part
            continue
        inside = [row for row in rows if end_ms - 15 * MINUTE_MS <= row[0] < end_ms]
        covered = (inside[0][4] if inside and inside[0][1] == 15 else
                   min(sum(row[4] for row in inside), 15))
        n = sum(row[2] for row in inside)
        if not n or 4 * covered < 3 * 15:
            return None
        total += sum(row[3] for row in inside) / (n * 1e6)
    return total if meters else None


def _energy(answer: Answer, name: str) -> float | None:
    if name == "demand_15min":
        return _block(answer, answer["window"]["start_ms"])
    if name == "demand_sliding":
        return _sliding(answer)
    starts = {row[0] for series in answer["inputs"] if series["quantity"] == "power"
              for row in series.get("panes", {}).get("rows", [])}
    blocks = {start: _block(answer, start) for start in sorted(starts)}
    known = {start: value for start, value in blocks.items() if value is not None}
    if not known:
        return None
    if name.startswith("load_factor"):
        given, since = _last_given(answer), answer["window"]["start_ms"]
        of = [value for start, value in known.items() if name == "load_factor" or start >= since]
        assert len(of) == given["complete"]
        return sum(of) / len(of) / max(of) if of and 4 * len(of) >= 3 * given["of"] else None
    peak = max(known.values())
    if name == "demand_peak":
        return peak
    return min(start for start, value in known.items() if value == peak) / 1000 + 15 * 60


# ---- data quality

def _quality(answer: Answer, name: str) -> float | None:
    if name == "flat_line":
        rows = answer["steps"][0]["found"]["rows"]
        held = {row["series"] for row in answer["inputs"]} if answer["inputs"] else set()
        assert not held or len(rows) <= len(held)
        stuck = [row[3] - row[2] < row[4] - 1e-9 and not row[2] == row[3] == row[5] for row in rows]
        return float(sum(stuck)) if rows else None
    end_ms, start_ms = answer["window"]["end_ms"], answer["window"]["start_ms"]
    step_ms = {"completeness": HOUR_MS, "completeness_24h": HOUR_MS}.get(name, 24 * HOUR_MS)
    count = {"completeness": 1, "completeness_24h": 24}.get(name, 30)
    start_ms = end_ms - count * step_ms
    begun = {row[0]: row[4] for row in answer["steps"][0]["found"]["rows"]}
    had, owed = 0, 0.0
    for series in answer["inputs"]:
        panes = series.get("panes", {}).get("rows", [])
        begun_ms = begun[series["series"]]
        for first_ms in range(start_ms, end_ms, step_ms):
            due = _due(answer, series, max(first_ms, begun_ms), min(first_ms + step_ms, end_ms))
            had += min(sum(row[2] for row in panes if row[0] == first_ms), math.ceil(due))
            owed += due
    return min(100.0, 100.0 * had / owed) if owed else None


def _due(answer: Answer, series: Answer, first_ms: int, last_ms: int) -> float:
    """Readings that a series owes by its dated rows."""
    rows, due = series["rows"], 0.0
    for i, row in enumerate(rows):
        since = max(first_ms, row["valid_from_ms"] if i else first_ms)
        until = min(rows[i + 1]["valid_from_ms"] if i + 1 < len(rows) else last_ms, last_ms)
        if row["status"] == "active" and row["key"] == answer["place"] and until > since:
            due += (until - since) / 1000 / row["period_s"]
    return due
