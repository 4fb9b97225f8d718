"""EN 50160 by the week: at the end of each civil day, the seven days up to it.

Of each series a row of counts is kept a day, so that the week of a day that is said anew adds up
as it did. A station is held to its worst phase, and needs 90 % of the intervals of each.
"""

from typing import NamedTuple

import numpy as np

from engine.catalogue import POSITION
from engine.changed import Reaching, of_level
from engine.daybook import DayBook
from engine.family import (
    NOT_MEASURED,
    Bools,
    CivilDays,
    Floats,
    Integers,
    Result,
    Slots,
    blank,
    ranges,
)
from engine.hour_means import TEN_MIN, ten_means
from engine.panes import TEN, Panes
from engine.registry import Registry
from engine.supply import PST, PST_OF_PLT, THD, VOLTAGE, Supply, short_term
from engine.voltage import (
    FLICKER_LIMIT,
    SHARE_PERCENT,
    THD_LIMIT,
    UNBALANCE_LIMIT,
    deviation_of,
    long_term_flicker,
    outside,
)

WEEK_DAYS = 7
BOOK_DAYS = 24
"""A week, the horizon within which days are said anew, and a margin."""
COLUMNS = ("valid", "near", "far", "low", "high", "three_valid", "three_over")
"""Of a series and day: intervals that are valid, beyond the limit, far beyond it; sums of squares
of what is at most, and at least, the nominal voltage; of a first phase, those of the unbalance."""
WEEK_SHARE_MIN, DAY_SHARE_MIN = 0.9, 0.75
CHUNK = 256
"""Windows computed at once: their intervals are all laid out beside each other."""


class Held(NamedTuple):
    """Series (of three voltages the first one) of some windows against their limit in the week.

    row: int64[k], of the window. slot: int32[k]. valid, near, far: float64[k], intervals.
    """

    row: Integers
    slot: Slots
    valid: Floats
    near: Floats
    far: Floats


class Deviations(NamedTuple):
    """Voltages of some days: row int64[k], slot int32[k], valid intervals and % float64[k]."""

    row: Integers
    slot: Slots
    valid: Floats
    under: Floats
    over: Floats


class Present(NamedTuple):
    """The series that there are on some days: row of the day int64[k], and slot int32[k]."""

    row: Integers
    slot: Slots


