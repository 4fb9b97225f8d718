"""The steps of the daily ratios of WHO, days above a level, and annual means."""

from collections.abc import Callable
from datetime import date
from typing import cast

import numpy as np

from engine.account import Account, Coverage, Json, Look, Recipe, Step, number
from engine.account_air import covered, hourly, hours_used, panes_of
from engine.air import POLLUTANTS
from engine.air_days import DAY_PARTS, HOURS, HOURS_MIN, SUM, YEAR_DAYS, YEAR_HOURS, YEAR_PARTS
from engine.air_days import day_value as value_of_day
from engine.air_years import (
    AVERAGE,
    DAY_AQG,
    EU_FACTOR,
    U4SSC_FACTOR,
    U4SSC_SHARE,
    WHO_FACTOR,
    WHO_SHARE,
    WHO_YEAR,
    AirYears,
    first_of_years,
)
from engine.catalogue import POSITION
from engine.daybook import DayBook
from engine.limits_2030 import DAY_LIMITS_2030, DAY_PARTS_2030, YEAR_PARTS_EU, YEAR_SHARE
from engine.pollutants import CO, O3
from engine.who import LEVELS

WHO_URL = "https://www.who.int/publications/i/item/9789240034228"
U4SSC_URL = "https://u4ssc.itu.int/"
URL_2030 = "https://eur-lex.europa.eu/eli/dir/2024/2881/oj"
_WHO = "WHO 2021, table of guideline levels"
_2030 = "(EU) 2024/2881, limit values from 2030 on"
_RATIO = "ugm3 / level, to 1e-9; below zero as zero"


def _value(look: Look) -> float:
    """What the engine says of the window."""
    result = look.family.compute(*look.at(look.window), look.now_min, look.panes)
    return float(result.value[0, look.family.indicators.index(POSITION[look.entry.key])])


def _day(row: int) -> Callable[[Look], Account]:
    def steps(look: Look) -> Account:
        family = cast(AirYears, look.family)
        ends, lengths = family.hours_of_days(*look.at(look.window))
        last, hours = int(ends[0]), int(lengths[0])
        look_back = hours + 7 if row == O3 else hours
        means = hours_used(look, last, look_back)
        rows, *_ = family.rows(*look.at(look.window), look.panes)
        value = value_of_day(rows[0], DAY_PARTS.index(row))
        rule = (f"largest running 8-h mean that ends in the day, 6 of 8 hours, {HOURS_MIN} means "
                "needed" if row == O3 else f"mean of the day's hours, {HOURS_MIN} needed")
        limits = LEVELS[POLLUTANTS[row], AVERAGE[row]]
        told = [
            hourly(row, means[row]),
            Step("value of the day", rule, {"hours": hours}, {"mean": number(value)}, _WHO),
            Step("concentration", "mean * factor (WHO: 25 °C, 101.325 kPa)",
                 {"factor": number(WHO_FACTOR[row])}, {"ugm3": number(value * WHO_FACTOR[row])}),
            Step("ratio", _RATIO, {"level": number(limits[0]), "targets": list(limits[1:])},
                 {"ratio": number(_value(look))}, _WHO),
        ]
        return Account(told, covered(means, [row], [hours], f"{HOURS_MIN} of 24 hours"),
                       panes_of(look, [row], last, [look_back]))
    return steps


def _newest(look: Look, row: int) -> list[tuple[int, int, int, int]]:
    """The hours of the window's own day; those of the days before are told as rows."""
    ends, lengths = cast(AirYears, look.family).hours_of_days(*look.at(look.window))
    hours = int(lengths[0]) + (7 if row == O3 else 0)
    return panes_of(look, [row], int(ends[0]), [hours])


def rows_kept(look: Look, book: DayBook, first: int) -> list[tuple[int, np.ndarray]]:
    """Day and row of a book, of the days from `first` to the window's that have one."""
    found = []
    for day in range(first, look.window + 1):
        column = day % book.days
        if look.member < len(book.day) and book.day[look.member, column] == day:
            found.append((day, book.kept[look.member, column]))
    return found


def _kept(look: Look, first: int) -> list[tuple[int, np.ndarray]]:
    return rows_kept(look, cast(AirYears, look.family).book, first)


