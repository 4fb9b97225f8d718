"""PurpleAir: worked values, no step between two pieces, nothing without humidity."""

import math

import pytest

from engine.purpleair import channels_agree, corrected_atm, corrected_cf1


@pytest.mark.parametrize(("pa", "rh", "value"), [
    (10, 50, 6.68), (40, 70, 25.916), (100, 30, 81.764), (230, 60, 192.18664), (500, 20, 568.966),
])
def test_worked_values(pa: float, rh: float, value: float) -> None:
    assert corrected_atm(pa, rh) == pytest.approx(value, abs=1e-9)


@pytest.mark.parametrize("edge", [30.0, 50.0, 210.0, 260.0])
def test_pieces_meet(edge: float) -> None:
    assert corrected_atm(edge - 1e-9, 45.0) == pytest.approx(corrected_atm(edge, 45.0), abs=1e-6)


def test_below_zero_is_zero_and_without_humidity_nothing() -> None:
    assert corrected_atm(0.0, 100.0) == corrected_cf1(0.0, 100.0) == 0.0
    for pa, rh in ((math.nan, 40.0), (10.0, math.nan)):
        assert math.isnan(corrected_atm(pa, rh))
        assert math.isnan(corrected_cf1(pa, rh))


def test_the_line_of_the_paper_and_the_map_agree_on_clean_air() -> None:
    assert corrected_cf1(20.0, 60.0) == corrected_atm(20.0, 60.0)


@pytest.mark.parametrize(("a", "b", "agree"), [
    (10.0, 14.9, True), (100.0, 120.0, True), (5.0, 12.0, False), (math.nan, 3.0, False),
])
def test_channels_must_agree(a: float, b: float, agree: bool) -> None:
    assert channels_agree(a, b) == agree
