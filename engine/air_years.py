"""Air at the end of each civil day: the UK index of the day, WHO 2021, days above, annual means.

A row of each day is kept for a year (`engine.daybook`); what is longer than a day is made of rows.
"""

from datetime import date

import numpy as np

from engine.air import POLLUTANTS, AirHours, hours_of, measured_inputs
from engine.air_book import DAY_HOURS_MAX, LOOK_BACK_H, AirBook
from engine.air_days import (
    DAY_COLUMNS,
    DAY_PARTS,
    YEAR_HOURS,
    YEAR_PARTS,
    day_row,
    day_values,
    year_sums,
)
from engine.catalogue import POSITION
from engine.conversion import factors
from engine.daqi import PARTS, station_daqi
from engine.daqi_hours import TO_UGM3, so2_highs
from engine.daybook import DayBook
from engine.family import NOT_MEASURED, Floats, Integers, Result, blank
from engine.limits_2030 import DAY_LIMITS_2030, DAY_PARTS_2030, YEAR_PARTS_EU, YEAR_SHARE
from engine.panes import Panes
from engine.pollutants import O3, SO2
from engine.who import LEVELS, who_ratios

U4SSC_SHARE, WHO_SHARE = 0.75, 0.9
"""Of the hours of a year, for the annual means of U4SSC and against the levels of WHO."""

WHO_FACTOR = factors("who", POLLUTANTS)
U4SSC_FACTOR = factors("u4ssc", POLLUTANTS)
WHO_YEAR = tuple(part for part in YEAR_PARTS if (POLLUTANTS[part], "annual") in LEVELS)
AVERAGE = {part: "8h" if part == O3 else "24h" for part in DAY_PARTS}
DAY_AQG = np.array([float(LEVELS[POLLUTANTS[part], AVERAGE[part]][0]) for part in DAY_PARTS])
"""Guideline levels of a day, by `DAY_PARTS`, µg/m³ (CO mg/m³)."""
_DAY_FACTOR = WHO_FACTOR[list(DAY_PARTS)]

NAMES = (
    "daqi_uk_day",
    *(f"who_{POLLUTANTS[part]}_{AVERAGE[part]}" for part in DAY_PARTS),
    *(f"who_days_{POLLUTANTS[part]}" for part in DAY_PARTS),
    *(f"year_{POLLUTANTS[part]}" for part in YEAR_PARTS),
    *(f"who_{POLLUTANTS[part]}_year" for part in WHO_YEAR),
    *(f"eu2030_days_{POLLUTANTS[part]}" for part in DAY_PARTS_2030),
    *(f"eu_year_{POLLUTANTS[part]}" for part in YEAR_PARTS_EU),
)
_RATIO = 1
_ABOVE = _RATIO + len(DAY_PARTS)
_YEAR = _ABOVE + len(DAY_PARTS)
_WHO_YEAR = _YEAR + len(YEAR_PARTS)
_DAYS_2030 = _WHO_YEAR + len(WHO_YEAR)
_EU_YEAR = _DAYS_2030 + len(DAY_PARTS_2030)
EU_FACTOR = factors("eu", POLLUTANTS)
OF_2030 = [DAY_PARTS.index(part) for part in DAY_PARTS_2030]
_LIMITS_2030 = np.array([DAY_LIMITS_2030.get(part, np.inf) for part in DAY_PARTS])


