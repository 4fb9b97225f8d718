"""Panes: what is kept of the readings of one series in one aligned interval.

A pane is a pure function of the set of its readings: counts and sums are exact integers
(10^-6 of the unit; 10^-12 h/km for reciprocals; 10^-4 of the square for what is averaged as
root mean square; 10^(L/10) for sound levels), minima and maxima do not care for order. One
pass over a batch updates one ring of 1-minute panes; `fold` adds what a minute pane gained since
its last fold to the panes of 5, 10 and 15 minutes, the hour and the day. A reading too old for
the minute ring is folded directly. So a late reading ends in the very panes of one on time, in
any order, for as long as the longer rings reach (docs/decisions/0003).

Level indices are local: (Unix minute + shift[slot]) // period, shift = the zone's standard
offset in minutes, so that hours and days of half-hour zones start where people's do.
"""

from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from edge.quantities import INDEX, QUANTITIES
from engine.aligned import blank, longer
from engine.kernel import inner, kernel, lean_inner

MINUTES = 64
MINUTE_NS = 60_000_000_000
SCALE = 1_000_000.0
SQUARE_SCALE = 1e4
LEVEL_DB_MAX = 140.0
"""A day of readings a second at this sound level still fits an exact sum."""
TOUCHED_MIN = 1 << 12
TOUCHED_A_SERIES_MAX = 16
"""Changed panes that are listed between two ticks, of all series together; if there are more,
they are looked for."""

MINUTE = np.dtype([
    ("tag", "i4"), ("n", "i4"), ("folded_n", "i4"), ("span", "i4"), ("sum", "i8"),
    ("folded_sum", "i8"), ("reciprocal", "i8"), ("folded_reciprocal", "i8"), ("min", "f8"),
    ("max", "f8"),
])
"""A minute: 64 bytes, so that the ring of 64 takes 4 KB a series."""
FINE = np.dtype([("tag", "i4"), ("n", "i4"), ("sum", "i8"), ("covered", "u8")])
"""5, 10, 15 minutes; `sum` is the reciprocal sum for speeds. Bit 63 of `covered`: touched."""
COARSE = np.dtype([
    ("tag", "i4"), ("n", "i4"), ("sum", "i8"), ("covered", "u8"), ("min", "f8"), ("max", "f8"),
])
"""Hours and days; a bit of `covered` for each minute with data (hours only)."""

HORIZON_DAYS = 8
PERIODS = (5, 10, 15, 60, 1440, 1)
"""Minutes of each level; a touched pane names its level by position here."""
LENGTHS = (9 * 288 + 96, 9 * 144 + 48, 9 * 96 + 32, 240, 40)
"""Panes kept a level: the horizon, a day more for windows that look back, and a margin."""
FIVE, TEN, QUARTER, HOUR, DAY, ONE = range(6)
FINE_LEVELS = 3
NEVER_MIN = 1 << 40
"""Unix minute that stands for never: the first reading of a series without one."""

LEVEL_OF: dict[str, int] = {
    "speed": FIVE, "count": FIVE, "occupancy": FIVE, "voltage": TEN, "power": QUARTER,
    "laeq": QUARTER, "so2": QUARTER, "thd": TEN, "angle": TEN, "pst": TEN,
}
"""Which level below the hour a quantity keeps: what its indicators read."""
_SQUARE, _ENERGY = 1, 2
_OF = {"rms": _SQUARE, "level": _ENERGY}
_KIND = np.array([_OF.get(row.kind, 0) for row in QUANTITIES.values()], np.int64)
RECIPROCAL = INDEX["speed"]
REGISTER = INDEX["energy"]

TOUCHED = np.uint64(1 << 63)
COVER = np.uint64((1 << 63) - 1)
UNCOUNTED = np.uint64(1 << 62)
"""In `covered` of an hour: it holds readings that do not count."""

_minute = nb.from_dtype(MINUTE)[::1, :]
_fine = nb.types.UniTuple(nb.from_dtype(FINE)[:, ::1], FINE_LEVELS)
_coarse = nb.types.UniTuple(nb.from_dtype(COARSE)[:, ::1], 2)
_touched = nb.int32[:, ::1]
_i32 = nb.int32[::1]
_i64 = nb.int64[::1]
_u64 = nb.uint64[::1]


