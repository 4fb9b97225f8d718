"""What was not admitted: messages of unknown devices, readings of the future, dead letters.

One SQLite file beside the archive. The counts of verdicts come from the archive; this file keeps
the raw bytes, so that a held message can be admitted later and a refused one looked at.
"""

import logging
import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from edge.wire import PAYLOAD_BYTES_MAX
from ingest.messages import TOPIC_CHARS_MAX
from ingest.sqlite_file import Kind, StoreError, create, reader

log = logging.getLogger(__name__)

DEAD_ROWS_MAX = 10_000
DEAD_BYTES_MAX = 64 << 20
HELD_ROWS_MAX = 200_000
HELD_BYTES_MAX = 256 << 20
HELD_DEVICE_ROWS_MAX = 20_000
HELD_DEVICE_BYTES_MAX = 32 << 20
"""Of one device, so that a flood of one stranger does not cost the others what they sent."""
DROP_SHARE = 64
RELEASE_ROWS_MAX = 20_000
"""Rows released at once; more than one message can hold of one time."""
HELD_DEVICES_SHOWN = 50
DEAD_SHOWN = 50
TEXT_SHOWN = 200
SUMMARY_S = 5.0
"""Between two summaries of a large file, which take 50 ms for 200,000 rows."""
SUMMARY_ROWS = 5_000

INBOX = Kind("the inbox", 0x43564958, 1, """
CREATE TABLE held (
    id INTEGER PRIMARY KEY, device TEXT NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL,
    topic TEXT NOT NULL, payload BLOB NOT NULL, readings INTEGER NOT NULL,
    received_ns INTEGER NOT NULL, due_ns INTEGER NOT NULL);
CREATE INDEX held_due ON held (due_ns, device, epoch, seq);
CREATE TABLE dead (
    id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, reason TEXT NOT NULL, topic TEXT NOT NULL,
    bytes INTEGER NOT NULL, payload BLOB NOT NULL);
""")
_OF_ALL = ("WHERE +due_ns = 0 ORDER BY id", "WHERE due_ns > 0 ORDER BY due_ns DESC")
_OF_DEVICE = (
    "WHERE due_ns = 0 AND device = ? ORDER BY epoch, seq",
    "WHERE due_ns > 0 AND device = ? ORDER BY due_ns DESC",
)
"""What goes first. All are read in order without sorting (`+` keeps the first from the index)."""
_BY_KEY = "WHERE device = ? AND epoch = ? AND seq = ? AND due_ns = ?"
_HELD = "device, epoch, seq, topic, payload, readings, received_ns, due_ns"


class Held(NamedTuple):
    """A message that waits: for its device (due_ns 0) or for its time."""

    device: str
    epoch: int
    seq: int
    topic: str
    payload: bytes
    readings: int
    received_ns: int
    due_ns: int


class DeadLetter(NamedTuple):
    """A message, or a reading of one, that was refused."""

    at_ms: int
    reason: str
    topic: str
    payload: bytes


class Key(NamedTuple):
    """What a held row is known by: all rows of a message that wait for the same."""

    device: str
    epoch: int
    seq: int
    due_ns: int


class Waiting(NamedTuple):
    """All rows of a key: how many readings, and when the first was received (Unix ns)."""

    key: Key
    readings: int
    received_ns: int


class Contents(NamedTuple):
    """All that waits, by key, and how many dead letters are kept, by reason."""

    waiting: list[Waiting]
    dead: dict[str, int]


class Size(NamedTuple):
    """How much of something is kept."""

    rows: int
    bytes: int


