"""The steps of the UK index: of an hour, its pollutants, and a civil day."""

from collections.abc import Callable
from typing import cast

import numpy as np

from engine.account import Account, Coverage, Look, Recipe, Step, number, numbers
from engine.account_air import covered, hourly, hours_used, measured, panes_of
from engine.air import LOOK_BACK_H, POLLUTANTS
from engine.air_years import AirYears
from engine.daqi import AVERAGES_MIN, PARTS, UPPERS, daqi, station_daqi
from engine.daqi_hours import QUARTERS_AN_HOUR, TO_UGM3, so2_highs
from engine.eaqi import whole
from engine.family import Floats
from engine.panes import QUARTER
from engine.pollutants import SO2
from engine.us_aqi import hours_mean

URL = "https://uk-air.defra.gov.uk/air-pollution/daqi"
_CLAUSE = "Defra, Update on Implementation of the DAQI (2013)"
_HIGH_RULE = (
    "sum / n of each quarter of an hour with data in at least 12 of its 15 minutes; the highest of "
    "the hour, 3 of 4 needed"
)
_RULE = "45 of 60 minutes an hour; 18 of 24 hours, 6 of 8 hours; of SO2 3 of 4 quarters"
Panes = list[tuple[int, int, int, int]]


def span_h(row: int) -> int:
    """Hours of the mean that a pollutant is held by, 1 for a quarter."""
    return max(AVERAGES_MIN[row] // 60, 1)


def _index(row: int, mean: float) -> list[Step]:
    """Conversion, rounding and index of one mean."""
    conc = mean * TO_UGM3[row]
    return [
        Step("concentration", "mean * factor (EU and UK: 20 °C, 101.3 kPa)",
             {"mean": number(mean), "factor": number(TO_UGM3[row])}, {"ugm3": number(conc)},
             "2008/50/EC Annex VI.C"),
        Step(f"index of {POLLUTANTS[row]}",
             "rounded half up; the first limit not exceeded, 10 above the last",
             {"rounded": number(whole(conc)), "limits": numbers(UPPERS[row])},
             {"index": number(daqi(row, conc))}, _CLAUSE),
    ]


def _highs(look: Look, last: int, hours: int) -> tuple[Floats, int]:
    """Highest 15-min mean of SO2 of each hour, newest first; quarters that the newest has."""
    row, window = look.at(last)
    highs, valid = so2_highs(look.family.members, row, window, look.panes, hours)
    found: Floats = highs[0]
    return found, int(valid[0, 0])


def _now(look: Look, row: int, means: Floats) -> tuple[list[Step], float]:
    """Steps and index of one pollutant of the hour; means: float64[24], newest first."""
    if row == SO2:
        highs, valid = _highs(look, look.window, 1)
        step = Step("highest 15-min mean of so2", _HIGH_RULE, {"from": "inputs", "valid": valid},
                    {"mean": number(highs[0])}, _CLAUSE)
        return [step, *_index(row, highs[0])], daqi(row, highs[0] * TO_UGM3[row])
    span = span_h(row)
    steps, mean = [hourly(row, means[:span])], float(means[0])
    if span > 1:
        mean = hours_mean(np.ascontiguousarray(means), 0, span)
        steps.append(Step(
            f"running {span}-h mean", f"below zero as zero; {span * 3 // 4} of {span} hours needed",
            {"valid": int((~np.isnan(means[:span])).sum())}, {"mean": number(mean)}, _CLAUSE,
        ))
    return [*steps, *_index(row, mean)], daqi(row, mean * TO_UGM3[row])


def _panes(look: Look, rows: list[int], last: int, hours: int) -> Panes:
    """Hours looked back on by `hours` windows, and the quarters of SO2."""
    others = [row for row in rows if row != SO2]
    found = panes_of(look, rows, last, [span_h(row) + hours - 1 for row in rows])
    if len(others) == len(rows):
        return found
    first, count = (last - hours + 1) * QUARTERS_AN_HOUR, hours * QUARTERS_AN_HOUR
    return found + [
        (slot, QUARTER, first, count)
        for slot in look.slots(POLLUTANTS[SO2], look.end_min - 60 * hours)
    ]


def _of(row: int) -> Callable[[Look], Account]:
    def steps(look: Look) -> Account:
        means = hours_used(look, look.window, LOOK_BACK_H)
        told, _ = _now(look, row, means[row])
        cover = covered(means, [row], [span_h(row)], _RULE)
        if row == SO2:
            cover = Coverage(_highs(look, look.window, 1)[1], QUARTERS_AN_HOUR, "quarters", _RULE)
        return Account(told, cover, _panes(look, [row], look.window, 1))
    return steps


def _worst(values: dict[str, float], rule: str) -> Step:
    known = {name: value for name, value in values.items() if not np.isnan(value)}
    cause = max(known, key=lambda name: known[name]) if known else None
    return Step(
        "worst of the pollutants", rule, {name: number(x) for name, x in values.items()},
        {"index": number(known[cause]) if cause else None, "because_of": cause}, _CLAUSE,
    )


def _hour(look: Look) -> Account:
    means = hours_used(look, look.window, LOOK_BACK_H)
    there = measured(look)
    rows = [row for row in PARTS if row in there]
    told: list[Step] = []
    values = {}
    for row in rows:
        steps, values[POLLUTANTS[row]] = _now(look, row, means[row])
        told += steps
    cover = covered(means, rows, [span_h(row) for row in rows], _RULE)
    return Account([*told, _worst(values, "the highest index")], cover,
                   _panes(look, rows, look.window, 1))


def _day(look: Look) -> Account:
    family = cast(AirYears, look.family)
    ends, lengths = family.hours_of_days(*look.at(look.window))
    last, hours = int(ends[0]), int(lengths[0])
    means = hours_used(look, last, hours + 23)
    highs, _ = _highs(look, last, hours)
    out = np.empty((1, 6))
    conc = np.ascontiguousarray((means * TO_UGM3[:, None])[None])
    station_daqi(conc, (highs * TO_UGM3[SO2])[None], lengths, out)
    there = measured(look)
    rows = [row for row in PARTS if row in there]
    told: list[Step] = []
    for row in rows:
        used = means[row, : hours + span_h(row) - 1]
        told += [hourly(row, used) if row != SO2 else Step(
            "highest 15-min mean of so2 in each hour", _HIGH_RULE, {"from": "inputs"},
            {"means": numbers(highs), "order": "newest first"}, _CLAUSE,
        ), Step(
            f"highest index of {POLLUTANTS[row]}",
            "the highest of the hours of the day, 75 % of them needed",
            {"average_h": AVERAGES_MIN[row] / 60, "factor": number(TO_UGM3[row]),
             "limits": numbers(UPPERS[row])},
            {"index": number(out[0, 1 + PARTS.index(row)])}, _CLAUSE,
        )]
    told.append(Step(
        "highest of the day", "the highest index of any pollutant in any hour, 75 % of the hours "
        "with one needed", {}, {"index": number(out[0, 0])}, _CLAUSE,
    ))
    return Account(told, covered(means, rows, [hours] * len(rows), _RULE),
                   _panes(look, rows, last, hours))


RECIPES: dict[str, Recipe] = {
    "air.daqi_uk": Recipe(POLLUTANTS, 60 * LOOK_BACK_H, _hour, URL),
    **{f"air.daqi_uk_{POLLUTANTS[row]}": Recipe(
        (POLLUTANTS[row],), 60 * span_h(row), _of(row), URL) for row in PARTS},
    "air.daqi_uk_day": Recipe(POLLUTANTS, 60 * 48, _day, URL),
}