@inner
def cover_bits(position: int, span: int, period: int) -> Any:
    """Bits of the minutes that a reading at `position` (minute in the pane) stands for.

    A reading of a device with a nominal period of `span` minutes stands for the aligned span
    that holds it, cut at the pane. One that stands for longer than the pane vouches for none of
    its minutes: an hourly value says nothing of its quarters.
    """
    if span > period:
        return nb.uint64(0)
    if span <= 1:
        return nb.uint64(1) << nb.uint64(position)
    first = position - position % span
    last = min(first + span, period)
    bits = nb.uint64(0)
    for i in range(first, last):
        bits |= nb.uint64(1) << nb.uint64(i)
    return bits


@lean_inner
def summand(value: float, quantity: int) -> Any:
    """What a reading adds to the exact sum of its pane, by the kind of its quantity."""
    if _KIND[quantity] == _SQUARE:
        return nb.int64(np.floor(value * value * SQUARE_SCALE + 0.5))
    if _KIND[quantity] == _ENERGY:
        return nb.int64(np.floor(10.0 ** (min(value, LEVEL_DB_MAX) / 10.0) + 0.5))
    return nb.int64(np.floor(value * SCALE + 0.5))


@inner
def _touch(touched: Any, level: int, slot: int, index: int) -> None:
    count = touched[0, 0]
    if count + 1 < touched.shape[0]:
        touched[count + 1, 0] = level
        touched[count + 1, 1] = slot
        touched[count + 1, 2] = index
        touched[0, 0] = count + 1
    else:
        touched[0, 1] = 1


@inner
def fold_one(
    fine: Any, coarse: Any, rows: Any, quantity: Any, shift: Any, touched: Any, slot: int,
    minute: int, span: int, n: int, total: int, reciprocal: int, low: float, high: float,
) -> None:
    """Add the gain of one minute of one series to all its levels."""
    local = minute + shift[slot]
    for level in range(3):
        row = rows[level, slot]
        if row < 0:
            continue
        panes = fine[level]
        period = 5 * (level + 1)
        index = local // period
        pane = panes[row, index % panes.shape[1]]
        if pane.tag > index:
            continue
        if pane.tag < index:
            pane.tag, pane.n, pane.sum, pane.covered = index, 0, 0, 0
        pane.n += n
        pane.sum += reciprocal if quantity[slot] == RECIPROCAL else total
        bits = cover_bits(local - index * period, span, period)
        if not pane.covered & TOUCHED:
            _touch(touched, level, slot, index)
        pane.covered |= bits | TOUCHED
    for k in range(2):
        panes = coarse[k]
        period = 60 if k == 0 else 1440
        index = local // period
        pane = panes[slot, index % panes.shape[1]]
        if pane.tag > index:
            continue
        if pane.tag < index:
            pane.tag, pane.n, pane.sum, pane.covered = index, 0, 0, 0
            pane.min, pane.max = np.inf, -np.inf
        pane.n += n
        if quantity[slot] != REGISTER:
            pane.sum += total
        pane.min = min(pane.min, low)
        pane.max = max(pane.max, high)
        if not pane.covered & TOUCHED:
            _touch(touched, 3 + k, slot, index)
        bits = cover_bits(local - index * period, span, period) if k == 0 else nb.uint64(0)
        pane.covered |= bits | TOUCHED


@inner
def _fold_pane(
    minutes: Any, fine: Any, coarse: Any, rows: Any, quantity: Any, shift: Any, touched: Any,
    slot: int, position: int,
) -> None:
    pane = minutes[slot, position]
    n = pane.n - pane.folded_n
    if n == 0 and pane.sum == pane.folded_sum and pane.reciprocal == pane.folded_reciprocal:
        return  # a reading that replaced another of its time changes the sum alone
    fold_one(
        fine, coarse, rows, quantity, shift, touched, slot, pane.tag, pane.span, n,
        pane.sum - pane.folded_sum, pane.reciprocal - pane.folded_reciprocal, pane.min, pane.max,
    )
    pane.folded_n = pane.n
    pane.folded_sum = pane.sum
    pane.folded_reciprocal = pane.reciprocal
    if rows[2, slot] >= 0:  # what slides by the minute asks for the minutes themselves
        _touch(touched, 5, slot, pane.tag)