class SupplyWeeks(CivilDays):
    """EN 50160 of the week up to each day, and the deviation of the day."""

    indicators = tuple(POSITION[f"energy.{name}"] for name in (
        "en50160_voltage", "en50160_outside", "en50160_far", "en50160_unbalance", "en50160_thd",
        "en50160_flicker", "rms_deviation_under", "rms_deviation_over",
    ))

    def __init__(self, supply: Supply) -> None:
        super().__init__(supply)
        self.supply = supply
        self.book = DayBook(len(COLUMNS), BOOK_DAYS)

    @property
    def books(self) -> dict[str, DayBook]:
        """Counts of each day, by the row that a series has among those with ten minutes."""
        return {"days": self.book}

    def enrol(self, registry: Registry) -> None:
        """Take in new series."""
        self.supply.enrol_from(registry)

    def touched(
        self, changed: Reaching, member_of: Slots
    ) -> tuple[Integers, Integers]:
        """The day, and the six whose week it is in."""
        members, tens = of_level(changed, TEN, member_of)
        return self.days_from(members, tens * TEN_MIN, WEEK_DAYS)

    def compute(self, members: Integers, windows: Integers, now_min: int, panes: Panes) -> Result:
        """One row a place and day; rows of one place must come oldest first."""
        result = blank(len(members), len(self.indicators))
        result.n[:] = NOT_MEASURED
        for first in range(0, len(members), CHUNK):
            rows = slice(first, first + CHUNK)
            some, days = members[rows], windows[rows]
            there = self.present(some, days, panes)
            self._enter(there, some, days, now_min, panes)
            self._judge(result.take(rows), there, some, days, panes)
        return result

    def present(self, members: Integers, days: Integers, panes: Panes) -> Present:
        """The series of all quantities that there are on each day of a member."""
        begin = self.members.day_starts(members, days)
        end = self.members.day_starts(members, days + 1)
        row, column = np.nonzero(self.supply.live(members, begin, end, panes))
        return Present(row.astype(np.int64), self.supply.table[members[row], column])

    def tens_of(self, members: Integers, days: Integers) -> tuple[Integers, Integers]:
        """Local number of the first ten minutes of each civil day, and of the next day."""
        shift = self.members.shift[members]
        return (
            (self.members.day_starts(members, days) + shift) // TEN_MIN,
            (self.members.day_starts(members, days + 1) + shift) // TEN_MIN,
        )

    def _enter(
        self, there: Present, members: Integers, days: Integers, now_min: int, panes: Panes
    ) -> None:
        """Count days of all series; an interval in progress does not count yet."""
        first, end = self.tens_of(members, days)
        over = (now_min + self.members.shift[members]) // TEN_MIN
        count = np.maximum(np.minimum(end, over) - first, 0)
        quantity = self.supply.registry.quantity
        row, slot = there
        rows = np.zeros((len(row), len(COLUMNS)))
        counted = np.nonzero(np.isin(quantity[slot], (VOLTAGE, THD)))[0]
        of, tens = ranges(counted, first[row[counted]], count[row[counted]])
        values, _ = ten_means(slot[of], tens, quantity, panes)
        valid = ~np.isnan(values)
        of, values = of[valid], values[valid]
        volts = quantity[slot] == VOLTAGE
        nominal = np.full(len(row), np.nan)
        nominal[volts] = self.nominal(members, days, row[volts], slot[volts])
        near, far = outside(values, nominal[of])  # nothing is outside NaN
        near |= ~volts[of] & (values > THD_LIMIT)
        low, high = np.fmin(values, nominal[of]), np.fmax(values, nominal[of])
        # Sums in the order of time, so that a day comes out the same every time.
        for column, of_each in enumerate((valid[valid], near, far, low * low, high * high)):
            rows[:, column] = np.bincount(of, of_each, len(row))
        for k in np.nonzero(quantity[slot] == PST)[0].tolist():
            window = int(row[k])
            tens = np.arange(first[window], first[window] + count[window])
            values = self._plts(int(slot[k]), tens, panes)
            valid = values[~np.isnan(values)]
            rows[k, :2] = len(valid), float((valid > FLICKER_LIMIT).sum())
        self._enter_threes(rows, there, members, first, count, panes)
        kept = np.isin(quantity[slot], (VOLTAGE, THD, PST))
        at = panes.rows[TEN, slot[kept]].astype(np.int64)
        self.book.enter(at, days[row[kept]], rows[kept])

    def _enter_threes(
        self, rows: Floats, there: Present, members: Integers, first: Integers, count: Integers,
        panes: Panes,
    ) -> None:
        """Count unbalances, at the first of the three voltages."""
        of, tens = ranges(np.arange(len(members)), first, count)
        found = self.supply.unbalances(members[of], tens, panes)
        size = len(self.supply.threes)
        key = of[found.row] * size + found.which
        valid = ~np.isnan(found.percent)
        length = len(members) * size
        counted = np.bincount(key[valid], minlength=length)
        over = np.bincount(key[valid & (found.percent > UNBALANCE_LIMIT)], minlength=length)
        window, which = self.supply.threes_of(members)
        slots = np.array([self.supply.threes[one].volts[0] for one in which], np.int32)
        at, known = _rows_of(there, window, slots)
        place = (window * size + which)[known]
        rows[at[known], 5], rows[at[known], 6] = counted[place], over[place]

    def nominal(
        self, members: Integers, days: Integers, row: Integers, slot: Slots
    ) -> Floats:
        """Nominal voltage of series at the noon of their days."""
        noon = self.members.day_starts(members, days) + 720
        return self.supply.nominal(slot, noon[row])

    def _plts(self, slot: int, tens: Integers, panes: Panes) -> Floats:
        """Long-term flicker of the two hours that end within some ten minutes."""
        windows = tens[tens % PST_OF_PLT == PST_OF_PLT - 1] // PST_OF_PLT
        of = short_term(self.supply, np.full(len(windows), slot, np.int32), windows, panes)
        return np.array([long_term_flicker(values) for values in of.tolist()])

    def held(self, there: Present, days: Integers, quantity: int, panes: Panes) -> Held:
        """Every series of a quantity against its limits, over the week up to each day."""
        mine = self.supply.registry.quantity[there.slot] == quantity
        row, slot = there.row[mine], there.slot[mine]
        sums = self._sums(slot, days[row], WEEK_DAYS, panes)
        return Held(row, slot, sums[:, 0], sums[:, 1], sums[:, 2])

    def held_threes(
        self, there: Present, members: Integers, days: Integers, panes: Panes
    ) -> Held:
        """Every three voltages against the limit of unbalance, over the week up to each day."""
        row, which = self.supply.threes_of(members)
        volts = np.array([self.supply.threes[one].volts for one in which], np.int32)
        volts = volts.reshape(-1, 3)
        whole = np.ones(len(row), np.bool_)
        for phase in range(3):
            whole &= _rows_of(there, row, volts[:, phase])[1]
        row, slot = row[whole], volts[whole, 0]
        sums = self._sums(slot, days[row], WEEK_DAYS, panes)
        return Held(row, slot, sums[:, 5], sums[:, 6], np.zeros(len(row)))

    def _sums(self, slots: Slots, last: Integers, days: int, panes: Panes) -> Floats:
        at = panes.rows[TEN, slots].astype(np.int64)
        sums, _ = self.book.sums(at, last - days + 1, last)
        return sums

    def owed(self, members: Integers, days: Integers, back: int) -> Integers:
        """Intervals of ten minutes in so many civil days up to each day."""
        length = self.end_min(members, days) - self.end_min(members, days - back)
        return length // TEN_MIN

    def _judge(
        self, result: Result, there: Present, members: Integers, days: Integers, panes: Panes
    ) -> None:
        owed = self.owed(members, days, WEEK_DAYS)
        volts = self.held(there, days, VOLTAGE, panes)
        bad = ~((volts.valid > 0) & (100 * volts.near <= SHARE_PERCENT * volts.valid)
                & (volts.far == 0))
        _put(result, 0, volts.row, volts.valid, bad.astype(np.float64), WEEK_SHARE_MIN, owed)
        for column, held, of in (
            (1, volts, owed),
            (3, self.held_threes(there, members, days, panes), owed),
            (4, self.held(there, days, THD, panes), owed),
            (5, self.held(there, days, PST, panes), owed // PST_OF_PLT),
        ):
            share = 100.0 * held.near / np.maximum(held.valid, 1)
            _put(result, column, held.row, held.valid, share, WEEK_SHARE_MIN, of)
        _put(result, 2, volts.row, volts.valid, volts.far, WEEK_SHARE_MIN, owed)
        found = self.deviations(there, members, days, panes)
        owed = self.owed(members, days, 1)
        for column, percent in ((6, found.under), (7, found.over)):
            _put(result, column, found.row, found.valid, percent, DAY_SHARE_MIN, owed)

    def deviations(
        self, there: Present, members: Integers, days: Integers, panes: Panes
    ) -> Deviations:
        """Under- and overdeviation of each voltage of a day."""
        mine = self.supply.registry.quantity[there.slot] == VOLTAGE
        row, slot = there.row[mine], there.slot[mine]
        sums = self._sums(slot, days[row], 1, panes)
        count = np.maximum(sums[:, 0], 1.0)
        under, over = deviation_of(
            sums[:, 3] / count, sums[:, 4] / count, self.nominal(members, days, row, slot)
        )
        return Deviations(row, slot, sums[:, 0], under, over)


def _rows_of(there: Present, row: Integers, slot: Slots) -> tuple[Integers, Bools]:
    """Where (row, slot) stands in `there`: int64[k], and bool[k], whether it does."""
    keys = (there.row << 32) + there.slot
    order = np.argsort(keys)
    wanted = (row << 32) + slot
    at = np.minimum(np.searchsorted(keys, wanted, sorter=order), max(len(keys) - 1, 0))
    if not len(keys):
        return np.zeros(len(row), np.int64), np.zeros(len(row), np.bool_)
    return order[at], keys[order[at]] == wanted


def _put(
    result: Result, column: int, row: Integers, valid: Floats, value: Floats, share: float,
    owed: Integers,
) -> None:
    """Per window the worst of its parts, if the least of them has what it needs."""
    count = len(result.n)
    least = np.full(count, np.inf)
    np.minimum.at(least, row, valid)
    worst = np.full(count, -np.inf)
    np.maximum.at(worst, row, value)
    there = np.isfinite(least)
    result.n[there, column] = least[there]
    result.cov[there, column] = least[there] / owed[there]
    good = there & (least >= share * owed)
    result.value[good, column] = worst[good]
