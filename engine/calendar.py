"""Civil time: where the days of a zone begin, and its standard offset.

Indicators that follow the clock on the wall (peaks, billing days) use civil days of 23, 24 or
25 hours; US air quality days and all panes use the zone's standard time.
"""

from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

_FIRST = date(1995, 1, 1).toordinal()
_LAST = date(2080, 1, 1).toordinal()

EPOCH_DAY = 719_163
"""Proleptic ordinal of 1970-01-01; all day windows are numbered by proleptic ordinals."""

Minutes = npt.NDArray[np.int64]


@lru_cache(maxsize=512)
def standard_offset_min(tz: str, at_min: int) -> int:
    """Minutes east of UTC of `tz` in standard time (no summer shift) at Unix minute `at_min`."""
    moment = datetime.fromtimestamp(at_min * 60, ZoneInfo(tz))
    offset = moment.utcoffset() or timedelta()
    return round((offset - (moment.dst() or timedelta())).total_seconds() / 60)


@lru_cache(maxsize=64)
def _day_starts(tz: str, hour: int = 0) -> Minutes:
    """Unix minutes at which the clock of `tz` shows `hour`, day by day."""
    zone = ZoneInfo(tz)
    starts = np.empty(_LAST - _FIRST, np.int64)
    for i in range(len(starts)):
        day = date.fromordinal(_FIRST + i)
        moment = datetime(day.year, day.month, day.day, hour, tzinfo=zone)
        starts[i] = moment.timestamp() // 60
    return starts


def civil_day(tz: str, minute: Minutes, begins_hour: int = 0) -> Minutes:
    """Proleptic ordinal of the civil day of `tz` that holds each Unix minute (1995 to 2079).

    With `begins_hour` days begin when the clock shows that hour, and bear the date of that.
    """
    starts = _day_starts(tz, begins_hour)
    days: Minutes = np.searchsorted(starts, minute, side="right") - 1 + _FIRST
    return days


def day_start_min(tz: str, day: Minutes) -> Minutes:
    """Unix minute at which each civil day (proleptic ordinal) of `tz` begins."""
    starts: Minutes = _day_starts(tz)[np.asarray(day) - _FIRST]
    return starts


def is_weekend(day: int) -> bool:
    """True for Saturdays and Sundays; `day` is a proleptic ordinal."""
    return date.fromordinal(day).weekday() >= 5


def month_start(day: int) -> int:
    """Ordinal of the first day of the month that holds `day`."""
    return date.fromordinal(day).replace(day=1).toordinal()


@lru_cache(maxsize=4096)
def clock_min(tz: str, day: int, clock: int) -> int:
    """Unix minute at which the clock of `tz` shows `clock` (minute 0..1440) on civil `day`."""
    if clock >= 1440:
        return clock_min(tz, day + 1, clock - 1440)
    when = date.fromordinal(day)
    hour, minute = divmod(clock, 60)
    moment = datetime(when.year, when.month, when.day, hour, minute, tzinfo=ZoneInfo(tz))
    return int(moment.timestamp()) // 60
