"""Points as rows of a day table: all of them arrive, in whole statements and in the rest."""

import sqlite3

import numpy as np
import pytest

from engine.points import empty
from ingest import store_schema as sql
from ingest.store_points import point_rows, put_points


@pytest.mark.parametrize("count", [0, 1, sql.ROWS_AT_ONCE - 1, sql.ROWS_AT_ONCE,
                                   2 * sql.ROWS_AT_ONCE + 3])
def test_every_row_arrives_once(count: int) -> None:
    file = sqlite3.connect(":memory:")
    file.execute(sql.create_day(0))
    points = empty(count)
    points.end_s[:] = np.arange(count)
    points.value[:] = np.arange(count) / 8
    rows = point_rows(points, np.full(count, 7, np.int64), np.arange(count), 99)
    put_points(file, 0, rows)
    found = file.execute("SELECT sid, end_s, value, p50, over, known_ms FROM points_00000")
    assert found.fetchall() == [(7, k, k / 8, None, -1, 99) for k in range(count)]


def test_the_same_again_replaces() -> None:
    file = sqlite3.connect(":memory:")
    file.execute(sql.create_day(0))
    points = empty(1)
    sid, at = np.zeros(1, np.int64), np.zeros(1, np.intp)
    for value in (1.0, 2.0):
        points.value[:] = value
        put_points(file, 0, point_rows(points, sid, at, 0))
    assert file.execute("SELECT value FROM points_00000").fetchall() == [(2.0,)]
