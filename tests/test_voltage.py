"""EN 50160: limits and their edges, IEC 61000-4-30 measures against slow twins."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from engine import voltage
from tests import reference_energy as reference

VOLT = st.floats(150.0, 300.0)


@given(st.lists(st.one_of(st.just(math.nan), VOLT), max_size=40))
def test_counts_equal_their_twin(volts: list[float]) -> None:
    near, far = voltage.outside(np.array(volts), 230.0)
    n, n1, n2 = reference.week(volts, 230.0)
    assert (int(near.sum()), int(far.sum())) == (n1, n2)
    assert n == int((~np.isnan(np.array(volts))).sum())


def test_a_value_on_a_limit_is_inside() -> None:
    near, far = voltage.outside(np.array([207.0, 253.0, 195.5, 206.9, 253.1, 195.4]), 230.0)
    assert near.tolist() == [False, False, True, True, True, True]
    assert far.tolist() == [False, False, False, False, True, True]


@pytest.mark.parametrize(("n", "n1", "n2", "good"), [
    (1008, 50, 0, True), (1008, 51, 0, False), (1008, 10, 1, False), (20, 1, 0, True),
    (0, 0, 0, False),
])
def test_the_published_rule(n: int, n1: int, n2: int, good: bool) -> None:
    assert voltage.compliant(n, n1, n2) is good


def test_frequency() -> None:
    near, far = voltage.off_hertz(np.array([49.5, 50.5, 49.49, 50.51, 47.0, 52.0, 46.9, 52.1]))
    assert near.tolist() == [False, False] + [True] * 6
    assert far.tolist() == [False] * 6 + [True] * 2


@given(st.lists(st.one_of(st.just(math.nan), VOLT), max_size=40))
def test_deviation_equals_its_twin(volts: list[float]) -> None:
    assert voltage.deviation(np.array(volts, np.float64), 230.0) == pytest.approx(
        reference.deviation(volts, 230.0), abs=1e-9, nan_ok=True)


@given(st.tuples(VOLT, VOLT, VOLT), st.tuples(
    st.floats(-10, 10), st.floats(-130, -110), st.floats(110, 130)))
def test_sequences_equal_their_twin(
    volts: tuple[float, float, float], degrees: tuple[float, float, float]
) -> None:
    assert voltage.sequences(volts, degrees) == pytest.approx(
        reference.sequences(volts, degrees), abs=1e-9)


@given(st.tuples(VOLT, VOLT, VOLT))
def test_unbalance_of_a_triangle_equals_its_twin(sides: tuple[float, float, float]) -> None:
    short, middle, long = sorted(sides)
    assume(short + middle > 1.01 * long)
    found = float(voltage.unbalance(np.array([sides]))[0])
    assert found == pytest.approx(reference.line_unbalance(sides), abs=2e-5)


def test_unbalance_where_there_is_no_triangle_or_none_known() -> None:
    rows = np.array([[230.0, 230.0, 230.0], [1.0, 1.0, 3.0], [230.0, math.nan, 230.0],
                     [0.0, 0.0, 0.0]])
    found = voltage.unbalance(rows)
    assert found[0] == 0.0
    assert np.isnan(found[1:]).all()


def test_unbalance_of_the_worked_example() -> None:
    u2, _ = voltage.sequences((230.0, 225.0, 235.0), (0.0, -120.0, 120.0))
    assert u2 == pytest.approx(1.2551, abs=5e-5)
    assert all(map(math.isnan, voltage.sequences((0.0, 0.0, 0.0), (0.0, -120.0, 120.0))))


@given(st.dictionaries(st.integers(2, 45), st.floats(0.0, 20.0), max_size=12))
def test_thd_equals_its_twin(harmonics: dict[int, float]) -> None:
    assert voltage.thd(230.0, harmonics) == pytest.approx(
        reference.thd(230.0, harmonics or {2: 0.0}), abs=1e-9)


def test_thd_of_the_worked_example_and_of_nothing() -> None:
    harmonics = {3: 6.9, 5: 9.2, 7: 4.6, 11: 2.3}
    assert voltage.thd(230.0, harmonics) == pytest.approx(5.4772, abs=5e-5)
    assert math.isnan(voltage.thd(0.0, harmonics))


def test_single_harmonics() -> None:
    assert voltage.over_limit(100.0, {2: 2.0, 3: 5.1, 6: 0.6, 25: 1.5}) == [3, 6]
    assert set(voltage.HARMONIC_LIMITS) <= set(voltage.HARMONICS)


def test_long_term_flicker() -> None:
    assert voltage.long_term_flicker([0.8] * 12) == pytest.approx(0.8)
    assert voltage.long_term_flicker([1.2] + [0.0] * 11) == pytest.approx(1.2 / 12 ** (1 / 3))
    assert math.isnan(voltage.long_term_flicker([0.8] * 11))
    assert math.isnan(voltage.long_term_flicker([0.8] * 11 + [math.nan]))
