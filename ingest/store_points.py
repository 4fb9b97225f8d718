"""Points as rows of the store's tables, and how many rows go in at once."""

import sqlite3
from collections.abc import Callable, Iterator
from itertools import chain, islice
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.points import Points
from ingest import store_schema as sql

Integers = npt.NDArray[np.int64]
Rows = npt.NDArray[np.intp]


def point_rows(
    points: Points, sid: Integers, rows: Rows, known_ms: Integers
) -> Iterator[tuple[Any, ...]]:
    """sid, end_s, the point's columns, known_ms. SQLite keeps NaN as NULL."""
    columns = [getattr(points, name)[rows].tolist() for name in sql.POINT_COLUMNS]
    return zip(sid[rows].tolist(), points.end_s[rows].tolist(), *columns,
               known_ms[rows].tolist(), strict=True)


def put_rows(
    file: sqlite3.Connection, statement: Callable[[int], str], at_once: int,
    rows: Iterator[tuple[Any, ...]],
) -> None:
    """Run a statement for rows, `at_once` of them together: half of what it costs one by one."""
    several = statement(at_once)
    while len(some := list(islice(rows, at_once))) == at_once:
        file.execute(several, [*chain.from_iterable(some)])
    file.executemany(statement(1), some)


def put_points(
    file: sqlite3.Connection, day: int, points: Points, sid: Integers, rows: Rows,
    known_ms: Integers,
) -> None:
    """Keep points of a day, many a statement: what it costs is mostly the numbers it is given.

    Those of stations have half as many columns as those of areas, so they go by themselves.
    """
    alone = points.over[rows] == -1
    for name in sql.AREA_COLUMNS[:-1]:
        alone &= np.isnan(getattr(points, name)[rows])
    for known in np.unique(known_ms[rows]).tolist():
        of_then = known_ms[rows] == known
        for some, names in ((alone, sql.STATION_COLUMNS), (~alone, sql.POINT_COLUMNS)):
            _put(file, day, points, sid, rows[some & of_then], known, names)


def _put(
    file: sqlite3.Connection, day: int, points: Points, sid: Integers, rows: Rows,
    known_ms: int, names: tuple[str, ...],
) -> None:
    columns = [getattr(points, name)[rows].tolist() for name in names]
    each = zip(sid[rows].tolist(), points.end_s[rows].tolist(), *columns, strict=True)
    several = sql.put_several(day, names, sql.ROWS_AT_ONCE)
    while some := list(islice(each, sql.ROWS_AT_ONCE)):
        whole = len(some) == sql.ROWS_AT_ONCE
        statement = several if whole else sql.put_several(day, names, len(some))
        file.execute(statement, [known_ms, *chain.from_iterable(some)])
