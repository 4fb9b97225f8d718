"""Day books: sums and rows of days against a dict, whatever was entered in whatever order."""

import math

import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.daybook import DAYS_KEPT, DayBook

FIRST = 739_000


def one(member: int) -> npt.NDArray[np.int64]:
    return np.array([member], np.int64)


@settings(deadline=None, max_examples=80)
@given(st.lists(st.tuples(
    st.integers(0, 2), st.integers(0, 420), st.floats(-5, 5) | st.just(math.nan),
), max_size=60), st.integers(0, 2), st.integers(0, 420), st.integers(0, 366))
def test_against_a_dict(
    entries: list[tuple[int, int, float]], member: int, last: int, back: int
) -> None:
    book = DayBook(2)
    known: dict[tuple[int, int], float] = {}
    for who, day, value in entries:
        newest = max((d for w, d in known if w == who and d % DAYS_KEPT == day % DAYS_KEPT),
                     default=-1)
        book.enter(one(who), one(FIRST + day), np.array([[value, 1.0]]))
        if newest <= day:
            known = {
                key: old for key, old in known.items()
                if key[0] != who or (FIRST + key[1]) % DAYS_KEPT != (FIRST + day) % DAYS_KEPT
            }
            known[who, day] = value
    sums, counts = book.sums(one(member), one(FIRST + last - back), one(FIRST + last))
    expected, valid, days = 0.0, 0, 0
    for day in range(last - back, last + 1):
        value = known.get((member, day))
        if value is not None:
            days += 1
            if not math.isnan(value):
                expected += value
                valid += 1
    assert sums[0].tolist() == [expected, float(days)]
    assert counts[0].tolist() == [valid, days]


def test_rows_come_oldest_first_and_blank_where_nothing_is_known() -> None:
    book = DayBook(1)
    book.enter(one(1), one(FIRST), np.array([[4.0]]))
    book.enter(one(1), one(FIRST + 2), np.array([[6.0]]))
    rows = book.rows(one(1), one(FIRST + 2), 4)[0, :, 0]
    assert [None if math.isnan(x) else x for x in rows] == [None, 4.0, None, 6.0]
    assert np.isnan(book.rows(one(7), one(FIRST), 3)).all()


def test_a_day_said_anew_replaces_its_row_and_an_old_one_does_not_replace_a_new_one() -> None:
    book = DayBook(1)
    for day, value in ((FIRST, 1.0), (FIRST, 2.0), (FIRST - DAYS_KEPT, 9.0)):
        book.enter(one(0), one(day), np.array([[value]]))
    assert book.sums(one(0), one(FIRST - 10), one(FIRST))[0].tolist() == [[2.0]]
