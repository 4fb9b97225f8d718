"""Taking a reading back that lost against another one of its series and time.

Counts and sums are exact, so what came in goes out again by subtraction. Coverage and the blocks
of registers cannot be subtracted from: there the day of the series is folded again from all of
its readings, beside the panes in force, and only the panes that differ are replaced.
"""

from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from edge.quantities import QUANTITIES
from engine.batch import Batch
from engine.kernel import kernel
from engine.panes import (
    COARSE,
    COVER,
    DAY,
    FINE,
    FINE_LEVELS,
    HOUR,
    LENGTHS,
    LEVEL_OF,
    MINUTE,
    MINUTE_NS,
    ONE,
    PERIODS,
    QUARTER,
    RECIPROCAL,
    REGISTER,
    TOUCHED,
    Panes,
    apply_readings,
    fold_dirty,
    fold_one,
    summand,
)
from engine.registers import ANEW, BLOCK, BLOCKS, Registers
from engine.registry import Registry

DAY_MIN = 1440
_NO_COVER = 1 << 20
"""A span longer than any pane: such a reading vouches for none of its minutes."""
_i32 = nb.int32[::1]
_i64 = nb.int64[::1]


def counts(
    quantity: npt.NDArray[np.int32], value: npt.NDArray[np.float64], flag: npt.NDArray[np.uint8]
) -> npt.NDArray[np.bool_]:
    """bool[k]: which readings count in panes, as `apply_readings` has it."""
    out: npt.NDArray[np.bool_] = (flag != 4) & (flag != 9)
    out &= (quantity != RECIPROCAL) | (value > 0.0)
    return out


@kernel(nb.void(
    _i32, _i64, nb.float64[::1], nb.from_dtype(MINUTE)[::1, :],
    nb.types.UniTuple(nb.from_dtype(FINE)[:, ::1], FINE_LEVELS),
    nb.types.UniTuple(nb.from_dtype(COARSE)[:, ::1], 2), nb.int32[:, ::1], _i32, _i32,
    nb.uint64[::1], nb.int32[:, ::1],
))
def retract_readings(
    slot: Any, time_ns: Any, value: Any, minutes: Any, fine: Any, coarse: Any, rows: Any,
    quantity: Any, shift: Any, dirty: Any, touched: Any,
) -> None:
    """Take counted readings out of the panes again; arrays as in `apply_readings`.

    Minima and maxima stay as wide as they were. O(1) a reading.
    """
    for k in range(slot.shape[0]):
        s = slot[k]
        minute = time_ns[k] // MINUTE_NS
        x = value[k]
        total = summand(x, quantity[s])
        reciprocal = nb.int64(0)
        if quantity[s] == RECIPROCAL:
            reciprocal = nb.int64(np.floor(1e12 / max(x, 1.0) + 0.5))
        pane = minutes[s, minute & 63]
        if pane.tag > minute:
            fold_one(
                fine, coarse, rows, quantity, shift, touched, s, minute, _NO_COVER, -1, -total,
                -reciprocal, np.inf, -np.inf,
            )
        elif pane.tag == minute:
            pane.n -= 1
            pane.sum -= total
            pane.reciprocal -= reciprocal
            dirty[s] |= nb.uint64(1) << nb.uint64(minute & 63)


def retract(batch: Batch, panes: Panes, registry: Registry) -> None:
    """Take readings that were applied out of the panes again."""
    slot = batch.slot
    row = np.nonzero(counts(registry.quantity[slot], batch.value, batch.flag))[0]
    retract_readings(
        slot[row], batch.time_ns[row], batch.value[row], panes.minutes, panes.fine, panes.coarse,
        panes.rows, registry.quantity, registry.shift, panes.dirty, panes.touched,
    )