@inner
def mark_uncounted(coarse: Any, slot: int, local: int) -> None:
    """Note in the hour of a local minute that it holds a reading that does not count."""
    panes = coarse[0]
    index = local // 60
    pane = panes[slot, index % panes.shape[1]]
    if pane.tag < index:
        pane.tag, pane.n, pane.sum, pane.covered = index, 0, 0, 0
        pane.min, pane.max = np.inf, -np.inf
    if pane.tag == index:
        pane.covered |= UNCOUNTED


@lean_inner
def apply_one(
    s: int, minute: int, x: float, flag: int, span: int, of: int, minutes: Any, fine: Any,
    coarse: Any, rows: Any, quantity: Any, shift: Any, dirty: Any, first_min: Any, touched: Any,
) -> None:
    """Fold a reading of series `s`, which is of quantity `of`, into the minute ring."""
    first_min[s] = min(first_min[s], minute)
    if flag in (4, 9) or (of == RECIPROCAL and x <= 0.0):
        mark_uncounted(coarse, s, minute + shift[s])
        return
    total = summand(x, of)
    reciprocal = nb.int64(0)
    if of == RECIPROCAL:
        reciprocal = nb.int64(np.floor(1e12 / max(x, 1.0) + 0.5))
    position = minute & 63
    pane = minutes[s, position]
    if pane.tag > minute:
        fold_one(
            fine, coarse, rows, quantity, shift, touched, s, minute, span, 1, total, reciprocal,
            x, x,
        )
        return
    if pane.tag < minute:
        _fold_pane(minutes, fine, coarse, rows, quantity, shift, touched, s, position)
        pane.tag, pane.span, pane.n, pane.folded_n = minute, 1, 0, 0
        pane.sum, pane.folded_sum, pane.reciprocal, pane.folded_reciprocal = 0, 0, 0, 0
        pane.min = pane.max = x
    pane.n += 1
    pane.span = max(pane.span, span)
    pane.sum += total
    pane.reciprocal += reciprocal
    pane.min = min(pane.min, x)
    pane.max = max(pane.max, x)
    dirty[s] |= nb.uint64(1) << nb.uint64(position)


@kernel(nb.void(
    _i32, _i64, nb.float64[::1], nb.uint8[::1], _i32, _minute, _fine, _coarse,
    nb.int32[:, ::1], _i32, _i32, _u64, _i64, _touched,
), lean=True)
def apply_readings(
    slot: Any, time_ns: Any, value: Any, flag: Any, span: Any, minutes: Any, fine: Any,
    coarse: Any, rows: Any, quantity: Any, shift: Any, dirty: Any, first_min: Any, touched: Any,
) -> None:
    """Fold a batch of readings into the minute ring.

    slot: int32[k], series. time_ns: int64[k], Unix ns. value: float64[k], canonical unit, finite.
    flag: uint8[k], QARTOD; 4 and 9 do not count. span: int32[k], minutes that a reading stands
    for. minutes: MINUTE[series, 64]. fine: three FINE[row, panes]. coarse: two COARSE[series,
    panes]. rows: int32[3, series], row of a series in each fine level or -1. quantity: int32,
    shift: int32, dirty: uint64 (a bit for each minute of the ring with something to fold),
    first_min: int64 (Unix minute of the earliest reading, those that do not count too), all
    [series]. touched: int32[n, 3], row 0 = (count, overflow, -). O(1) a reading.
    """
    for k in range(slot.shape[0]):
        apply_one(
            slot[k], time_ns[k] // MINUTE_NS, value[k], flag[k], span[k], quantity[slot[k]],
            minutes, fine, coarse, rows, quantity, shift, dirty, first_min, touched,
        )


@kernel(nb.void(
    _minute, _fine, _coarse, nb.int32[:, ::1], _i32, _i32, _u64, _touched,
), lean=True)
def fold_dirty(
    minutes: Any, fine: Any, coarse: Any, rows: Any, quantity: Any, shift: Any, dirty: Any,
    touched: Any,
) -> None:
    """Fold the minute panes of every dirty series; arrays as in `apply_readings`."""
    for s in range(dirty.shape[0]):
        bits = dirty[s]
        position = 0
        while bits:
            if bits & nb.uint64(1):
                _fold_pane(minutes, fine, coarse, rows, quantity, shift, touched, s, position)
            bits >>= nb.uint64(1)
            position += 1
        dirty[s] = 0


