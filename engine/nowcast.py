"""NowCast of particulate matter, and how a concentration is cut to its reporting resolution.

Standard: EPA fact sheet P100X0J6, "Transitioning to a new NowCast method" (2013), AirNow forum
t/172; for the cutting 40 CFR Part 58 Appendix G. Of ozone the method of 2016 alone (forum t/151):
since 2019 AirNow fits a regression of its own to each site instead.
"""

import numpy as np
import numpy.typing as npt

from engine.kernel import kernel

Floats = npt.NDArray[np.float64]

NOWCAST_HOURS, NOWCAST_O3_HOURS = 12, 8
_GUARD = 1e-6
"""In steps. A mean of 24 times 9.1 is 9.099999999999996, and must still be cut to 9.1."""


@kernel("float64(float64, float64)")
def truncated_steps(value: float, steps_per_unit: float) -> float:
    """Whole reporting steps in `value`, cut and not rounded; below zero counts as zero.

    `steps_per_unit` is 10 for a resolution of 0.1. NaN stays NaN.
    """
    steps = np.floor(value * steps_per_unit + _GUARD)
    return 0.0 if steps < 0.0 else steps


@kernel("float64(float64, float64)")
def report(value: float, steps_per_unit: float) -> float:
    """`value` cut to its reporting resolution: NowCast PM2.5 has 10 steps, PM10 has 1."""
    return float(truncated_steps(value, steps_per_unit) / steps_per_unit)


@kernel("float64(float64[::1])")
def nowcast_pm(hours: Floats) -> float:
    """NowCast of 12 hourly means, before it is cut by `report`.

    hours: float64[12], µg/m3, newest first, NaN where the hour is missing; below zero counts as
    zero. NaN unless 2 of the 3 newest hours are there. A missing hour still uses up a power of
    the weight. Cost: two passes over 12.
    """
    recent = 0
    low = np.inf
    high = 0.0
    for i in range(NOWCAST_HOURS):
        if not np.isnan(hours[i]):
            value = max(hours[i], 0.0)
            low = min(low, value)
            high = max(high, value)
            if i < 3:
                recent += 1
    if recent < 2:
        return np.nan
    if high == 0.0:
        return 0.0
    factor = max(low / high, 0.5)
    power = 1.0
    total = 0.0
    weights = 0.0
    for i in range(NOWCAST_HOURS):
        if not np.isnan(hours[i]):
            total += power * max(hours[i], 0.0)
            weights += power
        power *= factor
    return total / weights


@kernel("void(float64[::1], float64[::1])")
def nowcast_o3_2016(hours: Floats, out: Floats) -> None:
    """NowCast of 8 hourly means of ozone by the method of 2016: the weight has no lower bound.

    hours: float64[8], ppb, newest first, NaN where missing; below zero counts as zero. out:
    float64[3]: weight, weighted sum, NowCast; NaN unless 2 of the 3 newest hours are there. A
    weight of 0 leaves the newest hour alone, if it is there. Cost: two passes over 8.
    """
    out[:] = np.nan
    recent = 0
    low = np.inf
    high = 0.0
    for i in range(NOWCAST_O3_HOURS):
        if not np.isnan(hours[i]):
            low = min(low, max(hours[i], 0.0))
            high = max(high, hours[i])
            if i < 3:
                recent += 1
    if recent < 2:
        return
    out[0] = low / high if high > 0.0 else 1.0
    power = 1.0
    total = 0.0
    weights = 0.0
    for i in range(NOWCAST_O3_HOURS):
        if not np.isnan(hours[i]):
            total += power * max(hours[i], 0.0)
            weights += power
        power *= out[0]
    out[1] = total
    if weights > 0.0:
        out[2] = total / weights
