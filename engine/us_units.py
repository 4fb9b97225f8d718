"""US tables in metric units: the one place where miles and feet are converted.

The HCM, FHWA and PeMS print their tables in miles and feet; catalogue and quantities are metric.
Both factors are exact by definition (international yard and pound agreement of 1959).
"""

KM_PER_MILE = 1.609344
M_PER_FOOT = 0.3048
THRESHOLDS_MPH = (35, 40, 45, 50, 55, 60)
"""Speeds that delay is measured against (PeMS)."""
LOST_MPH = (35, 60)
"""Speeds below which productivity is lost (PeMS)."""


def km_of_miles(miles: float) -> float:
    """Miles to km; also mph to km/h."""
    return miles * KM_PER_MILE


def m_of_feet(feet: float) -> float:
    """Feet to metres."""
    return feet * M_PER_FOOT


def per_km_of_per_mile(per_mile: float) -> float:
    """What is counted a mile to what is counted a km: density."""
    return per_mile / KM_PER_MILE
