"""Renewable share and carbon intensity: worked mixes, what is unknown, both sides of 5 %."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.generation import MEDIANS, SOURCES, carbon_intensity, renewable_share

MIX = {"coal": 300.0, "gas_cc": 400.0, "nuclear": 150.0, "hydro": 50.0, "wind_onshore": 80.0,
       "solar_pv_utility": 20.0}


def test_the_worked_mixes() -> None:
    assert renewable_share(MIX) == pytest.approx(0.15)
    assert carbon_intensity(MIX, MEDIANS) == pytest.approx(446.84)
    clean = {"hydro": 500.0, "wind_onshore": 300.0, "gas_cc": 200.0}
    assert carbon_intensity(clean, MEDIANS) == pytest.approx(113.3)


@given(st.dictionaries(
    st.sampled_from([name for name in SOURCES if not math.isnan(MEDIANS[name])]),
    st.floats(0.0, 1e6), min_size=1))
def test_equal_a_loop(mix: dict[str, float]) -> None:
    total = sum(mix.values())
    if total <= 0:
        assert math.isnan(renewable_share(mix))
        return
    grams = clean = 0.0
    for name, energy in mix.items():
        grams += energy * SOURCES[name].g_per_kwh
        clean += energy if SOURCES[name].renewable else 0.0
    assert carbon_intensity(mix, MEDIANS) == pytest.approx(grams / total, rel=1e-9)
    assert renewable_share(mix) == pytest.approx(clean / total, rel=1e-9)


@pytest.mark.parametrize(("unknown", "known"), [(5.0, True), (5.1, False)])
def test_more_than_five_percent_unknown_is_insufficient(unknown: float, known: bool) -> None:
    hydro = {"hydro": 100.0 - unknown}
    for value in (
        carbon_intensity(hydro, MEDIANS, unknown), renewable_share(hydro, unknown),
        carbon_intensity(hydro | {"tyres": unknown}, MEDIANS),
        renewable_share(hydro | {"tyres": unknown}),
    ):
        assert math.isnan(value) is not known


def test_a_source_without_a_median_is_unknown_to_the_intensity_alone() -> None:
    mix = {"wind": 50.0, "hydro": 50.0}
    assert renewable_share(mix) == 1.0
    assert math.isnan(carbon_intensity(mix, MEDIANS))


def test_nothing_has_neither() -> None:
    assert math.isnan(renewable_share({}))
    assert math.isnan(carbon_intensity({}, MEDIANS))


def test_nuclear_is_not_renewable() -> None:
    assert not SOURCES["nuclear"].renewable
