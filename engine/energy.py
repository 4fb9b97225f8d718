"""Energy: 15-minute demand in aligned blocks and sliding each minute; peak and load factor.

The demand of a place is the sum over its meters (phases, feeders), by their power or by their
energy register: with one of them insufficient, so is the place.
"""

import numpy as np

from engine.areas import SUM_SHARE_MIN
from engine.calendar import month_start
from engine.catalogue import POSITION
from engine.changed import Reaching, of_level
from engine.family import (
    NO_WINDOW,
    Bools,
    Cadence,
    CivilDays,
    Floats,
    Integers,
    Result,
    Shared,
    Slots,
    anywhere,
    blank,
    spread,
)
from engine.meters import Meters, sliding_means
from engine.month_peaks import MonthPeaks
from engine.panes import ONE, Panes
from engine.registers import BLOCK_MIN, LEVEL

BLOCKS_A_DAY_MAX = 108
"""Of a day of 27 hours; days of 26 were in Chita and Magadan (2014-10-26)."""
CHUNK = 256
"""Meters of which the blocks of a day are gathered at once."""


class DemandBlocks(Shared[Meters], Cadence):
    """Demand of clock-aligned 15-minute blocks."""

    indicators = (POSITION["energy.demand_15min"],)
    minutes = BLOCK_MIN

    def touched(
        self, changed: Reaching, member_of: Slots
    ) -> tuple[Integers, Integers]:
        """The block."""
        return self.source.touched(changed, member_of)

    def patience_min(self, members: Integers, now_min: int) -> Integers:
        """As long as the registers ask for."""
        return self.source.patience_min(members, now_min)

    def compute(self, members: Integers, windows: Integers, now_min: int, panes: Panes) -> Result:
        """One row a meter and block."""
        return self.source.blocks(members, windows, panes)


