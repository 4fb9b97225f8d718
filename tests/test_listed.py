"""Readings of a series as told: counts, extremes, the newest."""

import numpy as np

from edge.verdicts import Verdict
from ingest.archive_walk import ROW
from ingest.listed import LISTED_MAX, Listed, reading


def rows(count: int) -> np.ndarray:
    made = np.zeros(count, ROW)
    made["time_ns"] = np.arange(count)[::-1] * 10**9
    made["value"] = np.arange(count)
    made["flag"][0] = 3
    made["verdict"][:2] = Verdict.LATE
    return made


def test_counts_extremes_and_the_newest() -> None:
    listed = Listed()
    for part in np.array_split(rows(500), 100):
        listed.add(part)
    assert (listed.count, listed.late, listed.suspect) == (500, 2, 1)
    assert (listed.low, listed.high, listed.last_ns) == (0.0, 499.0, 499 * 10**9)
    newest = listed.rows()
    assert len(newest) == LISTED_MAX
    assert newest["time_ns"].tolist() == [k * 10**9 for k in range(500 - LISTED_MAX, 500)]


def test_a_reading_as_columns() -> None:
    row = rows(2)[0]
    row["value"] = np.nan
    assert reading(row) == [1000, None, 3, "late", 0]
