"""What a value was made of: the steps that a reader can follow and check by hand.

Each indicator of the catalogue declares a `Recipe`: what it looks back on and a function that
writes down the steps of one window of one station. The steps are told, not computed anew in
another way: their numbers come from the very panes and kernels that yield the points.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from edge.quantities import INDEX, QUANTITIES
from engine.family import Family, Integers
from engine.indicator import Indicator
from engine.panes import FINE_LEVELS, FIVE, HOUR, ONE, PERIODS, QUARTER, Panes
from engine.road_rows import Roads
from engine.vitals import Vitals

Json = Any

SPEED_UNIT, SUM_UNIT, SQUARE_UNIT = "1e-12 h/km", "1e-6 of the unit", "1e-4 of the unit squared"
PANE_COLUMNS = ("start_ms", "minutes", "n", "sum", "covered")
"""Start, length, readings, their exact sum (see `sum_unit`), minutes that they vouch for."""
NEWEST_FIRST = "newest first"
_KINDS = [row.kind for row in QUANTITIES.values()]


class Step(NamedTuple):
    """One step: `formula` on the numbers `given` yields those `found`."""

    name: str
    formula: str
    given: dict[str, Json]
    found: dict[str, Json]
    clause: str = ""


class Coverage(NamedTuple):
    """What there was of what there should be, and the least that the standard asks for."""

    had: float
    owed: float
    what: str
    rule: str


@dataclass(slots=True)
class Account:
    """How one window of one station came about.

    `panes` are the intervals used: (slot, level, first index, how many), see `engine.panes`.
    """

    steps: list[Step]
    coverage: Coverage
    panes: list[tuple[int, int, int, int]] = field(default_factory=list)


@dataclass(slots=True)
class Look:
    """One window of one station in a state that holds what it looks back on.

    Times are Unix minutes; `end_min` is the window's end, `start_min` its beginning.
    """

    vitals: Vitals
    family: Family
    entry: Indicator
    member: int
    window: int
    now_min: int

    @property
    def panes(self) -> Panes:
        """The rings."""
        return self.vitals.panes

    @property
    def start_min(self) -> int:
        """Unix minute of the window's start."""
        return int(self.family.end_min(*self.at(self.window - 1))[0])

    @property
    def end_min(self) -> int:
        """Unix minute of the window's end."""
        return int(self.family.end_min(*self.at(self.window))[0])

    @property
    def place(self) -> int:
        """Row of the station."""
        return self.family.members.places[self.member]

    @property
    def shift(self) -> int:
        """Minutes of standard time east of UTC."""
        return int(self.family.members.shift[self.member])

    @property
    def road(self) -> Roads:
        """What the places file said of the road when the window began, as columns of length 1."""
        return self.vitals.segments.roads(self.at(0)[0], np.array([self.start_min], np.int64))

    def at(self, window: int) -> tuple[Integers, Integers]:
        """The member and a window as columns of length 1."""
        return np.array([self.member], np.int64), np.array([window], np.int64)

    def slots(self, quantity: str, start_min: int = 0, end_min: int = 0) -> list[int]:
        """Series of a quantity that there were in the window (or from `start_min` on)."""
        members = self.family.members
        if INDEX[quantity] not in members.inputs:
            return []
        start = np.array([start_min or self.start_min], np.int64)
        end = np.array([end_min or self.end_min], np.int64)
        there = members.live(np.array([self.member], np.int64), start, end, self.panes)[0]
        first = members.inputs.index(INDEX[quantity]) * members.devices
        columns = range(first, first + members.devices)
        return [int(members.table[self.member, j]) for j in columns if there[j]]


class Recipe(NamedTuple):
    """How an indicator is explained.

    inputs: quantities that it reads, none for all. back_min: minutes before the window's end
    that it looks back on. steps: writes down the steps. url: where the standard can be read.
    ring_days: days of 5- and 15-minute panes that it needs, 0 for those that are kept anyway.
    around_min: minutes before and behind all that for registers, whose neighbours count.
    lead: windows that must be computed before it, oldest first. free_flow: it is held against
    the free-flow speed of its day ("held"), or is that speed ("measured"). by_receipt: its window
    is one of receipt: what came in it counts, whatever its time. hour_days: days of panes of hours
    that it needs, 0 for those that are kept anyway. near: it is held against other stations, which
    must be built again as well.
    """

    inputs: tuple[str, ...]
    back_min: int
    steps: Callable[[Look], Account]
    url: str
    ring_days: int = 0
    lead: Callable[[int], range] = lambda window: range(0)
    free_flow: str = ""
    around_min: int = 0
    by_receipt: bool = False
    hour_days: int = 0
    near: bool = False
    beside: tuple[str, ...] = ()

    def reads(self, corrected: bool) -> frozenset[int]:
        """Rows of the quantities that it reads at a station without and with corrected sensors."""
        return frozenset(INDEX[name] for name in self.inputs + self.beside * corrected)


def number(value: float, digits: int = 12) -> float | None:
    """A float for people and JSON: NaN is None, the dust of binary fractions is rounded off."""
    return None if not np.isfinite(value) else float(f"{float(value):.{digits}g}")


def numbers(values: Any) -> list[float | None]:
    """Several of `number`."""
    return [number(value) for value in np.asarray(values, np.float64).tolist()]


def pane_rows(
    vitals: Vitals, slot: int, level: int, first: int, count: int
) -> tuple[str, list[list[int]]]:
    """Rows of `PANE_COLUMNS` of the panes that hold data, oldest first, and the unit of `sum`."""
    panes, shift = vitals.panes, int(vitals.registry.shift[slot])
    speed = vitals.registry.quantity[slot] == INDEX["speed"]
    rows = []
    for index in range(first, first + count):
        if level == ONE:
            pane = panes.minutes[slot, index & 63]
            start, covered = index, int(pane["span"])
        else:
            ring = (panes.fine[level][panes.rows[level, slot]] if level < FINE_LEVELS
                    else panes.coarse[level - FINE_LEVELS][slot])
            pane = ring[index % len(ring)]
            start = index * PERIODS[level] - shift
            covered = (int(pane["covered"]) & ((1 << 63) - 1)).bit_count()
        if pane["tag"] == index and pane["n"] > 0:
            reciprocal = speed and (level < FINE_LEVELS or level == ONE)
            total = pane["reciprocal"] if reciprocal and level == ONE else pane["sum"]
            rows.append([start * 60_000, PERIODS[level], int(pane["n"]), int(total), covered])
    if speed and level in (FIVE, ONE, QUARTER):
        return SPEED_UNIT, rows
    square = _KINDS[int(vitals.registry.quantity[slot])] == "rms"
    return SQUARE_UNIT if square else SUM_UNIT, rows


def hour_of(look: Look, minute: int) -> int:
    """Local number of the hour that holds a Unix minute."""
    return (minute + look.shift) // PERIODS[HOUR]
