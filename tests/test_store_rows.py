"""Long ranges merged: nothing that matters may disappear."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ingest.store_rows import Sample, samples


def row(end_s: int, value: float, level: int) -> tuple[Any, ...]:
    return (end_s, value, level, 1.0, 60, 1, 1)


def test_few_rows_stay_as_they_are() -> None:
    assert samples([row(60, 5.0, 1), row(120, 0.0, -1)], 2) == [
        Sample(60_000, 5.0, 1, 1.0, 60, 1, 1, 5.0, 5.0, 1, 1),
        Sample(120_000, 0.0, -1, 1.0, 60, 1, 1, 0.0, 0.0, -1, 1)]


def test_an_insufficient_zero_is_not_the_low_of_a_stretch() -> None:
    (found,) = samples([row(60, 5.0, 1), row(120, 9.0, 2), row(180, 0.0, -1)], 1)
    assert (found.end_ms, found.value, found.low, found.high) == (120_000, 9.0, 5.0, 9.0)
    assert (found.level, found.worst, found.merged) == (2, 2, 3)


@given(
    st.lists(st.tuples(st.integers(0, 10**7), st.floats(0, 500), st.integers(-1, 5)),
             unique_by=lambda x: x[0], max_size=80),
    st.integers(1, 30),
)
def test_no_peak_is_hidden(points: list[tuple[int, float, int]], limit: int) -> None:
    rows = [row(*point) for point in sorted(points)]
    found = samples(rows, limit)
    assert len(found) <= limit
    assert sum(sample.merged for sample in found) == len(rows)
    assert [x.end_ms for x in found] == sorted({x.end_ms for x in found})
    good = [point for point in points if point[2] >= 0]
    if good:
        sufficient = [sample for sample in found if sample.level >= 0]
        assert max(x.high for x in sufficient) == max(value for _, value, _ in good)
        assert min(x.low for x in sufficient) == min(value for _, value, _ in good)
        assert max(x.worst for x in sufficient) == max(level for *_, level in good)
    else:
        assert all(sample.level == -1 for sample in found)
