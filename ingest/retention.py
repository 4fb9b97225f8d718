"""Retention: whole segments of the archive go, oldest first, and what they held stays counted.

A segment goes when it is older than `archive_days`, or while the archive is larger than
`archive_bytes_max`; never one of the last `KEPT_DAYS_MIN` days, from which windows may still be
restated, and only one that lies before the last snapshot. Before it is deleted its verdicts and
message numbers are added to `removed.json` beside the segments. With that a start without a
snapshot still knows which messages were seen, and `cityvitals reconcile` still adds up.
"""

import logging
import os
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import msgspec
import numpy as np

from ingest.archive import BATCHES, SUFFIX, Archive, ArchiveError, Position, read
from ingest.intervals import Seen
from ingest.ledger import VERDICTS, account
from ingest.recovery import Marker

log = logging.getLogger(__name__)

FORMAT = 1
FILE = "removed.json"
KEPT_DAYS_MIN = 10
"""The horizon of 8 days, the day that it begins in, and the running one."""
STEP_S = 0.05
"""Reading a day before it goes takes seconds, so it is done in steps, between batches."""
_DAY_NS = 86_400 * 1_000_000_000
_AFTER_ALL = 1 << 62
_UNIX_DAY = date(1970, 1, 1).toordinal()


class Removed(msgspec.Struct):
    """What went: all segments up to `upto`. counts: readings by verdict, as of its end (held is
    what waited then). seen: the messages taken in, as `Seen.dump` gives them."""

    format: int = FORMAT
    upto: str = ""
    segments: int = 0
    bytes: int = 0
    counts: list[int] = msgspec.field(default_factory=list)
    seen: list[tuple[int, int, list[int], list[int]]] = msgspec.field(default_factory=list)


def load(folder: Path) -> Removed:
    """What was removed from the archive in `folder`. Raises `ArchiveError` if that is unknown."""
    path = folder / FILE
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Removed)
    except FileNotFoundError:
        return Removed()
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ArchiveError(f"{path}: {error}") from error
    if found.format > FORMAT:
        raise ArchiveError(f"{path}: has format {found.format}, this program reads {FORMAT}")
    return found


def finish(folder: Path) -> Removed:
    """Delete what a kill left of a removal, before the archive is opened; what went so far."""
    removed = load(folder)
    if removed.upto:
        for path in sorted(folder.glob(f"*{SUFFIX}")):
            if path.name <= removed.upto:
                _delete(path)
    return removed


def day_of(segment: str) -> int:
    """The day of a segment, since 1970, UTC."""
    return date.fromisoformat(segment.removesuffix(SUFFIX)).toordinal() - _UNIX_DAY


class Retention:
    """Keeps the archive of a running ingest within its bounds."""

    def __init__(self, archive: Archive, removed: Removed, days: int, bytes_max: int) -> None:
        """`removed`: what `finish` gave."""
        self.removed = removed
        self._archive = archive
        self._days = days
        self._bytes_max = bytes_max
        self._work: Iterator[None] | None = None
        self._told = False

    def step(self, now_ns: int, covered: Position | None) -> None:
        """Do at most about `STEP_S` of what is to be done; called again and again.

        `covered`: the position that the last snapshot stands for, None if there is none. Raises
        `ArchiveError`.
        """
        if self._work is None:
            segment = self._next(now_ns, covered)
            if segment is None:
                return
            self._work = self._remove(segment)
        until_s = time.monotonic() + STEP_S
        for _ in self._work:
            if time.monotonic() > until_s:
                return
        self._work = None

    def _next(self, now_ns: int, covered: Position | None) -> str | None:
        """The segment that goes next."""
        names = self._archive.segments()[:-1]
        today = now_ns // _DAY_NS
        over = self._archive.size_bytes > self._bytes_max
        for name in names[:1]:
            old = day_of(name) < today - self._days
            may = day_of(name) < today - KEPT_DAYS_MIN
            if (old or over) and may and covered is not None and name < covered.segment:
                return name
        if over and not self._told:
            log.warning("%s: is larger than archive_bytes_max = %d; the last %d days stay",
                        self._archive.folder, self._bytes_max, KEPT_DAYS_MIN)
        self._told = over
        return None

    def _remove(self, segment: str) -> Iterator[None]:
        """Count what a segment holds, write it down, and only then delete the segment."""
        folder = self._archive.folder
        counts = np.zeros(VERDICTS, np.int64)
        counts[: len(self.removed.counts)] = self.removed.counts
        seen = Seen()
        seen.restore(self.removed.seen)
        marker = Marker(seen)
        for record in read(folder, Position(segment, 0)):
            if record.end.segment != segment:
                break
            if record.kind in BATCHES:
                batch = record.batch()
                account(counts, batch, record.kind)
                marker.mark(batch)
            yield
        marker.close()
        path = folder / segment
        size = path.stat().st_size
        used = int(np.nonzero(counts)[0].max(initial=-1)) + 1
        self.removed = Removed(
            upto=segment, segments=self.removed.segments + 1, bytes=self.removed.bytes + size,
            counts=counts[:used].tolist(), seen=[tuple(row) for row in seen.dump()],
        )
        _save(folder, self.removed)
        _delete(path)
        self._archive.forget(size)
        log.info("%s: removed, %d bytes; what it held stays counted in %s", path, size, FILE)


def _save(folder: Path, removed: Removed) -> None:
    temporary = folder / f"{FILE}.new"
    try:
        with temporary.open("wb") as file:
            file.write(msgspec.json.encode(removed))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(folder / FILE)
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
    except OSError as error:
        raise ArchiveError(f"{temporary}: {error.strerror}") from error


def _delete(path: Path) -> None:
    """A segment, and the tails that were cut off it."""
    try:
        for aside in path.parent.glob(f"{path.stem}.tail-*"):
            aside.unlink()
        path.unlink()
    except OSError as error:
        raise ArchiveError(f"{path}: {error.strerror}") from error
