"""Taking places out of the embedded store, down to the bytes of its file."""

import sqlite3
from collections.abc import Iterable, Sequence

from ingest.store_now import Now


def forget(
    file: sqlite3.Connection, now: Now, paths: Sequence[str], days: Iterable[str]
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
        sids = file.execute(mine, (path,)).fetchall()
        sensors = file.execute("SELECT sensor FROM sensors WHERE path = ?", (path,)).fetchall()
        now.forget(file, (sid for (sid,) in sids), (sensor for (sensor,) in sensors))
        for table in tables:
            file.execute(f"DELETE FROM {table} WHERE sid IN ({mine})", (path,))
        for table in ("series", "sensors", "events"):
            file.execute(f"DELETE FROM {table} WHERE path = ?", (path,))
    now.load(file)
    return gone
