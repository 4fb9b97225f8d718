"""Rows that were added late: which stretches of the past they change."""

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from edge.places import PlaceRow
from engine.dated_back import ALWAYS_MS, differences, row_at, same_stations
from tests.line_city import row

NOW_MS = 100_000
FIRST = row("d1", "s1", since_ms=10_000)


def later(since_ms: int, **keys: Any) -> PlaceRow:
    return replace(FIRST, valid_from_ms=since_ms, **keys)


def found(after: list[PlaceRow], before: list[PlaceRow] | None = None) -> list[tuple[int, int]]:
    rows = sorted(after, key=lambda row: row.valid_from_ms)
    return [
        (one.since_ms, one.until_ms) for one in differences(before or [FIRST], rows, NOW_MS)
    ]


def test_a_row_that_began_a_millisecond_ago_and_one_that_begins_now() -> None:
    (one,) = differences([FIRST], [FIRST, later(NOW_MS - 1, lanes=3)], NOW_MS)
    assert (one.since_ms, one.folded, one.moved) == (NOW_MS - 1, False, False)
    assert differences([FIRST], [FIRST, later(NOW_MS, lanes=3)], NOW_MS) == []


def test_what_says_nothing_else_is_no_difference() -> None:
    assert found([FIRST, later(50_000)]) == []
    assert found([FIRST, later(50_000, name="other")]) == []
    assert found([FIRST, later(50_000, tz="Europe/Berlin")]) == []
    assert found([FIRST, row("d2", "s2", since_ms=20_000)]) == [], "a device that is new"
    assert found([FIRST], [FIRST, row("d2", "s2")]) == [], "one that has left the file"


def test_a_row_between_two_counts_until_the_second() -> None:
    second = later(60_000, lanes=4)
    changed = [FIRST, later(30_000, lanes=3), second]
    assert found(changed, [FIRST, second]) == [(30_000, 60_000)]
    assert found([FIRST, second], changed) == [(30_000, 60_000)], "taken out again"


def test_a_first_row_that_is_mended_counts_from_ever() -> None:
    (one,) = differences([FIRST], [later(10_000, lanes=3)], NOW_MS)
    assert one.since_ms == ALWAYS_MS


def test_where_it_stands_and_for_how_long_a_reading_stands_decide_how_it_is_folded() -> None:
    for keys, folded, moved in (
        ({"period_s": 30.0}, True, False), ({"status": "retired"}, True, False),
        ({"station": "s9"}, True, True), ({"lanes": 5}, False, False),
    ):
        rows = [FIRST, later(50_000, **keys)]
        (one,) = differences([FIRST], rows, NOW_MS)
        assert (one.folded, one.moved) == (folded, moved)
        assert same_stations([FIRST], rows, NOW_MS) is not moved


def test_the_words_name_the_row_and_what_it_changes() -> None:
    (one,) = differences([FIRST], [FIRST, later(50_000, lanes=5, road_class="urban-1")], NOW_MS)
    assert str(one) == (
        "row of the places file added late: centre/s1, device d1, valid_from 1970-01-01T00:00:50Z: "
        "lanes 2 -> 5, road_class none -> urban-1"
    )
    (one,) = differences([FIRST], [FIRST, later(50_000, district="north")], NOW_MS)
    assert "station centre/s1 -> north/s1" in str(one)


_rows = st.lists(st.tuples(st.integers(0, 30), st.integers(1, 3)), min_size=1, max_size=5)


@given(_rows, _rows)
def test_every_instant_that_differs_is_in_one_stretch(
    before: list[tuple[int, int]], after: list[tuple[int, int]]
) -> None:
    old, new = (
        sorted((later(at, lanes=lanes) for at, lanes in rows), key=lambda row: row.valid_from_ms)
        for rows in (before, after)
    )
    stretches = [(one.since_ms, one.until_ms) for one in differences(old, new, 25)]
    for at in range(-2, 25):
        inside = [first for first, last in stretches if first <= at < last]
        assert len(inside) == (row_at(old, at).lanes != row_at(new, at).lanes)
