"""Readings that came before: the recent ones in memory, all of them in the archive.

Only what was admitted is remembered: readings that count, repeats, and those that lost. The
memory is bounded; what it has let go is looked for in the archive, a series and a UTC day at a
time, and kept until the memory lets go of what came after.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine.batch import Batch, concatenate
from engine.repeats import Keys
from ingest.archive import BATCHES, Position, read, segment_of

RECENT_MAX = 1_000_000
"""Readings kept in memory, 54 bytes each."""
RECALLED_MAX = 1_000_000
"""Readings read back from the archive that are kept; beyond, all of them are let go."""
LOADS_MAX = 64
"""Times of reading back that are kept."""
SMALL_MAX = 1024
"""Batches of fewer readings are joined."""
EARLY_NS = 3_600 * 1_000_000_000
"""No reading was received longer than this before its time: the future limit, and a step of the
recorded clock."""
ALL_NS = 1 << 62
"""Of `forgotten_ns`: what came until now is in the archive alone."""
DAY_NS = 86_400 * 1_000_000_000


@dataclass(slots=True)
class Rows:
    """Admitted rows in the order of the archive, and when each was received, int64[n] Unix ns."""

    batch: Batch
    received_ns: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.batch)

    def take(self, rows: npt.NDArray[np.intp] | npt.NDArray[np.bool_]) -> "Rows":
        """Some of them."""
        return Rows(self.batch.take(rows), self.received_ns[rows])


Past = Callable[[npt.NDArray[np.int32], int, int], Rows]
"""All admitted rows of some series (int32[k]) with times from and before, Unix ns."""


def admitted(batch: Batch) -> Rows:
    """What of a batch a series has taken; without a copy if that is all of it."""
    taken = batch.slot >= 0
    kept = batch if taken.all() else batch.take(taken)
    return Rows(kept, np.broadcast_to(np.int64(batch.received_ns), len(kept)))


def joined(parts: list[Rows]) -> Rows:
    """All parts as one; there must be one at least."""
    return Rows(
        concatenate([part.batch for part in parts]),
        np.concatenate([part.received_ns for part in parts]),
    )


def nothing() -> Rows:
    """No rows."""
    none = np.zeros(0, np.int64)
    batch = Batch(
        none.astype(np.int32), none, none.astype(np.float64), none.astype(np.uint8),
        none.astype(np.int32), none, none, none.astype(np.uint8), 0,
    )
    return Rows(batch, none)


def archived(
    folder: Path, slots: npt.NDArray[np.int32], first_ns: int, end_ns: int,
    before: Position | None = None,
) -> Rows:
    """`Past` of an archive, up to the record that ends at `before`, which is not taken in."""
    wanted = np.zeros(int(slots.max()) + 2, np.bool_)
    wanted[slots] = True
    after = Position(segment_of(max(first_ns - EARLY_NS, 0)), 0)
    parts = [nothing()]
    for record in read(folder, after):
        if before is not None and record.end >= before:
            break
        if record.kind not in BATCHES or record.received_ns < first_ns - EARLY_NS:
            continue
        rows = admitted(record.batch())
        batch = rows.batch
        here = wanted[np.minimum(batch.slot, len(wanted) - 1)]
        here &= (batch.time_ns >= first_ns) & (batch.time_ns < end_ns)
        if here.any():
            parts.append(rows.take(here))
    return joined(parts)


@dataclass(slots=True)
class _Recalled:
    """All rows of some series in days from first to last, read when so many had been taken in."""

    slots: set[int]
    first: int
    last: int
    rows: Rows
    when: int

    def holds(self, day: tuple[int, int]) -> bool:
        """Whether a series and day is among them."""
        return day[0] in self.slots and self.first <= day[1] <= self.last


@dataclass(slots=True)
class Recall:
    """What was admitted, newest in memory; `past` finds what is older than `forgotten_ns`.

    forgotten_ns: nothing that the memory lacks was received after it, Unix ns.
    """

    past: Past
    recent_max: int = RECENT_MAX
    forgotten_ns: int = 0
    _recent: list[Rows] = field(default_factory=list)
    _size: int = 0
    _taken: int = 0
    _recalled: list[_Recalled] = field(default_factory=list)

    def remember(self, rows: Rows) -> None:
        """Take in what was admitted last."""
        if not len(rows):
            return
        if self.forgotten_ns == ALL_NS:
            self.forgotten_ns = int(rows.received_ns[0])
        recent = self._recent
        recent.append(rows)
        self._size += len(rows)
        self._taken += len(rows)
        while (len(recent) > 1 and len(recent[-1]) < SMALL_MAX
               and len(recent[-2]) <= len(recent[-1])):
            last = recent.pop()
            recent[-1] = joined([recent[-1], last])
        while self._size - len(recent[0]) >= self.recent_max:
            gone = recent.pop(0)
            self._size -= len(gone)
            self.forgotten_ns = max(self.forgotten_ns, int(gone.received_ns.max()))

    def recent(self, keys: Keys) -> Iterator[tuple[Rows, npt.NDArray[np.int32]]]:
        """What the memory has of some keys, in order, and the key of each row."""
        for rows in self._recent:
            yield from _found(rows, keys)

    def older(self, keys: Keys, of: npt.NDArray[np.int32]) -> Iterator[
        tuple[Rows, npt.NDArray[np.int32]]
    ]:
        """What the archive has of keys `of`, of those that it may have; the memory's among it."""
        of = of[keys.time_ns[of] - EARLY_NS <= self.forgotten_ns]
        if not len(of):
            return
        days = sorted(set(zip(
            keys.slot[of].tolist(), (keys.time_ns[of] // DAY_NS).tolist(), strict=True
        )))
        # Valid while all that came since is in memory.
        since = self._taken - self._size
        kept = [old for old in self._recalled if old.when >= since]
        if len(kept) >= LOADS_MAX or sum(len(old.rows) for old in kept) > RECALLED_MAX:
            kept = []
        missing = [day for day in days if not any(old.holds(day) for old in kept)]
        if missing:
            kept.append(self._load(missing))
        self._recalled = kept
        for old in kept:
            yield from _found(old.rows, keys)

    def _load(self, days: list[tuple[int, int]]) -> _Recalled:
        slots = {slot for slot, _ in days}
        first, last = min(day for _, day in days), max(day for _, day in days)
        rows = self.past(np.array(sorted(slots), np.int32), first * DAY_NS, (last + 1) * DAY_NS)
        return _Recalled(slots, first, last, rows, self._taken)


def _found(rows: Rows, keys: Keys) -> Iterator[tuple[Rows, npt.NDArray[np.int32]]]:
    row, key = keys.match(rows.batch.slot, rows.batch.time_ns)
    if len(row):
        yield rows.take(row.astype(np.intp)), key
