"""The steps of the air indicators: US AQI now and of the day, its parts, NowCast.

Standards: as `engine.us_aqi` and `engine.nowcast`.
"""

from collections.abc import Callable

import numpy as np

from engine.account import (
    NEWEST_FIRST,
    Account,
    Coverage,
    Look,
    Recipe,
    Step,
    number,
    numbers,
)
from engine.air import DAY_HOURS, LOOK_BACK_H, POLLUTANTS, hours_of
from engine.family import Floats
from engine.nowcast import NOWCAST_HOURS, nowcast_pm, report
from engine.panes import HOUR
from engine.pollutants import CO, NO2, O3, PM10, PM25, SO2
from engine.us_aqi import (
    AVERAGES_H,
    SO2_24H_FROM_PPB,
    hours_mean,
    o3_index,
    segment,
    so2_index,
    sub_index,
)

EPA_URL = (
    "https://www.ecfr.gov/current/title-40/chapter-I/subchapter-C/part-58/"
    "appendix-Appendix%20G%20to%20Part%2058"
)
NOWCAST_URL = "https://forum.airnowtech.org/t/172"
_HOURLY = "sum / n of each hour with data in at least 45 of its 60 minutes"
_INDEX = "(I_high - I_low) / (C_high - C_low) * (C - C_low) + I_low, rounded, one half upwards"
_TAD = "EPA-454/B-24-002, table of breakpoints"
_G = "40 CFR Part 58 Appendix G"
_STEPS = {PM25: 10.0, PM10: 1.0}
_UNITS = ("µg/m³", "µg/m³", "ppb", "ppm", "ppb", "ppb")
_CUT = ("0.1 µg/m³", "1 µg/m³", "0.001 ppm", "0.1 ppm", "1 ppb", "1 ppb")


def hours_used(look: Look, last_hour: int, count: int) -> Floats:
    """float64[6, count], newest first, as the indicators see them."""
    means, _ = hours_of(look.family.members, *look.at(last_hour), look.panes, count)
    found: Floats = means[0]
    return found


def _index(row: int, average_h: int, conc: float) -> Step:
    """The index of one concentration, in the unit of the table of breakpoints."""
    value = sub_index(row, average_h, conc)
    given = {"average_h": average_h, "concentration": number(conc), "cut_to": _CUT[row]}
    line = segment(row, average_h, conc)
    if line is not None:
        names = ("C", "C_low", "C_high", "I_low", "I_high")
        given |= {name: number(x) for name, x in zip(names, line, strict=True)}
    name = f"index of {POLLUTANTS[row]}, {average_h} h"
    return Step(name, _INDEX, given, {"index": number(value)}, _TAD)


def hourly(row: int, means: Floats) -> Step:
    """The step that all of air begins with."""
    return Step(
        f"hourly means of {POLLUTANTS[row]}", _HOURLY, {"unit": _UNITS[row], "from": "inputs"},
        {"means": numbers(means), "order": NEWEST_FIRST}, "2008/50/EC Annex VII.A.2",
    )


def nowcast_steps(row: int, means: Floats) -> tuple[list[Step], float]:
    """NowCast of 12 hourly means, newest first: the steps, and the value as reported."""
    hours = np.ascontiguousarray(means[:NOWCAST_HOURS])
    value = nowcast_pm(hours)
    there = np.maximum(hours[~np.isnan(hours)], 0.0)
    low, high = (there.min(), there.max()) if len(there) else (np.nan, np.nan)
    weight = max(low / high, 0.5) if len(there) and high > 0 else np.nan
    reported = report(value, _STEPS[row])
    clause = "EPA fact sheet P100X0J6"
    return [
        hourly(row, hours),
        Step("weight", "w = max(min / max, 0.5)", {"min": number(low), "max": number(high)},
             {"w": number(weight)}, clause),
        Step("NowCast", "sum of w^age * mean / sum of w^age; 2 of the 3 newest hours needed",
             {"w": number(weight), "recent": int((~np.isnan(hours[:3])).sum())},
             {"nowcast": number(value)}, clause),
        Step("reported", f"cut to {_CUT[row]}", {"nowcast": number(value)},
             {"reported": number(reported)}, _G),
    ], reported


