"""Energy registers: what is kept of a meter's readings in each 15 minutes, and their demand.

A block keeps its first and its last reading and its extremes; the energy between two readings is
the difference of the register, across gaps too, so that it is conserved from block to block. Like
a pane, a block is a pure function of the set of its readings. The register at a block's edge is
interpolated between the last reading before it and the first after it: so a reading changes the
blocks of its neighbours as well.
"""

from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from engine.completeness import enough
from engine.demand import register_rise
from engine.kernel import inner, kernel
from engine.panes import LENGTHS, MINUTE_NS, QUARTER, REGISTER
from engine.registry import Registry

BLOCK_MIN = 15
BLOCKS = LENGTHS[QUARTER]
LEVEL = 6
"""Names a block of a register in the rows (level, slot, index) of what changed."""
NEIGHBOURS_MAX = 96
"""Blocks, a day, within which the reading before and after a block is looked for."""
POWER_MAX_KW = 1e5
"""No meter of a city carries more: a fall that would take more to roll over is a reset."""
GAP_SLACK_S = 60.0

BLOCK = np.dtype([
    ("tag", "i4"), ("n", "i4"), ("first_ns", "i8"), ("last_ns", "i8"), ("first", "f8"),
    ("last", "f8"), ("low", "f8"), ("high", "f8"),
])
"""A block of one register: 56 bytes; values in kWh."""

_blocks = nb.from_dtype(BLOCK)[:, ::1]
_i32 = nb.int32[::1]
_i64 = nb.int64[::1]
_f64 = nb.float64[::1]
_HOUR_NS = 3.6e12
_NOWHERE = -1
_HERE, _BEGINNING, ANEW = 1, 2, 3
"""What changed of a block: something, and what the block before it looks at, its first reading;
or all of it."""


