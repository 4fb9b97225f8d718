"""Readings that belong to another station than the one at which the archive has them.

A row of the places file that was added late says so (`ingest.late_rows`). An explanation finds it
behind the readings that it moves, so they are read once more, with what is known then.
"""

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from edge.places import PlaceKey, PlaceRow
from engine.dated_back import differences, key_of
from engine.registry import Series
from ingest.late_rows import Moved, within

MS = 1_000_000


class Numbered(Protocol):
    """Keys, devices and series as an archive numbers them."""

    @property
    def keys(self) -> list[PlaceKey]:
        """Places."""

    @property
    def devices(self) -> list[str]:
        """Devices."""

    @property
    def series(self) -> list[Series]:
        """Series; the slot is the position."""


class Moves:
    """What is known to be moved, and what a pass over the archive finds.

    known: Moved with slots of the archive, in the order of their rows. final: rows that all
    readings are folded by, where later rows said of earlier ones how; None: those of their time.
    """

    def __init__(
        self, numbered: Numbered, known: tuple[Moved, ...] = (),
        final: list[PlaceRow] | None = None,
    ) -> None:
        self._numbered = numbered
        self.known = known
        self.final = final
        self._late = False
        self._found: list[Moved] = []
        self._rows: list[PlaceRow] = []

    def learn(self, rows: list[PlaceRow], received_ns: int) -> list[PlaceRow]:
        """Take note of the next places file, which came into force at a time; returns its rows."""
        before, self._rows = self._rows, rows
        for one in within(differences(before, rows, received_ns // MS), received_ns):
            self._late |= one.folded
            if one.moved:
                self._found += self._moved(
                    one.new.device, key_of(one.old), key_of(one.new),
                    (one.since_ms * MS, one.until_ms * MS))
        return rows

    def _moved(
        self, device: str, old: PlaceKey, new: PlaceKey, span: tuple[int, int]
    ) -> list[Moved]:
        keys, names = self._numbered.keys, self._numbered.devices
        slot_of = {
            (keys[series.place], series.quantity, series.channel): slot
            for slot, series in enumerate(self._numbered.series)
            if names[series.device] == device
        }
        return [
            Moved(slot, *span, slot_of[new, quantity, channel])
            for (key, quantity, channel), slot in slot_of.items()
            if key == old and (new, quantity, channel) in slot_of
        ]

    def again(self) -> "Moves | None":
        """What the next pass must know; None if this one knew it."""
        rows, self._rows = self._rows, []
        return Moves(self._numbered, tuple(self._found), rows) if self._late else None

    def sources(self, wanted: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Slots to read for wanted ones, bool[slots]."""
        wanted = wanted.copy()
        for moved in reversed(self.known):
            wanted[moved.slot] |= wanted[moved.to]
        return wanted

    def put(self, rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Rows of the archive, each with the slot that it belongs to."""
        if not self.known:
            return rows
        rows = rows.copy()
        for slot, first_ns, end_ns, to in self.known:
            theirs = (rows["slot"] == slot) & (rows["time_ns"] >= first_ns)
            rows["slot"][theirs & (rows["time_ns"] < end_ns)] = to
        return rows
