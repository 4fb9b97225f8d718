"""Slow, obvious twins of the air kernels beyond the US index; they import nothing from `engine`.

Rows of pollutants are PM2.5, PM10, O3, CO, SO2, NO2, as in `tests.reference`.
"""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

NAN = math.nan
GAS = {"o3": 47.998, "no2": 46.006, "so2": 64.064, "co": 28.010, "nh3": 17.031}

# Upper limits as the tables print them; bands from 1.
EAQI_2024 = {
    0: (5, 15, 50, 90, 140), 1: (15, 45, 120, 195, 270), 2: (60, 100, 120, 160, 180),
    4: (20, 40, 125, 190, 275), 5: (10, 25, 60, 100, 150),
}
EAQI_2019 = {
    0: (10, 20, 25, 50, 75, 800), 1: (20, 40, 50, 100, 150, 1200),
    2: (50, 100, 130, 240, 380, 800), 4: (100, 200, 350, 500, 750, 1250),
    5: (40, 90, 120, 230, 340, 1000),
}
EAQI_2017 = {
    0: (10, 20, 25, 50, 800), 1: (20, 35, 50, 100, 1200), 2: (80, 120, 180, 240, 600),
    4: (100, 200, 350, 500, 1250), 5: (40, 100, 200, 400, 1000),
}


def whole(conc: float) -> float:
    """Rounded half up; a millionth below one half is one half; nothing is below zero."""
    if math.isnan(conc):
        return NAN
    return float(max(math.floor(Fraction(conc) + Fraction(1, 2) + Fraction(1, 10**6)), 0))


def ppb_to_ugm3(ppb: float, molar_mass: float, t_c: float, p_kpa: float) -> float:
    """Moles of air in a cubic metre, times the share, times the mass of a mole."""
    moles_of_air = p_kpa * 1000 / (8.314462618 * (273.15 + t_c))
    return moles_of_air * ppb * 1e-9 * molar_mass * 1e6


def band(edition: int, pollutant: int, conc: float) -> float:
    """Count the limits that are exceeded."""
    table = (EAQI_2024, EAQI_2019, EAQI_2017)[edition]
    if math.isnan(conc) or pollutant not in table:
        return NAN
    above = sum(whole(conc) > limit for limit in table[pollutant])
    if edition > 0 and above == len(table[pollutant]):
        return NAN  # above the cap: no measurement
    return float(above + 1)


def eaqi_hour(conc: Any, measured: Any, out: Any) -> None:
    """Worst of the five, if the set is complete."""
    for row, sensors, found in zip(conc, measured, out, strict=True):
        found[1:] = [band(0, pollutant, row[pollutant]) for pollutant in (0, 1, 2, 4, 5)]
        known = [value for value in found[1:] if not math.isnan(value)]
        missing = math.isnan(row[5]) or (math.isnan(row[0]) and math.isnan(row[1]))
        missing = missing or (sensors[2] and math.isnan(row[2]))
        found[0] = NAN if missing or not known else max(known)


def mean_of(values: Sequence[float], least: int, clipped: bool = True) -> float:
    """Mean of those that are there, below zero as zero; NaN with fewer than `least`."""
    there = [max(value, 0.0) if clipped else value for value in values if not math.isnan(value)]
    return sum(there) / len(there) if len(there) >= least else NAN
