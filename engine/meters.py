"""Meters: the places with power series or energy registers, and the demand of their blocks."""

from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from edge.quantities import INDEX
from engine.changed import Reaching, of_level
from engine.demand import mean_demand
from engine.family import (
    Bools,
    Floats,
    Integers,
    Members,
    Result,
    Slots,
    blank,
)
from engine.kernel import kernel
from engine.panes import FINE, MINUTE, QUARTER, Panes
from engine.power_minutes import PowerMinutes
from engine.registers import BLOCK_MIN, LEVEL, Registers
from engine.registry import Registry


@kernel(nb.void(
    nb.int32[::1], nb.int32[::1], nb.int64[::1], nb.from_dtype(FINE)[:, ::1],
    nb.int64[:, ::1], nb.int32[:, ::1], nb.boolean[:, ::1],
))
def gather_blocks(
    slots: Any, rows: Any, windows: Any, quarter: Any, sums: Any, counts: Any, covered: Any
) -> None:
    """One aligned block of each series, in the form of `mean_demand`.

    slots: int32[k]. rows: int32[series], row in `quarter`. windows: int64[k], local block
    numbers. quarter: FINE[row, blocks]. sums: int64[k, 15], 1e-6 kW, the block in column 0.
    counts: int32[k, 15] likewise. covered: bool[k, 15]. Cost: k.
    """
    length = quarter.shape[1]
    for k in range(slots.shape[0]):
        sums[k, :] = 0
        counts[k, :] = 0
        covered[k, :] = False
        pane = quarter[rows[slots[k]], windows[k] % length]
        if pane.tag != windows[k]:
            continue
        sums[k, 0] = pane.sum
        counts[k, 0] = pane.n
        for i in range(15):
            covered[k, i] = (pane.covered >> nb.uint64(i)) & nb.uint64(1)


@kernel(nb.void(
    nb.int32[::1], nb.int64[::1], nb.int64[::1], nb.from_dtype(MINUTE)[::1, :],
    nb.int64[:, ::1], nb.int32[:, ::1], nb.boolean[:, ::1], nb.boolean[::1],
))
def gather_minutes(
    slots: Any, windows: Any, spans: Any, minutes: Any, sums: Any, counts: Any, covered: Any,
    lost: Any,
) -> None:
    """The 15 minutes up to and with each window minute, in the form of `mean_demand`.

    slots: int32[k]. windows: int64[k], Unix minutes. spans: int64[k], minutes that a reading
    stands for. minutes: MINUTE[series, 64]. Outputs as `gather_blocks`, and lost: bool[k], a
    minute that is asked for has made room for a newer one. Cost: 30 * k.
    """
    for k in range(slots.shape[0]):
        sums[k, :] = 0
        counts[k, :] = 0
        covered[k, :] = False
        lost[k] = False
        first = windows[k] - 14
        for minute in range(first - min(spans[k], BLOCK_MIN) + 1, windows[k] + 1):
            pane = minutes[slots[k], minute & 63]
            if pane.tag > minute:
                lost[k] = True
            if pane.tag != minute or pane.n == 0 or pane.span > BLOCK_MIN:
                continue
            start = minute - minute % pane.span
            for m in range(max(start, first), min(start + pane.span, windows[k] + 1)):
                covered[k, m - first] = True
            if minute >= first:
                sums[k, minute - first] = pane.sum
                counts[k, minute - first] = pane.n


