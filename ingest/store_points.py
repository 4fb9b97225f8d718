"""Points as rows of the store's day tables, and how many of them go in at once."""

import sqlite3
from collections.abc import Iterator
from itertools import chain, islice
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.points import Points
from ingest import store_schema as sql

Integers = npt.NDArray[np.int64]


def point_rows(
    points: Points, sid: Integers, rows: npt.NDArray[np.intp], known_ms: Integers
) -> Iterator[tuple[Any, ...]]:
    """sid, end_s, the point's columns, known_ms. SQLite keeps NaN as NULL."""
    columns = [getattr(points, name)[rows].tolist() for name in sql.POINT_COLUMNS]
    return zip(sid[rows].tolist(), points.end_s[rows].tolist(), *columns,
               known_ms[rows].tolist(), strict=True)


def put_points(
    file: sqlite3.Connection, day: int, rows: Iterator[tuple[Any, ...]]
) -> None:
    """Many rows a statement, and the rest one by one."""
    several = sql.put_points(day, sql.ROWS_AT_ONCE)
    while len(some := list(islice(rows, sql.ROWS_AT_ONCE))) == sql.ROWS_AT_ONCE:
        file.execute(several, list(chain.from_iterable(some)))
    file.executemany(sql.put_points(day), some)
