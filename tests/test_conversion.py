"""Mixing ratios to mass: the printed factors against the gas law, each standard its own."""

import pytest

from engine.catalogue_air import CONVERTED_MARK
from engine.conversion import FACTORS, MOLAR_MASS, factors, ppb_to_ugm3


@pytest.mark.parametrize(("convention", "t_c", "p_kpa"), [
    ("who", 25.0, 101.325), ("u4ssc", 25.0, 101.325), ("eu", 20.0, 101.3),
    ("india", 25.0, 101.325),
])
def test_printed_factors_are_those_of_their_temperature(
    convention: str, t_c: float, p_kpa: float
) -> None:
    """Within one per cent: U4SSC prints 1.9 for 1.88."""
    for gas, factor in FACTORS[convention].items():
        law = ppb_to_ugm3(1.0, MOLAR_MASS[gas], t_c, p_kpa)  # of CO: mg/m³ in a ppm
        assert factor == pytest.approx(law, rel=0.011), gas


def test_published_values() -> None:
    """NSW table: 10 ppb of ozone at 25 and at 0 degrees."""
    assert ppb_to_ugm3(10, MOLAR_MASS["o3"], 25, 101.325) == pytest.approx(19.6, abs=0.05)
    assert ppb_to_ugm3(10, MOLAR_MASS["o3"], 0, 101.325) == pytest.approx(21.4, abs=0.05)


def test_particles_are_not_converted_and_standards_differ() -> None:
    assert factors("eu", ("pm25", "o3")).tolist() == [1.0, 1.996]
    assert factors("who", ("pm10", "o3")).tolist() == [1.0, 1.96]
    assert factors("u4ssc", ("no2",)).tolist() == [1.9]
    assert set(CONVERTED_MARK) <= set(FACTORS)
