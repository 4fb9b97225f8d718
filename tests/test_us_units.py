"""Miles and feet: exact factors, in one place."""

from engine.us_units import KM_PER_MILE, M_PER_FOOT, km_of_miles, m_of_feet, per_km_of_per_mile


def test_factors_are_those_of_1959() -> None:
    assert (KM_PER_MILE, M_PER_FOOT) == (1.609344, 0.3048)
    assert round(5280 * M_PER_FOOT, 9) == KM_PER_MILE * 1000


def test_what_is_converted() -> None:
    assert km_of_miles(60) == 96.56064
    assert round(m_of_feet(22), 9) == 6.7056
    assert round(per_km_of_per_mile(45), 1) == 28.0
