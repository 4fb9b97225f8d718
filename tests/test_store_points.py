"""Points as rows of a day table: all of them arrive, those of stations and those of areas."""

import sqlite3

import numpy as np
import pytest

from engine.points import Points, empty
from ingest import store_schema as sql
from ingest.store_points import point_rows, put_points


def table() -> sqlite3.Connection:
    file = sqlite3.connect(":memory:")
    file.execute(sql.create_day(0))
    return file


def mixed(count: int) -> Points:
    """Points of which each third is an area's, one of them without any station that has a value."""
    points = empty(count)
    points.end_s[:] = np.arange(count)
    points.value[:] = np.arange(count) / 8
    points.level[:], points.cov[:], points.n[:] = 2, 0.5, np.arange(count)
    points.rev[:] = points.state[:] = 1
    points.over[::3] = np.arange(count)[::3] % 4
    points.p50[::3] = points.p95[::3] = points.max[::3] = 0.25
    points.p50[:1] = points.p95[:1] = points.max[:1] = np.nan
    return points


@pytest.mark.parametrize("count", [0, 1, sql.ROWS_AT_ONCE - 1, sql.ROWS_AT_ONCE,
                                   3 * sql.ROWS_AT_ONCE + 3])
def test_every_row_arrives_once(count: int) -> None:
    file, points = table(), mixed(count)
    sid, known_ms = np.full(count, 7, np.int64), 90 + np.arange(count) // 50
    rows = np.arange(count)
    put_points(file, 0, points, sid, rows, known_ms)
    columns = ", ".join(sql.POINT_COLUMNS)
    found = file.execute(f"SELECT sid, end_s, {columns}, known_ms FROM points_00000").fetchall()
    expected = [
        tuple(None if np.isnan(value) else value for value in row)
        for row in point_rows(points, sid, rows, known_ms)
    ]
    assert found == expected


def test_the_same_again_replaces() -> None:
    file, points = table(), empty(1)
    sid, at = np.zeros(1, np.int64), np.zeros(1, np.intp)
    for value in (1.0, 2.0):
        points.value[:] = value
        put_points(file, 0, points, sid, at, at.astype(np.int64))
    assert file.execute("SELECT value FROM points_00000").fetchall() == [(2.0,)]