class DemandSliding(Shared[Meters]):
    """Demand of the trailing 15 minutes, each minute or, if longer, each reporting period.

    A series that reports less often stands with the 15 minutes up to its last whole period, so
    that it can be added to those that report each minute. Where that is a block it is read from
    the block, else from the minutes of power that are kept for the horizon.
    """

    indicators = (POSITION["energy.demand_sliding"],)

    def ordinal(self, members: Integers, minute: Integers) -> Integers:
        """The Unix minute that the 15 minutes end with."""
        return minute

    def end_min(self, members: Integers, window: Integers) -> Integers:
        """The end of that minute."""
        return window + 1

    def spans(self, slots: Slots, minute: Integers) -> Integers:
        """Minutes between the windows of each series; a register is read by whole blocks."""
        spans: Integers = np.minimum(
            self.members.registry.span_at(slots, minute * 60), BLOCK_MIN
        )
        spans[self.source.is_register(slots)] = BLOCK_MIN
        return spans

    def speaks(self, members: Integers, windows: Integers, panes: Panes) -> Bools:
        """Where a reporting period of one of the series that count ends.

        A city of meters that report each 15 minutes has 15 times fewer windows then.
        """
        there = self.members.live(members, windows - BLOCK_MIN + 1, windows + 1, panes)
        row, column = np.nonzero(there)
        spans = self.spans(self.members.table[members[row], column], windows[row])
        local = windows[row] + 1 + self.members.shift[members[row]]
        found = np.zeros(len(members), np.bool_)
        found[row[local % spans == 0]] = True
        return found

    def touched(
        self, changed: Reaching, member_of: Slots
    ) -> tuple[Integers, Integers]:
        """All windows that hold the minutes a changed one stands for, and whole blocks."""
        members, blocks = self.source.touched(changed, member_of)
        block_end = (blocks + 1) * BLOCK_MIN - self.members.shift[members] - 1
        # A register stands with its last whole block until the next one is over.
        still, later = of_level(changed, LEVEL, member_of)
        still, later = spread(still, (later + 1) * BLOCK_MIN - self.members.shift[still] - 1, 15)
        rows = changed.of(ONE)
        rows = rows[member_of[rows[:, 1]] >= 0]
        slid = member_of[rows[:, 1]].astype(np.int64)
        minute, shift = rows[:, 2].astype(np.int64), self.members.shift[slid]
        span = self.spans(rows[:, 1], minute)
        # From the end of its period on, until a period ends that does not look back on it.
        first = ((minute + shift) // span + 1) * span - shift - 1
        reach = span - 1 + BLOCK_MIN
        row = np.repeat(np.arange(len(rows)), reach)
        step = np.arange(len(row)) - np.repeat(np.cumsum(reach) - reach, reach)
        return (
            np.concatenate([members, still, slid[row]]),
            np.concatenate([block_end, later, first[row] + step]),
        )

    def compute(self, members: Integers, windows: Integers, now_min: int, panes: Panes) -> Result:
        """One row a meter and minute."""
        count = len(members)
        row, slots = self.source.flat(members, windows - BLOCK_MIN + 1, windows + 1, panes)
        shift = self.members.shift[members[row]]
        spans = self.spans(slots, windows[row])
        local = (windows[row] + 1 + shift) // spans * spans
        means, counts = np.empty((len(row), 2)), np.empty(len(row), np.int32)
        lost = np.zeros(len(row), np.bool_)
        whole = local % BLOCK_MIN == 0
        means[whole], counts[whole] = self.source.block_means(
            slots[whole], local[whole] // BLOCK_MIN - 1, panes
        )
        slid = ~whole
        means[slid], counts[slid], lost[slid] = sliding_means(
            self.source, slots[slid], (local - shift)[slid] - 1, spans[slid], panes
        )
        result = self.source.total(count, row, means, counts)
        shortest = np.full(count, BLOCK_MIN)
        np.minimum.at(shortest, row, spans)
        result.between = (windows + 1 + self.members.shift[members]) % shortest != 0
        result.n[row[lost]] = NO_WINDOW
        return result


class DemandPeaks(Shared[Meters], CivilDays):
    """Of the calendar month so far, at the end of each civil day: the largest complete block, when
    it was, and the load factor; and the load factor of the day alone.

    month: what is kept of days, by place, of a station or of an area. An area's peak is coincident:
    the largest block of the sum over its stations.
    """

    indicators = (
        POSITION["energy.demand_peak"], POSITION["energy.demand_peak_at"],
        POSITION["energy.load_factor"], POSITION["energy.load_factor_day"],
    )

    def __init__(self, meters: Meters) -> None:
        super().__init__(meters)
        self.month = MonthPeaks()

    def patience_min(self, members: Integers, now_min: int) -> Integers:
        """As long as the registers ask for."""
        return self.source.patience_min(members, now_min)

    def touched(
        self, changed: Reaching, member_of: Slots
    ) -> tuple[Integers, Integers]:
        """The day, and those after it that may be of its month."""
        members, blocks = self.source.touched(changed, member_of)
        return self.days_from(members, blocks * BLOCK_MIN, 31)

    def compute(self, members: Integers, windows: Integers, now_min: int, panes: Panes) -> Result:
        """One row a meter and day; rows of one meter must come oldest first."""
        result = blank(len(members), 4)
        for first in range(0, len(members), CHUNK):
            rows = slice(first, first + CHUNK)
            demand, end_min = self.blocks_of(members[rows], windows[rows], now_min, panes)
            there = self.there(members[rows], windows[rows], panes)
            said = self.month.take(
                [self.members.places[member] for member in members[rows].tolist()], windows[rows],
                _months(windows[rows]), demand, np.where(there[:, None], end_min, 0),
            )
            result.value[rows], result.cov[rows], result.n[rows] = said
        return result

    def there(self, members: Integers, days: Integers, panes: Panes) -> Bools:
        """bool[k], members that there are on each day: no block is owed before a meter came."""
        begin = self.members.day_starts(members, days)
        end = self.members.day_starts(members, days + 1)
        return anywhere(self.members.live(members, begin, end, panes), 1)

    def area(
        self, place: int, members: Integers, window: int, now_min: int, panes: Panes
    ) -> tuple[Floats, float] | None:
        """Of the sum of an area on a day: (value float64[4], coverage).

        A block counts if three quarters of the meters that are there have it.
        """
        days = np.full(len(members), window, np.int64)
        first = int(self.members.day_starts(members, days).min())
        last = int(self.members.day_starts(members, days + 1).max())
        total, live, valid = np.zeros((3, (last - first) // BLOCK_MIN))
        for at in range(0, len(members), CHUNK):
            some = slice(at, at + CHUNK)
            demand, ends = self.blocks_of(members[some], days[some], now_min, panes)
            row, column = np.nonzero(ends)
            end, value = ends[row, column], demand[row, column]
            block = (end - first) // BLOCK_MIN - 1
            there = self.members.live(members[some][row], end - BLOCK_MIN, end, panes)
            total += np.bincount(block, np.nan_to_num(value), len(total))
            live += np.bincount(block, there.any(axis=1), len(total))
            valid += np.bincount(block, ~np.isnan(value), len(total))
        enough_there = (valid > 0) & (valid >= SUM_SHARE_MIN * live)
        ends = first + (np.arange(len(total)) + 1) * BLOCK_MIN
        over = ends <= now_min
        if not live.any():
            ends = np.zeros_like(ends)
        day = np.array([window], np.int64)
        said = self.month.take(
            [place], day, _months(day), np.where(enough_there & over, total, np.nan)[None, :],
            np.where(over, ends, 0)[None, :],
        )
        return said.value[0], float(said.cov[0, 0])

    def blocks_of(
        self, members: Integers, days: Integers, now_min: int, panes: Panes
    ) -> tuple[Floats, Integers]:
        """Demand of the blocks of each member's day, and their ends: [k, 100], NaN and 0 blank."""
        begin = self.members.day_starts(members, days)
        end = np.minimum(self.members.day_starts(members, days + 1), now_min)
        shift = self.members.shift[members]
        ends = begin[:, None] + (np.arange(BLOCKS_A_DAY_MAX) + 1) * BLOCK_MIN
        row, column = np.nonzero(ends <= end[:, None])
        windows = (ends[row, column] + shift[row]) // BLOCK_MIN - 1
        demand = np.full(ends.shape, np.nan)
        demand[row, column] = self.source.blocks(members[row], windows, panes).value[:, 0]
        return demand, np.where(ends <= end[:, None], ends, 0)


def ordered_sum(values: Floats) -> float:
    """A sum in the order of time, that comes out the same in every program."""
    total = 0.0
    for value in values.tolist():
        total += value
    return total


def _months(days: Integers) -> Integers:
    """The first day of the month that holds each day."""
    known, of = np.unique(days, return_inverse=True)
    return np.array([month_start(day) for day in known.tolist()], np.int64)[of]
