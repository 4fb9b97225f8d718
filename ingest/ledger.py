"""The ledger: what became of every reading, by device and hour, from the archive alone.

Records are read once, in order, and only counted: columns go through `numpy.bincount`, so the
size of the archive costs time and not memory. What is kept is a number for each device, hour and
verdict that occurs, what waits, and the message numbers of each epoch.

A reading belongs to the hour, UTC, in which it was received first. When it is released, or
dropped because too much waited, its count moves within that hour; so each hour adds up.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from edge.verdicts import Verdict
from engine.batch import Batch
from ingest.archive import Kind, Record
from ingest.clocks import NO_READING
from ingest.merging import lost_of, move_lost
from ingest.numbering import BEFORE, Numbering
from ingest.recovery import join

HOUR_NS = 3_600 * 1_000_000_000
BUFFER_ROWS = 1 << 20
"""Rows counted together; 40 MB of columns."""
CELLS_MAX = 20_000_000
"""Devices times hours times verdicts that one ledger holds: 0.7 GB. Beyond, ask for fewer days."""
VERDICTS = 256
BY_VALUE = (Verdict.DROPPED_QUEUE, Verdict.DROPPED_OUTBOX, Verdict.DROPPED_HELD)
"""Rows with these verdicts stand for as many readings as their value says."""
RELEASES = {
    Kind.RELEASE_UNKNOWN: Verdict.HELD_UNKNOWN, Kind.RELEASE_FUTURE: Verdict.HELD_FUTURE,
}
_HELD = frozenset(RELEASES.values())
_OFTEN = 32
"""Verdicts are numbered below this; NO_READING is left out of the cells."""

Integers = npt.NDArray[np.int64]


class LedgerError(Exception):
    """The ledger would outgrow `CELLS_MAX`; the text says what to ask for."""


class Cells(NamedTuple):
    """Counts, sorted: hour (since 1970, UTC), device (row of the registry, -1 unknown), verdict."""

    hour: Integers
    device: Integers
    verdict: Integers
    readings: Integers


def tally(batch: Batch) -> Integers:
    """Readings of a batch by verdict, int64[256]; those of `NO_READING` are messages without."""
    counts = np.bincount(batch.verdict, minlength=VERDICTS)
    for verdict in BY_VALUE:
        if counts[verdict]:
            counts[verdict] = int(batch.value[batch.verdict == verdict].sum())
    return counts


def account(counts: Integers, batch: Batch, kind: Kind) -> None:
    """Add a record to running `counts`, in place; what a release admits no longer waits."""
    found = tally(batch)
    counts += found
    if kind in RELEASES:
        counts[RELEASES[kind]] -= int(found.sum()) - int(found[NO_READING])
    if found[NO_READING]:
        move_lost(counts, batch)


class Ledger:
    """Counts of records, in order. `base_counts` and `base_seen` are what was before them."""

    def __init__(
        self, base_counts: Sequence[int] = (), base_seen: Sequence[Any] = (), *,
        partial: bool = False,
    ) -> None:
        self.devices: list[str] = []
        self.totals = np.zeros(VERDICTS, np.int64)
        self.totals[: len(base_counts)] = base_counts
        self.received: dict[int, int] = {}
        self.waiting: dict[tuple[int, int, int, int], list[int]] = {}
        self.numbering = Numbering(base_seen, partial=partial)
        self.rows = 0
        self._known: set[str] = set()
        self._hour = BEFORE
        self._buffer: list[Record] = []
        self._buffered = 0
        self._cells: list[Integers] = []
        self._moves: list[tuple[int, int, int, int]] = []
        for verdict in np.nonzero(self.totals[:NO_READING])[0].tolist():
            self._moves.append((BEFORE, -1, verdict, int(self.totals[verdict])))
        self.received[BEFORE] = int(self.totals[:NO_READING].sum())

    def add(self, record: Record) -> None:
        """Count one record. Raises `LedgerError`."""
        if record.kind == Kind.BATCH:
            hour = record.received_ns // HOUR_NS
            if hour != self._hour or self._buffered >= BUFFER_ROWS:
                self.flush()
                self._hour = hour
            self._buffer.append(record)
            self._buffered += record.count
        elif record.kind == Kind.REGISTRY:
            self._learn(record.json()["devices"])
        elif record.kind in RELEASES:
            self.flush()
            batch = record.batch()
            self._add_release(batch, RELEASES[record.kind])
            self._move_lost(batch)
            account(self.totals, batch, record.kind)

    def _learn(self, devices: Sequence[str]) -> None:
        """A preamble names all devices again, any other record the new ones."""
        for name in devices:
            if name not in self._known:
                self._known.add(name)
                self.devices.append(name)

    def flush(self) -> None:
        """Count the batches that were added since, which are all of one hour."""
        if not self._buffer:
            return
        batch = join(self._buffer, self._buffered)
        lengths = [record.count for record in self._buffer]
        record = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
        self._buffer, self._buffered = [], 0
        found = tally(batch)
        self.totals += found
        self.received[self._hour] = (
            self.received.get(self._hour, 0) + int(found.sum()) - int(found[NO_READING])
        )
        self.rows += len(batch)
        for verdict in BY_VALUE:
            if found[verdict]:
                self._add_by_value(batch, verdict)
        for verdict in _HELD:
            if found[verdict]:
                self._hold(batch, verdict)
        self._count(batch)
        self._number(batch, record)
        if found[NO_READING]:
            move_lost(self.totals, batch)
            self._move_lost(batch)

    def _move_lost(self, batch: Batch) -> None:
        """Readings that had been counted and lost are conflicts of the hour in which they came."""
        lost = lost_of(batch)
        for device, came_ns, late in zip(
            lost.device.tolist(), lost.received_ns.tolist(), lost.late.tolist(), strict=True
        ):
            read = came_ns // HOUR_NS in self.received
            of = (came_ns // HOUR_NS, device) if read else (BEFORE, -1)
            self._moves.append((*of, Verdict.LATE if late else Verdict.APPLIED, -1))
            self._moves.append((*of, Verdict.CONFLICT, 1))

    def _add_by_value(self, batch: Batch, verdict: Verdict) -> None:
        hour = self._hour
        rows = np.nonzero(batch.verdict == verdict)[0]
        for k in rows.tolist():
            device, count = int(batch.device[k]), int(batch.value[k])
            self._moves.append((hour, device, verdict, count))
            if verdict == Verdict.DROPPED_OUTBOX:
                first = int(batch.seq[k])
                last = first + int(batch.time_ns[k]) - 1
                self.numbering.drop(device, int(batch.epoch[k]), first, last, hour)

    def _hold(self, batch: Batch, verdict: int) -> None:
        for key, count in _messages(batch, np.nonzero(batch.verdict == verdict)[0]):
            entry = self.waiting.setdefault((*key, verdict), [self._hour, 0])
            entry[1] += count

    def _add_release(self, batch: Batch, held: Verdict) -> None:
        """Move counts within the hour in which the readings had come."""
        for verdict in np.unique(batch.verdict[batch.verdict != NO_READING]).tolist():
            rows = np.nonzero(batch.verdict == verdict)[0]
            for key, count in _messages(batch, rows, by_value=verdict in BY_VALUE):
                hour = self._let_go((*key, held), count)
                self._moves.append((hour, key[0], held, -count))
                self._moves.append((hour, key[0], verdict, count))
                if verdict in _HELD:
                    self.waiting.setdefault((*key, verdict), [hour, 0])[1] += count
        self.rows += len(batch)
        self._bound()

    def _let_go(self, key: tuple[int, int, int, int], count: int) -> int:
        """The hour in which what is released was received, BEFORE if that was not read."""
        entry = self.waiting.get(key)
        if entry is None:
            return BEFORE
        entry[1] -= count
        if entry[1] <= 0:
            del self.waiting[key]
        return entry[0]

    def _count(self, batch: Batch) -> None:
        plain = batch.verdict < NO_READING
        for by_value in BY_VALUE:
            plain &= batch.verdict != by_value
        counts = np.bincount(
            (batch.device[plain].astype(np.int64) + 1) * _OFTEN + batch.verdict[plain]
        )
        used = np.nonzero(counts)[0]
        self._cells.append(np.stack([
            np.full(len(used), self._hour), used // _OFTEN - 1, used % _OFTEN, counts[used],
        ]))
        self._bound()

    def _number(self, batch: Batch, record: npt.NDArray[np.int32]) -> None:
        """The messages of a batch; `record`: which record each row is from."""
        rows = (batch.device >= 0) & (batch.seq > 0) & (batch.verdict != Verdict.DROPPED_OUTBOX)
        again = (batch.verdict == Verdict.DUPLICATE) | (batch.verdict == NO_READING)
        if rows.any():
            self.numbering.add(
                batch.device[rows], batch.epoch[rows], batch.seq[rows], record[rows],
                again[rows], self._hour,
            )

    def _bound(self) -> None:
        if sum(part.shape[1] for part in self._cells) + len(self._moves) > CELLS_MAX:
            self._cells = [_merged([*self._cells, _columns(self._moves)])]
            self._moves = []
            if self._cells[0].shape[1] > CELLS_MAX // 2:
                raise LedgerError("too many devices and hours; ask for fewer days with --from/--to")

    def finish(self) -> Cells:
        """All counts; nothing may be added after."""
        self.flush()
        return Cells(*_merged([*self._cells, _columns(self._moves)]))


def _columns(moves: list[tuple[int, int, int, int]]) -> Integers:
    return np.array(moves, np.int64).reshape(-1, 4).T


def _merged(parts: list[Integers]) -> Integers:
    """One column for each hour, device and verdict, sorted; counts added up, without zeros."""
    cells = np.concatenate(parts, axis=1)
    cells = cells[:, np.lexsort(cells[2::-1])]
    if not cells.shape[1]:
        return cells
    begins = np.concatenate([[0], np.nonzero((cells[:3, 1:] != cells[:3, :-1]).any(axis=0))[0] + 1])
    counts = np.add.reduceat(cells[3], begins)
    merged = np.concatenate([cells[:3, begins], counts[None]])
    kept: Integers = merged[:, counts != 0]
    return kept


def _messages(
    batch: Batch, rows: npt.NDArray[np.intp], *, by_value: bool = False
) -> Iterator[tuple[tuple[int, int, int], int]]:
    """(device, epoch, number) of rows, neighbours together, and how many readings they are."""
    columns = (batch.device[rows], batch.epoch[rows], batch.seq[rows])
    if by_value:
        counts = batch.value[rows].astype(np.int64).tolist()
        yield from zip(zip(*(column.tolist() for column in columns), strict=True), counts,
                       strict=True)
        return
    change = np.zeros(len(rows), np.bool_)
    change[0] = True
    for column in columns:
        change[1:] |= column[1:] != column[:-1]
    begins = np.nonzero(change)[0]
    counts = np.diff(np.concatenate([begins, [len(rows)]])).tolist()
    yield from zip(zip(*(column[begins].tolist() for column in columns), strict=True), counts,
                   strict=True)