class Inbox:
    """The file; every call is one transaction, durable when it returns.

    Calls raise `StoreError` if the file cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._db: sqlite3.Connection = create(path, INBOX)
        self._db.execute("PRAGMA synchronous = FULL")
        self._dead = self._measure("dead")
        self._held = self._measure("held")
        self._of_device: dict[str, Size] = {
            device: Size(*size) for device, *size in self._db.execute(
                "SELECT device, count(*), sum(length(payload)) FROM held GROUP BY device"
            )
        }
        self._over: set[str] = set(self._of_device)
        self._full = False
        self._changed = True
        self._summary: list[dict[str, object]] = []
        self._ahead: list[dict[str, object]] = []
        self._summary_s = 0.0

    @property
    def is_empty(self) -> bool:
        """True if nothing is held."""
        return self._held[0] == 0

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _measure(self, table: str) -> Size:
        return Size(*self._db.execute(
            f"SELECT count(*), coalesce(sum(length(payload)), 0) FROM {table}"  # noqa: S608
        ).fetchone())

    def put(self, held: Sequence[Held], dead: Sequence[DeadLetter]) -> None:
        """Keep held messages and dead letters.

        Beyond the bounds the oldest dead letters go; what is held stays until `overflow` has named
        it and it is released. Of a dead letter at most `PAYLOAD_BYTES_MAX` bytes are kept.
        """
        if not held and not dead:
            return

        def write() -> None:
            self._db.executemany(
                f"INSERT INTO held ({_HELD}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", held  # noqa: S608
            )
            self._db.executemany(
                "INSERT INTO dead (at_ms, reason, topic, bytes, payload) VALUES (?, ?, ?, ?, ?)",
                ((row.at_ms, row.reason, row.topic[:TOPIC_CHARS_MAX], len(row.payload),
                  row.payload[:PAYLOAD_BYTES_MAX]) for row in dead),
            )
            for row in held:
                self._count_held(row.device, 1, len(row.payload))
            count, size = self._dead
            size += sum(min(len(row.payload), PAYLOAD_BYTES_MAX) for row in dead)
            self._dead = Size(count + len(dead), size)
            self._trim_dead()

        self._transaction(write)

    def _transaction(self, write: Callable[[], None]) -> None:
        self._changed = True
        try:
            self._db.execute("BEGIN")
            write()
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            raise StoreError(f"{self._path}: {error}") from error

    def _count_held(self, device: str, rows: int, size: int) -> None:
        self._held = Size(self._held.rows + rows, self._held.bytes + size)
        own = self._of_device.pop(device, Size(0, 0))
        if own.rows + rows > 0:
            self._of_device[device] = own = Size(own.rows + rows, own.bytes + size)
            if own.rows > HELD_DEVICE_ROWS_MAX or own.bytes > HELD_DEVICE_BYTES_MAX:
                self._over.add(device)

    def _trim_dead(self) -> None:
        count, size = self._dead
        gone: list[tuple[int]] = []
        for row, length in self._db.execute("SELECT id, length(payload) FROM dead ORDER BY id"):
            if count <= DEAD_ROWS_MAX and size <= DEAD_BYTES_MAX:
                break
            gone.append((row,))
            count, size = count - 1, size - length
        self._db.executemany("DELETE FROM dead WHERE id = ?", gone)
        self._dead = Size(count, size)

    def overflow(self) -> list[Waiting]:
        """What has to go for the bounds to hold, at most `RELEASE_ROWS_MAX`; it goes by `release`.

        First of each device that holds more than its share, then of all: the oldest messages of
        unknown devices, then the readings that lie furthest ahead. A 64th more goes than must,
        so that dropping is rare and cheap.
        """
        keys: list[Key] = []
        for device in sorted(self._over):
            own = self._of_device.get(device, Size(0, 0))
            most = Size(HELD_DEVICE_ROWS_MAX, HELD_DEVICE_BYTES_MAX)
            keys = self._excess(own, most, _OF_DEVICE, device)
            if keys:
                break
            self._over.discard(device)
        keys = keys or self._excess(self._held, Size(HELD_ROWS_MAX, HELD_BYTES_MAX), _OF_ALL)
        if keys and not self._full:
            self._full = True
            log.warning("%s: is full; the oldest held messages are dropped", self._path)
        return [
            Waiting(key, *self._db.execute(
                f"SELECT sum(readings), min(received_ns) FROM held {_BY_KEY}", key  # noqa: S608
            ).fetchone())
            for key in keys
        ]

    def _excess(
        self, size: Size, most: Size, orders: Sequence[str], *device: str
    ) -> list[Key]:
        """Keys of rows, in each of `orders` in turn, that go for `size` to be below `most`."""
        count, kept = size
        if count <= most.rows and kept <= most.bytes:
            return []
        rows, room = most.rows - most.rows // DROP_SHARE, most.bytes - most.bytes // DROP_SHARE
        keys: dict[Key, None] = {}
        for order in orders:
            for *key, length in self._db.execute(
                f"SELECT device, epoch, seq, due_ns, length(payload) FROM held {order}",  # noqa: S608
                device,
            ):
                if (count <= rows and kept <= room) or len(keys) >= RELEASE_ROWS_MAX:
                    return list(keys)
                keys[Key(*key)] = None
                count, kept = count - 1, kept - length
        return list(keys)

    def waiting(self, device: str) -> list[Held]:
        """Messages that wait for `device` to be placed, oldest first, `RELEASE_ROWS_MAX`."""
        rows = self._db.execute(
            f"SELECT {_HELD} FROM held WHERE due_ns = 0 AND device = ?"  # noqa: S608
            " ORDER BY epoch, seq LIMIT ?", (device, RELEASE_ROWS_MAX),
        )
        return [Held(*row) for row in rows]

    def due(self, now_ns: int) -> list[Held]:
        """Readings whose time has come, earliest first; all that share a `Key` or none."""
        rows = [Held(*row) for row in self._db.execute(
            f"SELECT {_HELD} FROM held WHERE due_ns BETWEEN 1 AND ?"  # noqa: S608
            " ORDER BY due_ns, device, epoch, seq LIMIT ?", (now_ns, RELEASE_ROWS_MAX + 1),
        )]
        if len(rows) > RELEASE_ROWS_MAX:
            last = key_of(rows[-1])
            rows = [row for row in rows if key_of(row) != last]
        return rows

    def release(self, keys: Iterable[Key]) -> None:
        """Forget what has been admitted."""
        def write() -> None:
            for key in dict.fromkeys(keys):
                count, size = self._db.execute(
                    f"SELECT count(*), sum(length(payload)) FROM held {_BY_KEY}", key  # noqa: S608
                ).fetchone()
                if count:
                    self._db.execute(f"DELETE FROM held {_BY_KEY}", key)  # noqa: S608
                    self._count_held(key.device, -count, -size)

        self._transaction(write)
        share = self._held.rows * 2 < HELD_ROWS_MAX and self._held.bytes * 2 < HELD_BYTES_MAX
        self._full = self._full and not share

    def keep_only(self, known: Callable[[str, int, int], bool]) -> None:
        """Forget messages that are not `known(device, epoch, number)` to the archive.

        They were written here, and the archive was not, when ingest was killed: nobody
        acknowledged them, so they come again.
        """
        rows = self._db.execute("SELECT DISTINCT device, epoch, seq, due_ns FROM held").fetchall()
        self.release([Key(*row) for row in rows if not known(*row[:3])])

    def held_devices(self) -> list[str]:
        """Devices with waiting messages."""
        return [row[0] for row in self._db.execute(
            "SELECT DISTINCT device FROM held WHERE due_ns = 0"
        )]

    def held_summary(self) -> list[dict[str, object]]:
        """For the health view: each held device with its count and its last message."""
        self._summarise_again()
        return self._summary

    def ahead_summary(self) -> list[dict[str, object]]:
        """For the health view: devices whose readings wait for their time, most readings first."""
        self._summarise_again()
        return self._ahead

    def _summarise_again(self) -> None:
        now_s = time.monotonic()
        soon = self._held.rows > SUMMARY_ROWS and now_s < self._summary_s + SUMMARY_S
        if self._changed and not soon:
            self._changed = False
            self._summary_s = now_s
            self._summary = self._summarise()
            self._ahead = [
                {"device": device, "readings": readings, "next_ms": first_ns // 1_000_000,
                 "last_ms": last_ns // 1_000_000}
                for device, readings, first_ns, last_ns in self._db.execute(
                    "SELECT device, sum(readings), min(due_ns), max(due_ns) FROM held"
                    " WHERE due_ns > 0 GROUP BY device ORDER BY sum(readings) DESC, device LIMIT ?",
                    (HELD_DEVICES_SHOWN,),
                )
            ]

    def _summarise(self) -> list[dict[str, object]]:
        rows = self._db.execute(
            "SELECT device, max(id), sum(readings), min(received_ns), max(received_ns) FROM held"
            " WHERE due_ns = 0 GROUP BY device ORDER BY max(id) DESC LIMIT ?",
            (HELD_DEVICES_SHOWN,),
        ).fetchall()
        out: list[dict[str, object]] = []
        for device, last, readings, first_ns, last_ns in rows:
            topic, payload = self._db.execute(
                "SELECT topic, payload FROM held WHERE id = ?", (last,)
            ).fetchone()
            out.append({
                "device": device, "topic": topic, "readings": readings,
                "first_ms": first_ns // 1_000_000, "last_ms": last_ns // 1_000_000,
                "sample": _shown(payload),
            })
        return out

    def dead_summary(self) -> list[dict[str, object]]:
        """For the health view: the newest dead letters."""
        rows = self._db.execute(
            "SELECT at_ms, reason, topic, bytes, payload FROM dead ORDER BY id DESC LIMIT ?",
            (DEAD_SHOWN,),
        )
        return [
            {"at_ms": at_ms, "reason": reason, "topic": topic, "bytes": size,
             "text": _shown(payload)}
            for at_ms, reason, topic, size, payload in rows
        ]


def key_of(row: Held) -> Key:
    """The key of a held row."""
    return Key(row.device, row.epoch, row.seq, row.due_ns)


def contents(path: Path) -> Contents:
    """What an inbox holds, without the right to change it. Raises `StoreError`."""
    file = reader(path, INBOX)
    try:
        waiting = [
            Waiting(Key(*key), readings, first_ns) for *key, readings, first_ns in file.execute(
                "SELECT device, epoch, seq, due_ns, sum(readings), min(received_ns) FROM held"
                " GROUP BY device, epoch, seq, due_ns"
            )
        ]
        return Contents(waiting, dict(file.execute(
            "SELECT reason, count(*) FROM dead GROUP BY reason ORDER BY reason"
        )))
    except sqlite3.Error as error:
        raise StoreError(f"{path}: {error}") from error
    finally:
        file.close()


def _shown(payload: bytes) -> str:
    return payload[:TEXT_SHOWN].decode("utf-8", "backslashreplace")
