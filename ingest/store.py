"""The embedded store: results for the page, in one SQLite file that a second process may read.

One writer (ingest) and any number of readers. It is derived: deleted or damaged, it is built
again from the archive. Closed points live in one table a UTC day; `last` holds, for each series
(place and indicator), the newest closed point and the window in progress.

Methods are safe to call from several threads; each is one transaction.
"""

import json
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from edge.places import PlaceKey
from engine.catalogue import INDICATORS
from engine.points import Points, PointState
from ingest import sqlite_file
from ingest import store_schema as sql
from ingest.sqlite_file import StoreError
from ingest.store_forget import forget
from ingest.store_now import LatestReadings, Now, SensorName
from ingest.store_points import Integers, point_rows, put_points
from ingest.store_rows import (
    Changes,
    Event,
    Last,
    PlaceInfo,
    Reading,
    Revision,
    Rewritten,
    Sample,
    Upto,
    samples,
)
from ingest.turns import Turns

__all__ = [
    "Changes", "Event", "Last", "PlaceInfo", "Reading", "Revision", "Rewritten", "Sample",
    "Store", "StoreError", "Upto",
]


class Store:
    """Open with `Store.create` (the one writer) or `Store.reader`.

    Every method raises `StoreError` if the file cannot be used.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection, writable: bool) -> None:
        self._path = path
        self._connection = connection
        self._writable = writable
        self._lock = Turns()
        self._inode = 0 if writable else sqlite_file.inode(path)
        self._now = Now()
        self._sids: dict[tuple[str, str], int] = {}
        self._sid_at = np.zeros(0, np.int64)
        self._sid_keys: Sequence[PlaceKey] = ()
        self._days: set[int] = set()
        self._seq = 0
        if writable:
            self._load()

    @classmethod
    def create(cls, path: Path) -> Self:
        """Open for writing; makes the tables, sets a damaged file aside and starts empty."""
        return cls(path, sqlite_file.create(path, sql.STORE), writable=True)

    @classmethod
    def reader(cls, path: Path) -> Self:
        """Open for reading, while another process writes."""
        connection = sqlite_file.reader(path, sql.STORE)
        try:
            return cls(path, connection, writable=False)
        except StoreError:
            connection.close()
            raise

    def close(self, *, sound: bool = True) -> None:
        """Close the file; may be called twice. `sound`: False after an error."""
        with self._lock:
            if sound and self._writable:
                sqlite_file.close(self._connection, self._path)
            else:
                self._connection.close()

    def _load(self) -> None:
        run = self._connection.execute
        self._now.load(self._connection)
        self._sid_at = np.zeros(0, np.int64)
        self._sids = {(path, key): sid for sid, path, key in run("SELECT * FROM series")}
        self._days = set(self._day_numbers(0, 1 << 40))
        row = run("SELECT seq FROM counter").fetchone()
        if row is None:
            # Microseconds since 1970: the numbers of a store that is gone never come again, so
            # that a page which resumes from one of them misses nothing.
            row = (time.time_ns() // 1000,)
            run("INSERT INTO counter (seq) VALUES (?)", row)
        self._seq = row[0]

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """Run a block as one transaction, or as nothing."""
        with self._lock:
            try:
                self._reopen_if_replaced()
                self._connection.execute("BEGIN IMMEDIATE" if self._writable else "BEGIN")
                try:
                    yield self._connection
                    if self._writable:
                        self._connection.execute("UPDATE counter SET seq = ?", (self._seq,))
                    self._connection.execute("COMMIT")
                except BaseException:
                    if self._connection.in_transaction:
                        self._connection.execute("ROLLBACK")
                    if self._writable:
                        self._load()
                    raise
            except sqlite3.Error as error:
                raise StoreError(f"{self._path}: {error}") from error

    def _reopen_if_replaced(self) -> None:
        """A reader follows when the writer has set a damaged file aside."""
        if self._writable:
            return
        if (inode := sqlite_file.inode(self._path)) != self._inode:
            fresh = sqlite_file.reader(self._path, sql.STORE)
            self._connection.close()
            self._connection, self._inode, self._now = fresh, inode, Now()

    def _day_numbers(self, first: int, last: int) -> list[int]:
        """Days that have a table, within the two, in order."""
        names = self._connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name GLOB 'points_*'"
        )
        days = (int(name.removeprefix("points_")) for (name,) in names)
        return sorted(day for day in days if first <= day <= last)

    # ---- writing

    def write(
        self, points: Points, keys: Sequence[PlaceKey], known_ms: int | Integers
    ) -> list[Rewritten]:
        """Keep `points`, known since `known_ms`, of all or of each; again changes nothing.

        Open points only replace the window in progress. Closed ones go to their day, those
        with rev > 1 also to the revisions. An older window never replaces a newer one in `last`.
        Returns what the restated ones replaced, also when they are written again.
        """
        if not len(points):
            return []
        points = points.storable()
        known = np.broadcast_to(np.asarray(known_ms, np.int64), len(points))
        with self._transaction() as file:
            sid = self._sid_column(points, keys)
            is_open = points.state == PointState.OPEN
            closed = np.flatnonzero(~is_open)
            rewritten = self._write_days(file, points, sid, closed, known)
            self._seq = self._now.close_windows(file, points, sid, closed, known, self._seq)
            self._seq = self._now.open_windows(
                file, points, sid, np.flatnonzero(is_open), known, self._seq)
        return rewritten

    def _sid_column(self, points: Points, keys: Sequence[PlaceKey]) -> Integers:
        """The series number of every point; new series are added."""
        if keys is not self._sid_keys:
            self._sid_at, self._sid_keys = np.zeros(0, np.int64), keys
        width = len(INDICATORS)
        at = points.place.astype(np.int64) * width + points.indicator
        if (more := int(at.max()) + 1 - len(self._sid_at)) > 0:
            self._sid_at = np.concatenate([self._sid_at, np.full(more, -1)])
        for code in np.unique(at[self._sid_at[at] < 0]).tolist():
            name = (keys[code // width].path, INDICATORS[code % width].key)
            sid = self._sids.get(name)
            if sid is None:
                sid = self._sids[name] = self._connection.execute(
                    "INSERT INTO series (path, indicator) VALUES (?, ?) RETURNING sid", name
                ).fetchone()[0]
            self._sid_at[code] = sid
        column: Integers = self._sid_at[at]
        return column

    def _write_days(
        self, file: sqlite3.Connection, points: Points, sid: Integers,
        closed: npt.NDArray[np.intp], known_ms: Integers,
    ) -> list[Rewritten]:
        rewritten: list[Rewritten] = []
        day = points.end_s[closed] // sql.DAY_S
        # In key order within a day, so that each page of the tree is touched once.
        order = np.lexsort((points.end_s[closed], sid[closed], day))
        closed, day = closed[order], day[order]
        starts = np.flatnonzero(np.diff(day, prepend=-1))
        for rows, number in zip(np.split(closed, starts)[1:], day[starts].tolist(), strict=True):
            if number not in self._days:
                file.execute(sql.create_day(number))
                self._days.add(number)
            first = points.rev[rows] <= 1
            put_points(file, number, points, sid, rows[first], known_ms)
            rewritten += self._write_revised(file, points, sid, rows[~first], known_ms)
        return rewritten

    def _write_revised(
        self, file: sqlite3.Connection, points: Points, sid: Integers,
        rows: npt.NDArray[np.intp], known_ms: Integers,
    ) -> Iterator[Rewritten]:
        """Restated points one by one: each revision keeps what stood before it."""
        rows = rows[np.argsort(points.rev[rows], kind="stable")]
        columns = point_rows(points, sid, rows, known_ms)
        for at, row in zip(rows.tolist(), columns, strict=True):
            series, end_s, *stated, rev = row[:7]
            day = end_s // sql.DAY_S
            file.execute(sql.put_revision(day), (series, end_s, rev, *stated, row[-1]))
            old = file.execute(sql.SELECT_OLD, (series, end_s, rev)).fetchone()
            file.execute(sql.put_points(day), row)
            yield Rewritten(
                int(points.place[at]), int(points.indicator[at]), end_s, *old, *stated[:2]
            )

    def sensors(self, names: Sequence[SensorName]) -> Integers:
        """The numbers of sensors, to `write_latest` with; they hold until a place is forgotten."""
        with self._transaction() as file:
            return self._now.sensors(file, names)

    def write_latest(self, latest: LatestReadings) -> None:
        """Keep latest readings; one older than what stands changes nothing."""
        if len(latest.sensor):
            with self._transaction() as file:
                self._seq = self._now.read(file, latest, self._seq)

    def write_places(self, rows: Sequence[PlaceInfo]) -> None:
        """Replace all places."""
        with self._transaction() as file:
            file.execute("DELETE FROM places")
            file.executemany(
                "INSERT INTO places VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                ((row.key.path, *row.key, *row[1:]) for row in rows))

    def forget(self, paths: Sequence[str]) -> list[tuple[str, str]]:
        """Drop all that is kept of these places; returns the (path, indicator) there were."""
        with self._transaction() as file:
            gone = forget(file, self._now, paths, map(sql.day_table, self._day_numbers(0, 1 << 40)))
            for series in gone:
                self._sids.pop(series, None)
            self._sid_at = np.zeros(0, np.int64)
        if gone:
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return gone

    def write_health(self, health: dict[str, Any]) -> None:
        """Replace the current health object (JSON; it needs `at_ms`)."""
        body = json.dumps(health, ensure_ascii=False, separators=(",", ":"))
        with self._transaction() as file:
            file.execute("DELETE FROM health")
            file.execute("INSERT INTO health VALUES (?, ?)", (health["at_ms"], body))

    def write_event(
        self, time_ms: int, path: str, kind: str, indicator: str, severity: str, title: str,
        text: str,
    ) -> None:
        """Keep an event; the same again changes nothing."""
        with self._transaction() as file:
            file.execute(
                "INSERT OR IGNORE INTO events VALUES (?, ?, ?, ?, ?, ?, ?)",
                (time_ms, path, kind, indicator, severity, title, text))

    def prune(self, before_ms: int) -> None:
        """Forget what is older: whole UTC days of points, and single rows of the rest."""
        before_s = before_ms // 1000
        with self._transaction() as file:
            for day in self._day_numbers(0, before_s // sql.DAY_S - 1):
                file.execute(f"DROP TABLE {sql.day_table(day)}")
                self._days.discard(day)
            self._now.prune(file, before_ms)
            file.execute("DELETE FROM revisions WHERE end_s < ?", (before_s,))
            file.execute("DELETE FROM events WHERE time_ms < ?", (before_ms,))

    # ---- reading

    def last(self) -> list[Last]:
        """The newest closed point and the window in progress of every series."""
        with self._transaction() as file:
            return self._now.changes(file, Upto(0, 0), sql.NEVER_MS).points

    def history(
        self, path: str, indicator_key: str, from_ms: int, to_ms: int, limit: int
    ) -> list[Sample]:
        """Closed points with from_ms <= end <= to_ms, oldest first, at most `limit` samples.

        If there are more, equal stretches of time are merged, see `Sample`.
        """
        from_s, to_s = -(-from_ms // 1000), to_ms // 1000
        rows: list[tuple[Any, ...]] = []
        with self._transaction() as file:
            sid = self._find(path, indicator_key)
            for day in self._day_numbers(from_s // sql.DAY_S, to_s // sql.DAY_S):
                rows += file.execute(
                    f"SELECT end_s, value, level, cov, n, rev, state FROM {sql.day_table(day)}"
                    " WHERE sid = ? AND end_s BETWEEN ? AND ?", (sid, from_s, to_s)
                ).fetchall()
        return samples(rows, limit)

    def span(self, from_s: int, to_s: int) -> list[tuple[str, str, float, int, float]]:
        """Closed points of all stations with from_s <= end <= to_s (Unix s), for roll-ups.

        Rows (path, indicator key, value, level, coverage).
        """
        rows: list[tuple[str, str, float, int, float]] = []
        with self._transaction() as file:
            for day in self._day_numbers(from_s // sql.DAY_S, to_s // sql.DAY_S):
                rows += file.execute(sql.span(day), (from_s, to_s)).fetchall()
        return rows

    def _find(self, path: str, indicator_key: str) -> int:
        row = self._connection.execute(sql.FIND_SERIES, (path, indicator_key)).fetchone()
        return int(row[0]) if row else -1

    def changes(self, after: int | Upto, most: int = 0) -> Changes:
        """Rows of `last` and readings that changed after number `after`, of each the first `most`.

        0 yields all, as does a number from the future, of a store that is gone.
        """
        known = Upto(after, after) if isinstance(after, int) else after
        with self._transaction() as file:
            if (seq := (file.execute("SELECT seq FROM counter").fetchone() or [None])[0]) is None:
                raise StoreError(f"{self._path}: the store is not ready yet")
            if known == (seq, seq):
                return Changes(Upto(seq, seq), [], [])
            return self._now.changes(file, known if max(known) <= seq else Upto(0, 0), seq, most)

    def readings(self) -> list[Reading]:
        """The latest reading of every series."""
        with self._transaction() as file:
            return self._now.changes(file, Upto(0, 0), sql.NEVER_MS).readings

    def places(self) -> list[PlaceInfo]:
        """All places, by path."""
        with self._transaction() as file:
            rows = file.execute("SELECT * FROM places ORDER BY path")
            return [PlaceInfo(PlaceKey(*row[1:4]), *row[4:]) for row in rows]

    def health(self, but_ms: int = 0) -> dict[str, Any] | None:
        """The current health object; None before the first, and if it is that of `but_ms`."""
        with self._transaction() as file:
            row = file.execute("SELECT body FROM health WHERE at_ms <> ?", (but_ms,)).fetchone()
        body: dict[str, Any] | None = json.loads(row[0]) if row else None
        return body

    def events(
        self, limit: int, path: str = "_/_", before_ms: int = sql.NEVER_MS
    ) -> list[Event]:
        """The newest events before a time first, of a place and of all that lie in it."""
        district, station = path.split("/")
        inside = "*" if path == "_/_" else f"{district}/*" if station == "_" else path
        with self._transaction() as file:
            rows = file.execute(sql.SELECT_EVENTS, (before_ms, inside, limit))
            return [Event(*row) for row in rows]

    def revisions(
        self, path: str, indicator_key: str, from_ms: int, to_ms: int
    ) -> list[Revision]:
        """Restatements of windows with from_ms <= end <= to_ms, by end and revision."""
        with self._transaction() as file:
            rows = file.execute(
                "SELECT end_s * 1000, rev, old_value, old_level, value, level, cov, n, known_ms"
                " FROM revisions WHERE sid = ? AND end_s BETWEEN ? AND ? ORDER BY end_s, rev",
                (self._find(path, indicator_key), -(-from_ms // 1000), to_ms // 1000))
            return [Revision(*row) for row in rows]

    def counts(self) -> dict[str, int]:
        """Rows of each table; `points` over all days. Scans the file: not for every second."""
        with self._transaction() as file:
            def rows_of(table: str) -> int:
                return int(file.execute(f"SELECT count(*) FROM {table}").fetchone()[0])

            days = self._day_numbers(0, 1 << 40)
            names = ("series", "last", "revisions", "sensors", "places", "events")
            return {
                "points": sum(rows_of(sql.day_table(day)) for day in days), "days": len(days),
                **{name: rows_of(name) for name in names},
            }
