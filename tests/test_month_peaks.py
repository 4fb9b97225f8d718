"""The month's peak against the slow way: all blocks of all days, looked at again each time."""

from datetime import date

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from engine.month_peaks import DAY_COLUMNS, PEAK_DAYS, MonthPeaks
from tests.reference_energy import month_so_far

FIRST = date(2024, 1, 29).toordinal()
DAY = st.lists(
    st.one_of(st.none(), st.sampled_from([-1.5, 0.0, 2.0, 2.5, 7.25]), st.floats(0, 50)),
    min_size=4, max_size=4,
)


def month(day: int) -> int:
    return date.fromordinal(day).replace(day=1).toordinal()


def ends(day: int, owed: int) -> list[int]:
    return [day * 1440 + 15 * (b + 1) if b < owed else 0 for b in range(4)]


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 45), DAY, st.integers(0, 4)),
                max_size=40))
def test_as_the_slow_reference(said: list[tuple[int, int, list[float | None], int]]) -> None:
    """Days of three places come in any order, also again; each is answered for its month."""
    peaks = MonthPeaks()
    known: dict[int, dict[int, tuple[list[float], list[int]]]] = {}
    for place, at, blocks, owed in said:
        newest = max(known.get(place, {}), default=0)
        day = FIRST + at
        if newest - day >= PEAK_DAYS - 31:
            continue  # no day is said anew so long after
        demand = [np.nan if x is None else x for x in blocks]
        known.setdefault(place, {})[day] = (demand, ends(day, owed))
        found = peaks.take(
            [place], np.array([day]), np.array([month(day)]), np.array([demand]),
            np.array([ends(day, owed)]),
        )
        value, cov, n = month_so_far(known[place], day, month(day))
        np.testing.assert_allclose(found.value[0], value, rtol=1e-12)
        np.testing.assert_allclose(found.cov[0], cov, rtol=1e-12)
        assert found.n[0].tolist() == n


def test_several_places_at_once_and_what_is_kept() -> None:
    peaks = MonthPeaks()
    days = np.array([FIRST, FIRST, FIRST + 1])
    demand = np.array([[1.0, 3.0, 3.0, np.nan], [np.nan] * 4, [5.0, 4.0, 2.0, 1.0]])
    owed = np.array([ends(FIRST, 4), ends(FIRST, 4), ends(FIRST + 1, 4)])
    found = peaks.take([7, 9, 7], days, np.array([month(day) for day in days.tolist()]),
                       demand, owed)
    assert found.value[0].tolist()[:2] == [3.0, (FIRST * 1440 + 30) * 60.0]
    assert np.isnan(found.value[1]).all()
    assert found.value[2].tolist()[:2] == [5.0, ((FIRST + 1) * 1440 + 15) * 60.0]
    assert found.n.tolist() == [[3, 3, 3, 3], [0, 0, 0, 0], [4, 4, 7, 4]]
    again = MonthPeaks()
    for place, kept in peaks.kept().items():
        assert kept.shape == (len(DAY_COLUMNS), PEAK_DAYS)
        again.put(place, kept)
    assert {place: kept.tolist() for place, kept in again.kept().items()} == {
        place: kept.tolist() for place, kept in peaks.kept().items()}
