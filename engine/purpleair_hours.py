"""Corrected PM2.5 of a station's PurpleAir sensors each hour, and whether their channels agree."""

import numpy as np

from edge.quantities import INDEX
from engine.catalogue import POSITION
from engine.changed import Reaching, of_level
from engine.corrected_hours import (
    ALONE,
    APART,
    COMPARED,
    HOUR_MIN,
    MINUTES,
    PAIRS,
    READINGS,
    SENSORS,
    corrected_rows,
    with_humidity,
)
from engine.family import NOT_MEASURED, Cadence, Integers, Members, Result, Slots, blank
from engine.panes import HOUR, Panes
from engine.registry import Registry

PM25_EPA, CHANNELS = range(2)


class PurpleAirHours(Cadence):
    """The mean of a station's corrected sensors, and how many of them contradict themselves."""

    indicators = (POSITION["air.pm25_purpleair_epa"], POSITION["dq.channels_disagree"])

    def __init__(self) -> None:
        super().__init__(Members((INDEX["pm25"],), beside=(INDEX["rh"],)))

    def enrol(self, registry: Registry) -> None:
        """Take in the stations that have, had or will have a sensor with a correction."""
        known = registry.corrected.union(self.members.places)
        found = registry.stations_with(("pm25",)) if known else {}
        self.members.enrol(registry, with_humidity(registry, {
            place: by for place, by in found.items() if place in known
        }))

    def touched(
        self, changed: Reaching, member_of: Slots
    ) -> tuple[Integers, Integers]:
        """The hour."""
        return of_level(changed, HOUR, member_of)

    def compute(self, members: Integers, windows: Integers, now_min: int, panes: Panes) -> Result:
        """One row a station and hour; see `Family`."""
        result = blank(len(members), 2)
        row = corrected_rows(self.members, members, windows, panes, 1)[:, 0]
        sensors = np.maximum(row[:, SENSORS], 1.0)
        result.value[:, PM25_EPA] = row[:, ALONE]
        result.cov[:, PM25_EPA] = row[:, MINUTES] / (HOUR_MIN * sensors)
        result.n[:, PM25_EPA] = row[:, READINGS]
        compared = row[:, COMPARED] > 0.0
        result.value[compared, CHANNELS] = row[compared, APART]
        result.cov[:, CHANNELS] = row[:, COMPARED] / np.maximum(row[:, PAIRS], 1.0)
        result.n[:, CHANNELS] = row[:, COMPARED]
        result.n[row[:, SENSORS] == 0.0, PM25_EPA] = NOT_MEASURED
        result.n[row[:, PAIRS] == 0.0, CHANNELS] = NOT_MEASURED
        return result
