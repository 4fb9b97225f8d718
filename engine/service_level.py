"""Level of service of a road, A (1) to F (6), by the tables of the HCM in metric units.

Freeway: HCM 7th edition as quoted by the TxDOT TSAP manual 9.3.4, density in passenger cars per
mile and lane, the limit included (11 is A). Urban street: HCM 2000 Exhibit 15-2, average travel
speed strictly above each limit, by class; HCM 2010, speed in percent of free flow.
"""

import numpy as np
import numpy.typing as npt

from engine.kernel import inner, kernel
from engine.us_units import KM_PER_MILE

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int8]

NO_CLASS, FREEWAY, FREEWAY_RURAL, URBAN_1, URBAN_2, URBAN_3, URBAN_4 = -1, 0, 1, 2, 3, 4, 5
LOS_WORDS = "ABCDEF"
WORST = 6.0
"""Level F as a number; A is 1."""
FREEWAY_PC_MI = np.array([[11.0, 18, 26, 35, 45], [6, 14, 22, 29, 39]])
"""Upper limits of A … E in passenger cars per mile and lane: urban freeway, rural facility."""
URBAN_2000_MPH = np.array([
    [42.0, 34, 27, 21, 16], [35, 28, 22, 17, 13], [30, 24, 18, 14, 10], [25, 19, 13, 9, 7],
])
"""Lower limits of A … E in mph, classes I to IV."""
URBAN_2010_PERCENT = np.array([85.0, 67, 50, 40, 30])
"""Lower limits of A … E in percent of the base free-flow speed."""
CARS_A_LORRY = 2.0
"""E_T on level terrain."""

_FREEWAY = FREEWAY_PC_MI / KM_PER_MILE
_URBAN = URBAN_2000_MPH * KM_PER_MILE
_EDGE = 1e-9
"""Conversion and division leave dust of 1e-15: a limit met exactly is met."""


def passenger_cars(vehicles: Floats, heavy_share: Floats) -> Floats:
    """Vehicles as passenger cars: a heavy one counts as two, on level terrain."""
    return vehicles * (1.0 + heavy_share * (CARS_A_LORRY - 1.0))


@kernel("float64(int64, float64, float64)")
def los_freeway(road_class: int, density: float, load: float) -> float:
    """Level of a freeway, 1 … 6, by `density` in passenger cars per km and lane.

    `load` is flow over capacity, NaN unknown; above 1 the level is F. NaN for other roads.
    """
    if road_class not in (FREEWAY, FREEWAY_RURAL) or np.isnan(density):
        return np.nan
    if load > 1.0:
        return WORST
    level = 1.0
    for i in range(_FREEWAY.shape[1]):
        if density > _FREEWAY[road_class, i] * (1.0 + _EDGE):
            level += 1.0
    return level


@kernel("float64(int64, float64)")
def los_urban_2000(road_class: int, speed_kmh: float) -> float:
    """Level of an urban street, 1 … 6, by its average travel speed; NaN for other roads."""
    if road_class < URBAN_1 or not speed_kmh > 0.0:
        return np.nan
    level = 1.0
    for i in range(_URBAN.shape[1]):
        if speed_kmh <= _URBAN[road_class - URBAN_1, i] * (1.0 + _EDGE):
            level += 1.0
    return level


@inner
def los_urban_2010(road_class: int, speed_kmh: float, free_kmh: float, load: float) -> float:
    """Level of an urban street, 1 … 6, by its speed in percent of free flow.

    `load` is flow over capacity, NaN unknown; above 1 the level is F. NaN for other roads.
    """
    if road_class < URBAN_1 or not (speed_kmh > 0.0 and free_kmh > 0.0):
        return np.nan
    if load > 1.0:
        return WORST
    percent = 100.0 * speed_kmh / free_kmh
    level = 1.0
    for limit in URBAN_2010_PERCENT:
        if percent <= limit * (1.0 + _EDGE):
            level += 1.0
    return level


@kernel(
    "void(int8[::1], float64[::1], float64[::1], float64[::1], float64[::1], float64[::1], "
    "float64[:, ::1])")
def service_levels(
    road_class: Codes, speed_kmh: Floats, flow: Floats, free_kmh: Floats, lanes: Floats,
    capacity: Floats, out: Floats,
) -> None:
    """The three levels of each road.

    road_class: int8[k]. speed_kmh: float64[k], space mean. flow: float64[k], passenger cars an
    hour. free_kmh: float64[k]. lanes: float64[k], 0 unknown. capacity: float64[k], vehicles an
    hour of the road, 0 unknown. NaN is no data. out: float64[k, 3]: freeway, HCM 2000, HCM
    2010, NaN where there is none. O(1) a road.
    """
    for k in range(road_class.shape[0]):
        load = flow[k] / capacity[k] if capacity[k] > 0.0 else np.nan
        density = np.nan
        if speed_kmh[k] > 0.0 and lanes[k] > 0.0:
            density = flow[k] / (speed_kmh[k] * lanes[k])
        out[k, 0] = los_freeway(road_class[k], density, load)
        out[k, 1] = los_urban_2000(road_class[k], speed_kmh[k])
        out[k, 2] = los_urban_2010(road_class[k], speed_kmh[k], free_kmh[k], load)
