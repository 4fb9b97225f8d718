"""A durable queue of finished batches, in front of a database that may be away.

One SQLite file. A batch waits until it is known to be stored; when the queue would outgrow its
bound in bytes the oldest batches are dropped and counted. The last ones that were stored are kept
and sent once more, in their order, when the database began anew: a killed one may have lost what
it confirmed. Lines that the database refuses for what they say are moved to `dead` with its words.
A damaged file is set aside and the queue starts empty: what it held can be written again from the
archive.

Survives `kill -9` of the process; a power cut may lose what SQLite had not yet synced.
"""

import sqlite3
import threading
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Self

from ingest import sqlite_file
from ingest.sqlite_file import StoreError

SPOOL_BYTES_MAX = 1 << 30
"""Compressed bytes: at a thousand points a minute about four months."""
KEPT_BYTES_MAX = 16 << 20
"""Compressed bytes of stored batches: more than InfluxDB 1.x holds in one file of its log (10 MB),
all of which a torn place in it can cost."""
DEAD_MAX = 10_000
"""Refused lines that are kept; the oldest go first, the count goes on."""
DEAD_TEXT_MAX = 2000

SPOOL = sqlite_file.Kind("the spool", 0x43565051, 2, """
CREATE TABLE batches (
  id INTEGER PRIMARY KEY AUTOINCREMENT, lines INTEGER NOT NULL, bytes INTEGER NOT NULL,
  precision TEXT NOT NULL, body BLOB NOT NULL, stored INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX waiting ON batches (id) WHERE stored = 0;
CREATE TABLE dead (
  id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, lines INTEGER NOT NULL,
  line BLOB NOT NULL, reason TEXT NOT NULL
);
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO counters VALUES ('dead', 0), ('dropped', 0), ('since_ms', 0), ('written', 0);
""", ("""
ALTER TABLE batches ADD COLUMN stored INTEGER NOT NULL DEFAULT 0;
CREATE INDEX waiting ON batches (id) WHERE stored = 0;
INSERT INTO counters VALUES ('since_ms', 0);
""",))


class Queued(NamedTuple):
    """A batch that waits; `precision` is the unit of its times (`s` or `ns`)."""

    id: int
    lines: int
    precision: str
    body: bytes


class Refused(NamedTuple):
    """A line that the database will never take, or the first of `lines` refused together."""

    line: bytes
    reason: str
    lines: int = 1


class Dead(NamedTuple):
    """What is kept of a refusal."""

    at_ms: int
    lines: int
    line: bytes
    reason: str


class Depth(NamedTuple):
    """How full the queue is, and what became of lines so far (kept over restarts)."""

    queued: int
    bytes: int
    dead: int
    dropped: int
    written: int
    since_ms: int
    """When the database that has the stored batches began, 0 if it never told."""