def _mean_of(hours: Floats, count: int, name: str) -> tuple[Step, float]:
    """Mean of `count` hours, the first `count` of the row."""
    value = hours_mean(np.ascontiguousarray(hours[:count]), 0, count)
    given = {"hours": count, "valid": int((~np.isnan(hours[:count])).sum())}
    rule = f"mean, below zero as zero; {-(-count * 3 // 4)} of {count} hours needed"
    return Step(name, rule, given, {"mean": number(value)}, _G), value


def now_steps(row: int, means: Floats) -> tuple[list[Step], float]:
    """The sub-index of one pollutant now; means: float64[24], newest first."""
    if row in _STEPS:
        steps, reported = nowcast_steps(row, means)
        return [*steps, _index(row, 24, reported)], sub_index(row, 24, reported)
    if row == O3:
        mean, of_8h = _mean_of(means, 8, "8-h mean of o3")
        value = o3_index(of_8h, means[0])
        parts = [hourly(row, means[:8]), mean, _index(O3, 8, of_8h / 1000.0),
                 _index(O3, 1, means[0] / 1000.0)]
        return [*parts, _larger(parts[-2:], value)], value
    if row == CO:
        mean, of_8h = _mean_of(means, 8, "8-h mean of co")
        return [hourly(row, means[:8]), mean, _index(CO, 8, of_8h)], sub_index(CO, 8, of_8h)
    if row == SO2:
        mean, of_24h = _mean_of(means, 24, "24-h mean of so2")
        return _so2([hourly(row, means), mean], means[0], of_24h)
    return [hourly(row, means[:1]), _index(NO2, 1, means[0])], sub_index(NO2, 1, means[0])


def _so2(steps: list[Step], of_1h: float, of_24h: float) -> tuple[list[Step], float]:
    value = so2_index(of_1h, of_24h)
    parts = [_index(SO2, 1, of_1h), _index(SO2, 24, of_24h)]
    rule = f"1-h index; from {SO2_24H_FROM_PPB:g} ppb the 24-h index, or 200 where it has none"
    given = {"of_1h": parts[0].found["index"], "of_24h": parts[1].found["index"],
             "mean_1h": number(of_1h)}
    last = Step("index of so2", rule, given, {"index": number(value)}, _TAD)
    return [*steps, *parts, last], value


def _larger(parts: list[Step], value: float) -> Step:
    given = {f"of_{step.given['average_h']}h": step.found["index"] for step in parts}
    rule = "the larger; 1 h counts from 0.125 ppm, 8 h up to 0.200 ppm"
    return Step("index of o3", rule, given, {"index": number(value)}, _TAD)


def day_steps(row: int, hours: Floats) -> tuple[list[Step], float]:
    """The sub-index of one pollutant of a day; hours: float64[31], oldest first."""
    day = hours[7:]
    steps = [Step(
        f"hourly means of {POLLUTANTS[row]}", _HOURLY, {"unit": _UNITS[row], "from": "inputs"},
        {"means": numbers(hours), "order": "oldest first, 7 hours before the day"},
    )]
    valid = int((~np.isnan(day)).sum())
    largest = float(np.nanmax(np.maximum(day, 0.0))) if 4 * valid >= 72 else np.nan
    hour = Step("largest hour", "largest of the day's hours; 18 of 24 needed", {"valid": valid},
                {"mean": number(largest)}, _G)
    mean, of_24h = _mean_of(day, 24, f"mean of the day of {POLLUTANTS[row]}")
    if row in (PM25, PM10):
        return [*steps, mean, _index(row, 24, of_24h)], sub_index(row, 24, of_24h)
    if row in (NO2, SO2):
        if row == SO2:
            return _so2([*steps, hour, mean], largest, of_24h)
        return [*steps, hour, _index(row, 1, largest)], sub_index(row, 1, largest)
    running = np.array([hours_mean(hours, last - 7, 8) for last in range(7, 31)])
    ended = int((~np.isnan(running)).sum())
    of_8h = float(np.nanmax(running)) if 4 * ended >= 72 else np.nan
    steps.append(Step(
        "largest running 8-h mean", "of those that end in the day; 6 of 8 hours, 18 of 24 means "
        "needed", {"means": numbers(running), "valid": ended}, {"mean": number(of_8h)}, _G,
    ))
    if row == CO:
        return [*steps, _index(CO, 8, of_8h)], sub_index(CO, 8, of_8h)
    value = o3_index(of_8h, largest)
    parts = [_index(O3, 8, of_8h / 1000.0), _index(O3, 1, largest / 1000.0)]
    return [*steps, hour, *parts, _larger(parts, value)], value


