"""Civil time: where the days of a zone begin, and its standard offset.

Indicators that follow the clock on the wall (peaks, billing days) use civil days, mostly of 23, 24
or 25 hours; US air quality days use the zone's standard time, as it was on that day. A day begins
when its date is first shown, so days never overlap; one that a zone left out (Apia, 2011-12-30)
has no minute.

Panes are cut on a grid that never moves: by the standard time of the zone in 2026. It only says
whether hours begin at the full hour of UTC, at half past, or at a quarter; a zone that changes its
standard time by whole hours keeps its grid, and so does a station that gets another zone.

Where a station got another zone, each day goes by the zone in force when it begins: the day of the
change ends as it began, and the next one begins there and ends by the new zone.
"""

from bisect import bisect_right
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

_FIRST = date(1995, 1, 1).toordinal()
_LAST = date(2080, 1, 1).toordinal()
_GRID_MIN = (date(2026, 1, 1).toordinal() - 719_163) * 1440
_LOOK_DAYS = 3
"""No rule of a zone since 1995 was in force for less."""
_MINUTE = timedelta(minutes=1)

EPOCH_DAY = 719_163
"""Proleptic ordinal of 1970-01-01; all day windows are numbered by proleptic ordinals."""

Minutes = npt.NDArray[np.int64]
Zones = tuple[tuple[int, str], ...]
"""The zones of a station, one after the other: the Unix minute from which each is in force."""
Zone = str | Zones


def standard_offset_min(tz: str, at_min: int) -> int:
    """Minutes east of UTC of `tz` in standard time (no summer shift) at Unix minute `at_min`."""
    return _rule_at(ZoneInfo(tz), at_min)[1]


def grid_offset_min(tz: str) -> int:
    """Minutes east of UTC by which the panes of `tz` are cut, for ever."""
    return standard_offset_min(tz, _GRID_MIN)


class Rule(NamedTuple):
    """From a Unix minute on, minutes east of UTC: on the clock on the wall, in standard time."""

    since_min: int
    wall: int
    standard: int


def _rule_at(tz: ZoneInfo, minute: int) -> tuple[int, int]:
    moment = datetime.fromtimestamp(minute * 60, tz)
    wall, summer = moment.utcoffset() or timedelta(), moment.dst() or timedelta()
    return wall // _MINUTE, (wall - summer) // _MINUTE


@lru_cache(maxsize=64)
def _rules(tz: str) -> list[Rule]:
    """What held in `tz` from 1995 to 2079, one after the other."""
    zone, look = ZoneInfo(tz), _LOOK_DAYS * 1440
    first = (_FIRST - EPOCH_DAY - 2) * 1440
    rules = [Rule(first, *_rule_at(zone, first))]
    for later in range(first + look, (_LAST - EPOCH_DAY) * 1440, look):
        if _rule_at(zone, later) == rules[-1][1:]:
            continue
        low, high = later - look, later
        while high - low > 1:
            middle = (low + high) // 2
            if _rule_at(zone, middle) == rules[-1][1:]:
                low = middle
            else:
                high = middle
        rules.append(Rule(high, *_rule_at(zone, high)))
    return rules


@lru_cache(maxsize=256)
def _starts(tz: str, hour: int, standard: bool) -> Minutes:
    """Unix minutes at which each day begins: when a clock of `tz` first shows `hour` of it."""
    shown = (np.arange(_FIRST, _LAST) - EPOCH_DAY) * 1440 + hour * 60
    offsets = [(rule.since_min, rule.standard if standard else rule.wall) for rule in _rules(tz)]
    starts: Minutes = shown - offsets[0][1]
    for since, offset in offsets[1:]:
        starts = np.where(starts < since, starts, np.maximum(shown - offset, since))
    return starts


@lru_cache(maxsize=64)
def _dated(zones: Zones, standard: bool) -> tuple[Minutes, list[int]]:
    """As `_starts` for hour 0, and of each zone the position of the first day that is its own."""
    starts, firsts = _starts(zones[0][1], 0, standard), [0]
    for since, tz in zones[1:]:
        first = int(np.searchsorted(starts, since, side="left"))
        later = _starts(tz, 0, standard)[first + 1 :]
        starts = np.maximum.accumulate(np.concatenate([starts[: first + 1], later]))
        firsts.append(first)
    return starts, firsts


@lru_cache(maxsize=64)
def _begins(zone: Zone, hour: int, standard: bool) -> Minutes:
    """As `_starts`, also where the zone changes: a day shows `hour` on the clock it goes by."""
    if isinstance(zone, str):
        return _starts(zone, hour, standard)
    starts, firsts = _dated(zone, standard)
    if hour:
        ends = [*firsts[1:], len(starts)]
        starts = np.maximum.accumulate(np.concatenate([
            _starts(tz, hour, standard)[first:end]
            for (_, tz), first, end in zip(zone, firsts, ends, strict=True)
        ]))
    return starts


def zone_of_day(zone: Zone, day: int) -> str:
    """The zone by which a civil day (proleptic ordinal) goes: the one in force when it begins."""
    if isinstance(zone, str):
        return zone
    return zone[bisect_right(_dated(zone, False)[1], day - _FIRST) - 1][1]


def standard_day(tz: Zone, minute: Minutes) -> Minutes:
    """As `civil_day`, in the standard time of `tz`: no summer shift."""
    days: Minutes = np.searchsorted(_begins(tz, 0, True), minute, side="right") - 1 + _FIRST
    return days


def standard_day_start_min(tz: Zone, day: Minutes) -> Minutes:
    """As `day_start_min`, in the standard time of `tz`."""
    starts: Minutes = _begins(tz, 0, True)[np.asarray(day) - _FIRST]
    return starts


def civil_day(tz: Zone, minute: Minutes, begins_hour: int = 0) -> Minutes:
    """Proleptic ordinal of the civil day of `tz` that holds each Unix minute (1995 to 2079).

    With `begins_hour` days begin when the clock shows that hour, and bear the date of that.
    """
    starts = _begins(tz, begins_hour, False)
    days: Minutes = np.searchsorted(starts, minute, side="right") - 1 + _FIRST
    return days


def day_start_min(tz: Zone, day: Minutes) -> Minutes:
    """Unix minute at which each civil day (proleptic ordinal) of `tz` begins."""
    starts: Minutes = _begins(tz, 0, False)[np.asarray(day) - _FIRST]
    return starts


def is_weekend(day: int) -> bool:
    """True for Saturdays and Sundays; `day` is a proleptic ordinal."""
    return date.fromordinal(day).weekday() >= 5


def month_start(day: int) -> int:
    """Ordinal of the first day of the month that holds `day`."""
    return date.fromordinal(day).replace(day=1).toordinal()


@lru_cache(maxsize=4096)
def clock_min(tz: Zone, day: int, clock: int) -> int:
    """Unix minute at which the clock of `tz` shows `clock` (minute 0..1440) on civil `day`."""
    if clock >= 1440:
        return clock_min(tz, day + 1, clock - 1440)
    when = date.fromordinal(day)
    hour, minute = divmod(clock, 60)
    zone = ZoneInfo(zone_of_day(tz, day))
    moment = datetime(when.year, when.month, when.day, hour, minute, tzinfo=zone)
    return int(moment.timestamp()) // 60