class AirYears(AirBook):
    """A day is entered into the book when it is computed; windows come oldest first."""

    indicators = tuple(POSITION[f"air.{name}"] for name in NAMES)

    def __init__(self, source: AirHours) -> None:
        super().__init__(source, DayBook(DAY_COLUMNS))

    def rows(
        self, members: Integers, days: Integers, panes: Panes
    ) -> tuple[Floats, Floats, Integers, Integers]:
        """Rows of the book, the UK index of the days; hours and readings by pollutant."""
        last, hours = self.hours_of_days(members, days)
        means, readings = hours_of(self.members, members, last, panes, LOOK_BACK_H)
        rows, uk = np.empty((len(members), DAY_COLUMNS)), np.empty((len(members), 1 + len(PARTS)))
        day_row(means, hours, rows)
        highs, _ = so2_highs(self.members, members, last, panes, DAY_HOURS_MAX)
        station_daqi(means * TO_UGM3[:, None], highs * TO_UGM3[SO2], hours, uk)
        inside = (np.arange(LOOK_BACK_H) < hours[:, None])[:, None]
        valid = (~np.isnan(means) & inside).sum(axis=2)
        return rows, uk, valid, (readings * inside).sum(axis=2)

    def compute(self, members: Integers, windows: Integers, now_min: int, panes: Panes) -> Result:
        """One row a station and day; n of a day are readings, of a year days or hours."""
        result = blank(len(members), len(self.indicators))
        rows, uk, valid, readings = self.rows(members, windows, panes)
        self.book.enter(members, windows, rows)
        start, end = self.end_min(members, windows - 1), self.end_min(members, windows)
        measured = measured_inputs(self.members, members, start, end, panes)
        share = np.minimum(valid / np.maximum((end - start) // 60, 1)[:, None], 1.0)
        result.value[:, 0] = uk[:, 0]
        of_uk = measured[:, list(PARTS)]
        some = of_uk.sum(axis=1)
        result.cov[:, 0] = (share[:, list(PARTS)] * of_uk).sum(axis=1) / np.maximum(some, 1)
        used = (readings[:, list(PARTS)] * of_uk).sum(axis=1)
        result.n[:, 0] = np.where(some > 0, used, NOT_MEASURED)
        values = np.empty((len(members), len(DAY_PARTS)))
        day_values(rows, values)
        result.value[:, _RATIO:_ABOVE] = who_ratios(values * _DAY_FACTOR, DAY_AQG)
        result.cov[:, _RATIO:_ABOVE] = share[:, list(DAY_PARTS)]
        result.n[:, _RATIO:_ABOVE] = readings[:, list(DAY_PARTS)]
        self._of_year(result, members, windows)
        for first, parts in (
            (_RATIO, DAY_PARTS), (_ABOVE, DAY_PARTS), (_YEAR, YEAR_PARTS), (_WHO_YEAR, WHO_YEAR),
            (_DAYS_2030, DAY_PARTS_2030), (_EU_YEAR, YEAR_PARTS_EU),
        ):
            columns = slice(first, first + len(parts))
            result.n[:, columns][~measured[:, list(parts)]] = NOT_MEASURED
        return result

    def _of_year(self, result: Result, members: Integers, windows: Integers) -> None:
        shape, parts = (len(members), len(YEAR_PARTS)), (len(members), len(DAY_PARTS))
        sums, hours = np.empty(shape), np.empty(shape)
        known, above = np.empty(parts, np.int64), np.empty(parts, np.int64)
        since = first_of_years(windows)
        year_sums(
            self.book.day, self.book.kept, members, windows, since, _DAY_FACTOR, DAY_AQG,
            sums, hours, known, above,
        )
        days = slice(_ABOVE, _YEAR)
        result.value[:, days] = np.where(known > 0, above, np.nan)
        result.cov[:, days] = known / (windows - since + 1)[:, None]
        result.n[:, days] = known
        share = hours / YEAR_HOURS
        mean = sums / np.maximum(hours, 1.0)
        year = slice(_YEAR, _WHO_YEAR)
        to_u4ssc, to_who = U4SSC_FACTOR[list(YEAR_PARTS)], WHO_FACTOR[list(WHO_YEAR)]
        result.value[:, year] = np.where(share >= U4SSC_SHARE, mean * to_u4ssc, np.nan)
        result.cov[:, year], result.n[:, year] = share, hours
        of_who = [YEAR_PARTS.index(part) for part in WHO_YEAR]
        limits = np.array([LEVELS[POLLUTANTS[part], "annual"][0] for part in WHO_YEAR])
        ratio = who_ratios(mean[:, of_who] * to_who, limits)
        who = slice(_WHO_YEAR, _DAYS_2030)
        result.value[:, who] = np.where(share[:, of_who] >= WHO_SHARE, ratio, np.nan)
        result.cov[:, who], result.n[:, who] = share[:, of_who], hours[:, of_who]
        of_eu = [YEAR_PARTS.index(part) for part in YEAR_PARTS_EU]
        there, total = share[:, of_eu], mean[:, of_eu] * EU_FACTOR[list(YEAR_PARTS_EU)]
        result.value[:, _EU_YEAR:] = np.where(there >= YEAR_SHARE, total, np.nan)
        result.cov[:, _EU_YEAR:], result.n[:, _EU_YEAR:] = there, hours[:, of_eu]
        year_sums(
            self.book.day, self.book.kept, members, windows, since, EU_FACTOR[list(DAY_PARTS)],
            _LIMITS_2030, sums, hours, known, above,
        )
        days = slice(_DAYS_2030, _EU_YEAR)
        result.value[:, days] = np.where(known > 0, above, np.nan)[:, OF_2030]
        result.cov[:, days] = (known / (windows - since + 1)[:, None])[:, OF_2030]
        result.n[:, days] = known[:, OF_2030]


def first_of_years(days: Integers) -> Integers:
    """Ordinal of 1 January of the year of each day."""
    found = np.empty_like(days)
    for day in np.unique(days).tolist():
        found[days == day] = date.fromordinal(day).replace(month=1, day=1).toordinal()
    return found
