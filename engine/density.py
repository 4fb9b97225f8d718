"""Flow and density of a road, and the speed that a single loop implies.

Standards: flow and its identity with density and speed, q = k v, by the HCM; density of a loop
by MnDOT (occupancy over effective length); speed of a single loop by the g-factor of PeMS with
its smoothing. The length that a detector sees (vehicle and field) is `g_m`.
"""

import numpy as np
import numpy.typing as npt

from engine.kernel import inner, kernel
from engine.us_units import km_of_miles, m_of_feet

Floats = npt.NDArray[np.float64]

G_M = m_of_feet(22)
"""PeMS: 22 ft, where the places file does not say otherwise."""
SMOOTH_VEHICLES = 50.0
LOOP_FLOOR_KMH = km_of_miles(3)
LOOP_CAP_KMH = 130.0
"""Where no limit is posted; else 1.3 of the posted limit. PeMS caps by lane, which is not told."""


@inner
def flow_vph(vehicles: float, window_min: float) -> float:
    """Vehicles an hour of `vehicles` counted in `window_min` minutes; NaN stays NaN."""
    return vehicles * 60.0 / window_min


@inner
def density_of_flow(flow: float, speed_kmh: float, lanes: float) -> float:
    """Vehicles per km and lane, k = q / v; NaN without a speed above zero or without lanes."""
    return flow / (speed_kmh * lanes) if speed_kmh > 0.0 and lanes > 0.0 else np.nan


@kernel("float64(float64, float64)")
def density_of_occupancy(occupancy: float, g_m: float) -> float:
    """Vehicles per km and lane of a loop that is occupied for the share `occupancy` of time."""
    return 1000.0 * occupancy / g_m


@kernel("float64(float64, float64, float64, float64)")
def gfactor_speed(vehicles: float, minutes: float, occupancy: float, g_m: float) -> float:
    """Speed of a lane in km/h, v = q / k, of what one loop counts and how long it is occupied.

    NaN where no vehicle passed or the loop was not occupied.
    """
    if not (vehicles > 0.0 and occupancy > 0.0):
        return np.nan
    speed: float = flow_vph(vehicles, minutes) / density_of_occupancy(occupancy, g_m)
    return speed


@kernel(
    "void(float64[::1], float64[::1], float64[::1], float64[::1], float64[::1], float64[::1], "
    "float64[:, ::1])")
def bin_density(
    speed_kmh: Floats, vehicles: Floats, occupancy: Floats, lanes: Floats, g_m: Floats,
    flow: Floats, out: Floats,
) -> None:
    """Flow of a 5-minute bin, and its density by flow and by occupancy.

    speed_kmh, vehicles, occupancy (0..1), lanes, g_m: float64[k], NaN absent. flow: float64[k],
    out, vehicles an hour of all lanes. out: float64[k, 2], vehicles per km and lane, NaN where
    it cannot be told. O(1) a bin.
    """
    for k in range(speed_kmh.shape[0]):
        flow[k] = flow_vph(vehicles[k], 5.0)
        out[k, 0] = density_of_flow(flow[k], speed_kmh[k], lanes[k])
        out[k, 1] = density_of_occupancy(occupancy[k], g_m[k])


@kernel(
    "void(float64[:, ::1], float64[:, ::1], float64[::1], float64[::1], float64[::1])")
def loop_speeds(
    vehicles: Floats, occupancy: Floats, g_m: Floats, cap_kmh: Floats, out: Floats
) -> None:
    """Smoothed g-factor speed of the last of some 5-minute bins of a loop.

    vehicles, occupancy: float64[k, b], of one lane (0..1), NaN absent. g_m, cap_kmh: float64[k].
    out: float64[k], km/h, NaN unless the last bin has a speed. With p = vehicles / (vehicles +
    50) each speed counts p and what was before 1 - p; the first one stands alone. A bin without
    a speed leaves all as it was. Speeds are held to 3 mph … the cap. Cost: one pass.
    """
    for k in range(vehicles.shape[0]):
        smooth = np.nan
        out[k] = np.nan
        for b in range(vehicles.shape[1]):
            speed = gfactor_speed(vehicles[k, b], 5.0, occupancy[k, b], g_m[k])
            if np.isnan(speed):
                out[k] = np.nan
                continue
            speed = min(max(speed, LOOP_FLOOR_KMH), cap_kmh[k])
            share = vehicles[k, b] / (vehicles[k, b] + SMOOTH_VEHICLES)
            smooth = speed if np.isnan(smooth) else share * speed + (1.0 - share) * smooth
            out[k] = smooth
