"""The archive: the journal and the truth, from which everything else can be rebuilt.

Append-only segments, one a day of receive time, each a header and records. A record is a batch
with every verdict, a tick of the clock, what was added to the registry, a places file, events,
or a release of held readings. Each carries a checksum; a tail that a crash left half written is
cut off and set aside when the archive is opened. What is damaged in between is passed over, and
named. A segment begins with all that is needed to read it, so that the loss of one does not harm
those after it.
"""

import contextlib
import logging
import os
import shutil
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from pathlib import Path
from typing import IO, Any, NamedTuple

import msgspec
import numpy as np

from engine.batch import DTYPES, Batch
from ingest.archive_code import ROW_BYTES, decode, encode
from ingest.resync import CRC_FROM, RECORD, RECORD_BYTES_MAX, Damage, next_record, told

log = logging.getLogger(__name__)

FORMAT = 4
"""2: CONFIGURATION records. 3: FACTS records. 4: batches in compact form. What 1 to 3 had is read
as it was."""
MAGIC = b"CVARCHIV"
HEADER = struct.Struct("<8sHHI")
COMPRESS_FROM_BYTES = 4096
RAW, ZLIB, COMPACT = 0, 1, 2
SUFFIX = ".cva"


class ArchiveError(Exception):
    """The archive cannot be opened or read; names the file and why."""


class Kind(IntEnum):
    """What a record holds."""

    BATCH = 1
    TICK = 2
    REGISTRY = 3
    PLACES = 4
    RELEASE_UNKNOWN = 5
    RELEASE_FUTURE = 6
    EVENTS = 7
    CONFIGURATION = 8
    FACTS = 9


BATCHES = frozenset({Kind.BATCH, Kind.RELEASE_UNKNOWN, Kind.RELEASE_FUTURE})
"""Kinds that hold readings."""


class Position(NamedTuple):
    """Where in the archive: everything before it has been taken in."""

    segment: str
    offset: int


@dataclass(slots=True)
class Record:
    """One record as read back; `end` is the position after it."""

    kind: Kind
    received_ns: int
    body: bytes
    count: int
    end: Position

    def batch(self) -> Batch:
        """The columns of a BATCH or of a release."""
        return unpack(self.body, self.count, self.received_ns)

    def json(self) -> Any:
        """The object of a REGISTRY or EVENTS record."""
        return msgspec.json.decode(self.body)


def pack(batch: Batch) -> bytes:
    """Columns one after the other, little endian, in the order of `engine.batch.DTYPES`."""
    return b"".join(
        np.ascontiguousarray(getattr(batch, name), np.dtype(dtype).newbyteorder("<")).tobytes()
        for name, dtype in DTYPES.items()
    )


def unpack(body: bytes, count: int, received_ns: int) -> Batch:
    """The reverse of `pack`."""
    columns: dict[str, Any] = {}
    at = 0
    for name, dtype in DTYPES.items():
        kind = np.dtype(dtype).newbyteorder("<")
        columns[name] = np.frombuffer(body, kind, count, at).astype(dtype)
        at += count * kind.itemsize
    return Batch(**columns, received_ns=received_ns)


def segment_of(received_ns: int) -> str:
    """Name of the segment that a record received then begins at the latest."""
    return f"{datetime.fromtimestamp(received_ns // 10**9, UTC):%Y-%m-%d}{SUFFIX}"


Preamble = Callable[[], Sequence[tuple[Kind, bytes]]]


