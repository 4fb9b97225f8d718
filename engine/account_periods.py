"""The steps of travel time reliability by the US performance rule: quarters, ratios, the greatest.

Standard: as `engine.travel_periods`.
"""

from datetime import date
from typing import cast

import numpy as np

from engine.account import Account, Coverage, Json, Look, Recipe, Step, number, numbers
from engine.account_roads import FLOW_RULE
from engine.account_traffic import SPEED_RULE
from engine.calendar import is_weekend, month_start
from engine.catalogue import POSITION
from engine.catalogue_traffic import PERIODS as ENTRIES
from engine.quarter_book import DAYS_MIN, EMPTY_KMH, FIRST, LAST, NIGHTS, OWED, WEEKEND
from engine.speed_book import BOOK_DAYS, SCALE
from engine.traffic import INPUTS
from engine.traffic_periods import TrafficPeriods
from engine.travel_periods import LATE, PERIODS, PERIODS_OF

URL = "https://www.ecfr.gov/current/title-23/chapter-I/subchapter-E/part-490"
_MONTH_DAYS = 32
_RULE = (
    f"{SPEED_RULE}; {FLOW_RULE}; a quarter of an hour is the mean of its bins that had a vehicle, "
    "sum of vehicles / sum of vehicles / speed, and of bins alike where one was not counted; it is "
    "absent with fewer than two bins that have a speed or were counted empty; to 0.01 km/h. Rows: "
    "day, period, quarters that are there, speeds of those that had a vehicle"
)


def _days(book_day: Json, kept: Json, window: int) -> list[Json]:
    """Rows of the month so far: day, period, quarters there, speeds."""
    rows: list[Json] = []
    for day in range(month_start(window), window + 1):
        column = day % BOOK_DAYS
        if book_day[column] != day:
            continue
        speeds = kept[column].astype(np.float64) / SCALE
        for period, name in enumerate(PERIODS):
            if period != NIGHTS and is_weekend(day) != (period == WEEKEND):
                continue
            part = speeds[FIRST[period] : LAST[period]]
            there = part[part > 0]
            rows.append([date.fromordinal(day).isoformat(), name, len(there),
                         numbers(there[there != EMPTY_KMH])])
    return rows


def _periods(look: Look) -> Account:
    family = cast(TrafficPeriods, look.family)
    measure = family.indicators.index(POSITION[look.entry.key])
    result = family.compute(*look.at(look.window), look.now_min, look.panes)
    value, n = float(result.value[0, measure]), int(result.n[0, measure])
    row = np.array([look.member], np.int64)
    first, last = (np.array([day], np.int64) for day in (month_start(look.window), look.window))
    _, ratios, counts = family.book.reliability(row, first, last)
    periods = PERIODS_OF[measure]
    told = [
        [PERIODS[p], int(counts[0, p, 0]), int(counts[0, p, 1]), number(ratios[0, measure, p])]
        for p in range(periods)
    ]
    steps = [
        Step("quarters", _RULE, {"from": "archive"}, {
            "days": _days(family.book.day[look.member], family.book.kept[look.member],
                          look.window), "quarters": n}),
        Step("ratios", "TT = 1 / speed of the days of each period with three quarters of its "
             f"{', '.join(map(str, OWED[:periods]))} quarters; percentile {LATE[measure]:.0%} / "
             "percentile 50 %, of type 7, to a hundredth, halves upwards; none with fewer than "
             f"{', '.join(map(str, DAYS_MIN[:periods]))} days. Rows: period, days, travel times, "
             "ratio", {"percentile": LATE[measure]}, {"periods": told}, look.entry.clause),
        Step("greatest", "the greatest ratio; none if a period has none", {"of": periods},
             {"value": number(value)}, look.entry.clause),
    ]
    scarce = int(np.argmin(counts[0, :periods, 0] / np.array(DAYS_MIN[:periods])))
    had, owed = float(counts[0, scarce, 0]), float(DAYS_MIN[scarce])
    return Account(steps, Coverage(min(had, owed), owed, "days", f"days of {PERIODS[scarce]} with "
                                   "75 % of their quarters; each period needs its own"))


def _month_before(window: int) -> range:
    return range(month_start(window), window)


RECIPES: dict[str, Recipe] = {
    entry.key: Recipe(INPUTS, _MONTH_DAYS * 1440, _periods, URL, ring_days=_MONTH_DAYS + 3,
                      lead=_month_before)
    for entry in ENTRIES
}
