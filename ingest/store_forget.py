"""Taking places out of the embedded store, down to the bytes of its file."""

import sqlite3
from collections.abc import Iterable, Sequence


def forget(
    file: sqlite3.Connection, paths: Sequence[str], days: Iterable[str]
) -> list[tuple[str, str]]:
    """Drop all rows of these places, within the caller's transaction.

    days: names of the tables of points. Returns the (path, indicator) that there were.
    """
    file.execute("PRAGMA secure_delete = ON")
    mine = "SELECT sid FROM series WHERE path = ?"
    gone: list[tuple[str, str]] = []
    tables = ["last", "revisions", *days]
    for path in paths:
        found = file.execute("SELECT path, indicator FROM series WHERE path = ?", (path,))
        gone += found.fetchall()
        for table in tables:
            file.execute(f"DELETE FROM {table} WHERE sid IN ({mine})", (path,))
        for table in ("series", "readings", "events"):
            file.execute(f"DELETE FROM {table} WHERE path = ?", (path,))
    return gone
