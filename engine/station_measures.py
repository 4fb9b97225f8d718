"""What a road carries and loses in some 5-minute bins: PeMS station measures, delay, congestion.

Standards: Caltrans PeMS (VMT, VHT, delay under a threshold speed, lost productivity) in metric
units; FHWA Urban Congestion Report (a bin is congested below 90 % of free flow, strictly); 23 CFR
490.711 (excessive delay of 15-minute bins).
"""

import numpy as np
import numpy.typing as npt

from engine.kernel import inner, kernel
from engine.us_units import KM_PER_MILE, LOST_MPH, THRESHOLDS_MPH

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_THRESHOLDS = np.array(THRESHOLDS_MPH) * KM_PER_MILE
_LOST = np.array(LOST_MPH) * KM_PER_MILE
DELAYS = len(THRESHOLDS_MPH)
VKM, VH, DELAY, DELAY_FREE, LOST, MEASURES = 0, 1, 2, 2 + DELAYS, 3 + DELAYS, 5 + DELAYS
"""Columns: vehicle kilometres, vehicle hours, delays, delay under free flow, lost productivity."""
CONGESTED_SHARE = 0.9
BIN_H = 5.0 / 60.0
EXCESS_MAX_H = 0.25
"""A 15-minute bin loses at most itself."""
EXCESS_FLOOR_KMH = 20.0 * KM_PER_MILE
EXCESS_SHARE = 0.6
_EDGE = 1e-9
"""A limit met exactly is met, whatever conversion and division left behind."""


@inner
def delay_vh(vehicles: float, length_km: float, speed_kmh: float, under_kmh: float) -> float:
    """Vehicle hours lost against the speed `under_kmh`, 0 where it is reached; NaN without it."""
    return vehicles * max(length_km / speed_kmh - length_km / under_kmh, 0.0)


@inner
def lost_km(length_km: float, flow: float, capacity: float) -> float:
    """Length that a slow road gives away: of its length, the share of its capacity not used."""
    return length_km * max(1.0 - flow / capacity, 0.0)


@kernel("boolean(float64, float64)")
def is_congested(speed_kmh: float, free_kmh: float) -> bool:
    """Whether a speed is below 90 % of free flow; exactly 90 % is not."""
    return speed_kmh < CONGESTED_SHARE * free_kmh * (1.0 - _EDGE)


@inner
def excess_h(length_km: float, speed_kmh: float, posted_kmh: float) -> float:
    """Hours that each vehicle of a 15-minute bin loses in excess (23 CFR 490.711).

    Against 20 mph or 60 % of the posted limit, whichever is more; at most a quarter of an hour.
    """
    threshold = max(EXCESS_FLOOR_KMH, EXCESS_SHARE * posted_kmh)
    return min(max(length_km / speed_kmh - length_km / threshold, 0.0), EXCESS_MAX_H)


@kernel(
    "void(float64[:, ::1], float64[:, ::1], float64[::1], float64[::1], float64[::1], "
    "float64[::1], float64[:, ::1], int64[::1])")
def station_measures(
    speeds: Floats, vehicles: Floats, length_km: Floats, lanes: Floats, capacity: Floats,
    free_kmh: Floats, out: Floats, valid: Integers,
) -> None:
    """Sums over the bins of each road; every one adds up over bins and roads.

    speeds: float64[k, b], km/h, NaN absent. vehicles: float64[k, b], NaN absent. length_km:
    float64[k]. lanes, capacity (vehicles an hour of the road): float64[k], 0 unknown. free_kmh:
    float64[k], NaN unknown. out: float64[k, 11]: vehicle km, vehicle hours, delay in vehicle
    hours under 35, 40, 45, 50, 55 and 60 mph and under free flow, lane-kilometre hours lost below
    35 and 60 mph; NaN where something is unknown. valid: int64[k], bins that count: those with
    vehicles and their speed, and those without a vehicle. Cost: 10 * k * b.
    """
    for k in range(speeds.shape[0]):
        valid[k] = 0
        out[k, :] = 0.0
        for b in range(speeds.shape[1]):
            n, v, length = vehicles[k, b], speeds[k, b], length_km[k]
            if n == 0.0:
                valid[k] += 1
                continue
            if not (n > 0.0 and v > 0.0):
                continue
            valid[k] += 1
            out[k, VKM] += n * length
            out[k, VH] += n * length / v
            for i in range(DELAYS):
                out[k, DELAY + i] += delay_vh(n, length, v, _THRESHOLDS[i])
            out[k, DELAY_FREE] += delay_vh(n, length, v, free_kmh[k])
            if capacity[k] > 0.0:
                for i in range(2):
                    if v < _LOST[i] * (1.0 - _EDGE):
                        lost = lost_km(length, n / BIN_H, capacity[k])
                        out[k, LOST + i] += lost * lanes[k] * BIN_H
        if np.isnan(free_kmh[k]):
            out[k, DELAY_FREE] = np.nan
        if not (capacity[k] > 0.0 and lanes[k] > 0.0):
            out[k, LOST:] = np.nan


@kernel(
    "void(float64[:, ::1], float64[:, ::1], float64[::1], float64[::1], float64[::1])")
def excess_delay(
    speeds: Floats, vehicles: Floats, length_km: Floats, posted_kmh: Floats, out: Floats
) -> None:
    """Vehicle hours of excessive delay (23 CFR 490.711) of each road.

    speeds: float64[k, q], km/h, vehicles: float64[k, q], of 15-minute bins, NaN absent: such a
    bin counts as none. length_km, posted_kmh: float64[k], 0 unknown. out: float64[k], NaN
    without a posted limit. Cost: k * q.
    """
    for k in range(speeds.shape[0]):
        out[k] = 0.0 if posted_kmh[k] > 0.0 else np.nan
        for q in range(speeds.shape[1]):
            if speeds[k, q] > 0.0 and vehicles[k, q] > 0.0:
                out[k] += vehicles[k, q] * excess_h(length_km[k], speeds[k, q], posted_kmh[k])


@kernel(
    "void(float64[:, ::1], float64[:, ::1], boolean[::1], float64[::1], float64[:, ::1], "
    "int64[::1])")
def congestion(
    speeds: Floats, vehicles: Floats, open_bin: npt.NDArray[np.bool_], free_kmh: Floats,
    out: Floats, valid: Integers,
) -> None:
    """How long roads were congested, and the share of travel that met it.

    speeds, vehicles: float64[k, b], NaN absent; without counters each bin counts as one vehicle.
    open_bin: bool[b], bins whose time counts (weekdays 6 to 22). free_kmh: float64[k], NaN
    unknown. out: float64[k, 3]: hours congested of `open_bin`; percent of the vehicles of all
    bins that were in congested ones, NaN without any; vehicles. valid: int64[k], bins of
    `open_bin` with a speed or without a vehicle. Cost: k * b.
    """
    for k in range(speeds.shape[0]):
        valid[k] = 0
        slow = 0.0
        out[k, 0] = 0.0
        out[k, 2] = 0.0
        for b in range(speeds.shape[1]):
            n = vehicles[k, b]
            if n == 0.0:
                valid[k] += open_bin[b]
                continue
            if not speeds[k, b] > 0.0:
                continue
            valid[k] += open_bin[b]
            n = 1.0 if np.isnan(n) else n
            out[k, 2] += n
            if is_congested(speeds[k, b], free_kmh[k]):
                slow += n
                if open_bin[b]:
                    out[k, 0] += BIN_H
        out[k, 1] = 100.0 * slow / out[k, 2] if out[k, 2] > 0.0 else np.nan
        if np.isnan(free_kmh[k]):
            out[k, :2] = np.nan
