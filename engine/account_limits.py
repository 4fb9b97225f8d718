"""The steps of days and hours above the EU's limit values, and of ozone's peak season."""

from collections.abc import Callable
from datetime import date
from typing import cast

import numpy as np

from engine.account import Account, Coverage, Json, Look, Recipe, Step, number
from engine.account_air import panes_of
from engine.account_years import URL_2030, WHO_URL, rows_kept
from engine.air import POLLUTANTS
from engine.air_days import HOURS_MIN
from engine.air_limit_days import (
    EU_FACTOR,
    SEASON_LIMIT,
    AirLimits,
    twelve_months,
)
from engine.air_limits import (
    ABOVE,
    ALERT,
    DAY_LIMITS,
    DAY_PARTS,
    HOUR_LIMITS,
    HOUR_PARTS,
    KNOWN,
    O3_HIGH,
)
from engine.air_years import WHO_FACTOR, first_of_years
from engine.catalogue import POSITION
from engine.limits_2030 import HOUR_PARTS_2030
from engine.pollutants import CO, O3

EU_URL = "https://eur-lex.europa.eu/eli/dir/2008/50/oj"
_EU = "2008/50/EC Annex XI"


def _value(look: Look) -> float:
    """What the engine says of the window."""
    result = look.family.compute(*look.at(look.window), look.now_min, look.panes)
    return float(result.value[0, look.family.indicators.index(POSITION[look.entry.key])])


def _own_day(look: Look, part: int) -> list[tuple[int, int, int, int]]:
    """The hours of the window's own day; those of the days before are told as rows."""
    ends, lengths = cast(AirLimits, look.family).hours_of_days(*look.at(look.window))
    hours = int(lengths[0]) + (7 if part in (O3, CO) else 0)
    return panes_of(look, [part], int(ends[0]), [hours])


def _kept(look: Look, first: int) -> list[tuple[int, np.ndarray]]:
    return rows_kept(look, cast(AirLimits, look.family).book, first)


def _first(window: int) -> int:
    return int(first_of_years(np.array([window], np.int64))[0])


def _days(column: int) -> Callable[[Look], Account]:
    part = DAY_PARTS[column]
    factor, average = float(EU_FACTOR[part]), "8h" if part in (O3, CO) else "24h"

    def steps(look: Look) -> Account:
        value, first = _value(look), _first(look.window)
        rows: list[Json] = [
            [date.fromordinal(day).isoformat(), number(float(kept[column]) * factor)]
            for day, kept in _kept(look, first) if not np.isnan(kept[column])
        ]
        told = [Step(
            "days above the limit", "days since 1 January whose value / limit, to 1e-9, is above "
            f"1; those without {HOURS_MIN} hours are not known",
            {"limit": number(DAY_LIMITS[column]), "factor": number(factor), "average": average,
             "columns": ["day", "mgm3" if part == CO else "ugm3"], "rows": rows},
            {"days": number(value), "known": len(rows)}, _EU,
        )]
        owed = look.window - first + 1
        return Account(told, Coverage(len(rows), owed, "days", "any day"), _own_day(look, part))
    return steps


def _hours(column: int) -> Callable[[Look], Account]:
    part = HOUR_PARTS[column]

    def steps(look: Look) -> Account:
        value, first = _value(look), _first(look.window)
        rows: list[Json] = [
            [date.fromordinal(day).isoformat(), *map(int, kept[[ABOVE + column, KNOWN + column]])]
            for day, kept in _kept(look, first) if kept[KNOWN + column]
        ]
        known = sum(row[2] for row in rows)
        told = [Step(
            "hours above the limit", "hours since 1 January whose mean * factor / limit, to 1e-9, "
            "is above 1, by day",
            {"limit": number(HOUR_LIMITS[column]), "factor": number(EU_FACTOR[part]),
             "columns": ["day", "above", "known"], "rows": rows},
            {"hours": number(value), "known": known}, look.entry.standard,
        )]
        owed = 24 * (look.window - first + 1)
        return Account(told, Coverage(known, owed, "hours", "any hour"), panes_of(
            look, [part], *_span(look)))
    return steps


def _span(look: Look) -> tuple[int, list[int]]:
    ends, lengths = cast(AirLimits, look.family).hours_of_days(*look.at(look.window))
    return int(ends[0]), [int(lengths[0])]


def _season(look: Look) -> Account:
    value = _value(look)
    months = twelve_months(np.array([look.window], np.int64))[0]
    factor = float(WHO_FACTOR[O3])
    rows: list[Json] = [
        [date.fromordinal(day).isoformat(), number(float(kept[O3_HIGH]) * factor)]
        for day, kept in _kept(look, int(months[0]))
        if day < months[-1] and not np.isnan(kept[O3_HIGH])
    ]
    starts = [date.fromordinal(day).isoformat() for day in months.tolist()]
    told = [Step(
        "peak season", "of each six consecutive months of the twelve that are over the mean of the "
        "days' largest 8-h means; 75 % of the days of the year and of the six months needed; the "
        "highest, / level",
        {"level": SEASON_LIMIT, "factor": number(factor), "months": starts,
         "columns": ["day", "ugm3"], "rows": rows},
        {"ratio": number(value), "known": len(rows)}, "WHO 2021, peak season",
    )]
    owed = int(months[-1] - months[0])
    return Account(told, Coverage(len(rows), owed, "days", "75 % of the days"), _own_day(look, O3))


def _since_year(window: int) -> range:
    return range(_first(window), window)


def _since_season(window: int) -> range:
    return range(int(twelve_months(np.array([window], np.int64))[0, 0]), window)


_YEAR_MIN, _RING_DAYS = 367 * 1440, 369
_SEASON_MIN, _SEASON_DAYS = 399 * 1440, 401

RECIPES: dict[str, Recipe] = {
    **{f"air.eu_days_{POLLUTANTS[part]}": Recipe(
        (POLLUTANTS[part],), _YEAR_MIN, _days(column), EU_URL, lead=_since_year,
        hour_days=_RING_DAYS) for column, part in enumerate(DAY_PARTS)},
    **{f"air.eu_hours_{POLLUTANTS[part]}": Recipe(
        (POLLUTANTS[part],), _YEAR_MIN, _hours(column), EU_URL, lead=_since_year,
        hour_days=_RING_DAYS) for column, part in enumerate(HOUR_PARTS[:ALERT])},
    "air.eu_alert_hours_o3": Recipe(
        ("o3",), _YEAR_MIN, _hours(ALERT), EU_URL, lead=_since_year, hour_days=_RING_DAYS),
    **{f"air.eu2030_hours_{POLLUTANTS[part]}": Recipe(
        (POLLUTANTS[part],), _YEAR_MIN, _hours(HOUR_PARTS.index(part)), URL_2030,
        lead=_since_year, hour_days=_RING_DAYS) for part in HOUR_PARTS_2030},
    "air.who_o3_season": Recipe(
        ("o3",), _SEASON_MIN, _season, WHO_URL, lead=_since_season, hour_days=_SEASON_DAYS),
}
