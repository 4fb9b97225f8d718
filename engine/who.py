"""WHO global air quality guidelines, September 2021: levels, ratio, tier.

A guideline level (AQG) is met by a concentration that does not exceed it. Interim targets are
steps on the way. Concentrations in µg/m³ at 25 °C, 101.325 kPa, CO in mg/m³.
"""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

AQG, TARGETS_MAX = "AQG", 4

LEVELS: dict[tuple[str, str], tuple[float, ...]] = {
    ("pm25", "annual"): (5, 10, 15, 25, 35), ("pm25", "24h"): (15, 25, 37.5, 50, 75),
    ("pm10", "annual"): (15, 20, 30, 50, 70), ("pm10", "24h"): (45, 50, 75, 100, 150),
    ("o3", "season"): (60, 70, 100), ("o3", "8h"): (100, 120, 160),
    ("no2", "annual"): (10, 20, 30, 40), ("no2", "24h"): (25, 50, 120),
    ("so2", "24h"): (40, 50, 125), ("co", "24h"): (4, 7),
}
"""By pollutant and average: the guideline level, then the interim targets from the strictest.

Fewer than four targets are numbered from 1, the loosest: of NO2 a year 3, 2 and 1.
"""


def target_names(pollutant: str, average: str) -> tuple[str, ...]:
    """Names of the levels: AQG, then IT-4 to IT-1 as far as there are."""
    count = len(LEVELS[pollutant, average]) - 1
    return (AQG, *(f"IT-{number}" for number in range(count, 0, -1)))


def limit_of(pollutant: str, average: str, target: str) -> float:
    """The level that a target names. Raises ValueError where WHO has none."""
    names = target_names(pollutant, average)
    if target not in names:
        raise ValueError(f"target {target}: {pollutant} {average} has only {', '.join(names)}")
    return float(LEVELS[pollutant, average][names.index(target)])


def who_ratios(conc: Floats, limits: Floats) -> Floats:
    """`engine.air_days.who_ratio` of arrays that broadcast."""
    found: Floats = np.floor(np.maximum(conc, 0.0) / limits * 1e9 + 0.5) / 1e9
    return found
