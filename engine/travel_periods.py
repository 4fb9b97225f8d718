"""Travel time reliability of the US performance rule: LOTTR and TTTR, by periods of the week.

Standard: 23 CFR 490.511 and 490.513 (level of travel time reliability: the 80th percentile of the
travel times of a period over the 50th, to the nearest hundredth; a road is reliable with less than
1.50 in all four), 490.611 and 490.613 (truck travel time reliability: the 95th over the 50th; the
greatest of five). Travel times are those of quarters of an hour. The rule leaves the percentile to
"the functions available in spreadsheet": here it is of type 7, which is theirs.
"""

import numpy as np
import numpy.typing as npt

from engine.kernel import kernel
from engine.travel_time import quantile

Floats = npt.NDArray[np.float64]

PERIODS = ("weekdays 6-10", "weekdays 10-16", "weekdays 16-20", "weekends 6-20", "nights 20-6")
"""By the clock; nights are those of every day."""
LOTTR, TTTR = range(2)
LATE = (0.80, 0.95)
"""The share of travel times that the numerator of each is not exceeded by."""
PERIODS_OF = (4, 5)
"""LOTTR asks for the first four."""
_DUST = 1e-9
"""A ratio of 1.4950 must be 1.50, whatever division left behind."""


@kernel("float64(float64[::1], float64)")
def period_ratio(travel_times: Floats, late: float) -> float:
    """Percentile `late` of the travel times of a period over their median, to a hundredth.

    travel_times: float64[n], ascending, above zero, n >= 1; in any unit. Halves go up. O(1).
    """
    ratio = quantile(travel_times, late) / quantile(travel_times, 0.5)
    return float(np.floor(ratio * 100.0 + 0.5 + _DUST) / 100.0)


@kernel("void(float64[:, ::1], float64[::1])")
def greatest(ratios: Floats, out: Floats) -> None:
    """LOTTR and TTTR: the greatest ratio of the periods of each; NaN if one of them has none.

    ratios: float64[2, 5], by measure and period, NaN unknown. out: float64[2].
    """
    for measure in range(2):
        out[measure] = ratios[measure, 0]
        for period in range(1, PERIODS_OF[measure]):
            ratio = ratios[measure, period]
            if np.isnan(ratio) or ratio > out[measure]:
                out[measure] = ratio
            if np.isnan(out[measure]):
                break
