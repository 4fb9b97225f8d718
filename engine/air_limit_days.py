"""Air against the limit values of the EU, day by day of a year, and the peak season of ozone."""

from datetime import date

import numpy as np

from engine.air import POLLUTANTS, AirHours, hours_of, measured_inputs
from engine.air_book import LOOK_BACK_H, AirBook
from engine.air_limits import (
    ALERT,
    DAY_LIMITS,
    DAY_PARTS,
    HOUR_LIMITS,
    HOUR_PARTS,
    LIMIT_COLUMNS,
    MONTHS,
    limit_row,
    limit_sums,
    season,
)
from engine.air_years import WHO_FACTOR, first_of_years
from engine.catalogue import POSITION
from engine.conversion import factors
from engine.daybook import DayBook
from engine.family import NOT_MEASURED, Floats, Integers, Result, blank
from engine.limits_2030 import HOUR_PARTS_2030
from engine.panes import Panes
from engine.pollutants import O3
from engine.who import LEVELS, who_ratios

EU_FACTOR = factors("eu", POLLUTANTS)
DAYS_KEPT = 420
"""Twelve whole months that ended up to a month ago, and the horizon."""
SEASON_LIMIT = float(LEVELS["o3", "season"][0])
NAMES = (
    *(f"eu_days_{POLLUTANTS[part]}" for part in DAY_PARTS),
    *(f"eu_hours_{POLLUTANTS[part]}" for part in HOUR_PARTS[:ALERT]), "eu_alert_hours_o3",
    "who_o3_season",
    *(f"eu2030_hours_{POLLUTANTS[part]}" for part in HOUR_PARTS_2030),
)
PARTS = (*DAY_PARTS, *HOUR_PARTS, O3, *HOUR_PARTS_2030)
"""Pollutant of each output."""
_SEASON = len(DAY_PARTS) + len(HOUR_PARTS)
_HOURS_2030 = [len(DAY_PARTS) + HOUR_PARTS.index(part) for part in HOUR_PARTS_2030]
"""The hours above are those of today's limits; what is allowed is not."""


class AirLimits(AirBook):
    """How often a limit value was exceeded this year; ozone's season of the last twelve months."""

    indicators = tuple(POSITION[f"air.{name}"] for name in NAMES)

    def __init__(self, source: AirHours) -> None:
        super().__init__(source, DayBook(LIMIT_COLUMNS, DAYS_KEPT))

    def rows(self, members: Integers, days: Integers, panes: Panes) -> Floats:
        """Rows of the book."""
        last, hours = self.hours_of_days(members, days)
        means, _ = hours_of(self.members, members, last, panes, LOOK_BACK_H)
        rows = np.empty((len(members), LIMIT_COLUMNS))
        limit_row(means, hours, EU_FACTOR, HOUR_LIMITS, rows)
        return rows

    def compute(self, members: Integers, windows: Integers, now_min: int, panes: Panes) -> Result:
        """One row a station and day; n are the days or hours that are known."""
        result = blank(len(members), len(self.indicators))
        self.book.enter(members, windows, self.rows(members, windows, panes))
        shape = (len(members), _SEASON)
        known, above = np.empty(shape, np.int64), np.empty(shape, np.int64)
        since = first_of_years(windows)
        limit_sums(
            self.book.day, self.book.kept, members, windows, since, EU_FACTOR[list(DAY_PARTS)],
            DAY_LIMITS, known, above,
        )
        owed = np.repeat((windows - since + 1)[:, None], _SEASON, axis=1)
        owed[:, len(DAY_PARTS) :] *= 24
        result.value[:, :_SEASON] = np.where(known > 0, above, np.nan)
        result.cov[:, :_SEASON] = np.minimum(known / owed, 1.0)
        result.n[:, :_SEASON] = known
        months = twelve_months(windows)
        mean, days = np.empty(len(members)), np.empty(len(members), np.int64)
        season(self.book.day, self.book.kept, members, months, mean, days)
        result.value[:, _SEASON] = who_ratios(mean * WHO_FACTOR[O3], np.array(SEASON_LIMIT))
        result.cov[:, _SEASON] = days / (months[:, MONTHS] - months[:, 0])
        result.n[:, _SEASON] = days
        for column in (result.value, result.cov, result.n):
            column[:, _SEASON + 1 :] = column[:, _HOURS_2030]
        start, end = self.end_min(members, windows - 1), self.end_min(members, windows)
        measured = measured_inputs(self.members, members, start, end, panes)
        result.n[~measured[:, list(PARTS)]] = NOT_MEASURED
        return result


def twelve_months(days: Integers) -> Integers:
    """First days of the twelve months that were over with each day, and the next: int64[k, 13]."""
    found = np.empty((len(days), MONTHS + 1), np.int64)
    for day in np.unique(days).tolist():
        end = date.fromordinal(day + 1)
        last = 12 * end.year + end.month - 1
        found[days == day] = [
            date(number // 12, number % 12 + 1, 1).toordinal()
            for number in range(last - MONTHS, last + 1)
        ]
    return found
