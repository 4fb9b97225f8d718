"""The archive read for some series and some span of time: what `explain` shows.

A day of a city is a gigabyte in a million records, so a kernel walks the mapped segment and
copies only the rows that are asked for; records that it cannot walk (by zlib, or no readings) are
handed to the caller. The archive may be written to meanwhile: a record that is not whole
yet ends the walk.
"""

import mmap
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from engine.batch import DTYPES, Batch
from ingest.archive import (
    COMPACT,
    FORMAT,
    HEADER,
    MAGIC,
    SUFFIX,
    ZLIB,
    ArchiveError,
    Kind,
    segment_of,
)
from ingest.archive_code import ROW_BYTES, decode
from ingest.archive_walk import (
    DAMAGED,
    END,
    OTHER,
    RELEASED,
    ROW,
    TIME,
    VALUE,
    pick,
    walk,
)
from ingest.messages import Event
from ingest.resync import RECORD, next_record

ROWS_MAX = 1 << 16
"""Rows that are handed on at once."""
class Names(NamedTuple):
    """What a registry record adds, as the archive numbers it."""

    keys: list[list[str]]
    devices: list[str]
    series: list[tuple[int, int, int, str]]


@dataclass(slots=True)
class Wish:
    """What to look for; the masks grow as the registry does.

    slots, devices: bool, by the archive's numbers. span: int64[2], event times, Unix ns, from
    and before. receipts: int64[2], receive times from and to. first_ns: int64, by slot, the
    earliest reading seen.
    """

    span: npt.NDArray[np.int64]
    receipts: npt.NDArray[np.int64]
    slots: npt.NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    devices: npt.NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    first_ns: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))


class Visitor:
    """What a scan tells: override what is wanted."""

    def registry(self, names: Names, received_ns: int) -> None:
        """The registry grew (a segment begins with all of it)."""

    def places(self, text: str, received_ns: int) -> None:
        """A places file took effect (a segment begins with the present one)."""

    def configuration(self, body: bytes, received_ns: int) -> None:
        """Rules took effect (a segment begins with the present ones)."""

    def facts(self, body: bytes, received_ns: int) -> None:
        """A facts file took effect (a segment begins with the present one)."""

    def events(self, events: list[Event], received_ns: int) -> None:
        """Events that devices reported."""

    def rows(self, rows: npt.NDArray[Any]) -> None:
        """Readings that were asked for, ROW[n], in the order of the archive."""


class Searched(NamedTuple):
    """What a scan went through: segments, bytes, and what could not be read."""

    segments: list[str]
    bytes: int
    damaged: list[str]


def segments(folder: Path, receipts: npt.NDArray[np.int64]) -> list[Path]:
    """Segments that may hold what was received in a span: with the one that it begins in."""
    paths = sorted(folder.glob(f"*{SUFFIX}"))
    first, last = (segment_of(max(int(at), 0)) for at in receipts)
    before = [path for path in paths if path.name <= first][-1:]
    return before + [path for path in paths if first < path.name <= last]


