"""Load factor: published examples, the slow twin, and where there is none."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.load_factor import load_factor
from tests import reference_energy as reference

AMOUNT = st.one_of(st.floats(-10.0, 0.0), st.floats(1e-6, 1e7))
HOURS = st.one_of(st.just(0.0), st.floats(1e-3, 9000.0))


@given(AMOUNT, AMOUNT, HOURS)
def test_equals_its_twin(energy: float, peak: float, hours: float) -> None:
    assert load_factor(energy, peak, hours) == pytest.approx(
        reference.load_factor(energy, peak, hours), rel=1e-9, abs=1e-300, nan_ok=True)


def test_published_examples() -> None:
    assert load_factor(65_000, 125, 720) == pytest.approx(0.722, abs=5e-4)
    assert load_factor(63.18, 6.34, 24) == pytest.approx(0.415, abs=5e-4)


@pytest.mark.parametrize(("energy", "peak", "hours"), [
    (1.0, 0.0, 1.0), (1.0, -2.0, 1.0), (1.0, 1.0, 0.0), (-1.0, 1.0, 1.0),
    (math.nan, 1.0, 1.0), (1.0, math.nan, 1.0),
])
def test_undefined(energy: float, peak: float, hours: float) -> None:
    assert math.isnan(load_factor(energy, peak, hours))
