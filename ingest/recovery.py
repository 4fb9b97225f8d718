"""What makes reading the archive back fast: neighbouring batches are taken as one.

Live, a batch is what came within milliseconds; of a day there may be a million. Their order is all
that counts, so those between two records of another kind are joined, up to a bound, before the
state is brought up to them.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numba as nb
import numpy as np

from edge.verdicts import Verdict
from engine.batch import DTYPES, Batch
from engine.family import Integers
from engine.kernel import kernel
from ingest.archive import ArchiveError, Kind, Record
from ingest.clocks import NO_READING
from ingest.intervals import Seen

JOINED_ROWS_MAX = 1 << 17
"""Rows that are taken as one batch: more make nothing faster, and take memory."""

_DROPPED = int(Verdict.DROPPED_OUTBOX)
_i64 = nb.int64[::1]
_bytes = nb.uint8[::1]


@kernel(nb.int64(
    nb.int32[::1], _i64, _i64, nb.uint8[::1], _i64, nb.int64[:, ::1], nb.int64[:, ::1],
))
def runs_of(
    device: Any, epoch: Any, seq: Any, verdict: Any, time_ns: Any, open_: Any, out: Any
) -> int:
    """Runs of message numbers that end within a batch, in its order; returns how many.

    device: int32[n], -1 unknown. epoch, seq: int64[n]. verdict: uint8[n]; a dropped range has its
    length in time_ns: int64[n]. open_: int64[devices, 3]: epoch, first and last number of the run
    that goes on, last 0: none; kept from batch to batch. out: int64[n, 4]: device, epoch, first,
    last. O(1) a row.
    """
    found = 0
    for k in range(device.shape[0]):
        d = device[k]
        if d < 0:
            continue
        first = seq[k]
        last = first + time_ns[k] - 1 if verdict[k] == _DROPPED else first
        run = open_[d]
        if run[2] > 0 and run[0] == epoch[k] and run[1] <= first <= run[2] + 1:
            run[2] = max(run[2], last)
            continue
        if run[2] > 0:
            out[found, 0] = d
            out[found, 1:] = run
            found += 1
        run[0] = epoch[k]
        run[1] = first
        run[2] = last
    return found


class Marker:
    """Remembers the messages of archived batches: runs of numbers, told when they end."""

    def __init__(self, seen: Seen) -> None:
        self._seen = seen
        self._open: Integers = np.zeros((0, 3), np.int64)

    def mark(self, batch: Batch) -> None:
        """Take in a batch; its messages are remembered at the latest with `close`."""
        more = int(batch.device.max(initial=-1)) + 1 - len(self._open)
        if more > 0:
            self._open = np.concatenate([self._open, np.zeros((more, 3), np.int64)])
        out = np.empty((len(batch), 4), np.int64)
        found = runs_of(
            batch.device, batch.epoch, batch.seq, batch.verdict, batch.time_ns, self._open, out
        )
        for run in out[:found].tolist():
            self._seen.add(*run)

    def close(self) -> None:
        """Remember the runs that had not ended."""
        for device in np.nonzero(self._open[:, 2])[0].tolist():
            self._seen.add(device, *self._open[device].tolist())
        self._open[:] = 0


def joined(
    records: Iterator[Record], learn: Callable[[Batch], None]
) -> Iterator[Record | Batch]:
    """The records in order, neighbouring batches as one.

    `learn` gets each single batch that holds more than readings: what its rows say of each other
    is lost when they are joined.
    """
    waiting: list[Record] = []
    rows = 0
    for record in records:
        if record.kind == Kind.BATCH:
            # Verdicts are the last column: a byte a row.
            if record.body.find(NO_READING, len(record.body) - record.count) >= 0:
                learn(record.batch())
            waiting.append(record)
            rows += record.count
            if rows < JOINED_ROWS_MAX:
                continue
        if waiting:
            yield join(waiting, rows)
            waiting, rows = [], 0
        if record.kind != Kind.BATCH:
            yield record
    if waiting:
        yield join(waiting, rows)


@kernel(nb.void(_bytes, _i64, _i64, nb.types.UniTuple(_bytes, len(DTYPES))))
def gather_columns(bodies: Any, counts: Any, sizes: Any, out: Any) -> None:
    """Columns of records that lie one after the other, each column of all of them together.

    bodies: uint8[bytes], of each record its columns one after the other. counts: int64[records],
    rows. sizes: int64[columns], bytes of a value. out: a uint8[rows * size] a column. O(bytes).
    """
    at = 0
    done = 0
    for r in range(counts.shape[0]):
        rows = counts[r]
        for c in range(sizes.shape[0]):
            column = out[c]
            first = done * sizes[c]
            many = rows * sizes[c]
            column[first : first + many] = bodies[at : at + many]
            at += many
        done += rows


def join(records: list[Record], rows: int) -> Batch:
    """The columns of several batches, one after the other."""
    bodies = np.frombuffer(bytearray().join([record.body for record in records]), np.uint8)
    counts = np.array([record.count for record in records], np.int64)
    kinds = {name: np.dtype(dtype).newbyteorder("<") for name, dtype in DTYPES.items()}
    sizes = np.array([kind.itemsize for kind in kinds.values()], np.int64)
    if int(counts.sum()) != rows or int(sizes.sum()) * rows != len(bodies):
        raise ArchiveError(f"a batch received at {records[0].received_ns} ns has another length "
                           "than its rows")
    out = tuple(np.empty(rows * kind.itemsize, np.uint8) for kind in kinds.values())
    gather_columns(bodies, counts, sizes, out)
    columns: dict[str, Any] = {
        name: column.view(kind).astype(DTYPES[name], copy=False)
        for (name, kind), column in zip(kinds.items(), out, strict=True)
    }
    received_ns = np.array([record.received_ns for record in records], np.int64)
    return Batch(
        **columns, received_ns=records[-1].received_ns,
        each_received_ns=np.repeat(received_ns, counts),
    )
