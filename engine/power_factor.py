"""Power factor: the share of the apparent power that does work.

IEEE 1459 as utilities bill it: |P| / S. S is either a vector, sqrt(P^2 + Q^2), or arithmetic, the
sum over the phases of rms voltage times rms current; over a period it is made of energies.
"""

import math

RATED_SHARE_MIN = 0.01
"""Below this share of the rated power a power factor says nothing."""


def vector_kva(kw: float, kvar: float) -> float:
    """Apparent power of the sums over the phases, kVA; also of energies, kVAh."""
    return math.sqrt(kw * kw + kvar * kvar)


def power_factor(kw: float, kva: float, rated_kva: float) -> float:
    """`|P| / S`, at most 1; NaN where S is below 1 % of `rated_kva` (NaN unknown), or none.

    Also of energies: kWh, kVAh, and the rated power times the hours.
    """
    if math.isnan(kw) or not kva > 0.0 or kva < RATED_SHARE_MIN * rated_kva:
        return math.nan
    return min(abs(kw) / kva, 1.0)
