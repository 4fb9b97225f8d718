"""Taking recomputed points from one embedded store over into another.

Both have the same tables. A day of points is taken over in one transaction, so that a reader never
sees half of it; rows that say the same stay as they are, with the time at which they were known.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from ingest import sqlite_file
from ingest import store_schema as sql
from ingest.sqlite_file import StoreError

ROWS_AT_ONCE = 10_000

_SAID = ("value", "level", "cov", "n", "rev", "p50", "p95", "max", "over")
_SID = (
    "JOIN fresh.series AS theirs ON theirs.sid = f.sid"
    " JOIN main.series AS ours ON ours.path = theirs.path AND ours.indicator = theirs.indicator"
)


class Taken(NamedTuple):
    """Points that were not there, that say the same, and that said something else."""

    written: int = 0
    unchanged: int = 0
    changed: int = 0

    def plus(self, other: "Taken") -> "Taken":
        """Both together."""
        return Taken(*(a + b for a, b in zip(self, other, strict=True)))


class Row(NamedTuple):
    """A point that was written: path, indicator key, end in Unix s, then the stored columns."""

    path: str
    indicator: str
    end_s: int
    said: tuple[Any, ...]


def _days_of(file: sqlite3.Connection) -> list[int]:
    """The days of the other store, in order."""
    names = file.execute(
        "SELECT name FROM fresh.sqlite_master WHERE type = 'table' AND name GLOB 'points_*'"
    )
    return sorted(int(name.removeprefix("points_")) for (name,) in names)


def take_day(
    file: sqlite3.Connection, day: int, keep_before_s: int
) -> tuple[Taken, Iterator[Row]]:
    """Take over a day, within the caller's transaction; the day has its table.

    Points that end before `keep_before_s` (Unix s) are added where there are none, and else stay.
    Returns the counts, and the rows that are new or other.
    """
    table = sql.day_table(day)
    named = ", ".join(f"f.{name}" for name in _SAID)
    were = ", ".join(f"o.{name}" for name in _SAID)
    both = (
        f" FROM fresh.{table} AS f {_SID}"
        f" LEFT JOIN main.{table} AS o ON o.sid = ours.sid AND o.end_s = f.end_s"
    )
    other = f"o.sid IS NOT NULL AND f.end_s >= {int(keep_before_s)} AND ({named}) IS NOT ({were})"
    file.execute("DROP TABLE IF EXISTS temp.taken")
    file.execute(
        f"CREATE TEMP TABLE taken AS SELECT ours.sid AS sid, f.end_s AS end_s{both}"
        f" WHERE o.sid IS NULL OR ({other})"
    )
    every, written, changed = file.execute(
        f"SELECT count(*), ifnull(sum(o.sid IS NULL), 0), ifnull(sum({other}), 0){both}"
    ).fetchone()
    mine = "JOIN temp.taken AS t ON t.sid = ours.sid AND t.end_s = f.end_s"
    columns = ", ".join(f"f.{name}" for name in (*sql.POINT_COLUMNS, "known_ms"))
    file.execute(
        f"INSERT OR REPLACE INTO main.{table} SELECT ours.sid, f.end_s, {columns}"
        f" FROM fresh.{table} AS f {_SID} {mine}"
    )
    file.execute(
        "DELETE FROM main.revisions WHERE (sid, end_s) IN (SELECT sid, end_s FROM temp.taken)"
    )
    file.execute(
        "INSERT INTO main.revisions SELECT ours.sid, f.end_s, f.rev, f.old_value, f.old_level,"
        f" f.value, f.level, f.cov, f.n, f.known_ms FROM fresh.revisions AS f {_SID} {mine}"
    )
    rows = file.execute(
        f"SELECT ours.path, ours.indicator, o.end_s, {', '.join(sql.POINT_COLUMNS)}"
        f" FROM main.{table} AS o JOIN temp.taken USING (sid, end_s)"
        " JOIN main.series AS ours USING (sid) ORDER BY o.end_s"
    )
    taken = Taken(written, every - written - changed, changed)
    return taken, (Row(row[0], row[1], row[2], row[3:]) for row in rows)


def _take_last(file: sqlite3.Connection) -> None:
    """Offer the newest closed point of each series to `last`."""
    (seq,) = file.execute("SELECT seq FROM main.counter").fetchone()
    columns = ", ".join((*sql.POINT_COLUMNS, "known_ms"))
    rows = file.execute(
        f"SELECT ours.sid, f.end_s, {columns} FROM fresh.last AS f {_SID}"
        f" EXCEPT SELECT sid, end_s, {columns} FROM main.last"
    ).fetchall()
    file.executemany(sql.put_last(1), ((*row, seq + k) for k, row in enumerate(rows, 1)))
    file.execute("UPDATE main.counter SET seq = ?", (seq + len(rows),))


def _take_events(file: sqlite3.Connection) -> None:
    """A store without any event was lost: take those of the other."""
    (count,) = file.execute("SELECT count(*) FROM main.events").fetchone()
    if not count:
        file.execute("INSERT OR IGNORE INTO main.events SELECT * FROM fresh.events")


def take_over(
    path: Path, fresh: Path, keep_before_s: int, write: Callable[[list[Row]], None]
) -> Taken:
    """Take the points of the store `fresh` over into the one at `path`; nobody else writes there.

    `write` gets the rows that are new or other, at most `ROWS_AT_ONCE` a call; see `take_day`.
    Raises `StoreError`.
    """
    file = sqlite_file.create(path, sql.STORE)
    taken = Taken()
    try:
        file.execute("ATTACH DATABASE ? AS fresh", (str(fresh),))
        with _transaction(file):
            file.execute(
                "INSERT OR IGNORE INTO main.series (path, indicator)"
                " SELECT path, indicator FROM fresh.series"
            )
        for day in _days_of(file):
            with _transaction(file):
                file.execute(sql.create_day(day))
                more, rows = take_day(file, day, keep_before_s)
                taken = taken.plus(more)
                while some := list(islice(rows, ROWS_AT_ONCE)):
                    write(some)
        with _transaction(file):
            _take_last(file)
            _take_events(file)
    except sqlite3.Error as error:
        raise StoreError(f"{path}: {error}") from error
    finally:
        file.close()
    return taken


@contextmanager
def _transaction(file: sqlite3.Connection) -> Iterator[None]:
    file.execute("BEGIN IMMEDIATE")
    try:
        yield
        file.execute("COMMIT")
    except BaseException:
        if file.in_transaction:
            file.execute("ROLLBACK")
        raise
