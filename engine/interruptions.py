"""Interruptions of supply as they were reported: what SAIFI and its kin are counted from.

Of one event (an id) and step the last message stands, whatever it corrects: the begin, the end
that was open, the customers (0 withdraws it). All that is said follows from the set that stands.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

INTERRUPTIONS_MAX = 100_000
"""Steps kept; beyond, those that began first make room, and the years that they were in are
counted without them."""
OPEN_MS = 1 << 62
"""The end of what has not ended."""

STEP = np.dtype([
    ("place", "i8"), ("start_ms", "i8"), ("end_ms", "i8"), ("customers", "i8"), ("again", "?"),
])


class Interruption(NamedTuple):
    """One message: a step of an event. end_ms None: open. customers None: all of the station.

    again: its customers are counted in another step of the event already.
    """

    device: str
    id: str
    start_ms: int
    end_ms: int | None = None
    customers: int | None = None
    step: int = 0
    again: bool = False


class Interruptions:
    """The steps that stand, STEP[n]; since_ms: the begin of the first that was ever reported."""

    def __init__(self) -> None:
        self.since_ms = OPEN_MS
        self._rows: dict[tuple[int, str, int], tuple[int, int, int, bool]] = {}
        self._touched: set[tuple[int, int]] = set()
        self._table: npt.NDArray[Any] | None = None

    def take(self, place: int, row: Interruption, customers: int) -> None:
        """Let a step stand: of a place row, with its customers."""
        self.begun(row.start_ms)
        key = (place, row.id, row.step)
        before = self._rows.get(key)
        end_ms = OPEN_MS if row.end_ms is None else max(row.end_ms, row.start_ms)
        now = (row.start_ms, end_ms, customers, row.again)
        if before == now:
            return
        if before is None and len(self._rows) >= INTERRUPTIONS_MAX:
            del self._rows[min(self._rows, key=lambda k: self._rows[k][0])]
        self._rows[key] = now
        self._touched |= {(place, now[0]), *([(place, before[0])] if before else [])}
        self._table = None

    def begun(self, start_ms: int) -> None:
        """Interruptions are reported at the latest from a time on."""
        self.since_ms = min(self.since_ms, start_ms)

    @property
    def table(self) -> npt.NDArray[Any]:
        """All steps, in the order of place and begin."""
        if self._table is None:
            rows = sorted((place, *kept) for (place, _, _), kept in self._rows.items())
            self._table = np.array(rows, STEP)
        return self._table

    def of(self, place: int) -> list[list[Any]]:
        """Steps of a place for people: [id, step, begin, end or None, customers, again]."""
        return sorted(
            [id, step, start, None if end == OPEN_MS else end, customers, again]
            for (at, id, step), (start, end, customers, again) in self._rows.items() if at == place
        )

    def places(self) -> set[int]:
        """Rows of the places that have any."""
        return {place for place, _, _ in self._rows}

    def take_touched(self) -> list[tuple[int, int]]:
        """(place, begin in ms) of what changed since the last call."""
        touched, self._touched = sorted(self._touched), set()
        return touched

    def dump(self) -> dict[str, Any]:
        """What a snapshot keeps (JSON)."""
        return {
            "since_ms": self.since_ms, "touched": [list(one) for one in sorted(self._touched)],
            "rows": [[*key, *kept] for key, kept in self._rows.items()],
        }

    def restore(self, kept: dict[str, Any]) -> None:
        """The reverse of `dump`."""
        self.since_ms = kept["since_ms"]
        self._touched = {(place, start) for place, start in kept["touched"]}
        self._rows = {
            (place, id, step): (start, end, customers, again)
            for place, id, step, start, end, customers, again in kept["rows"]
        }
        self._table = None
