"""How far a traveller can rely on a road: planning time index, buffer index.

Standard: FHWA Urban Congestion Report; OKI travel time reliability page. Percentiles are of type
7 of Hyndman and Fan; the texts name none.
"""

import numpy as np
import numpy.typing as npt

from engine.kernel import kernel
from engine.travel_time import quantile

Floats = npt.NDArray[np.float64]

PTI, BUFFER_INDEX, BUFFER, MEAN, P95 = range(5)


@kernel("void(float64, float64, float64[::1])")
def buffer_of(mean: float, late: float, out: Floats) -> None:
    """Buffer of a mean and a 95th percentile: columns 1 to 4 of `reliability`."""
    out[BUFFER_INDEX] = (late - mean) / mean
    out[BUFFER] = late - mean
    out[MEAN] = mean
    out[P95] = late


@kernel("void(float64[::1], float64, float64[::1])")
def reliability(travel_times: Floats, free: float, out: Floats) -> None:
    """Indices of the travel times of a road.

    travel_times: float64[n], ascending, n >= 1. free: travel time in free flow, NaN unknown, in
    the same unit. out: float64[5]: planning time index P95 / free, buffer index (P95 - mean) /
    mean, buffer = buffer index * mean, mean, P95. One pass.
    """
    late = quantile(travel_times, 0.95)
    mean = travel_times.mean()
    out[PTI] = late / free if free > 0.0 else np.nan
    buffer_of(mean, late, out)
