"""Travel time index, free-flow speed and the peak index of a day.

Standards: FHWA Urban Congestion Report (free-flow speed, peaks, travel time index); U4SSC
EC:I:T:5A, Verification Manual 2022 p. 72 (rating). Percentiles are Hyndman-Fan type 7.
"""

import numpy as np
import numpy.typing as npt

from engine.completeness import enough
from engine.kernel import kernel

Floats = npt.NDArray[np.float64]
Bytes = npt.NDArray[np.int8]

FFS_UNKNOWN, FFS_MEASURED, FFS_CLAMPED, FFS_POSTED = -1, 0, 1, 2
"""How a free-flow speed came about: nothing to go by, 85th percentile, that but held to 0.8 or
1.3 of the posted limit, the posted limit itself."""
FFS_BINS_MIN = 200
MORNING, EVENING = 1, 2


@kernel("float64(float64, float64)")
def tti(free_flow_kmh: float, speed_kmh: float) -> float:
    """Travel time index = free-flow speed / space-mean speed; not clipped at 1.

    NaN unless both speeds are above zero.
    """
    return free_flow_kmh / speed_kmh if free_flow_kmh > 0.0 and speed_kmh > 0.0 else np.nan


@kernel("float64(float64[::1], float64)")
def quantile(ordered: Floats, share: float) -> float:
    """Type 7 quantile of `ordered`: float64[n], ascending, n >= 1. `share` in 0 … 1."""
    position = (ordered.shape[0] - 1) * share
    below = int(np.floor(position))
    above = min(below + 1, ordered.shape[0] - 1)
    rise = ordered[above] - ordered[below]
    return float(ordered[below] + (position - below) * rise)


@kernel(
    "void(float64[:, ::1], float64[::1], float64[::1], int8[::1])")
def free_flow(speeds: Floats, posted: Floats, out: Floats, method: Bytes) -> None:
    """Free-flow speed of each segment: 85th percentile of its off-peak bins.

    speeds: float64[k, m], km/h, off-peak 5-minute bins of 28 days, NaN where absent or without
    a vehicle. posted: float64[k], km/h, 0 unknown. out: float64[k], km/h: with 200 bins the
    percentile held to 0.8 … 1.3 of the posted limit (if known), else the posted limit, else
    NaN. method: int8[k], one of the FFS_ constants. Cost: one sort of m a segment.
    """
    for k in range(speeds.shape[0]):
        row = speeds[k]
        valid = np.sort(row[row > 0.0])
        if valid.shape[0] < FFS_BINS_MIN:
            out[k] = posted[k] if posted[k] > 0.0 else np.nan
            method[k] = FFS_POSTED if posted[k] > 0.0 else FFS_UNKNOWN
            continue
        measured = quantile(valid, 0.85)
        out[k] = measured
        if posted[k] > 0.0:
            out[k] = min(max(measured, 0.8 * posted[k]), 1.3 * posted[k])
        method[k] = FFS_MEASURED if out[k] == measured else FFS_CLAMPED


@kernel(
    "void(float64[:, ::1], int8[::1], float64[::1], float64[:, ::1])")
def peak_tti(speeds: Floats, peak: Bytes, free_flow_kmh: Floats, out: Floats) -> None:
    """Mean travel time of the peaks over free-flow travel time, of each segment and day.

    speeds: float64[k, b], km/h, space-mean of the 5-minute bins of one local day, NaN absent.
    peak: int8[b], 0 outside, 1 morning, 2 evening. free_flow_kmh: float64[k], NaN unknown.
    out: float64[k, 2]: the index, NaN unless both peaks have 75 % of their bins; and the
    coverage 0..1 of the peak that has less. Cost: one pass.
    """
    for k in range(speeds.shape[0]):
        possible = np.zeros(3, np.int64)
        valid = np.zeros(3, np.int64)
        total = 0.0
        for b in range(speeds.shape[1]):
            possible[peak[b]] += 1
            if peak[b] != 0 and speeds[k, b] > 0.0:
                valid[peak[b]] += 1
                total += tti(free_flow_kmh[k], speeds[k, b])
        shares = valid / np.maximum(possible, 1)
        out[k, 1] = min(shares[MORNING], shares[EVENING])
        out[k, 0] = np.nan
        if enough(valid[MORNING], possible[MORNING]) and enough(valid[EVENING], possible[EVENING]):
            out[k, 0] = total / (valid[MORNING] + valid[EVENING])
