"""EN 50160 by the week: at the end of each civil day, the seven days up to it.

Of each series a row of counts is kept a day, so that the week of a day that is said anew adds up
as it did. A station is held to its worst phase, and needs 90 % of the intervals of each.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.catalogue import POSITION
from engine.completeness import enough
from engine.daybook import DayBook
from engine.family import (
    NOT_MEASURED,
    CivilDays,
    Floats,
    Integers,
    Result,
    Slots,
    blank,
    of_level,
    spread,
)
from engine.hour_means import TEN_MIN, ten_means
from engine.panes import TEN, Panes
from engine.registry import Registry
from engine.supply import PST, PST_OF_PLT, THD, VOLTAGE, Supply, short_term
from engine.voltage import (
    FLICKER_LIMIT,
    THD_LIMIT,
    UNBALANCE_LIMIT,
    compliant,
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
WEEK_SHARE_MIN = 0.9


class Held(NamedTuple):
    """A series of a week, or of three, against its limit: intervals valid, over and far over."""

    slot: int
    valid: int
    near: int
    far: int


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
        self, changed: npt.NDArray[np.int32], member_of: Slots
    ) -> tuple[Integers, Integers]:
        """The day, and the six whose week it is in."""
        members, tens = of_level(changed, TEN, member_of)
        days = self.members.civil_days(members, tens * TEN_MIN - self.members.shift[members])
        pairs = np.unique(np.stack([members, days]), axis=1)
        return spread(pairs[0], pairs[1], WEEK_DAYS)

    def compute(self, members: Integers, windows: Integers, now_min: int, panes: Panes) -> Result:
        """One row a place and day; rows of one place must come oldest first."""
        result = blank(len(members), len(self.indicators))
        result.n[:] = NOT_MEASURED
        for k in range(len(members)):
            self._enter(int(members[k]), int(windows[k]), now_min, panes)
            self._judge(result, k, int(members[k]), int(windows[k]), panes)
        return result

    def tens_of(self, member: int, day: int) -> Integers:
        """Local numbers of the ten minutes of a civil day."""
        one, days = np.array([member], np.int64), np.array([day], np.int64)
        shift = int(self.members.shift[member])
        first = (int(self.members.day_starts(one, days)[0]) + shift) // TEN_MIN
        last = (int(self.members.day_starts(one, days + 1)[0]) + shift) // TEN_MIN
        return np.arange(first, last, dtype=np.int64)

    def _enter(self, member: int, day: int, now_min: int, panes: Panes) -> None:
        """Count a day of all series of a place; an interval in progress does not count yet."""
        shift = int(self.members.shift[member])
        tens = self.tens_of(member, day)
        tens = tens[(tens + 1) * TEN_MIN - shift <= now_min]
        slots = self.slots(member, day, (VOLTAGE, THD, PST), panes)
        rows = np.full((len(slots), len(COLUMNS)), 0.0)
        quantity = self.supply.registry.quantity
        middle = int(self.members.day_starts(
            np.array([member], np.int64), np.array([day], np.int64))[0]) + 720
        for k, slot in enumerate(slots.tolist()):
            one = np.full(len(tens), slot, np.int32)
            values, _ = ten_means(one, tens, quantity, panes)
            if quantity[slot] == PST:
                values = self._plts(slot, tens, panes)
            rows[k, :5] = self._counted(slot, values, middle)
        place = self.supply.places[member]
        for three in self.supply.threes.get(place, []):
            first = np.nonzero(slots == three.volts[0])[0]
            if len(first):
                rows[first[0], 5:] = self._unbalanced(place, three.volts[0], tens, panes)
        at = panes.rows[TEN, slots].astype(np.int64)
        self.book.enter(at, np.full(len(slots), day, np.int64), rows)

    def slots(self, member: int, day: int, quantities: tuple[int, ...], panes: Panes) -> Slots:
        """The series of some quantities that there are on a day."""
        one, days = np.array([member], np.int64), np.array([day], np.int64)
        begin, end = self.members.day_starts(one, days), self.members.day_starts(one, days + 1)
        found = [self.supply.series_of(one, begin, end, quantity, panes)[1]
                 for quantity in quantities]
        return np.concatenate(found).astype(np.int32)

    def _plts(self, slot: int, tens: Integers, panes: Panes) -> Floats:
        """Long-term flicker of the two hours that end within some ten minutes."""
        windows = tens[tens % PST_OF_PLT == PST_OF_PLT - 1] // PST_OF_PLT
        of = short_term(self.supply, np.full(len(windows), slot, np.int32), windows, panes)
        return np.array([long_term_flicker(values) for values in of.tolist()])

    def _counted(self, slot: int, values: Floats, minute: int) -> list[float]:
        """valid, near, far, low, high of a series and day."""
        quantity = int(self.supply.registry.quantity[slot])
        valid = values[~np.isnan(values)]
        if quantity != VOLTAGE:
            limit = THD_LIMIT if quantity == THD else FLICKER_LIMIT
            return [float(len(valid)), float((valid > limit).sum()), 0.0, 0.0, 0.0]
        nominal = float(self.supply.nominal(
            np.array([slot], np.int32), np.array([minute], np.int64))[0])
        near, far = outside(valid, nominal)
        low, high = np.minimum(valid, nominal) ** 2, np.maximum(valid, nominal) ** 2
        return [float(len(valid)), float(near.sum()), float(far.sum()),
                float(np.sum(low)), float(np.sum(high))]

    def _unbalanced(self, place: int, first: int, tens: Integers, panes: Panes) -> list[float]:
        _, threes, found = self.supply.unbalances([place] * len(tens), tens, panes)
        mine = np.array([three.volts[0] == first for three in threes], np.bool_)
        valid = found[mine & ~np.isnan(found)] if len(found) else found
        return [float(len(valid)), float((valid > UNBALANCE_LIMIT).sum())]

    def held(self, member: int, day: int, quantity: int, panes: Panes) -> list[Held]:
        """Every series of a quantity against its limits, over the week."""
        slots = self.slots(member, day, (quantity,), panes)
        sums = self._sums(slots, day, WEEK_DAYS, panes)
        return [Held(slot, *(int(x) for x in row[:3]))
                for slot, row in zip(slots.tolist(), sums.tolist(), strict=True)]

    def held_threes(self, member: int, day: int, panes: Panes) -> list[Held]:
        """Every three voltages against the limit of unbalance, over the week."""
        there = set(self.slots(member, day, (VOLTAGE,), panes).tolist())
        threes = self.supply.threes.get(self.supply.places[member], [])
        firsts = [three.volts[0] for three in threes if there >= set(three.volts)]
        sums = self._sums(np.array(firsts, np.int32), day, WEEK_DAYS, panes)
        return [Held(slot, int(row[5]), int(row[6]), 0)
                for slot, row in zip(firsts, sums.tolist(), strict=True)]

    def _sums(self, slots: Slots, day: int, days: int, panes: Panes) -> Floats:
        at = panes.rows[TEN, slots].astype(np.int64)
        last = np.full(len(slots), day, np.int64)
        sums, _ = self.book.sums(at, last - days + 1, last)
        return sums

    def owed(self, member: int, day: int, days: int) -> int:
        """Intervals of ten minutes in so many civil days up to a day."""
        one = np.array([member, member], np.int64)
        ends = self.end_min(one, np.array([day - days, day], np.int64))
        return int(ends[1] - ends[0]) // TEN_MIN

    def _judge(self, result: Result, k: int, member: int, day: int, panes: Panes) -> None:
        owed = self.owed(member, day, WEEK_DAYS)
        voltage = self.held(member, day, VOLTAGE, panes)
        if voltage:
            good = all(compliant(*one[1:]) for one in voltage)
            self._put(result, k, 0, voltage, owed, float(not good))
            self._put(result, k, 1, voltage, owed, share(voltage))
            self._put(result, k, 2, voltage, owed, float(max(one.far for one in voltage)))
            self._deviations(result, k, member, day, panes)
        for column, kept, of in (
            (3, self.held_threes(member, day, panes), owed),
            (4, self.held(member, day, THD, panes), owed),
            (5, self.held(member, day, PST, panes), owed // PST_OF_PLT),
        ):
            if kept:
                self._put(result, k, column, kept, of, share(kept))

    def _put(
        self, result: Result, k: int, column: int, kept: list[Held], owed: int, value: float
    ) -> None:
        least = min(one.valid for one in kept)
        result.n[k, column] = least
        result.cov[k, column] = least / owed
        if least >= WEEK_SHARE_MIN * owed:
            result.value[k, column] = value

    def deviations(
        self, member: int, day: int, panes: Panes
    ) -> list[tuple[int, int, float, float]]:
        """Of each voltage of a day: slot, intervals, under- and overdeviation in %."""
        slots = self.slots(member, day, (VOLTAGE,), panes)
        middle = self.members.day_starts(
            np.array([member], np.int64), np.array([day], np.int64)) + 720
        nominal = self.supply.nominal(slots, np.repeat(middle, len(slots)))
        found = []
        for slot, row, volts in zip(
            slots.tolist(), self._sums(slots, day, 1, panes).tolist(), nominal.tolist(),
            strict=True,
        ):
            count = max(row[0], 1.0)
            under, over = deviation_of(row[3] / count, row[4] / count, volts)
            found.append((slot, int(row[0]), under, over))
        return found

    def _deviations(self, result: Result, k: int, member: int, day: int, panes: Panes) -> None:
        rows = self.deviations(member, day, panes)
        owed = self.owed(member, day, 1)
        least = min(row[1] for row in rows)
        for column, of in ((6, 2), (7, 3)):
            result.n[k, column] = least
            result.cov[k, column] = least / owed
            if enough(least, owed):
                result.value[k, column] = max(row[of] for row in rows)


def share(kept: list[Held]) -> float:
    """Percent of the intervals beyond the limit, of the worst."""
    return max(100.0 * one.near / max(one.valid, 1) for one in kept)
