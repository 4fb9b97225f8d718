"""What was not admitted: messages of unknown devices, readings of the future, dead letters.

One SQLite file beside the archive. The counts of verdicts come from the archive; this file keeps
the raw bytes, so that a held message can be admitted later and a refused one looked at.
"""

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ingest.sqlite_file import Kind, create

DEAD_ROWS_MAX = 10_000
HELD_ROWS_MAX = 200_000
HELD_DEVICES_SHOWN = 50
DEAD_SHOWN = 50
TEXT_SHOWN = 200

_KIND = Kind("the inbox", 0x43564958, 1, """
CREATE TABLE held (
    id INTEGER PRIMARY KEY, device TEXT NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL,
    topic TEXT NOT NULL, payload BLOB NOT NULL, readings INTEGER NOT NULL,
    received_ns INTEGER NOT NULL, due_ns INTEGER NOT NULL,
    UNIQUE (device, epoch, seq, due_ns, payload));
CREATE INDEX held_due ON held (due_ns);
CREATE TABLE dead (
    id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, reason TEXT NOT NULL, topic TEXT NOT NULL,
    bytes INTEGER NOT NULL, payload BLOB NOT NULL);
""")


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


class Inbox:
    """The file; every call is one transaction, durable when it returns."""

    def __init__(self, path: Path) -> None:
        self._db: sqlite3.Connection = create(path, _KIND)
        self._db.execute("PRAGMA synchronous = FULL")

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def put(self, held: Sequence[Held], dead: Sequence[DeadLetter]) -> None:
        """Keep held messages and dead letters; beyond the bounds the oldest are dropped."""
        if not held and not dead:
            return
        self._db.execute("BEGIN")
        self._db.executemany(
            "INSERT OR IGNORE INTO held (device, epoch, seq, topic, payload, readings,"
            " received_ns, due_ns) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", held,
        )
        self._db.executemany(
            "INSERT INTO dead (at_ms, reason, topic, bytes, payload) VALUES (?, ?, ?, ?, ?)",
            ((row.at_ms, row.reason, row.topic, len(row.payload), row.payload) for row in dead),
        )
        for table, bound in (("held", HELD_ROWS_MAX), ("dead", DEAD_ROWS_MAX)):
            self._db.execute(
                f"DELETE FROM {table} WHERE id <= (SELECT max(id) FROM {table}) - ?", (bound,)  # noqa: S608
            )
        self._db.execute("COMMIT")

    def waiting(self, device: str) -> list[Held]:
        """Messages that wait for `device` to be placed, oldest first."""
        rows = self._db.execute(
            "SELECT device, epoch, seq, topic, payload, readings, received_ns, due_ns FROM held"
            " WHERE device = ? AND due_ns = 0 ORDER BY id", (device,),
        )
        return [Held(*row) for row in rows]

    def due(self, now_ns: int) -> list[Held]:
        """Messages whose time has come, oldest first."""
        rows = self._db.execute(
            "SELECT device, epoch, seq, topic, payload, readings, received_ns, due_ns FROM held"
            " WHERE due_ns BETWEEN 1 AND ? ORDER BY due_ns, id LIMIT 10000", (now_ns,),
        )
        return [Held(*row) for row in rows]

    def release(self, rows: Sequence[Held]) -> None:
        """Forget held messages that have been admitted."""
        self._db.execute("BEGIN")
        self._db.executemany(
            "DELETE FROM held WHERE device = ? AND epoch = ? AND seq = ? AND due_ns = ?",
            ((row.device, row.epoch, row.seq, row.due_ns) for row in rows),
        )
        self._db.execute("COMMIT")

    def held_devices(self) -> list[str]:
        """Devices with waiting messages."""
        return [row[0] for row in self._db.execute(
            "SELECT DISTINCT device FROM held WHERE due_ns = 0"
        )]

    def held_summary(self) -> list[dict[str, object]]:
        """For the health view: each held device with its count and its last message."""
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


def _shown(payload: bytes) -> str:
    return payload[:TEXT_SHOWN].decode("utf-8", "backslashreplace")
