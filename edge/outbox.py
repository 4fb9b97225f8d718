"""The outbox: what the agent has measured and ingest has not yet acknowledged, on disk.

A message is committed here before it is published and freed when ingest acknowledges it, never
on the broker's word. See `edge.outbox_file` for what survives what.
"""

import copy
import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from edge import wire
from edge.grouping import Encoder
from edge.message_keys import NUMBER_MAX, Message, make_key, runs, split_key
from edge.outbox_file import OutboxError, OutboxFile, OutboxReplacedError, OutboxWriteError

ROW_BYTES = 24
"""What SQLite needs beside the payload, measured with payloads of 60 to 300 bytes."""
RANGES_MAX = 100
ASIDE_MAX = 100
DROP_SHARE = 64
"""When full, a 64th of the bound is dropped at once, so that dropping is rare and cheap."""

_KEYS = (0, (1 << 63) - 1)
Result = TypeVar("Result")


@dataclass(slots=True)
class Counts:
    """What the outbox holds. `epoch` and `number` are those of the newest message; `queued`
    messages of `bytes` wait, `reports` of them drop messages; `dropped` and `aside` count since
    the file began what was dropped because it was full and what the broker would not take;
    `gaps` are ranges still to report."""

    epoch: int = 0
    number: int = 0
    queued: int = 0
    bytes: int = 0
    reports: int = 0
    gaps: int = 0
    dropped: int = 0
    aside: int = 0


