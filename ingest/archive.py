"""The archive: the journal and the truth, from which everything else can be rebuilt.

Append-only segments, one a day of receive time, each a header and records. A record is a batch
with every verdict, a tick of the clock, what was added to the registry, a places file, or a
release of held readings. Each carries a checksum; a tail that a crash left half written is cut
off and set aside when the archive is opened.
"""

import logging
import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from pathlib import Path
from typing import Any, NamedTuple

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
    BOOT = 7


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
        """The object of a REGISTRY or BOOT record."""
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


def _segment_of(received_ns: int) -> str:
    return f"{datetime.fromtimestamp(received_ns / 1e9, UTC):%Y-%m-%d}{SUFFIX}"


class Archive:
    """The archive in a folder, open for appending; `sync` makes what was appended durable."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.cut_bytes = 0
        self.synced_ms = 0
        self._file: Any = None
        self._dirty = False
        names = self.segments()
        self._segment = names[-1] if names else ""
        if self._segment:
            self._repair(folder / self._segment)
            self._file = (folder / self._segment).open("ab")
        self._bytes = sum((folder / name).stat().st_size for name in self.segments())

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
        if self._file is None or _segment_of(received_ns) > self._segment:
            self._begin(_segment_of(received_ns))
        rest = RECORD.pack(0, 0, kind, codec, 0, count, received_ns)[_CRC_FROM:]
        crc = zlib.crc32(body, zlib.crc32(rest))
        self._file.write(struct.pack("<II", len(body), crc) + rest + body)
        self._bytes += RECORD.size + len(body)
        self._dirty = True

    def append_json(self, kind: Kind, received_ns: int, value: Any) -> None:
        """Add a REGISTRY or BOOT record."""
        self.append(kind, received_ns, msgspec.json.encode(value))

    def sync(self, now_ms: int) -> None:
        """Make everything appended durable (fdatasync)."""
        if self._dirty:
            self._file.flush()
            os.fdatasync(self._file.fileno())
            self._dirty = False
            self.synced_ms = now_ms

    def close(self) -> None:
        """Flush and close."""
        if self._file is not None:
            self.sync(self.synced_ms)
            self._file.close()
            self._file = None

    def _begin(self, segment: str) -> None:
        if self._file is not None:
            self._file.flush()
            os.fdatasync(self._file.fileno())
            self._file.close()
        self._segment = segment
        self._file = (self.folder / segment).open("ab")
        if self._file.tell() == 0:
            self._file.write(HEADER.pack(MAGIC, FORMAT, 0, 0))
            self._bytes += HEADER.size
            self._file.flush()
            folder = os.open(self.folder, os.O_RDONLY)
            os.fsync(folder)
            os.close(folder)

    def _repair(self, path: Path) -> None:
        """Cut a half-written tail off the last segment and keep it beside it."""
        data = path.read_bytes()
        good = HEADER.size if len(data) >= HEADER.size else 0
        for record in _records(data, path):
            good = record.end.offset
        if good == len(data):
            return
        aside = path.with_suffix(f".tail-{good}")
        aside.write_bytes(data[good:])
        with path.open("r+b") as file:
            file.truncate(good)
            os.fsync(file.fileno())
        self.cut_bytes = len(data) - good
        log.warning("%s: cut %d bytes that a crash left half written, kept as %s",
                    path, self.cut_bytes, aside.name)


def _records(data: bytes, path: Path) -> Iterator[Record]:
    """Records of one segment up to the first that is not whole."""
    if len(data) < HEADER.size:
        return
    magic, number, _, _ = HEADER.unpack_from(data)
    if magic != MAGIC:
        raise ArchiveError(f"{path}: is not an archive segment of Cityvitals")
    if number > FORMAT:
        raise ArchiveError(f"{path}: has format {number}, this program reads up to {FORMAT}")
    at = HEADER.size
    while at + RECORD.size <= len(data):
        length, crc, kind, codec, _, count, received_ns = RECORD.unpack_from(data, at)
        end = at + RECORD.size + length
        if length > RECORD_BYTES_MAX or end > len(data):
            return
        if zlib.crc32(data[at + _CRC_FROM : end]) != crc:
            return
        body = data[at + RECORD.size : end]
        if codec == ZLIB:
            body = zlib.decompress(body)
        yield Record(Kind(kind), received_ns, body, count, Position(path.name, end))
        at = end


def read(folder: Path, after: Position | None = None) -> Iterator[Record]:
    """All records after a position, in order; a damaged record ends its segment, with a log."""
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        if after is not None and path.name < after.segment:
            continue
        data = path.read_bytes()
        end = HEADER.size
        for record in _records(data, path):
            end = record.end.offset
            if after is None or path.name > after.segment or end > after.offset:
                yield record
        if end < len(data):
            log.error("%s: damaged at byte %d; the %d bytes after it cannot be read",
                      path, end, len(data) - end)