class Spool:
    """Open with `Spool.create`. One thread may put while another takes.

    Every method raises `StoreError` if the file cannot be used (a full disk, for example).
    """

    def __init__(self, path: Path, connection: sqlite3.Connection, bytes_max: int) -> None:
        self._path = path
        self._connection = connection
        self._bytes_max = bytes_max
        self._lock = threading.Lock()
        self._count()

    @classmethod
    def create(cls, path: Path, bytes_max: int = SPOOL_BYTES_MAX) -> Self:
        """Open or make the file; a damaged one is set aside."""
        return cls(path, sqlite_file.create(path, SPOOL), bytes_max)

    def close(self, *, sound: bool = True) -> None:
        """Close the file; may be called twice. `sound`: False after an error."""
        with self._lock:
            if sound:
                sqlite_file.close(self._connection, self._path)
            else:
                self._connection.close()

    def _count(self) -> None:
        run = self._connection.execute
        (self._queued, self._bytes), (_, self._kept) = (run(
            "SELECT count(*), coalesce(sum(bytes), 0) FROM batches WHERE stored = ?", (stored,)
        ).fetchone() for stored in (0, 1))
        self._counters: dict[str, int] = dict(run("SELECT name, value FROM counters"))

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                try:
                    yield self._connection
                    self._connection.execute("COMMIT")
                except BaseException:
                    if self._connection.in_transaction:
                        self._connection.execute("ROLLBACK")
                    self._count()
                    raise
            except sqlite3.Error as error:
                raise StoreError(f"{self._path}: {error}") from error

    def _add(self, counter: str, amount: int) -> None:
        self._counters[counter] += amount
        self._connection.execute(
            "UPDATE counters SET value = ? WHERE name = ?", (self._counters[counter], counter))

    def put(self, body: bytes, lines: int, precision: str = "s") -> None:
        """Append a batch; drops the oldest ones if the bound would be passed."""
        packed = zlib.compress(body, 1)
        with self._transaction() as file:
            file.execute(
                "INSERT INTO batches (lines, bytes, precision, body) VALUES (?, ?, ?, ?)",
                (lines, len(packed), precision, packed))
            self._queued += 1
            self._bytes += len(packed)
            while self._bytes > self._bytes_max and self._queued:
                batch_id, dropped, size = file.execute(
                    "SELECT id, lines, bytes FROM batches WHERE stored = 0 ORDER BY id LIMIT 1"
                ).fetchone()
                self._remove(file, batch_id, size)
                self._add("dropped", dropped)

    def _remove(self, file: sqlite3.Connection, batch_id: int, size: int) -> None:
        file.execute("DELETE FROM batches WHERE id = ?", (batch_id,))
        self._queued -= 1
        self._bytes -= size

    def oldest(self) -> Queued | None:
        """The batch to send next, None if there is none. It stays until `done`.

        A batch that can no longer be unpacked is dropped and counted.
        """
        with self._transaction() as file:
            while row := file.execute(
                "SELECT id, lines, precision, body, bytes FROM batches WHERE stored = 0"
                " ORDER BY id LIMIT 1"
            ).fetchone():
                try:
                    return Queued._make((*row[:3], zlib.decompress(row[3])))
                except zlib.error:
                    self._remove(file, row[0], row[4])
                    self._add("dropped", row[1])
        return None

    def done(
        self, batch_id: int, written: int, refused: Sequence[Refused] = (), rest: bytes = b""
    ) -> None:
        """A batch of which `written` lines are stored and `refused` never will be waits no more.

        It is kept to be sent `again`, without what was refused: then `rest` are its other lines.
        A batch that was dropped for room in the meantime is no longer there: nothing happens.
        """
        with self._transaction() as file:
            row = file.execute(
                "SELECT bytes FROM batches WHERE id = ? AND stored = 0", (batch_id,)).fetchone()
            if row is None:
                return
            size = row[0]
            self._queued -= 1
            self._bytes -= size
            if refused:
                packed = zlib.compress(rest, 1)
                size = len(packed)
                file.execute("UPDATE batches SET lines = ?, bytes = ?, body = ? WHERE id = ?",
                             (written, size, packed, batch_id))
            file.execute("UPDATE batches SET stored = 1 WHERE id = ?", (batch_id,))
            self._kept += size
            self._forget_kept(file)
            self._add("written", written)
            now_ms = time.time_ns() // 1_000_000
            file.executemany(
                "INSERT INTO dead (at_ms, lines, line, reason) VALUES (?, ?, ?, ?)",
                ((now_ms, part.lines, part.line, part.reason[:DEAD_TEXT_MAX]) for part in refused))
            self._add("dead", sum(part.lines for part in refused))
            file.execute(
                "DELETE FROM dead WHERE id <= (SELECT max(id) FROM dead) - ?", (DEAD_MAX,))

    def _forget_kept(self, file: sqlite3.Connection) -> None:
        """Let go of the oldest stored batches beyond their bound."""
        while self._kept > KEPT_BYTES_MAX:
            batch_id, size = file.execute(
                "SELECT id, bytes FROM batches WHERE stored = 1 ORDER BY id LIMIT 1").fetchone()
            file.execute("DELETE FROM batches WHERE id = ?", (batch_id,))
            self._kept -= size

    def again(self, since_ms: int) -> int:
        """Let the stored batches that are kept wait once more; returns of how many lines.

        `since_ms`: when the database that asks for them began, 0 if it does not tell.
        """
        with self._transaction() as file:
            lines = int(file.execute(
                "SELECT coalesce(sum(lines), 0) FROM batches WHERE stored = 1").fetchone()[0])
            file.execute("UPDATE batches SET stored = 0 WHERE stored = 1")
            self._add("written", -lines)
            self._add("since_ms", since_ms - self._counters["since_ms"])
            self._count()
        return lines

    def dead_lines(self, limit: int) -> list[Dead]:
        """Refused lines, the newest first."""
        with self._transaction() as file:
            rows = file.execute(
                "SELECT at_ms, lines, line, reason FROM dead ORDER BY id DESC LIMIT ?", (limit,))
            return [Dead(*row) for row in rows]

    def depth(self) -> Depth:
        """Counts; does not touch the file."""
        with self._lock:
            return Depth(
                self._queued, self._bytes, self._counters["dead"], self._counters["dropped"],
                self._counters["written"], self._counters["since_ms"])