@kernel(nb.void(
    _i32, _i64, _f64, nb.uint8[::1], _i32, _i32, _blocks, nb.uint8[:, ::1],
))
def apply_registers(
    slot: Any, time_ns: Any, value: Any, flag: Any, row: Any, shift: Any, blocks: Any,
    changed: Any,
) -> None:
    """Take readings of registers into their blocks.

    slot: int32[k]. time_ns: int64[k], Unix ns. value: float64[k], kWh. flag: uint8[k], QARTOD;
    4 and 9 do not count. row: int32[series], row in `blocks` or -1. shift: int32[series].
    blocks: BLOCK[rows, 896]. changed: uint8[rows, 896], out, `_HERE`
    and `_BEGINNING`. Of two readings of one time the
    larger counts. O(1) a reading.
    """
    length = blocks.shape[1]
    for k in range(slot.shape[0]):
        s = slot[k]
        r = row[s]
        if r < 0 or flag[k] == 4 or flag[k] == 9:
            continue
        at, x = time_ns[k], value[k]
        index = (at // MINUTE_NS + shift[s]) // BLOCK_MIN
        block = blocks[r, index % length]
        if block.tag > index:
            continue
        if block.tag < index or block.n == 0:  # new, or all that it held was taken back
            block.tag = index
            block.n = 0
            block.first_ns = at
            block.last_ns = at
            block.first = x
            block.last = x
            block.low = x
            block.high = x
            changed[r, index % length] |= _BEGINNING
        block.n += 1
        if at < block.first_ns or (at == block.first_ns and x > block.first):
            block.first_ns = at
            block.first = x
            changed[r, index % length] |= _BEGINNING
        if at > block.last_ns or (at == block.last_ns and x > block.last):
            block.last_ns = at
            block.last = x
        block.low = min(block.low, x)
        block.high = max(block.high, x)
        changed[r, index % length] |= _HERE


@kernel(nb.int64(_blocks, nb.int64, nb.int64, nb.int64))
def neighbour(blocks: Any, row: int, index: int, step: int) -> Any:
    """Column of the nearest block with readings, `step` -1 before or 1 after; -1 if none."""
    for k in range(1, NEIGHBOURS_MAX + 1):
        at = index + k * step
        column = at % blocks.shape[1]
        if blocks[row, column].tag == at and blocks[row, column].n > 0:
            return column
    return _NOWHERE


@inner
def _rise_within(block: Any, modulus_kwh: float) -> float:
    """Energy from the first to the last reading of a block; NaN with a reset between."""
    if block.low >= block.first and block.high <= block.last:
        return float(block.last - block.first)
    hours = (block.last_ns - block.first_ns) / _HOUR_NS
    rise = block.last - block.first + modulus_kwh
    return float(rise) if modulus_kwh > 0.0 and 0.0 <= rise <= POWER_MAX_KW * hours else np.nan


@inner
def _rise_between(before: Any, after: Any, modulus_kwh: float) -> float:
    """Energy from the last reading of one block to the first of another; NaN for a reset."""
    hours = (after.first_ns - before.last_ns) / _HOUR_NS
    return float(register_rise(before.last, after.first, hours, modulus_kwh, POWER_MAX_KW))


@kernel(nb.void(_i32, _i64, _i64, _f64, _f64, _blocks, nb.float64[:, ::1], _i32))
def demand_of_registers(
    row: Any, window: Any, start_ns: Any, gap_max_ns: Any, modulus_kwh: Any, blocks: Any,
    out: Any, counts: Any,
) -> None:
    """Mean power of blocks of registers, by the rules of `register_demand`.

    row: int32[k], rows of `blocks`, -1 for a series without. window: int64[k], local numbers of
    the blocks. start_ns: int64[k], Unix ns. gap_max_ns: float64[k], the longest gap across an
    edge that counts as measured. modulus_kwh: float64[k], 0 unknown. out: float64[k, 2]: kW, NaN
    under 75 % measured or with a reset; and the share measured. counts: int32[k], readings of
    the block. Cost: k, and up to 96 steps to a neighbour beyond a gap.
    """
    length = BLOCK_MIN * MINUTE_NS
    for k in range(row.shape[0]):
        out[k, 0] = np.nan
        out[k, 1] = 0.0
        counts[k] = 0
        if row[k] < 0:
            continue
        end_ns = start_ns[k] + length
        before = neighbour(blocks, row[k], window[k], -1)
        after = neighbour(blocks, row[k], window[k], 1)
        block = blocks[row[k], window[k] % blocks.shape[1]]
        energy = 0.0
        known = 0
        measured = 0
        if block.tag == window[k] and block.n > 0:
            counts[k] = block.n
            inside = block.last_ns - block.first_ns
            energy += _rise_within(block, modulus_kwh[k])
            known += inside
            measured += inside
            if before >= 0 and block.first_ns > start_ns[k]:
                other = blocks[row[k], before]
                span = block.first_ns - other.last_ns
                inside = block.first_ns - start_ns[k]
                energy += _rise_between(other, block, modulus_kwh[k]) * (inside / span)
                known += inside
                measured += inside if span <= gap_max_ns[k] else 0
            if after >= 0:
                other = blocks[row[k], after]
                span = other.first_ns - block.last_ns
                inside = end_ns - block.last_ns
                energy += _rise_between(block, other, modulus_kwh[k]) * (inside / span)
                known += inside
                # A reading at the very edge leaves the gap inside the block.
                measured += inside if inside == span or span <= gap_max_ns[k] else 0
        elif before >= 0 and after >= 0:
            first, last = blocks[row[k], before], blocks[row[k], after]
            span = last.first_ns - first.last_ns
            energy = _rise_between(first, last, modulus_kwh[k]) * (length / span)
            known = length
            measured = length if span <= gap_max_ns[k] else 0
        out[k, 1] = measured / length
        if known > 0 and enough(measured, length):
            out[k, 0] = energy * (_HOUR_NS / known)


class Registers:
    """The blocks of all registers; a row each, in the order in which they were registered."""

    def __init__(self) -> None:
        self.row = np.full(0, -1, np.int32)
        self.slots: npt.NDArray[np.int32] = np.zeros(0, np.int32)
        self.blocks = np.zeros((0, BLOCKS), BLOCK)
        self.changed = np.zeros((0, BLOCKS), np.uint8)

    def fit(self, registry: Registry) -> None:
        """Give every register a row."""
        count = len(registry.series)
        old = len(self.row)
        if count <= old:
            return
        fresh = old + np.nonzero(registry.quantity[old:count] == REGISTER)[0].astype(np.int32)
        self.row = np.concatenate([self.row, np.full(count - old, -1, np.int32)])
        if not len(fresh):
            return
        known = len(self.slots)
        self.row[fresh] = np.arange(known, known + len(fresh))
        self.slots = np.concatenate([self.slots, fresh])
        missing = len(self.slots) - len(self.blocks)
        if missing > 0:
            more = max(missing, len(self.blocks), 8)
            self.blocks = np.concatenate([self.blocks, np.zeros((more, BLOCKS), BLOCK)])
            self.changed = np.concatenate([self.changed, np.zeros((more, BLOCKS), np.uint8)])

    def apply(
        self, slot: npt.NDArray[np.int32], time_ns: npt.NDArray[np.int64],
        value: npt.NDArray[np.float64], flag: npt.NDArray[np.uint8],
        shift: npt.NDArray[np.int32],
    ) -> None:
        """Take in a batch of readings of any series; columns as `apply_registers`."""
        if not len(self.slots):
            return
        here = np.nonzero(self.row[slot] >= 0)[0]
        if len(here):
            apply_registers(
                slot[here], time_ns[here], value[here], flag[here], self.row, shift, self.blocks,
                self.changed,
            )

    def take_changed(self) -> npt.NDArray[np.int32]:
        """Rows (`LEVEL`, slot, block) whose demand may have changed since the last call.

        Beside the blocks that had readings: the next one and the nearest with readings behind,
        and before if it was the first reading of a block; else each reading would say anew what
        the block before it said.
        """
        rows, columns = np.nonzero(self.changed[: len(self.slots)])
        what = self.changed[rows, columns]
        self.changed[rows, columns] = 0
        found = set()
        for row, column, begun in zip(
            rows.tolist(), columns.tolist(), (what & _BEGINNING > 0).tolist(), strict=True
        ):
            index = int(self.blocks[row, column]["tag"])
            found |= {(row, index), (row, index + 1)}
            if begun:
                found.add((row, index - 1))
            for step in (-1, 1) if begun else (1,):
                near = int(neighbour(self.blocks, row, index, step))
                if near >= 0:
                    found.add((row, int(self.blocks[row, near]["tag"])))
        if not found:
            return np.zeros((0, 3), np.int32)
        pairs = np.array(sorted(found), np.int64)
        level = np.full(len(pairs), LEVEL)
        return np.stack([level, self.slots[pairs[:, 0]], pairs[:, 1]], axis=1).astype(np.int32)

    def demand(
        self, slots: npt.NDArray[np.int32], windows: npt.NDArray[np.int64], registry: Registry
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int32]]:
        """Demand of blocks: float64[k, 2] as `demand_of_registers`, and int32[k] readings.

        slots: int32[k], registers. windows: int64[k], local block numbers. A gap counts as
        measured if it is at most two reporting periods, at most a block, and a minute of slack.
        """
        start_min = windows * BLOCK_MIN - registry.shift[slots]
        periods = registry.period_at(slots, start_min * 60)
        gaps = (np.minimum(2 * periods, BLOCK_MIN * 60.0) + GAP_SLACK_S) * 1e9
        out, counts = np.empty((len(slots), 2)), np.empty(len(slots), np.int32)
        demand_of_registers(
            self.row[slots], windows, start_min * MINUTE_NS, gaps,
            registry.modulus_at(slots, start_min * 60), self.blocks, out, counts,
        )
        return out, counts

    def patience_min(
        self, slots: npt.NDArray[np.int32], now_s: int, registry: Registry
    ) -> npt.NDArray[np.int64]:
        """int64[k], minutes after its end that a block waits for the reading beyond it."""
        periods = registry.period_at(slots, np.full(len(slots), now_s, np.int64))
        waits: npt.NDArray[np.int64] = np.ceil(
            (np.minimum(2 * periods, BLOCK_MIN * 60.0) + GAP_SLACK_S) / 60
        ).astype(np.int64)
        return waits