def span_ns(slot: int, time_ns: int, registry: Registry) -> tuple[int, int]:
    """The local day of a series that holds a time: from and before, Unix ns."""
    shift = int(registry.shift[slot])
    day = (time_ns // MINUTE_NS + shift) // DAY_MIN
    first = (day * DAY_MIN - shift) * MINUTE_NS
    return first, first + DAY_MIN * MINUTE_NS


class _Alone:
    """Panes and register blocks of one series alone, from readings of one day, folded."""

    def __init__(self, slot: int, batch: Batch, registry: Registry) -> None:
        self.panes, self.registers = Panes(), Registers()
        quantity, shift = registry.quantity[slot : slot + 1], registry.shift[slot : slot + 1]
        self.panes.fit(quantity, [LEVEL_OF.get(name, -1) for name in QUANTITIES])
        batch = batch.take(np.argsort(batch.time_ns, kind="stable"))
        here = np.zeros(len(batch), np.int32)
        span = registry.span_at(here + np.int32(slot), batch.time_ns // MINUTE_NS * 60)
        panes = self.panes
        apply_readings(
            here, batch.time_ns, batch.value, batch.flag, span.astype(np.int32), panes.minutes,
            panes.fine, panes.coarse, panes.rows, quantity, shift, panes.dirty, panes.first_min,
            panes.touched,
        )
        fold_dirty(
            panes.minutes, panes.fine, panes.coarse, panes.rows, quantity, shift, panes.dirty,
            panes.touched,
        )
        if quantity[0] == REGISTER:
            self.registers.row = np.zeros(1, np.int32)
            self.registers.slots = np.zeros(1, np.int32)
            self.registers.blocks = np.zeros((1, BLOCKS), BLOCK)
            self.registers.changed = np.zeros((1, BLOCKS), np.uint8)
            self.registers.apply(here, batch.time_ns, batch.value, batch.flag, shift)


def refold(
    slot: int, time_ns: int, batch: Batch, lost: int, panes: Panes, registers: Registers,
    registry: Registry, *, judged: bool = False,
) -> bool:
    """Make the panes of one local day of a series those of `batch`, all its readings that stand.

    time_ns: any time of the day, of which no reading may be left. lost: counted readings that the
    panes still hold and `batch` does not. Says False, and leaves all as it is, if `batch` does
    not hold as many readings as the panes: some were not found.
    judged: flags may differ from those that the panes were made with; then `batch` must hold at
    least as many.
    """
    first_ns, end_ns = span_ns(slot, time_ns, registry)
    shift = int(registry.shift[slot])
    first, end = first_ns // MINUTE_NS + shift, end_ns // MINUTE_NS + shift
    ring = panes.minutes[slot]
    inside = (ring["tag"] + shift >= first) & (ring["tag"] + shift < end)
    day = panes.coarse[1][slot, first // DAY_MIN % LENGTHS[DAY]]
    if day["tag"] > first // DAY_MIN:
        return True
    held = int(day["n"]) if day["tag"] == first // DAY_MIN else 0
    held += int((ring["n"] - ring["folded_n"])[inside].sum())
    alone = _Alone(slot, batch, registry)
    there = int(alone.panes.coarse[1]["n"][0].sum())
    if held - lost > len(batch) if judged else held - lost != there:
        return False
    for level in range(FINE_LEVELS):
        row = int(panes.rows[level, slot])
        if row >= 0:
            part = (first // PERIODS[level], end // PERIODS[level])
            found = _replace(panes.fine[level][row], alone.panes.fine[level][0], *part)
            _list(panes, level, slot, found)
    for level in (HOUR, DAY):
        part = (first // PERIODS[level], end // PERIODS[level])
        fresh = alone.panes.coarse[level - HOUR][0]
        _list(panes, level, slot, _replace(panes.coarse[level - HOUR][slot], fresh, *part))
    found = _replace_minutes(ring, alone.panes.minutes[0], np.nonzero(inside)[0])
    if panes.rows[QUARTER, slot] >= 0:
        _list(panes, ONE, slot, found)
    if registry.quantity[slot] == REGISTER:
        _replace_blocks(
            registers, slot, alone.registers.blocks[0],
            np.arange(first // PERIODS[QUARTER], end // PERIODS[QUARTER]),
        )
    return True


def _replace(
    panes: npt.NDArray[Any], fresh: npt.NDArray[Any], first: int, end: int
) -> npt.NDArray[np.int64]:
    """Take panes `first` to `end` of a ring over; returns those that were not marked before."""
    index = np.arange(first, end)
    at = index % len(panes)
    known = panes["tag"][at] == index
    known |= (panes["tag"][at] < index) & (fresh["tag"][at] == index)  # not folded yet
    index, at = index[known], at[known]
    want = fresh[at].copy()
    want[want["tag"] != index] = np.zeros((), panes.dtype)
    want["tag"] = index
    want["covered"] &= COVER
    marked = (panes["tag"][at] == index) & ((panes["covered"][at] & TOUCHED) != 0)
    same = (panes["tag"][at] == index) & (panes["n"][at] == want["n"])
    same &= panes["sum"][at] == want["sum"]
    same &= (panes["covered"][at] & COVER) == want["covered"]
    want["covered"] |= np.where(same & ~marked, np.uint64(0), TOUCHED)
    panes[at] = want
    found: npt.NDArray[np.int64] = index[~same & ~marked]
    return found


def _replace_minutes(
    ring: npt.NDArray[Any], fresh: npt.NDArray[Any], at: npt.NDArray[np.intp]
) -> npt.NDArray[np.int64]:
    """Take minutes of the ring over, as folded; returns those that differed."""
    want = fresh[at].copy()
    gone = want["tag"] != ring["tag"][at]
    want[gone] = np.zeros((), ring.dtype)
    want["tag"] = ring["tag"][at]
    want["min"][gone], want["max"][gone] = np.inf, -np.inf
    differ = (want["n"] != ring["n"][at]) | (want["sum"] != ring["sum"][at])
    differ |= want["reciprocal"] != ring["reciprocal"][at]
    ring[at] = want
    found: npt.NDArray[np.int64] = want["tag"][differ].astype(np.int64)
    return found


def _replace_blocks(
    registers: Registers, slot: int, fresh: npt.NDArray[Any], index: npt.NDArray[np.int64]
) -> None:
    """Take blocks of a register over; those that differ are marked as changed."""
    row = registers.row[slot]
    at = index % BLOCKS
    known = registers.blocks[row, at]["tag"] == index
    index, at = index[known], at[known]
    want = fresh[at].copy()
    want[want["tag"] != index] = np.zeros((), BLOCK)
    want["tag"] = index
    differs = registers.blocks[row, at] != want
    registers.changed[row, at] |= np.where(differs, np.uint8(ANEW), np.uint8(0))
    registers.blocks[row, at] = want


def _list(panes: Panes, level: int, slot: int, index: npt.NDArray[np.int64]) -> None:
    """Add changed panes to the list of those, as a fold does."""
    count, room = int(panes.touched[0, 0]), len(panes.touched) - 1
    if count + len(index) > room:
        panes.touched[0, 1] = 1
        return
    rows = panes.touched[count + 1 : count + 1 + len(index)]
    rows[:, 0], rows[:, 1], rows[:, 2] = level, slot, index
    panes.touched[0, 0] = count + len(index)
