"""What can still be read of a damaged outbox: messages from both ends of its tables."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from edge.message_keys import split_key

ROWS_AT_ONCE = 100
ERRORS = (sqlite3.Error, UnicodeDecodeError)
"""SQLite may quote spoilt names in its error, and then Python cannot read the error."""
Row = tuple[int, bytes]
Range = tuple[int, int]


class Salvage(NamedTuple):
    """Rows that could be read, ranges of keys between them that could not, and the newest epoch."""

    messages: list[Row]
    reports: list[Row]
    gaps: list[Range]
    epoch: int

    def __str__(self) -> str:
        """For the log."""
        kept = len(self.messages) + len(self.reports)
        lost = ", ".join(
            f"{last - first + 1} messages lost: {split_key(first)[1]} to {split_key(last)[1]} of "
            f"epoch {split_key(first)[0]}" for first, last in self.gaps)
        return f"{kept} messages kept, {lost or 'what else waited in it is lost'}"


NOTHING = Salvage([], [], [], 0)


def salvage(path: Path) -> Salvage:
    """Read what can be read; never raises for damage."""
    try:
        db = sqlite3.connect(path, timeout=0.2, isolation_level=None)
    except ERRORS:
        return NOTHING
    try:
        low, high = list(_rows(db, "message", "")), list(_rows(db, "message", "DESC"))
        read = dict(low) | dict(high)
        gaps: list[Range] = []
        if low and high and high[-1][0] > low[-1][0] + 1:
            first, last = low[-1][0] + 1, high[-1][0] - 1
            if split_key(first)[0] == split_key(last)[0]:  # else nobody knows how many there were
                gaps.append((first, last))
        return Salvage(sorted(read.items()), list(_rows(db, "report", "")),
                       gaps + list(_gaps(db)), _epoch(db))
    finally:
        db.close()


def _rows(db: sqlite3.Connection, table: str, order: str) -> Iterator[Row]:
    """Rows from one end until the first that cannot be read."""
    sign, key = ("<", (1 << 63) - 1) if order else (">", -1)
    count = ROWS_AT_ONCE
    while True:
        sql = (f"SELECT key, payload FROM {table} WHERE key {sign} ? "  # noqa: S608
               f"ORDER BY key {order} LIMIT ?")
        try:
            rows = db.execute(sql, (key, count)).fetchall()
        except ERRORS:
            if count == 1:
                return
            count = 1
            continue
        for row in rows:
            # In a damaged tree keys may go back or in a circle.
            if not isinstance(row[1], bytes) or (row[0] >= key if order else row[0] <= key):
                return
            key = row[0]
            yield row
        if not rows:
            return


def _gaps(db: sqlite3.Connection) -> list[Range]:
    try:
        return [(first, last) for first, last in db.execute("SELECT first, last FROM gap")]
    except ERRORS:
        return []


def _epoch(db: sqlite3.Connection) -> int:
    try:
        row = db.execute("SELECT value FROM meta WHERE key = 'epoch'").fetchone()
    except ERRORS:
        return 0
    return int(row[0]) if row and isinstance(row[0], int) else 0
