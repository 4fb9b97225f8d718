"""Readings of a series as told: counts, extremes, the newest."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edge.verdicts import Verdict
from ingest.archive_walk import ROW
from ingest.listed import LISTED_MAX, Listed, list_all, reading


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


@given(st.lists(st.tuples(st.integers(-1, 4), st.booleans(), st.integers(0, 9)), max_size=40))
def test_all_series_at_once_as_one_by_one(readings: list[tuple[int, bool, int]]) -> None:
    made = rows(max(len(readings), 2))[: len(readings)]
    slot = np.array([row[0] for row in readings], np.int32)
    counted = np.array([row[1] and row[0] >= 0 for row in readings], np.bool_)
    made["value"] = [row[2] for row in readings]
    found: dict[int, Listed] = {}
    list_all(found, made, slot, counted)
    assert set(found) == set(slot[counted].tolist())
    for own, listed in found.items():
        alone = Listed()
        alone.add(made[counted & (slot == own)])
        assert (listed.count, listed.sum, listed.low, listed.first_ns) == (
            alone.count, alone.sum, alone.low, alone.first_ns)
        assert listed.rows().tolist() == alone.rows().tolist()


def test_a_reading_as_columns() -> None:
    row = rows(2)[0]
    row["value"] = np.nan
    assert reading(row) == [1000, None, 3, "late", 0]
