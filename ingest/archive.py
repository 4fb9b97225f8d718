"""The archive: the journal and the truth, from which everything else can be rebuilt.

Append-only segments, one a day of receive time, each a header and records. A record is a batch
with every verdict, a tick of the clock, what was added to the registry, a places file, events,
or a release of held readings. Each carries a checksum; a tail that a crash left half written is
cut off and set aside when the archive is opened. A segment begins with all that is needed to
read it, so that the loss of one does not harm those after it.
"""

import contextlib
import logging
import os
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

log = logging.getLogger(__name__)

FORMAT = 1
MAGIC = b"CVARCHIV"
HEADER = struct.Struct("<8sHHI")
RECORD = struct.Struct("<IIBBHIq")
"""length, crc32 of all that follows it, kind, codec, 0, count, received_ns; then the body."""
_CRC_FROM = 8
RECORD_BYTES_MAX = 1 << 28
COMPRESS_FROM_BYTES = 4096
RAW, ZLIB = 0, 1
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

    @property
    def position(self) -> Position:
        """The end of the archive."""
        return Position(self._segment, self._file.tell() if self._file else 0)

    def append(self, kind: Kind, received_ns: int, body: bytes, count: int = 0) -> None:
        """Add a record; it is durable after the next `sync`."""
        codec = RAW
        if len(body) >= COMPRESS_FROM_BYTES:
            body, codec = zlib.compress(body, 1), ZLIB
        rest = RECORD.pack(0, 0, kind, codec, 0, count, received_ns)[_CRC_FROM:]
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
        """Cut a half-written tail off the last segment and keep it beside it."""
        size = path.stat().st_size
        good = HEADER.size if size >= HEADER.size else 0
        for record in _records(path, 0):
            good = record.end.offset
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


def _records(path: Path, after: int) -> Iterator[Record]:
    """Records of one segment from byte `after` up to the first that is not whole."""
    with path.open("rb") as file:
        header = file.read(HEADER.size)
        if len(header) < HEADER.size:
            return
        magic, number, _, _ = HEADER.unpack(header)
        if magic != MAGIC:
            raise ArchiveError(f"{path}: is not an archive segment of Cityvitals")
        if number > FORMAT:
            raise ArchiveError(f"{path}: has format {number}, this program reads up to {FORMAT}")
        file.seek(max(after, HEADER.size))
        while (record := _next(file, path.name)) is not None:
            yield record


def _next(file: IO[bytes], segment: str) -> Record | None:
    """The record at the file's position, None if it is not whole."""
    head = file.read(RECORD.size)
    if len(head) < RECORD.size:
        return None
    length, crc, kind, codec, _, count, received_ns = RECORD.unpack(head)
    body = file.read(length) if length <= RECORD_BYTES_MAX else b""
    if len(body) < length or zlib.crc32(body, zlib.crc32(head[_CRC_FROM:])) != crc:
        return None
    if codec == ZLIB:
        body = zlib.decompress(body)
    return Record(Kind(kind), received_ns, body, count, Position(segment, file.tell()))


def read(folder: Path, after: Position | None = None) -> Iterator[Record]:
    """All records after a position, in order; a damaged record ends its segment, with a log.

    Raises `ArchiveError` for a segment that is not ours or of a newer format.
    """
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        if after is not None and path.name < after.segment:
            continue
        end = after.offset if after is not None and path.name == after.segment else 0
        try:
            for record in _records(path, end):
                end = record.end.offset
                yield record
            size = path.stat().st_size
        except OSError as error:
            raise ArchiveError(f"{path}: {error.strerror}") from error
        if max(end, HEADER.size) < size:
            log.error("%s: damaged at byte %d; the %d bytes after it cannot be read",
                      path, end, size - end)