class Meters:
    """Places with power series or energy registers: the members that all demand families share.

    twin: int32[series], of a power series the register of the same device and channel and the
    reverse, else -1. One of the two counts: power, and where its block is insufficient the
    register, which knows what was used across a gap.
    """

    def __init__(self, registers: Registers, power: PowerMinutes) -> None:
        self.members = Members((INDEX["power"], INDEX["energy"]))
        self.registers = registers
        self.power = power
        self.twin: Slots = np.zeros(0, np.int32)
        self._version = -1

    def enrol(self, registry: Registry) -> None:
        """Take in new meters."""
        if registry.version == self._version:
            return
        self._version = registry.version
        self.members.enrol(registry, registry.stations_with(("power", "energy")))
        other = {INDEX["power"]: INDEX["energy"], INDEX["energy"]: INDEX["power"]}
        self.twin = np.array([
            registry.slot_of.get(series._replace(quantity=other[series.quantity]), -1)
            if series.quantity in other else -1
            for series in registry.series
        ], np.int32)

    def flat(
        self, members: Integers, start_min: Integers, end_min: Integers, panes: Panes
    ) -> tuple[Integers, Slots]:
        """Every series that counts in each window: (row of the window, slot)."""
        row, column = np.nonzero(self.members.live(members, start_min, end_min, panes))
        slots = self.members.table[members[row], column]
        series = len(self.twin)
        beside = np.isin(row * series + self.twin[slots], row * series + slots)
        doubled = self.is_register(slots) & (self.twin[slots] >= 0) & beside
        return row[~doubled].astype(np.int64), slots[~doubled]

    def is_register(self, slots: Slots) -> Bools:
        """Which of the series are registers."""
        found: Bools = self.members.registry.quantity[slots] == INDEX["energy"]
        return found

    def patience_min(self, members: Integers, now_min: int) -> Integers:
        """A register's block waits for the reading beyond its end."""
        waits = np.zeros(len(members), np.int64)
        table = self.members.table[members]
        row, column = np.nonzero(table >= 0)
        slots = table[row, column]
        known = self.is_register(slots)
        if known.any():
            minutes = self.registers.patience_min(
                slots[known], now_min * 60, self.members.registry
            )
            np.maximum.at(waits, row[known], minutes)
        return waits

    def touched(
        self, changed: Reaching, member_of: Slots
    ) -> tuple[Integers, Integers]:
        """Members and numbers of the blocks that changed, by power or by a register."""
        power, registers = (of_level(changed, level, member_of) for level in (QUARTER, LEVEL))
        return (
            np.concatenate([power[0], registers[0]]), np.concatenate([power[1], registers[1]])
        )

    def total(
        self, count: int, row: Integers, means: Floats, counts: npt.NDArray[np.int32]
    ) -> Result:
        """Add the series of each place; one insufficient series makes the place so."""
        result = blank(count, 1)
        series = np.bincount(row, minlength=count)
        value = np.bincount(row, weights=means[:, 0], minlength=count)
        result.value[:, 0] = np.where(series > 0, value, np.nan)
        cover = np.bincount(row, weights=means[:, 1], minlength=count)
        result.cov[:, 0] = cover / np.maximum(series, 1)
        result.n[:, 0] = np.bincount(row, weights=counts, minlength=count)
        return result

    def blocks(self, members: Integers, windows: Integers, panes: Panes) -> Result:
        """Demand of aligned blocks: `Result` with one indicator."""
        start = windows * BLOCK_MIN - self.members.shift[members]
        row, slots = self.flat(members, start, start + BLOCK_MIN, panes)
        means, counts = self.block_means(slots, windows[row], panes)
        return self.total(len(members), row, means, counts)

    def block_means(
        self, slots: Slots, windows: Integers, panes: Panes
    ) -> tuple[Floats, npt.NDArray[np.int32]]:
        """Each series' aligned block: float64[k, 2] in the form of `mean_demand`, and readings.

        Of power; of a register if the series is one, or has one beside it that knows more.
        """
        means = np.full((len(slots), 2), np.nan)
        counts = np.zeros(len(slots), np.int32)
        register = self.is_register(slots)
        power = ~register
        space = room(int(power.sum()))
        gather_blocks(
            slots[power], panes.rows[QUARTER], windows[power], panes.fine[QUARTER], *space
        )
        part = np.empty((len(space[0]), 2))
        mean_demand(*space, part)
        means[power], counts[power] = part, space[1].sum(axis=1)
        source = np.where(register, slots, self.twin[slots])
        asked = np.nonzero((source >= 0) & np.isnan(means[:, 0]))[0]
        part, readings = self.registers.demand(
            source[asked], windows[asked], self.members.registry
        )
        better = register[asked] | ~np.isnan(part[:, 0])
        means[asked[better]], counts[asked[better]] = part[better], readings[better]
        return means, counts


def sliding_means(
    meters: Meters, slots: Slots, windows: Integers, spans: Integers, panes: Panes
) -> tuple[Floats, npt.NDArray[np.int32], Bools]:
    """Each series' 15 minutes up to and with a Unix minute.

    Returns float64[k, 2] in the form of `mean_demand`, the readings, and whether minutes that
    are asked for are known no longer: of series beyond `POWER_SERIES_MAX`.
    """
    means, counts = np.empty((len(slots), 2)), np.empty(len(slots), np.int32)
    lost = np.zeros(len(slots), np.bool_)
    kept = meters.power.row[slots] >= 0
    for some in (kept, ~kept):
        space = room(int(some.sum()))
        if not len(space[0]):
            continue
        if some is kept:
            meters.power.gather(slots[some], windows[some], meters.members.registry, space)
        else:
            gone = np.empty(len(space[0]), np.bool_)
            gather_minutes(slots[some], windows[some], spans[some], panes.minutes, *space, gone)
            lost[some] = gone
        part = np.empty((len(space[0]), 2))
        mean_demand(*space, part)
        means[some], counts[some] = part, space[1].sum(axis=1)
    return means, counts, lost


def room(count: int) -> tuple[Integers, npt.NDArray[np.int32], Bools]:
    """Arrays for the gathered sums, counts and cover of `count` blocks."""
    shape = (count, BLOCK_MIN)
    return np.empty(shape, np.int64), np.empty(shape, np.int32), np.empty(shape, np.bool_)
