"""Electrical demand of 15-minute blocks, from power readings or from an energy register.

Utility practice: demand is the mean power of a block; a block needs 75 % of its minutes. A
register measures energy across gaps, so its differences are used and power is never invented.
"""

import numpy as np
import numpy.typing as npt

from engine.completeness import enough
from engine.kernel import inner, kernel

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Counts = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]

_UNITS_PER_KW = 1e6


@kernel("void(int64[:, ::1], int32[:, ::1], boolean[:, ::1], float64[:, ::1])")
def mean_demand(sums: Integers, counts: Counts, covered: Flags, out: Floats) -> None:
    """Mean power of blocks made of minutes; serves aligned and sliding blocks alike.

    sums: int64[k, m], sum of the minute's readings in 1e-6 kW. counts: int32[k, m], readings of
    the minute. covered: bool[k, m], whether the minute is vouched for by data (a meter that
    reports every 5 minutes covers five). out: float64[k, 2]: sum over count in kW, NaN under
    75 % of the minutes or without a reading; and the coverage 0..1. Cost: one pass.
    """
    minutes = sums.shape[1]
    for k in range(sums.shape[0]):
        total = 0
        readings = 0
        vouched = 0
        for m in range(minutes):
            total += sums[k, m]
            readings += counts[k, m]
            vouched += covered[k, m]
        out[k, 1] = vouched / minutes
        out[k, 0] = np.nan
        if readings > 0 and enough(vouched, minutes):
            out[k, 0] = total / (readings * _UNITS_PER_KW)


@inner
def register_rise(
    before_kwh: float, after_kwh: float, hours: float, modulus_kwh: float, power_max_kw: float
) -> float:
    """Energy between two readings of a register, in kWh; NaN where the register was reset.

    A fall is a rollover if adding `modulus_kwh` (0: unknown) leaves at most `power_max_kw` for
    the `hours` between; every other fall is a reset.
    """
    rise = after_kwh - before_kwh
    if rise >= 0.0:
        return rise
    rise += modulus_kwh
    return rise if 0.0 <= rise <= power_max_kw * hours else np.nan
