"""What stands now: of every series the newest closed point and the window in progress, of every
sensor the latest reading. Each change has a number, so that a page asks for what is new.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.points import Points, PointState
from ingest import store_schema as sql
from ingest.store_packed import Integers, Packed, Rows
from ingest.store_points import point_rows, put_rows
from ingest.store_rows import Changes, Last, Reading, Upto

OPEN = np.dtype([
    ("seq", "<i8"), ("end_s", "<i8"), ("known_ms", "<i8"), ("value", "<f8"), ("cov", "<f8"),
    ("p50", "<f8"), ("p95", "<f8"), ("max", "<f8"), ("n", "<i4"), ("over", "<i4"), ("level", "<i1"),
])
"""A window in progress; its row's number is the series'."""
LATEST = np.dtype([
    ("seq", "<i8"), ("time_ms", "<i8"), ("value", "<f8"), ("period_s", "<f8"), ("flag", "<i4"),
])
"""A latest reading; its row's number is the sensor's."""
SensorName = tuple[str, str, str, str]
"""path, device, quantity, channel."""


class LatestReadings(NamedTuple):
    """Columns of readings, no sensor twice; `sensor` as `Store.sensors` numbers them."""

    sensor: Integers
    time_ms: Integers
    value: npt.NDArray[np.float64]
    flag: npt.NDArray[np.int64]
    period_s: npt.NDArray[np.float64]


class Now:
    """Within the store's transactions, of its one writer or of a reader."""

    def __init__(self) -> None:
        self._open = Packed("open_points", OPEN)
        self._latest = Packed("latest", LATEST)
        self._closed_s = np.zeros(0, np.int64)
        self._numbers: dict[SensorName, int] = {}
        self._series: dict[int, tuple[str, str]] = {}
        self._sensors: dict[int, SensorName] = {}
        self._forgotten = 0

    # ---- the writer

    def load(self, file: sqlite3.Connection) -> None:
        """Read what stands, to write from now on."""
        self._open.load(file)
        self._latest.load(file)
        self._closed_s = np.zeros(0, np.int64)
        ends = np.array(file.execute("SELECT sid, end_s FROM last").fetchall(), np.int64)
        if len(ends):
            self._reach(int(ends[:, 0].max()))
            self._closed_s[ends[:, 0]] = ends[:, 1]
        self._numbers = {
            (path, device, quantity, channel): number
            for number, path, device, quantity, channel in file.execute(sql.SENSORS_AFTER, (-1,))
        }

    def _reach(self, sid: int) -> None:
        self._open.reach(sid)
        if sid >= len(self._closed_s):
            grown = np.zeros(max(sid + 1, 2 * len(self._closed_s)), np.int64)
            grown[: len(self._closed_s)] = self._closed_s
            self._closed_s = grown

    def close_windows(
        self, file: sqlite3.Connection, points: Points, sid: Integers,
        rows: npt.NDArray[np.intp], known_ms: Integers, seq: int,
    ) -> int:
        """Offer the newest closed row of each series; an older one changes nothing.

        Numbers them from `seq` + 1 and returns the last number.
        """
        rows = _newest(points, sid, rows)
        if not len(rows):
            return seq
        put_rows(file, sql.put_last, sql.LAST_AT_ONCE, (
            (*row, number) for number, row in enumerate(
                point_rows(points, sid, rows, known_ms), seq + 1)))
        at, end_s = sid[rows], points.end_s[rows]
        self._reach(int(at.max()))
        self._closed_s[at] = np.maximum(self._closed_s[at], end_s)
        stands = self._open.rows["end_s"][at]
        self._open.clear(file, at[(stands > 0) & (stands <= end_s)])
        return seq + len(rows)

    def open_windows(
        self, file: sqlite3.Connection, points: Points, sid: Integers,
        rows: npt.NDArray[np.intp], known_ms: Integers, seq: int,
    ) -> int:
        """As `close_windows`, for windows in progress: those of a window that closed are late."""
        rows = _newest(points, sid, rows)
        if not len(rows):
            return seq
        self._reach(int(sid[rows].max()))
        at, end_s = sid[rows], points.end_s[rows]
        rows = rows[(end_s > self._closed_s[at]) & (end_s >= self._open.rows["end_s"][at])]
        names = ("end_s", "value", "cov", "p50", "p95", "max", "n", "over", "level")
        self._open.put(
            file, sid[rows], known_ms=known_ms[rows],
            seq=np.arange(seq + 1, seq + 1 + len(rows), dtype=np.int64),
            **{name: getattr(points, name)[rows] for name in names})
        return seq + len(rows)

    def sensors(self, file: sqlite3.Connection, names: Sequence[SensorName]) -> Integers:
        """The numbers of sensors; new ones are added."""
        found = np.empty(len(names), np.int64)
        for k, name in enumerate(names):
            number = self._numbers.get(name)
            if number is None:
                number = self._numbers[name] = int(file.execute(
                    "INSERT INTO sensors (path, device, quantity, channel) VALUES (?, ?, ?, ?)"
                    " RETURNING sensor", name).fetchone()[0])
            found[k] = number
        return found

    def read(self, file: sqlite3.Connection, latest: LatestReadings, seq: int) -> int:
        """Keep latest readings, numbered from `seq` + 1; an older one changes nothing."""
        self._latest.reach(int(latest.sensor.max()))
        newer = latest.time_ms >= self._latest.rows["time_ms"][latest.sensor]
        at = latest.sensor[newer]
        self._latest.put(
            file, at, seq=np.arange(seq + 1, seq + 1 + len(at), dtype=np.int64),
            time_ms=latest.time_ms[newer], value=latest.value[newer], flag=latest.flag[newer],
            period_s=latest.period_s[newer])
        return seq + len(at)

    def forget(
        self, file: sqlite3.Connection, sids: Iterable[int], sensors: Iterable[int]
    ) -> None:
        """Take series and sensors away, before the store forgets their names; `load` follows."""
        for packed, gone in ((self._open, sids), (self._latest, sensors)):
            numbers = np.fromiter(gone, np.int64)
            packed.clear(file, numbers[numbers < len(packed.rows)])
        file.execute("UPDATE counter SET forgotten = forgotten + 1")

    def prune(self, file: sqlite3.Connection, before_ms: int) -> None:
        """Forget what is older."""
        file.execute("DELETE FROM last WHERE end_s < ?", (before_ms // 1000,))
        for packed, name, before in (
            (self._open, "end_s", before_ms // 1000), (self._latest, "time_ms", before_ms)
        ):
            rows = packed.rows
            packed.clear(file, np.flatnonzero((rows["seq"] > 0) & (rows[name] < before)))

    # ---- a reader

    def changes(
        self, file: sqlite3.Connection, after: Upto, seq: int, most: int = 0
    ) -> Changes:
        """What changed after `after` up to number `seq`, points and readings by number; of each
        the first `most`, if that is not 0."""
        opened, latest = (
            _until(self._open.changed(file, after.points, most), seq),
            _until(self._latest.changed(file, after.readings, most), seq),
        )
        if len(opened[0]) or len(latest[0]):
            self._learn(file)
        sensors, rows = latest
        names = zip(*(self._sensors[sensor] for sensor in sensors.tolist()), strict=True)
        columns = (rows[name].tolist() for name in ("time_ms", "value", "flag", "period_s"))
        readings = list(map(Reading._make, zip(*names, *columns, strict=True)))
        upto = Upto(seq, int(rows["seq"][-1]) if len(rows) == most > 0 else seq)
        closed = [
            Last(*row) for row in file.execute(
                sql.CHANGED_POINTS, (after.points, seq, most or -1))]
        points = list(self._opened(*opened))
        if closed:
            points = sorted([*closed, *points], key=lambda row: row.seq)
        if len(points) >= most > 0:
            del points[most:]
            upto = upto._replace(points=points[-1].seq)
        return Changes(upto, points, readings)

    def _opened(self, sids: Integers, rows: Rows) -> Iterable[Last]:
        names = zip(*(self._series[sid] for sid in sids.tolist()), strict=True)
        ends = (rows["end_s"] * 1000).tolist()
        columns = (rows[name].tolist() for name in ("value", "level", "cov", "n"))
        areas = (_or_none(rows[name]) for name in ("p50", "p95", "max"))
        numbers = (rows[name].tolist() for name in ("over", "known_ms", "seq"))
        return map(Last._make, zip(
            *names, ends, *columns, repeat(0), repeat(int(PointState.OPEN)), *areas, *numbers))

    def _learn(self, file: sqlite3.Connection) -> None:
        """Know the names of all series and sensors, and of those that are forgotten no more."""
        (forgotten,) = file.execute("SELECT forgotten FROM counter").fetchone()
        if forgotten != self._forgotten:
            self._series, self._sensors, self._forgotten = {}, {}, forgotten
        last = next(reversed(self._series), -1)
        for sid, path, key in file.execute(sql.SERIES_AFTER, (last,)):
            self._series[sid] = path, key
        last = next(reversed(self._sensors), -1)
        for number, path, device, quantity, channel in file.execute(sql.SENSORS_AFTER, (last,)):
            self._sensors[number] = path, device, quantity, channel


def _until(changed: tuple[Integers, Rows], seq: int) -> tuple[Integers, Rows]:
    numbers, rows = changed
    keep = rows["seq"] <= seq
    return numbers[keep], rows[keep]


def _newest(
    points: Points, sid: Integers, rows: npt.NDArray[np.intp]
) -> npt.NDArray[np.intp]:
    """The newest of `rows` of each series."""
    rows = rows[np.lexsort((points.rev[rows], points.end_s[rows], sid[rows]))]
    newest: npt.NDArray[np.intp] = rows[np.diff(sid[rows], append=-1) != 0]
    return newest


def _or_none(column: Rows) -> list[float | None]:
    found: list[float | None] = [None] * len(column)
    for k in np.flatnonzero(~np.isnan(column)):  # few: stations have none
        found[k] = float(column[k])
    return found