class Scan:
    """One scan of the archive in `folder`; the visitor may change `wish` masks as it goes."""

    def __init__(self, folder: Path, wish: Wish, visitor: Visitor) -> None:
        self._folder = folder
        self._wish = wish
        self._visitor = visitor
        self._out = np.empty(ROWS_MAX, ROW)
        self._bits = np.empty(ROWS_MAX, np.int64)
        self._plain = np.empty(ROWS_MAX * ROW_BYTES, np.uint8)
        self._state = np.zeros(3, np.int64)
        self._damaged: list[str] = []

    def run(self, stop: Callable[[], bool] = lambda: False) -> Searched:
        """Go through all segments; `stop` is asked between records. Raises `ArchiveError`."""
        done, size = [], 0
        for path in segments(self._folder, self._wish.receipts):
            try:
                with path.open("rb") as file:
                    # Unmapped when nothing looks at it any more.
                    mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            except (OSError, ValueError) as error:
                raise ArchiveError(f"{path}: {error}") from error
            data = np.frombuffer(mapped, np.uint8)
            going = self._segment(path, data, stop)
            size += len(data)
            done.append(path.name)
            if not going:
                break
        return Searched(done, size, self._damaged)

    def _segment(self, path: Path, data: Any, stop: Callable[[], bool]) -> bool:
        magic, number, _, _ = HEADER.unpack(data[: HEADER.size].tobytes().ljust(HEADER.size))
        if magic != MAGIC or number > FORMAT:
            raise ArchiveError(f"{path}: is no archive segment that this program reads")
        wish, state = self._wish, self._state
        state[0] = HEADER.size
        while not stop():
            walk(data, wish.slots, wish.devices, wish.receipts, wish.span, wish.first_ns,
                 self._out, self._bits, self._plain, state)
            self._flush()
            if state[2] == OTHER and not self._other(data):
                state[2] = DAMAGED
            if state[2] in (END, DAMAGED) and not self._resync(path, data):
                return True
        return False

    def _resync(self, path: Path, data: Any) -> bool:
        """Pass over what is damaged; False at the end, also before a record not yet whole."""
        first = int(self._state[0])
        if first >= len(data):
            return False
        found = next_record(path, first + 1)
        if found >= len(data):
            return False
        self._damaged.append(f"{path.name}: bytes {first} to {found}")
        self._state[0] = found
        return True

    def _flush(self) -> None:
        filled = int(self._state[1])
        self._state[1] = 0
        if filled:
            rows = self._out[:filled].copy()
            rows["value"] = self._bits[:filled].view(np.float64)
            self._visitor.rows(rows)

    def _other(self, data: Any) -> bool:
        """Take in a record that the kernel does not walk; False if it is damaged."""
        at = int(self._state[0])
        head = data[at : at + RECORD.size].tobytes()
        length, crc, kind, codec, _, count, received_ns = RECORD.unpack(head)
        body = data[at + RECORD.size : at + RECORD.size + length].tobytes()
        if zlib.crc32(body, zlib.crc32(head[8:])) != crc:
            return False
        self._state[0] = at + RECORD.size + length
        if codec == ZLIB:
            body = self._inflate(body, kind, count)
        elif codec == COMPACT:
            plain = decode(body, count)
            if plain is None:
                return False
            body = plain
        if kind == Kind.REGISTRY:
            self._visitor.registry(msgspec.json.decode(body, type=_Names).named(), received_ns)
        elif kind == Kind.PLACES:
            self._visitor.places(body.decode(), received_ns)
        elif kind == Kind.CONFIGURATION:
            self._visitor.configuration(body, received_ns)
        elif kind == Kind.FACTS:
            self._visitor.facts(body, received_ns)
        elif kind == Kind.EVENTS:
            self._visitor.events(msgspec.json.decode(body, type=list[Event]), received_ns)
        elif kind in (Kind.BATCH, *RELEASED) and body:
            self._batch(np.frombuffer(body, np.uint8), kind, count, received_ns)
        return True

    def _inflate(self, body: bytes, kind: int, count: int) -> bytes:
        """The plain body; of a batch that has nothing wanted only its first columns, then none."""
        if kind not in (Kind.BATCH, *RELEASED):
            return zlib.decompress(body)
        wish, inflate = self._wish, zlib.decompressobj()
        head = inflate.decompress(body, VALUE * count)
        slots = np.frombuffer(head, "<i4", count)
        times = np.frombuffer(head, "<i8", count, TIME * count)
        known = (slots >= 0) & (slots < len(wish.slots))
        wanted = (slots < 0) | (known & wish.slots[np.where(known, slots, 0)] if len(wish.slots)
                                else known)
        # A late batch may tell of a series' first reading: only what is older matters then.
        if not (wanted & (times < wish.span[1])).any():
            return b""
        return head + inflate.decompress(inflate.unconsumed_tail)

    def _batch(self, body: Any, kind: int, count: int, received_ns: int) -> None:
        out, bits = self._out, self._bits
        if count > len(out):
            out, bits = np.zeros(count, ROW), np.zeros(count, np.int64)
        wish = self._wish
        filled = pick(body, 0, count, kind, received_ns, wish.slots, wish.devices, wish.span,
                      wish.first_ns, out, bits, 0)
        if filled:
            rows = out[:filled].copy()
            rows["value"] = bits[:filled].view(np.float64)
            self._visitor.rows(rows)


class _Names(msgspec.Struct):
    keys: list[list[str]]
    devices: list[str]
    series: list[tuple[int, int, int, str]]

    def named(self) -> Names:
        return Names(self.keys, self.devices, self.series)


def batch_of(rows: npt.NDArray[Any], slot: npt.NDArray[np.int32]) -> Batch:
    """Rows as a batch with slots of one's own."""
    columns = {name: np.ascontiguousarray(rows[name]) for name in DTYPES if name != "slot"}
    return Batch(slot=slot, **columns, received_ns=int(rows["received_ns"].max(initial=0)))
