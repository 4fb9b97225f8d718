"""From mixing ratios to mass concentrations, by the convention of each standard.

Gas sensors report ppb (CO: ppm). Tables in µg/m³ are meant at the temperature and pressure of
their own standard, so the same 100 ppb of ozone is 196 µg/m³ for the WHO and 199.6 µg/m³ for the
EU. An index takes the factor of its own standard and no other. Particles are never converted.
"""

import numpy as np
import numpy.typing as npt

from engine.kernel import kernel

Floats = npt.NDArray[np.float64]

GAS_CONSTANT = 8.314462618
"""J / (mol K)."""
ZERO_C_K = 273.15
MOLAR_MASS = {
    "o3": 47.998, "no2": 46.006, "so2": 64.064, "co": 28.010, "no": 30.006, "nh3": 17.031,
}
"""g / mol."""

FACTORS: dict[str, dict[str, float]] = {
    "who": {"no2": 1.88, "o3": 1.96, "so2": 2.62, "co": 1.145},
    "u4ssc": {"no2": 1.9, "o3": 1.96, "so2": 2.62, "co": 1.145},
    "eu": {"no2": 1.912, "o3": 1.996, "so2": 2.661, "co": 1.164},
    "india": {"no2": 1.88, "o3": 1.96, "so2": 2.62, "co": 1.145, "nh3": 0.696},
}
"""µg/m³ in a ppb (CO: mg/m³ in a ppm) as each standard prints or implies them.

who: 25 °C, 101.325 kPa, as US EPA. u4ssc: KPIs Verification Manual 2022 p. 85 for NO2, O3, SO2.
eu: 20 °C, 101.3 kPa (2008/50/EC Annex VI.C), also for the United Kingdom. india: as who.
"""


def factors(convention: str, pollutants: tuple[str, ...]) -> Floats:
    """Factor of each pollutant, 1 for particles and what is measured as mass."""
    return np.array([FACTORS[convention].get(name, 1.0) for name in pollutants])


@kernel("float64(float64, float64, float64, float64)")
def ppb_to_ugm3(ppb: float, molar_mass: float, t_c: float, p_kpa: float) -> float:
    """Ideal gas: µg/m³ of `ppb` at `t_c` °C and `p_kpa` kPa; `molar_mass` in g/mol. O(1)."""
    return float(ppb * molar_mass * p_kpa / (GAS_CONSTANT * (t_c + ZERO_C_K)))