def _days_above(
    row: int, factor: float, level: float, average: str, clause: str
) -> Callable[[Look], Account]:
    column = DAY_PARTS.index(row)

    def steps(look: Look) -> Account:
        value = _value(look)
        first = int(first_of_years(np.array([look.window], np.int64))[0])
        rows: list[Json] = [
            [date.fromordinal(day).isoformat(), number(value_of_day(kept, column) * factor)]
            for day, kept in _kept(look, first)
        ]
        rows = [row for row in rows if row[1] is not None]
        told = [Step(
            "days above", "days since 1 January whose value / level, to 1e-9, is above 1; those "
            f"without {HOURS_MIN} hours are not known",
            {"level": number(level), "factor": number(factor), "average": average,
             "columns": ["day", "mgm3" if row == CO else "ugm3"], "rows": rows},
            {"days": number(value), "known": len(rows)}, clause,
        )]
        owed = look.window - first + 1
        return Account(told, Coverage(len(rows), owed, "days", "any day"), _newest(look, row))
    return steps


def _year(row: int, share: float, factor: float, level: float | None) -> Callable[[Look], Account]:
    column = YEAR_PARTS.index(row)

    def steps(look: Look) -> Account:
        value = _value(look)
        kept = [
            (day, float(of[HOURS + column]), float(of[SUM + column]))
            for day, of in _kept(look, look.window - YEAR_DAYS + 1)
        ]
        rows: list[Json] = [
            [date.fromordinal(day).isoformat(), int(hours), number(total)]
            for day, hours, total in kept if hours
        ]
        hours = sum(int(hours) for _, hours, _ in kept)
        mean = float(np.sum([total for *_, total in kept])) / hours if hours else np.nan
        given: dict[str, Json] = {"needed": share, "owed": YEAR_HOURS, "factor": number(factor)}
        told = [
            Step("days", "hours with 45 of 60 minutes of each day, and the sum of their means",
                 {"from": "archive"}, {"columns": ["day", "hours", "sum"], "rows": rows}),
            Step("mean of the year", "sum of the sums / sum of the hours * factor",
                 given | {"hours": hours}, {"ugm3": number(mean * factor)}, look.entry.clause),
        ]
        if level is not None:
            told.append(Step("ratio", _RATIO, {"level": level}, {"ratio": number(value)}, _WHO))
        rule = f"{share:.0%} of the hours of 365 days"
        return Account(told, Coverage(hours, YEAR_HOURS, "hours", rule), _newest(look, row))
    return steps


def _since_year(window: int) -> range:
    return range(int(first_of_years(np.array([window], np.int64))[0]), window)


def _year_before(window: int) -> range:
    return range(window - YEAR_DAYS + 1, window)


_TWO_DAYS = 48 * 60
_YEAR_MIN, _RING_DAYS = 367 * 1440, 369


def _long(row: int, steps: Callable[[Look], Account], url: str, year: bool) -> Recipe:
    lead = _year_before if year else _since_year
    return Recipe((POLLUTANTS[row],), _YEAR_MIN, steps, url, lead=lead, hour_days=_RING_DAYS)


RECIPES: dict[str, Recipe] = {
    **{f"air.who_{POLLUTANTS[row]}_{AVERAGE[row]}": Recipe(
        (POLLUTANTS[row],), _TWO_DAYS, _day(row), WHO_URL) for row in DAY_PARTS},
    **{f"air.who_days_{POLLUTANTS[row]}": _long(
        row, _days_above(row, float(WHO_FACTOR[row]), float(DAY_AQG[DAY_PARTS.index(row)]),
                         AVERAGE[row], _WHO), WHO_URL, year=False) for row in DAY_PARTS},
    **{f"air.eu2030_days_{POLLUTANTS[row]}": _long(
        row, _days_above(row, float(EU_FACTOR[row]), DAY_LIMITS_2030[row], "24h", _2030),
        URL_2030, year=False) for row in DAY_PARTS_2030},
    **{f"air.eu_year_{POLLUTANTS[row]}": _long(
        row, _year(row, YEAR_SHARE, float(EU_FACTOR[row]), None), URL_2030, year=True)
       for row in YEAR_PARTS_EU},
    **{f"air.year_{POLLUTANTS[row]}": _long(
        row, _year(row, U4SSC_SHARE, float(U4SSC_FACTOR[row]), None), U4SSC_URL, year=True)
       for row in YEAR_PARTS},
    **{f"air.who_{POLLUTANTS[row]}_year": _long(
        row, _year(row, WHO_SHARE, float(WHO_FACTOR[row]), LEVELS[POLLUTANTS[row], "annual"][0]),
        WHO_URL, year=True) for row in WHO_YEAR},
}