class Archive:
    """The archive in a folder, open for appending; `sync` makes what was appended durable.

    `preamble` gives the records that a new segment begins with. Raises `ArchiveError` if the
    folder or the last segment cannot be used; so do all calls that write.
    """

    def __init__(self, folder: Path, preamble: Preamble = tuple) -> None:
        self.folder = folder
        self._preamble = preamble
        folder.mkdir(parents=True, exist_ok=True)
        self.cut_bytes = 0
        self.synced_ms = 0
        self._bytes = 0
        self._file: Any = None
        self._dirty = False
        names = self.segments()
        self._segment = names[-1] if names else ""
        try:
            if self._segment:
                _upgrade(folder / self._segment)
                self._repair(folder / self._segment)
                self._open()
            self._bytes = sum((folder / name).stat().st_size for name in names)
        except OSError as error:
            raise ArchiveError(f"{folder}: {error.strerror}") from error

    def segments(self) -> list[str]:
        """Names of all segments, oldest first."""
        return sorted(path.name for path in self.folder.glob(f"*{SUFFIX}"))

    @property
    def size_bytes(self) -> int:
        """Size of all segments."""
        return self._bytes

    def forget(self, size_bytes: int) -> None:
        """A segment of that size was removed."""
        self._bytes -= size_bytes

    @property
    def position(self) -> Position:
        """The end of the archive."""
        return Position(self._segment, self._file.tell() if self._file else 0)

    def append(self, kind: Kind, received_ns: int, body: bytes, count: int = 0) -> None:
        """Add a record; it is durable after the next `sync`."""
        codec = RAW
        if len(body) >= COMPRESS_FROM_BYTES:
            body, codec = zlib.compress(body, 1), ZLIB
        self._append(kind, received_ns, body, codec, count)

    def append_batch(self, kind: Kind, batch: Batch) -> None:
        """Add a BATCH or a release, in compact form."""
        self._append(kind, batch.received_ns, encode(batch), COMPACT, len(batch))

    def _append(self, kind: Kind, received_ns: int, body: bytes, codec: int, count: int) -> None:
        rest = RECORD.pack(0, 0, kind, codec, 0, count, received_ns)[CRC_FROM:]
        crc = zlib.crc32(body, zlib.crc32(rest))
        try:
            if self._file is None or segment_of(received_ns) > self._segment:
                self._begin(received_ns)
            self._file.write(struct.pack("<II", len(body), crc) + rest + body)
        except OSError as error:
            raise self._failed(error) from error
        self._bytes += RECORD.size + len(body)
        self._dirty = True

    def append_json(self, kind: Kind, received_ns: int, value: Any) -> None:
        """Add a REGISTRY or EVENTS record."""
        self.append(kind, received_ns, msgspec.json.encode(value))

    def sync(self, now_ms: int) -> None:
        """Make everything appended durable (fdatasync)."""
        if not self._dirty:
            return
        try:
            self._file.flush()
            os.fdatasync(self._file.fileno())
        except OSError as error:
            raise self._failed(error) from error
        self._dirty = False
        self.synced_ms = now_ms

    def flush(self) -> None:
        """Hand what was appended to the system: a kill of this process cannot take it back."""
        if self._file is not None:
            try:
                self._file.flush()
            except OSError as error:
                raise self._failed(error) from error

    def close(self) -> None:
        """Flush and close; what cannot be written any more is cut off at the next opening."""
        if self._file is not None:
            with contextlib.suppress(ArchiveError):
                self.sync(self.synced_ms)
            with contextlib.suppress(OSError):
                self._file.close()
            self._file = None

    def _failed(self, error: OSError) -> ArchiveError:
        return ArchiveError(f"{self.folder / self._segment}: {error.strerror or error}")

    def _begin(self, received_ns: int) -> None:
        if self._file is not None:
            self._file.flush()
            os.fdatasync(self._file.fileno())
            self._file.close()
        self._segment = segment_of(received_ns)
        self._open()
        for kind, body in self._preamble():
            self.append(kind, received_ns, body)

    def _open(self) -> None:
        """Open the segment; an empty one gets its header, and its name is made durable."""
        self._file = (self.folder / self._segment).open("ab")
        if self._file.tell() == 0:
            self._file.write(HEADER.pack(MAGIC, FORMAT, 0, 0))
            self._file.flush()
            os.fsync(self._file.fileno())
            folder = os.open(self.folder, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
            self._bytes += HEADER.size

    def _repair(self, path: Path) -> None:
        """Cut what follows the last whole record off the last segment, and keep it beside it."""
        size = path.stat().st_size
        good = HEADER.size if size >= HEADER.size else 0
        for record in _records(path, 0):
            good = record.end.offset if isinstance(record, Record) else good
        if good == size:
            return
        with path.open("r+b") as file:
            file.seek(good)
            aside = path.with_suffix(f".tail-{good}")
            aside.write_bytes(file.read())
            file.truncate(good)
            os.fsync(file.fileno())
        self.cut_bytes = size - good
        log.warning("%s: cut %d bytes that a crash left half written, kept as %s",
                    path, self.cut_bytes, aside.name)


def _upgrade(path: Path) -> None:
    """Before new records are added to a segment of an older format: keep a copy, renumber it."""
    with path.open("r+b") as file:
        header = file.read(HEADER.size)
        if len(header) < HEADER.size:
            return
        magic, number, _, _ = HEADER.unpack(header)
        if magic != MAGIC or number >= FORMAT:
            return
        copy = path.with_name(f"{path.name}.v{number}")
        shutil.copyfile(path, copy)
        with copy.open("rb") as kept:
            os.fsync(kept.fileno())
        file.seek(0)
        file.write(HEADER.pack(MAGIC, FORMAT, 0, 0))
        file.flush()
        os.fsync(file.fileno())
    log.info("%s: is of format %d from now on; as it was it is kept as %s", path, FORMAT, copy.name)


def _records(path: Path, after: int) -> Iterator[Record | Damage]:
    """Records of one segment from byte `after` on, and what lies damaged between them.

    What follows the last whole record is not told: a record that is being written is no damage.
    """
    with path.open("rb") as file:
        header = file.read(HEADER.size)
        if len(header) < HEADER.size:
            return
        magic, number, _, _ = HEADER.unpack(header)
        if magic != MAGIC:
            raise ArchiveError(f"{path}: is not an archive segment of Cityvitals")
        if number > FORMAT:
            raise ArchiveError(f"{path}: has format {number}, this program reads up to {FORMAT}")
        at, before_ns = max(after, HEADER.size), 0
        file.seek(at)
        while True:
            record = _next(file, path.name)
            if record is None:
                first, at = at, next_record(path, at + 1)
                file.seek(at)
                record = _next(file, path.name)
                if record is None:
                    return
                lost = told(path, first, at, BATCHES, ROW_BYTES)
                yield Damage(path.name, first, at, *lost, before_ns, record.received_ns)
            at, before_ns = record.end.offset, record.received_ns
            yield record


def _next(file: IO[bytes], segment: str) -> Record | None:
    """The record at the file's position, None if it is not whole."""
    head = file.read(RECORD.size)
    if len(head) < RECORD.size:
        return None
    length, crc, kind, codec, _, count, received_ns = RECORD.unpack(head)
    body = file.read(length) if length <= RECORD_BYTES_MAX else b""
    if len(body) < length or zlib.crc32(body, zlib.crc32(head[CRC_FROM:])) != crc:
        return None
    if codec == ZLIB:
        body = zlib.decompress(body)
    elif codec == COMPACT:
        plain = decode(body, count)
        if plain is None:
            return None
        body = plain
    return Record(Kind(kind), received_ns, body, count, Position(segment, file.tell()))


def read(
    folder: Path, after: Position | None = None,
    damaged: Callable[[Damage], None] = lambda damage: None,
) -> Iterator[Record]:
    """All records after a position, in order; what is damaged is passed over, logged and told.

    Raises `ArchiveError` for a segment that is not ours or of a newer format.
    """
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        if after is not None and path.name < after.segment:
            continue
        end = after.offset if after is not None and path.name == after.segment else 0
        last_ns = 0
        try:
            for record in _records(path, end):
                if isinstance(record, Damage):
                    _say(path, record)
                    damaged(record)
                    continue
                end, last_ns = record.end.offset, record.received_ns
                yield record
            size = path.stat().st_size
        except OSError as error:
            raise ArchiveError(f"{path}: {error.strerror}") from error
        if max(end, HEADER.size) < size:
            tail = Damage(path.name, max(end, HEADER.size), size, 0, 0, last_ns, 0)
            _say(path, tail)
            damaged(tail)


def words_of(damage: Damage) -> str:
    """What was lost, for people: `archive 2026-11-22: 3 records, 1,200 readings unreadable …`."""
    what = f"{damage.last - damage.first:,} bytes"
    if damage.records:
        what = f"{damage.records:,} records, {damage.rows:,} readings"
    since = f"after {_utc(damage.before_ns)}" if damage.before_ns else "at the beginning"
    until = f" and before {_utc(damage.after_ns)}" if damage.after_ns else ", to its end"
    return f"archive {damage.segment.removesuffix(SUFFIX)}: {what} unreadable, {since}{until}"


def _utc(time_ns: int) -> str:
    return f"{datetime.fromtimestamp(time_ns // 10**9, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _say(path: Path, damage: Damage) -> None:
    log.error("%s (%s: damaged at byte %d; the %d bytes after it cannot be read)",
              words_of(damage), path, damage.first, damage.last - damage.first)
