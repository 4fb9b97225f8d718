"""Reconcile: reads what ingest wrote and says whether it adds up, and what differs if not.

The archive is counted (`ingest.ledger`) and held against what was written apart from it: the
counters of the last snapshot, those that health told last, and what lies in the inbox. Nothing is
changed, and ingest may run meanwhile; what may change between two looks is not compared then.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from edge.verdicts import Verdict
from engine.snapshot import SnapshotError, extra_of
from ingest.archive import Position, read, segment_of, words_of
from ingest.folder_lock import in_use
from ingest.inbox import Contents, contents
from ingest.ledger import HOUR_NS, RELEASES, Cells, Integers, Ledger
from ingest.numbering import BEFORE, Messages
from ingest.resync import Damage
from ingest.retention import load
from ingest.sqlite_file import StoreError
from ingest.store import Store

DIFFERENCES_MAX = 100
"""Differences that are told; when so many things differ, more say nothing new."""
NAMED_MAX = 5


@dataclass(slots=True)
class Wanted:
    """Which hours and device are reported, Unix ns; the whole archive is checked if no time is
    given, else the days that hold these hours."""

    from_ns: int | None = None
    to_ns: int | None = None
    device: str | None = None

    @property
    def partial(self) -> bool:
        """True if not the whole archive is read."""
        return self.from_ns is not None or self.to_ns is not None


@dataclass(slots=True)
class Reconciled:
    """The ledger as counted, and what was found. `compared`: what the archive was held against.
    `lost`: stretches of the archive that cannot be read."""

    devices: list[str]
    received: dict[int, int]
    cells: Cells
    messages: Messages
    held: Contents
    rows: int
    compared: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    def differs(self, text: str) -> None:
        """Note a difference."""
        if len(self.differences) < DIFFERENCES_MAX:
            self.differences.append(text)

    def name(self, device: int) -> str:
        """The id of a device by its row."""
        return self.devices[device] if 0 <= device < len(self.devices) else "(unknown)"


@dataclass(slots=True)
class _Snapshot:
    """The counters of the snapshot, and what the archive says at its position."""

    position: Position | None = None
    counts: list[int] = field(default_factory=list)
    found: Integers | None = None


def reconcile(folder: Path, store: Path, wanted: Wanted) -> Reconciled:
    """Count the archive of `folder` (ingest's) and compare it; `store`: where health is.

    Raises `ArchiveError`, and `LedgerError` if the answer would be too large.
    """
    running = in_use(folder)
    told = None if wanted.partial else _health(store)
    removed = load(folder / "archive")
    snapshot = _Snapshot()
    unreadable = "" if wanted.partial else _read_snapshot(folder / "snapshot.cvs", snapshot)
    lost: list[str] = []
    ledger = Ledger(partial=True) if wanted.partial else Ledger(removed.counts, removed.seen)
    _count(folder / "archive", wanted, removed.upto, ledger, snapshot, lost)
    held, inbox_error = _held(folder / "inbox.db")
    done = Reconciled(
        ledger.devices, ledger.received, ledger.finish(), ledger.numbering.finish(), held,
        ledger.rows, lost=lost,
    )
    _check_sums(done)
    _check_twice(done, ledger.numbering.twice)
    if not wanted.partial:
        _check_signs(done, ledger.totals)
        for error in (unreadable, inbox_error):
            if error:
                done.differs(error)
        _check_snapshot(done, snapshot)
        if told is not None:
            _check_health(done, told, ledger.totals)
        if not running and not inbox_error:
            _check_held(done, ledger)
    return done


def _count(
    folder: Path, wanted: Wanted, upto: str, ledger: Ledger, snapshot: _Snapshot, lost: list[str]
) -> None:
    def damaged(damage: Damage) -> None:
        lost.append(words_of(damage))

    first = max(upto + "~" if upto else "", segment_of(wanted.from_ns or 0))
    last = None if wanted.to_ns is None else segment_of(wanted.to_ns - 1)
    for record in read(folder, Position(first, 0), damaged):
        if last is not None and record.end.segment > last:
            break
        ledger.add(record)
        if record.end == snapshot.position:
            ledger.flush()
            snapshot.found = ledger.totals.copy()


def _health(store: Path) -> dict[str, Any] | None:
    """What health told last; None if there is none."""
    try:
        file = Store.reader(store)
    except StoreError:
        return None
    try:
        return file.health()
    except StoreError:
        return None
    finally:
        file.close()


def _read_snapshot(path: Path, snapshot: _Snapshot) -> str:
    """Fill in what the snapshot says; returns what is wrong with it."""
    if not path.exists():
        return ""
    try:
        extra = extra_of(path)
        snapshot.position = Position(*extra["position"])
        snapshot.counts = extra["counts"]
    except (SnapshotError, KeyError, TypeError) as error:
        return str(error)
    return ""


def _held(path: Path) -> tuple[Contents, str]:
    if not path.exists():
        return Contents([], {}), ""
    try:
        return contents(path), ""
    except StoreError as error:
        return Contents([], {}), str(error)


def _check_sums(done: Reconciled) -> None:
    """Every hour adds up, and so do the message numbers."""
    cells = done.cells
    hours, at = np.unique(cells.hour, return_inverse=True)
    sums = np.zeros(len(hours), np.int64)
    np.add.at(sums, at, cells.readings)
    by_hour = dict(zip(hours.tolist(), sums.tolist(), strict=True))
    for hour in sorted(done.received.keys() | by_hour.keys()):
        got, sum_ = done.received.get(hour, 0), by_hour.get(hour, 0)
        if got != sum_:
            done.differs(f"{name_of(hour)}: {got:,} readings received, verdicts of {sum_:,}")
    total = done.messages.total()
    if total.sent != total.taken + total.dropped + total.pending + total.lost:
        done.differs(f"messages do not add up: {total}")


def _check_twice(done: Reconciled, twice: dict[int, int]) -> None:
    for device, messages in sorted(twice.items()):
        done.differs(f"{done.name(device)}: {messages:,} messages were taken in twice")


def _check_signs(done: Reconciled, totals: Integers) -> None:
    for verdict in Verdict:
        if totals[verdict] < 0:
            done.differs(f"{verdict.label}: {totals[verdict]:,}: more was released than held")


def _check_snapshot(done: Reconciled, snapshot: _Snapshot) -> None:
    if snapshot.position is None:
        return
    if snapshot.found is None:
        done.differs(f"the snapshot stands at byte {snapshot.position.offset} of "
                     f"{snapshot.position.segment}, where no record of the archive ends")
        return
    done.compared.append("the counters of the last snapshot")
    for verdict in Verdict:
        counted = snapshot.counts[verdict] if verdict < len(snapshot.counts) else 0
        if counted != snapshot.found[verdict]:
            done.differs(f"{verdict.label}: the snapshot counts {counted:,}, "
                         f"the archive holds {int(snapshot.found[verdict]):,}")


def _check_health(done: Reconciled, told: dict[str, Any], totals: Integers) -> None:
    """Health was told before the archive was read, so the archive holds as much or more.

    Not so what the full queue dropped: it is archived with what comes next.
    """
    done.compared.append("the counters that health told last")
    queue = Verdict.DROPPED_QUEUE
    counted = int(told["received"]) - int(told["verdicts"].get(queue.label, 0))
    archived = int(totals[: len(Verdict)].sum()) - int(totals[queue])
    if counted > archived:
        done.differs(f"health told {counted:,} readings, the archive holds {archived:,}")


def _check_held(done: Reconciled, ledger: Ledger) -> None:
    done.compared.append("what waits in the inbox")
    found: dict[tuple[str, int], int] = {}
    for row in done.held.waiting:
        held = Verdict.HELD_FUTURE if row.key.due_ns else Verdict.HELD_UNKNOWN
        found[row.key.device, held] = found.get((row.key.device, held), 0) + row.readings
    known: dict[tuple[str, int], int] = {}
    for (device, _, _, waits), (_, count) in ledger.waiting.items():
        key = (done.name(device), waits)
        known[key] = known.get(key, 0) + count
    for verdict in RELEASES.values():
        waiting = sum(count for key, count in found.items() if key[1] == verdict)
        if waiting == ledger.totals[verdict]:
            continue
        which = [device for device, of in sorted(found.keys() | known.keys())
                 if of == verdict and found.get((device, of)) != known.get((device, of))]
        done.differs(f"{verdict.label}: {waiting:,} wait in the inbox, the archive says "
                     f"{int(ledger.totals[verdict]):,} ({', '.join(which[:NAMED_MAX])})")


def name_of(hour: int) -> str:
    """An hour as text, UTC."""
    if hour == BEFORE:
        return "before"
    return f"{np.datetime64(hour, 'h')}:00Z"


def hours_of(wanted: Wanted) -> tuple[int, int]:
    """The first hour that is reported, and the one after the last."""
    first = BEFORE if wanted.from_ns is None else wanted.from_ns // HOUR_NS
    end = 1 << 40 if wanted.to_ns is None else -(-wanted.to_ns // HOUR_NS)
    return first, end
