"""A family of indicators: computed together, over the same windows of the same places.

Windows are numbered by ordinals: for a fixed cadence the local period number, for days the
civil day. Everything a family computes is a pure function of the panes (and, for traffic, of the
free-flow speeds frozen at 03:00), so a window can be computed again at any time.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from engine.panes import Panes
from engine.registry import Registry

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Slots = npt.NDArray[np.int32]


@dataclass(slots=True)
class Result:
    """Values of k windows and i indicators: float64[k, i], NaN insufficient.

    cov: float64[k, i], 0..1. n: int32[k, i], readings used. weight: float64[k], the area
    weight (vehicle kilometres), 1 where all count alike.
    """

    value: Floats
    cov: Floats
    n: npt.NDArray[np.int32]
    weight: Floats


class Family(Protocol):
    """What the windows need of a family; members are rows of its own, append-only."""

    @property
    def indicators(self) -> tuple[int, ...]:
        """Rows of the catalogue, in the order of `compute`'s columns."""

    @property
    def places(self) -> list[int]:
        """Place row of each member."""

    def enrol(self, registry: Registry) -> None:
        """Take in new series and places; members keep their row."""

    def slots(self) -> Slots:
        """int32[members, inputs]: input series of each member, -1 blank."""

    def ordinal(self, members: Integers, minute: Integers) -> Integers:
        """Window of each member that holds the Unix minute."""

    def end_min(self, members: Integers, window: Integers) -> Integers:
        """Unix minute at which each window ends."""

    def touched(self, panes: npt.NDArray[np.int32], member_of: Slots) -> tuple[Integers, Integers]:
        """Windows (members, ordinals, may repeat) that changed panes (level, slot, index) feed."""

    def compute(self, members: Integers, windows: Integers, now_min: int, panes: Panes) -> Result:
        """Values of the windows; `now_min` bounds what an open window may expect."""


@dataclass(slots=True)
class Members:
    """Places with the slots of their inputs as one blank-padded table."""

    inputs: tuple[int, ...]
    places: list[int]
    table: Slots
    shift: Integers
    tz: list[str]
    devices: int = 1

    def enrol(self, registry: Registry, found: dict[int, dict[int, list[int]]]) -> None:
        """Fill the table int32[members, inputs * devices] from `Registry.stations_with`."""
        known = set(self.places)
        self.places.extend(place for place in found if place not in known)
        widths = [len(slots) for by in found.values() for slots in by.values()]
        self.devices = max(widths, default=1)
        shape = (len(self.places), len(self.inputs) * self.devices)
        self.table = np.full(shape, -1, np.int32)
        self.tz = [registry.attributes[place].tz for place in self.places]
        self.shift = np.array(
            [registry.attributes[place].shift_min for place in self.places], np.int64
        )
        for member, place in enumerate(self.places):
            for i, quantity in enumerate(self.inputs):
                for j, slot in enumerate(found[place].get(quantity, ())):
                    self.table[member, i * self.devices + j] = slot


def no_members(inputs: tuple[int, ...]) -> Members:
    """Members of a family before any series is known."""
    return Members(inputs, [], np.zeros((0, len(inputs)), np.int32), np.zeros(0, np.int64), [])


def spread(members: Integers, windows: Integers, back: int) -> tuple[Integers, Integers]:
    """Each window and the `back` - 1 windows after it: all that look back on it."""
    steps = np.arange(back)
    return np.repeat(members, back), (windows[:, None] + steps).ravel()


def blank(count: int, indicators: int) -> Result:
    """A result of NaN, coverage 0, n 0 and weight 1."""
    return Result(
        np.full((count, indicators), np.nan), np.zeros((count, indicators)),
        np.zeros((count, indicators), np.int32), np.ones(count),
    )


def of_level(
    changed: npt.NDArray[Any], level: int, member_of: Slots
) -> tuple[Integers, Integers]:
    """Members and pane indices of the changed panes of one level; non-members are left out."""
    rows = changed[changed[:, 0] == level]
    members = member_of[rows[:, 1]].astype(np.int64)
    known = members >= 0
    return members[known], rows[known, 2].astype(np.int64)
