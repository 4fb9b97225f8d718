"""Power factor: the published example, the slow twin, and where there is none."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.power_factor import power_factor, vector_kva
from tests import reference_energy as reference

POWER = st.one_of(st.just(0.0), st.floats(1e-3, 1e6), st.floats(-1e6, -1e-3))


@given(POWER, POWER, st.one_of(st.just(math.nan), st.floats(0.0, 1e6)))
def test_equals_its_twin(kw: float, kvar: float, rated: float) -> None:
    assert power_factor(kw, vector_kva(kw, kvar), rated) == pytest.approx(
        reference.power_factor(kw, kvar, rated), rel=1e-9, abs=1e-9, nan_ok=True)


def test_published_example() -> None:
    assert power_factor(8.0, 10.0, math.nan) == 0.8


@pytest.mark.parametrize(("kva", "value"), [(0.99, math.nan), (1.0, 0.5)])
def test_undefined_below_one_percent_of_the_rating(kva: float, value: float) -> None:
    assert power_factor(0.5, kva, 100.0) == pytest.approx(value, nan_ok=True)


def test_never_above_one_and_none_of_nothing() -> None:
    assert power_factor(10.001, 10.0, math.nan) == 1.0
    assert math.isnan(power_factor(0.0, 0.0, math.nan))
    assert math.isnan(power_factor(math.nan, 10.0, math.nan))
