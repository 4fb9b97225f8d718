"""Frequency by EN 50160: the ten seconds of a day, of the week and of the year up to it.

Of each series a row of counts is kept a day. A station is held to the worst of its series.
"""

from typing import NamedTuple

import numpy as np

from engine.catalogue import POSITION
from engine.changed import Reaching, of_level
from engine.daybook import DayBook
from engine.family import (
    NOT_MEASURED,
    CivilDays,
    Floats,
    Integers,
    Members,
    Result,
    Slots,
    blank,
)
from engine.panes import HORIZON_DAYS, HOUR, Panes
from engine.registry import Registry
from engine.ten_seconds import BINS_A_MINUTE, FREQUENCY, TenSeconds
from engine.voltage import NOMINAL_HZ, off_hertz, steady

NOMINAL = "nominal_frequency"
"""The fact that says the nominal frequency of a station; 50 Hz without it."""
WEEK_DAYS, YEAR_DAYS = 7, 365
SHARE_MIN = 0.9
RESTATED_DAYS = HORIZON_DAYS + 2
COLUMNS = ("valid", "near", "far")
"""Of a series and day: means of ten seconds, those outside +-1 %, those outside +4/-6 %."""


class Held(NamedTuple):
    """Series of some days against the limits: row int64[k], slot int32[k], sums float64[k, 3]."""

    row: Integers
    slot: Slots
    week: Floats
    year: Floats


class Frequency(CivilDays):
    """EN 50160 of frequency, at the end of each civil day."""

    indicators = tuple(POSITION[f"energy.en50160_frequency{tail}"] for tail in (
        "", "_outside", "_far", "_week",
    ))

    def __init__(self, hertz: TenSeconds) -> None:
        super().__init__(Members((FREQUENCY,)))
        self.hertz = hertz
        self.book = DayBook(len(COLUMNS))

    @property
    def books(self) -> dict[str, DayBook]:
        """Counts of a year of days, by the row that a series has among those of frequency."""
        return {"days": self.book}

    def enrol(self, registry: Registry) -> None:
        """Take in new series."""
        if registry.version != self.members.version:
            self.members.version = registry.version
            self.members.enrol(registry, registry.stations_with(("frequency",)))

    def touched(self, changed: Reaching, member_of: Slots) -> tuple[Integers, Integers]:
        """The day, and those after it that may be closed: all look back on it."""
        members, hours = of_level(changed, HOUR, member_of)
        return self.days_from(members, hours * 60, RESTATED_DAYS)

    def compute(self, members: Integers, windows: Integers, now_min: int, panes: Panes) -> Result:
        """One row a place and day; rows of one place must come oldest first."""
        result = blank(len(members), len(self.indicators))
        result.n[:] = NOT_MEASURED
        held = self.held(members, windows, now_min, panes)
        owed = [self.owed(members, windows, days) for days in (YEAR_DAYS, WEEK_DAYS)]
        for (valid, near, far), week, row in zip(
            held.year.tolist(), held.week.tolist(), held.row.tolist(), strict=True
        ):
            told = (
                0.0 if steady(valid, near, far) else 1.0, 100.0 * near / max(valid, 1.0), far,
                100.0 * week[1] / max(week[0], 1.0),
            )
            for column, value in enumerate(told):
                count, of = (week[0], owed[1][row]) if column == 3 else (valid, owed[0][row])
                _worsen(result, row, column, value, int(count), int(of))
        return result

    def held(self, members: Integers, windows: Integers, now_min: int, panes: Panes) -> Held:
        """The series that there are on each day; enters the day."""
        begin = self.members.day_starts(members, windows)
        end = self.members.day_starts(members, windows + 1)
        row, column = np.nonzero(self.members.live(members, begin, end, panes))
        slot = self.members.table[members[row], column]
        kept = self.hertz.row[slot] >= 0
        row, slot = row[kept].astype(np.int64), slot[kept]
        at, day = self.hertz.row[slot].astype(np.int64), windows[row]
        rows = np.array([
            self.counted(int(s), int(begin[r]), min(int(end[r]), now_min))
            for r, s in zip(row.tolist(), slot.tolist(), strict=True)
        ]).reshape(-1, len(COLUMNS))
        self.book.enter(at, day, rows)
        week, _ = self.book.sums(at, day - WEEK_DAYS + 1, day)
        year, _ = self.book.sums(at, day - YEAR_DAYS + 1, day)
        return Held(row, slot, week, year)

    def counted(self, slot: int, begin_min: int, end_min: int) -> tuple[int, int, int]:
        """Valid, near and far of a series in a day."""
        hertz = self.hertz.means(slot, begin_min, end_min)
        near, far = off_hertz(hertz, self.nominal(slot, begin_min))
        return len(hertz), int(near.sum()), int(far.sum())

    def nominal(self, slot: int, begin_min: int) -> float:
        """Hz of a series on the day that begins then, at its noon."""
        place = self.members.registry.series[slot].place
        fact = self.members.registry.fact_at(place, NOMINAL, begin_min + 720)
        return NOMINAL_HZ if np.isnan(fact) else fact

    def owed(self, members: Integers, days: Integers, back: int) -> Integers:
        """Intervals of ten seconds in so many civil days up to each day."""
        length = self.end_min(members, days) - self.end_min(members, days - back)
        return length * BINS_A_MINUTE


def _worsen(result: Result, row: int, column: int, value: float, count: int, owed: int) -> None:
    """Take in one more series of a place: the worst counts, and the least that there is."""
    first = result.n[row, column] == NOT_MEASURED
    enough = count >= SHARE_MIN * owed
    if first or count < result.n[row, column]:
        result.n[row, column], result.cov[row, column] = count, count / owed
    if not enough or (not first and np.isnan(result.value[row, column])):
        result.value[row, column] = np.nan
    else:
        before = -np.inf if first else result.value[row, column]
        result.value[row, column] = max(before, value)