class Outbox:
    """The open outbox; used by one thread at a time, and by one process.

    The epoch is new after each unclean end and grows strictly: the larger of the last one plus
    one and what `clock` says, Unix seconds (or as `edge.clock.DeviceClock.epoch`).
    """

    def __init__(
        self, path: Path, *, bytes_max: int, sync_s: float,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Open or begin the file. Raises `OutboxError` if it is in use, newer or unreachable."""
        self.path = path
        self.counts = Counts()
        self._bytes_max = bytes_max
        self._clock = clock
        self._file = OutboxFile(path, sync_s=sync_s, monotonic=monotonic, loaded=self._load)

    @property
    def corrupt(self) -> int:
        """Corrupt files set aside since this object was made."""
        return self._file.corrupt

    def _load(self, db: sqlite3.Connection) -> None:
        meta = dict(db.execute("SELECT key, value FROM meta"))
        counts = Counts(max(self.counts.epoch, meta.get("epoch", 0)))
        counts.dropped = meta.get("dropped", 0)
        counts.aside = meta.get("aside", 0)
        for table in ("message", "report"):
            rows, size = _size(db, table, *_KEYS)
            counts.queued += rows
            counts.bytes += size
        counts.reports = rows
        counts.gaps = db.execute("SELECT count(*) FROM gap").fetchone()[0]
        self.counts = counts
        if meta.get("clean"):
            counts.number = meta["number"]
        else:
            self._next_epoch()
        self._write_meta(db, clean=0)

    def _write_meta(self, db: sqlite3.Connection, clean: int) -> None:
        counts = self.counts
        rows = {"epoch": counts.epoch, "number": counts.number, "clean": clean,
                "dropped": counts.dropped, "aside": counts.aside}
        db.executemany("REPLACE INTO meta VALUES (?, ?)", rows.items())

    def _next_epoch(self) -> None:
        self.counts.epoch = max(self.counts.epoch + 1, int(self._clock()))
        self.counts.number = 0

    def begin_epoch(self) -> None:
        """Count messages from 1 in a new epoch; the new epoch is on disk before it is used."""
        def act() -> None:
            self._next_epoch()
            self._write_meta(self._file.db, clean=0)

        self._transact(act)
        self._file.sync()

    def put(self, encoders: Sequence[Encoder]) -> None:
        """Commit one message for each encoder, called with its epoch and number.

        When `bytes_max` would be passed the oldest messages are dropped and remembered.
        Raises `OutboxWriteError` if the disk does not take it; then no number is used up.
        """
        if self.counts.number + len(encoders) > NUMBER_MAX:
            self.begin_epoch()

        def act() -> None:
            counts = self.counts
            rows = [
                (make_key(counts.epoch, n), encode(counts.epoch, n))
                for n, encode in enumerate(encoders, counts.number + 1)
            ]
            size = sum(len(payload) + ROW_BYTES for _, payload in rows)
            if counts.bytes + size > self._bytes_max:
                self._drop_oldest(size + self._bytes_max // DROP_SHARE)
            self._file.db.executemany("INSERT INTO message VALUES (?, ?)", rows)
            counts.number += len(rows)
            counts.queued += len(rows)
            counts.bytes += size

        if encoders:
            self._transact(act)

    def _drop_oldest(self, size: int) -> None:
        keys = []
        gone = 0
        db = self._file.db
        rows = db.execute("SELECT key, length(payload) FROM message ORDER BY key")
        for key, length in rows:
            if gone >= size:
                break
            keys.append(key)
            gone += length + ROW_BYTES
        rows.close()
        if not keys:
            return
        db.execute("DELETE FROM message WHERE key <= ?", (keys[-1],))
        self._remember(runs(keys))
        self.counts.queued -= len(keys)
        self.counts.bytes -= gone
        self.counts.dropped += len(keys)
        self._write_meta(db, clean=0)

    def _remember(self, ranges: Sequence[tuple[int, int]]) -> None:
        """Note what will not be sent, joined to an earlier range that ends just before."""
        db = self._file.db
        for first, last in ranges:
            grown = db.execute("UPDATE gap SET last = ? WHERE last = ?", (last, first - 1))
            if grown.rowcount == 0:
                db.execute("REPLACE INTO gap VALUES (?, ?)", (first, last))
        self.counts.gaps = db.execute("SELECT count(*) FROM gap").fetchone()[0]

    def floor(self, epoch: int) -> int | None:
        """The number of the first message of `epoch` that waits; None if none does."""
        if not 0 <= epoch <= self.counts.epoch:
            return None
        first = self._first(make_key(epoch, 0))
        return None if first is None or split_key(first)[0] != epoch else split_key(first)[1]

    def _first(self, after: int) -> int | None:
        """The lowest key from `after` on."""
        sql = "SELECT key, '' FROM {} WHERE key >= ? ORDER BY key LIMIT 1"
        found = [row for table in ("message", "report")
                 for row in self._read(sql.format(table), after)]
        return min((row.key for row in found), default=None)

    def note_floors(self) -> None:
        """Remember as a gap, for each epoch that waits, all numbers below its first message.

        They were acknowledged long ago and will not come again. An ingest that has lost its
        memory would wait for them for ever.
        """
        def act() -> None:
            ranges = []
            key = self._first(0)
            while key is not None:
                epoch, number = split_key(key)
                if number > 1:
                    ranges.append((make_key(epoch, 1), key - 1))
                key = self._first(make_key(epoch + 1, 0))
            self._remember(ranges)

        self._transact(act)

    def report_gaps(self) -> None:
        """Turn remembered gaps into one drop message, to be sent before everything else."""
        if self.counts.number >= NUMBER_MAX:
            self.begin_epoch()

        def act() -> None:
            counts = self.counts
            db = self._file.db
            rows = db.execute(
                "SELECT first, last FROM gap ORDER BY first LIMIT ?", (RANGES_MAX,)
            ).fetchall()
            if not rows:
                return
            ranges = [(*split_key(first), split_key(last)[1]) for first, last in rows]
            counts.number += 1
            payload = wire.encode_drop(counts.epoch, counts.number, ranges)
            key = make_key(counts.epoch, counts.number)
            db.execute("INSERT INTO report VALUES (?, ?)", (key, payload))
            db.execute("DELETE FROM gap WHERE first <= ?", (rows[-1][0],))
            counts.gaps -= len(rows)
            counts.reports += 1
            counts.queued += 1
            counts.bytes += len(payload) + ROW_BYTES

        self._transact(act)

    def unsent(self, after: int) -> Message:
        """The first message with a key beyond `after`; if none waits, one that says nothing.

        Raises `OutboxWriteError` if the disk does not take that one.
        """
        found = self.pending(after, 1)
        if not found:
            self.put([lambda epoch, number: wire.encode_drop(epoch, number, [])])
            found = self.pending(after, 1)
        return found[0]

    def reports(self) -> list[Message]:
        """Drop messages not yet acknowledged."""
        return self._read("SELECT key, payload FROM report ORDER BY key")

    def pending(self, after: int, limit: int) -> list[Message]:
        """Up to `limit` messages with a key beyond `after`, oldest first."""
        sql = "SELECT key, payload FROM message WHERE key > ? ORDER BY key LIMIT ?"
        return self._read(sql, after, limit)

    def get(self, key: int) -> Message | None:
        """The message or report with `key`, if it still waits."""
        sql = ("SELECT key, payload FROM message WHERE key = ?1 UNION ALL "
               "SELECT key, payload FROM report WHERE key = ?1")
        return next(iter(self._read(sql, key)), None)

    def _read(self, sql: str, *values: int) -> list[Message]:
        try:
            return [Message(*row) for row in self._file.read(sql, *values)]
        except OutboxReplacedError:
            return []

    def free(self, epoch: int, number: int) -> int:
        """Forget the messages of `epoch` up to `number`; returns how many of them waited."""
        if not 0 <= epoch <= self.counts.epoch or number < 1:
            return 0
        bounds = (make_key(epoch, 1), make_key(epoch, min(number, NUMBER_MAX)))

        def act() -> int:
            counts = self.counts
            freed = 0
            for table in ("message", "report"):
                rows, size = _size(self._file.db, table, *bounds)
                if rows:
                    sql = f"DELETE FROM {table} WHERE key BETWEEN ? AND ?"  # noqa: S608
                    self._file.db.execute(sql, bounds)
                    counts.bytes -= size
                    freed += rows
            counts.reports -= rows
            counts.queued -= freed
            return freed

        return self._transact(act)

    def set_aside(self, key: int) -> None:
        """Keep a message that the broker will not take out of the way, and report it as a gap."""
        def act() -> None:
            db = self._file.db
            row = db.execute("SELECT payload FROM message WHERE key = ?", (key,)).fetchone()
            if row is None:
                return
            db.execute("REPLACE INTO aside VALUES (?, ?)", (key, row[0]))
            kept = "SELECT key FROM aside ORDER BY key DESC LIMIT ?"
            db.execute(f"DELETE FROM aside WHERE key NOT IN ({kept})", (ASIDE_MAX,))  # noqa: S608
            db.execute("DELETE FROM message WHERE key = ?", (key,))
            self._remember([(key, key)])
            self.counts.aside += 1
            self.counts.queued -= 1
            self.counts.bytes -= len(row[0]) + ROW_BYTES
            self._write_meta(db, clean=0)

        self._transact(act)

    def _transact(self, act: Callable[[], Result]) -> Result:
        """Run `act` in one transaction, again on a new file if this one turns out corrupt.

        `counts` change only with what is committed.
        """
        before = copy.copy(self.counts)
        try:
            return self._file.transact(act)
        except OutboxReplacedError:
            before = copy.copy(self.counts)
        except BaseException:
            self.counts = before
            raise
        try:
            return self._file.transact(act)
        except OutboxError as error:
            self.counts = before
            raise OutboxWriteError(str(error)) from None

    def sync_if_due(self) -> None:
        """Sync if something was committed and `sync_s` have passed since the last sync."""
        self._file.sync_if_due()

    def sync(self) -> None:
        """Bring all commits to the disk itself."""
        self._file.sync()

    def close(self) -> None:
        """Mark a clean end, so that epoch and numbers go on, and close the file."""
        try:
            self._transact(lambda: self._write_meta(self._file.db, clean=1))
        finally:
            self._file.close()


def _size(db: sqlite3.Connection, table: str, first: int, last: int) -> tuple[int, int]:
    sql = f"SELECT count(*), total(length(payload)) FROM {table} WHERE key BETWEEN ? AND ?"  # noqa: S608
    count, size = db.execute(sql, (first, last)).fetchone()
    return count, int(size) + count * ROW_BYTES
