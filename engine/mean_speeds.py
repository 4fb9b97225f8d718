"""Mean speeds of vehicles that pass a point: over time and over space.

Standard: HCM; NPTEL 105101008 lecture 2. The time-mean speed is the mean of the speeds, the
space-mean speed that of the travel times; the two meet in v_t = v_s + variance_s / v_s. Density,
travel time indices and levels of service ask for the space mean.
"""

import numpy as np
import numpy.typing as npt

from engine.kernel import inner, kernel

SPEED_FLOOR_KMH = 1.0

Floats = npt.NDArray[np.float64]


@inner
def harmonic_mean_kmh(speeds: Floats, counts: Floats) -> float:
    """Space-mean speed: vehicles / sum of vehicles / speed.

    speeds: float64[n], km/h, NaN missing; not above zero is dropped, under 1 km/h counts as 1.
    counts: float64[n], vehicles behind each speed (1 for single vehicles); not above zero is
    dropped. NaN if nothing is left. Cost: one pass.
    """
    vehicles = 0.0
    slowness = 0.0
    for i in range(speeds.shape[0]):
        if speeds[i] > 0.0 and counts[i] > 0.0:
            vehicles += counts[i]
            slowness += counts[i] / max(speeds[i], SPEED_FLOOR_KMH)
    return vehicles / slowness if vehicles > 0.0 else np.nan


@kernel("float64(int64, int64)")
def time_mean_kmh(total: int, count: int) -> float:
    """Mean of `count` speeds whose exact sum is `total`, in 1e-6 km/h; NaN of none."""
    return total / (count * 1e6) if count > 0 else np.nan


@kernel("float64(int64, int64)")
def space_mean_kmh(slowness: int, count: int) -> float:
    """Harmonic mean of `count` speeds whose exact reciprocal sum is `slowness`, in 1e-12 h/km."""
    return count * 1e12 / slowness if count > 0 and slowness > 0 else np.nan