def _worst(values: dict[str, float]) -> Step:
    known = {name: value for name, value in values.items() if not np.isnan(value)}
    cause = max(known, key=lambda name: known[name]) if known else None
    return Step(
        "worst of the pollutants", "the largest index", {k: number(v) for k, v in values.items()},
        {"index": number(known[cause]) if cause else None, "because_of": cause}, _G,
    )


def measured(look: Look) -> list[int]:
    """Pollutants that the station had a sensor for (of the last hour, or of the day)."""
    start = look.start_min
    return [row for row, name in enumerate(POLLUTANTS) if look.slots(name, start)]


def covered(means: Floats, rows: list[int], spans: list[int], rule: str) -> Coverage:
    """Hours had of those looked back on, of all pollutants together."""
    had = [int((~np.isnan(means[row, :span])).sum()) for row, span in zip(rows, spans, strict=True)]
    share = float(np.mean([h / s for h, s in zip(had, spans, strict=True)])) if rows else 0.0
    owed = float(sum(spans))
    return Coverage(share * owed, owed, "hours", rule)


def panes_of(look: Look, rows: list[int], last: int, spans: list[int]) -> list[
    tuple[int, int, int, int]
]:
    """The hours looked back on, of every series of the pollutants."""
    return [
        (slot, HOUR, last - span + 1, span)
        for row, span in zip(rows, spans, strict=True)
        for slot in look.slots(POLLUTANTS[row], look.end_min - 60 * span)
    ]


_RULE = (
    "45 of 60 minutes an hour; 75 % of the hours of a mean, of a NowCast 2 of the 3 newest"
)


def _now(row: int) -> Callable[[Look], Account]:
    def steps(look: Look) -> Account:
        means = hours_used(look, look.window, LOOK_BACK_H)
        told, _ = now_steps(row, means[row])
        span = [AVERAGES_H[row]]
        return Account(told, covered(means, [row], span, _RULE),
                       panes_of(look, [row], look.window, [_needed(row)]))
    return steps


def _needed(row: int) -> int:
    return 24 if row == SO2 else AVERAGES_H[row]


def _nowcast(row: int) -> Callable[[Look], Account]:
    def steps(look: Look) -> Account:
        means = hours_used(look, look.window, LOOK_BACK_H)
        told, _ = nowcast_steps(row, means[row])
        return Account(
            told, covered(means, [row], [12], "2 of the 3 newest of 12 hours"),
            panes_of(look, [row], look.window, [12]),
        )
    return steps


def _overall(look: Look) -> Account:
    means = hours_used(look, look.window, LOOK_BACK_H)
    rows = measured(look)
    told: list[Step] = []
    values = {}
    for row in rows:
        steps, values[POLLUTANTS[row]] = now_steps(row, means[row])
        told += steps
    return Account(
        [*told, _worst(values)], covered(means, rows, [AVERAGES_H[row] for row in rows], _RULE),
        panes_of(look, rows, look.window, [_needed(row) for row in rows]),
    )


def _day(look: Look) -> Account:
    last = (look.end_min + look.shift) // 60 - 1
    hours = min(last + 1 + -(look.start_min + look.shift) // 60, 24)
    means = hours_used(look, last, DAY_HOURS)
    means[:, hours:24] = np.nan  # a day of 23 hours, where the zone changed its standard time
    rows = measured(look)
    told: list[Step] = []
    values = {}
    for row in rows:
        steps, values[POLLUTANTS[row]] = day_steps(row, np.ascontiguousarray(means[row, ::-1]))
        told += steps
    return Account(
        [*told, _worst(values)], covered(means, rows, [hours] * len(rows), _RULE),
        panes_of(look, rows, last, [DAY_HOURS] * len(rows)),
    )


RECIPES: dict[str, Recipe] = {
    "air.us_aqi": Recipe(POLLUTANTS, 1440, _overall, EPA_URL),
    "air.us_aqi_day": Recipe(POLLUTANTS, 60 * DAY_HOURS, _day, EPA_URL),
    **{
        f"air.us_aqi_{name}": Recipe((name,), 60 * _needed(row), _now(row), EPA_URL)
        for row, name in enumerate(POLLUTANTS)
    },
    **{
        f"air.nowcast_{POLLUTANTS[row]}": Recipe(
            (POLLUTANTS[row],), 60 * NOWCAST_HOURS, _nowcast(row), NOWCAST_URL
        )
        for row in (PM25, PM10)
    },
}