class Panes:
    """The rings of all series; grows by doubling as series are registered."""

    def __init__(self) -> None:
        self.minutes = blank((MINUTES, 2), MINUTE).T  # without rows it would be in either order
        self.fine = tuple(blank((0, LENGTHS[level]), FINE) for level in range(FINE_LEVELS))
        self.coarse = (blank((0, LENGTHS[HOUR]), COARSE), blank((0, LENGTHS[DAY]), COARSE))
        self.rows = np.full((FINE_LEVELS, 0), -1, np.int32)
        self.dirty = np.zeros(0, np.uint64)
        self.first_min = np.zeros(0, np.int64)
        self.touched = np.zeros((TOUCHED_MIN, 3), np.int32)
        self.fine_rows = [0] * FINE_LEVELS

    def fit(self, quantity: npt.NDArray[np.int32], level_of: list[int]) -> None:
        """Make room for series 0..len(quantity)-1; `level_of` maps a quantity to its level."""
        count = len(quantity)
        old = self.rows.shape[1]
        if count <= old:
            return
        capacity = max(count, 2 * old, 8)
        self.minutes = longer(self.minutes.T, capacity, axis=1).T
        self.coarse = (longer(self.coarse[0], capacity), longer(self.coarse[1], capacity))
        more = capacity - old
        self.dirty = np.concatenate([self.dirty, np.zeros(more, np.uint64)])
        self.first_min = np.concatenate([self.first_min, np.full(more, NEVER_MIN)])
        rows = np.full((FINE_LEVELS, capacity), -1, np.int32)
        rows[:, :old] = self.rows
        self.rows = rows
        room = max(TOUCHED_MIN, TOUCHED_A_SERIES_MAX * capacity)
        touched = np.zeros((room, 3), np.int32)
        touched[: len(self.untaken())] = self.untaken()
        self.touched = touched
        self.assign(quantity, level_of, 0)

    def assign(
        self, quantity: npt.NDArray[np.int32], level_of: list[int], first: int
    ) -> None:
        """Give series from `first` on their row in the level that their quantity keeps."""
        for slot in range(first, len(quantity)):
            level = level_of[quantity[slot]]
            if level < 0 or self.rows[level, slot] >= 0:
                continue
            row = self.fine_rows[level]
            panes = list(self.fine)
            if row >= len(panes[level]):
                panes[level] = longer(panes[level], max(16, 2 * row))
                self.fine = tuple(panes)
            self.rows[level, slot] = row
            self.fine_rows[level] = row + 1

    def take_touched(self, shift: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
        """Rows (level, slot, index) of all panes changed since the last call, and clear them.

        The index of a minute is a Unix minute, the others are local by `shift`.
        """
        if self.touched[0, 1]:
            found = self._scan(shift)
        else:
            found = self.touched[1 : 1 + self.touched[0, 0]].copy()
        for level in range(5):
            rows = found[found[:, 0] == level]
            if len(rows):
                panes = self.fine[level] if level < FINE_LEVELS else self.coarse[level - 3]
                at = self.rows[level, rows[:, 1]] if level < FINE_LEVELS else rows[:, 1]
                panes["covered"][at, rows[:, 2] % LENGTHS[level]] &= COVER
        self.touched[0] = 0
        return found

    def untaken(self) -> npt.NDArray[np.int32]:
        """The list of changed panes since the last `take_touched`, for a snapshot."""
        return self.touched[: 1 + self.touched[0, 0]]

    def _scan(self, shift: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
        """All marked panes; only after more changed between two ticks than the list holds.

        Minutes carry no mark: all those of a changed quarter of an hour are given.
        """
        parts = []
        for level in range(5):
            panes = self.fine[level] if level < FINE_LEVELS else self.coarse[level - 3]
            row, column = np.nonzero(panes["covered"] & TOUCHED)
            owner = np.arange(len(panes))
            if level < FINE_LEVELS:
                known = self.rows[level] >= 0
                owner[self.rows[level][known]] = np.nonzero(known)[0]
            slot = owner[row]
            index = panes["tag"][row, column]
            parts.append(np.stack([np.full(len(row), level), slot, index], axis=1))
        quarters = np.repeat(parts[QUARTER], PERIODS[QUARTER], axis=0)
        quarters[:, 0] = ONE
        quarters[:, 2] *= PERIODS[QUARTER]
        quarters[:, 2] += np.arange(len(quarters)) % PERIODS[QUARTER] - shift[quarters[:, 1]]
        return np.concatenate([*parts, quarters]).astype(np.int32)
