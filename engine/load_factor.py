"""Load factor: how evenly a place uses what its peak asks the network to hold ready.

Utility practice: energy of a period over what the peak would have used in its hours.
"""

import math

HOURS_A_BLOCK = 0.25


def load_factor(energy_kwh: float, peak_kw: float, hours: float) -> float:
    """`energy / (peak * hours)`, 0..1; NaN without a peak above zero, or where energy flows back.

    hours: those that the energy is known for, so that a gap does not pass for rest.
    """
    if not (peak_kw > 0.0 and hours > 0.0 and energy_kwh >= 0.0):
        return math.nan
    return energy_kwh / (peak_kw * hours)
