"""What waits outgrew its bound: it goes by the policy of `ingest.inbox`, and the archive says so.

As with a release, the archive has it first and the inbox lets it go then: a kill in between
repeats the second half.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edge.verdicts import Verdict
from engine.batch import Batch
from ingest.archive import Kind, read
from ingest.inbox import Key, Waiting, contents
from ingest.judging import FUTURE_MAX_NS
from ingest.ledger import HOUR_NS, Ledger
from ingest.retention import load


def dropped(
    waiting: Sequence[Waiting], device_of: dict[str, int], now_ns: int
) -> list[tuple[Kind, Batch]]:
    """Releases that give `waiting` the verdict DROPPED_HELD, a row for each key.

    A row has the number of readings it stands for in `value`, and the time by which the key of
    what waited for its time is known in `time_ns`.
    """
    out = []
    for kind in (Kind.RELEASE_UNKNOWN, Kind.RELEASE_FUTURE):
        future = kind == Kind.RELEASE_FUTURE
        rows = [row for row in waiting if (row.key.due_ns > 0) == future]
        if not rows:
            continue
        count = len(rows)
        due_ns = np.array([row.key.due_ns for row in rows], np.int64)
        out.append((kind, Batch(
            np.full(count, -1, np.int32), due_ns + FUTURE_MAX_NS * future,
            np.array([row.readings for row in rows], np.float64), np.full(count, 2, np.uint8),
            np.array([device_of.get(row.key.device, -1) for row in rows], np.int32),
            np.array([row.key.epoch for row in rows], np.int64),
            np.array([row.key.seq for row in rows], np.int64),
            np.full(count, Verdict.DROPPED_HELD, np.uint8), now_ns,
        )))
    return out


def released(batch: Batch, kind: Kind, devices: Sequence[str]) -> set[Key]:
    """What of the inbox a release of the archive has admitted."""
    future = kind == Kind.RELEASE_FUTURE
    due_ns = batch.time_ns - FUTURE_MAX_NS if future else np.zeros_like(batch.time_ns)
    rows = (batch.device, batch.epoch, batch.seq, due_ns)
    return {
        Key(devices[device], epoch, seq, due)
        for device, epoch, seq, due in zip(*(row.tolist() for row in rows), strict=True)
        if device >= 0
    }


def missing(folder: Path, counts: npt.NDArray[np.int64]) -> list[Waiting]:
    """What waits by `counts`, but lies no more in the inbox of `folder`: that file was lost.

    The archive is read whole to find it, so only where the sums differ.
    """
    held = int(counts[Verdict.HELD_UNKNOWN] + counts[Verdict.HELD_FUTURE])
    if held <= 0:
        return []
    kept: dict[tuple[str, int, int, bool], int] = {}
    for key, readings, _ in contents(folder / "inbox.db").waiting:
        of = (key.device, key.epoch, key.seq, key.due_ns > 0)
        kept[of] = kept.get(of, 0) + readings
    if sum(kept.values()) >= held:
        return []
    removed = load(folder / "archive")
    ledger = Ledger(removed.counts, removed.seen)
    for record in read(folder / "archive"):
        ledger.add(record)
    ledger.flush()
    out = []
    for (device, epoch, seq, verdict), (hour, count) in ledger.waiting.items():
        name, future = ledger.devices[device], verdict == Verdict.HELD_FUTURE
        lost = count - kept.get((name, epoch, seq, future), 0)
        if lost > 0:
            out.append(Waiting(Key(name, epoch, seq, int(future)), lost, hour * HOUR_NS))
    return out
