"""Level of service of a road in each quarter of an hour, by its class in the places file."""

import numpy as np

from engine.catalogue import POSITION
from engine.changed import Reaching, of_level
from engine.family import (
    NOT_MEASURED,
    Cadence,
    Floats,
    Integers,
    Result,
    Shared,
    Slots,
    blank,
    ranges,
)
from engine.panes import FIVE, Panes
from engine.road_bins import COUNT, SPEED
from engine.service_level import FREEWAY_RURAL, URBAN_1, passenger_cars, service_levels
from engine.traffic import DIGITS, Segments

BINS = 3
GRADES = ("los_freeway", "los_urban_hcm2000", "los_urban_hcm2010")


def quarter_speed(speeds: Floats, vehicles: Floats) -> Floats:
    """float64[k]: space-mean speed of bins [k, b], by vehicles where they are counted.

    NaN unless every bin has a speed.
    """
    counted = np.where(np.isnan(vehicles), 1.0, vehicles)
    uncounted = np.isnan(vehicles).any(axis=1) | (counted.sum(axis=1) == 0)
    counted[uncounted] = 1.0
    mean: Floats = counted.sum(axis=1) / (counted / speeds).sum(axis=1)
    return mean


class TrafficQuarters(Shared[Segments], Cadence):
    """Freeways by density, urban streets by speed; other roads have no level."""

    indicators = tuple(POSITION[f"traffic.{name}"] for name in GRADES)
    minutes = 15

    def touched(
        self, changed: Reaching, member_of: Slots
    ) -> tuple[Integers, Integers]:
        """The quarter that holds a changed bin."""
        members, bins = of_level(changed, FIVE, member_of)
        return members, bins // BINS

    def of_days(self, members: Integers, days: Integers) -> tuple[Integers, Integers]:
        """All quarters of traffic days, which begin and end at 03:00."""
        first, last = (bins // BINS for bins in self.source.bounds_of_days(members, days))
        return ranges(members, first, last - first)

    def compute(self, members: Integers, windows: Integers, now_min: int, panes: Panes) -> Result:
        """One row a segment and quarter of an hour."""
        segments = self.source
        result = blank(len(members), len(self.indicators))
        bins = segments.bins(members, windows * BINS, BINS, panes)
        vehicles = bins.all_vehicles.sum(axis=1)
        start, end = self.end_min(members, windows - 1), self.end_min(members, windows)
        roads = segments.roads(members, start)
        cars = passenger_cars(vehicles * 4.0, roads.heavy)
        speed = quarter_speed(bins.speeds, bins.all_vehicles)
        free = segments.free.at(members, segments.traffic_day(members, start), roads.posted)
        road_class = roads.road_class
        service_levels(
            road_class, np.round(speed, DIGITS), cars, free, roads.lanes, roads.capacity,
            result.value,
        )
        freeway = (road_class >= 0) & (road_class <= FREEWAY_RURAL)
        has = segments.has(members, start, end, panes)
        result.cov[:] = bins.coverage[:, :, SPEED].mean(axis=1)[:, None]
        result.n[:] = bins.readings[:, :, SPEED].sum(axis=1)[:, None]
        result.n[~(freeway & has[:, SPEED] & has[:, COUNT]
                   & (roads.lanes > 0)), 0] = NOT_MEASURED
        result.n[~((road_class >= URBAN_1) & has[:, SPEED]), 1:] = NOT_MEASURED
        volume = np.nan_to_num(bins.vehicles, nan=1.0).sum(axis=1)
        result.weight = np.maximum(volume, 1.0) * roads.length_km
        return result
