"""Air at the end of each civil day: the UK index of the day, WHO 2021, days above, annual means.

A row of each day is kept for a year (`engine.daybook`); what is longer than a day is made of rows.
"""

from datetime import date

import numpy as np

from engine.air import POLLUTANTS, AirHours, hours_of, measured_inputs
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
from engine.changed import Reaching, of_level
from engine.conversion import factors
from engine.daqi import PARTS, station_daqi
from engine.daqi_hours import TO_UGM3, so2_highs
from engine.daybook import DayBook
from engine.family import (
    NOT_MEASURED,
    CivilDays,
    Floats,
    Integers,
    Result,
    Shared,
    Slots,
    blank,
    spread,
)
from engine.panes import HORIZON_DAYS, HOUR, Panes
from engine.us_aqi import O3, SO2
from engine.who import LEVELS, who_ratios

DAY_HOURS_MAX = 25
LOOK_BACK_H = DAY_HOURS_MAX + 23
"""Hours of the longest day, and of what a running 24-h mean of its first hour looks back on."""
RESTATED_DAYS = HORIZON_DAYS + 2
"""Days after a reading that may be closed when it comes: all that it can restate."""
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
)
_RATIO = 1
_ABOVE = _RATIO + len(DAY_PARTS)
_YEAR = _ABOVE + len(DAY_PARTS)
_WHO_YEAR = _YEAR + len(YEAR_PARTS)


class AirYears(Shared[AirHours], CivilDays):
    """A day is entered into the book when it is computed; windows come oldest first."""

    indicators = tuple(POSITION[f"air.{name}"] for name in NAMES)

    def __init__(self, source: AirHours) -> None:
        super().__init__(source)
        self.book = DayBook(DAY_COLUMNS)

    @property
    def books(self) -> dict[str, DayBook]:
        """Sums, hours and daily values of a year of days."""
        return {"days": self.book}

    def touched(
        self, changed: Reaching, member_of: Slots
    ) -> tuple[Integers, Integers]:
        """The day, and those after it: the next by running means, all by the year."""
        members, hours = of_level(changed, HOUR, member_of)
        if not len(members):
            return members, hours
        days = self.members.civil_days(members, hours * 60 - self.members.shift[members])
        pairs = np.unique(np.stack([members, days]), axis=1)
        return spread(pairs[0], pairs[1], RESTATED_DAYS)

    def hours_of_days(self, members: Integers, days: Integers) -> tuple[Integers, Integers]:
        """Local number of the last hour of each civil day, and how many hours it has."""
        shift = self.members.shift[members]
        start, end = self.end_min(members, days - 1), self.end_min(members, days)
        last = (end + shift) // 60 - 1
        return last, np.clip(last + 1 - (start + shift) // 60, 0, DAY_HOURS_MAX)

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
        result.value[:, _WHO_YEAR:] = np.where(share[:, of_who] >= WHO_SHARE, ratio, np.nan)
        result.cov[:, _WHO_YEAR:], result.n[:, _WHO_YEAR:] = share[:, of_who], hours[:, of_who]


def first_of_years(days: Integers) -> Integers:
    """Ordinal of 1 January of the year of each day."""
    found = np.empty_like(days)
    for day in np.unique(days).tolist():
        found[days == day] = date.fromordinal(day).replace(month=1, day=1).toordinal()
    return found
