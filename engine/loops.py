"""Speed that a single loop implies (PeMS g-factor), where a road has counter and occupancy.

The smoothing of PeMS remembers all that was; ours begins an hour before, so that the speed of a
bin follows from the readings of that hour alone, in whatever order they came.
"""

import numpy as np

from edge.quantities import INDEX
from engine.catalogue import POSITION
from engine.changed import Reaching, of_level
from engine.density import LOOP_CAP_KMH, loop_speeds
from engine.family import (
    NOT_MEASURED,
    Cadence,
    Integers,
    Members,
    Result,
    Slots,
    blank,
    spread,
)
from engine.panes import FIVE, Panes
from engine.registry import Registry
from engine.road_bins import COUNT, OCCUPANCY, bins_of
from engine.road_rows import RoadRows
from engine.traffic import DIGITS, INPUTS

LOOK_BACK_BINS = 12
CAP_SHARE = 1.3
"""Of the posted limit: what a free-flow speed is held to as well."""


class LoopSpeeds(Cadence):
    """Smoothed g-factor speed of each 5-minute bin, of the lanes of a station together."""

    indicators = (POSITION["traffic.gfactor_speed"],)
    minutes = 5

    def __init__(self) -> None:
        super().__init__(Members(tuple(INDEX[name] for name in INPUTS)))
        self._pair = np.zeros((0, 1), np.int32)
        self.rows = RoadRows()

    def enrol(self, registry: Registry) -> None:
        """Take in the stations that have both counter and occupancy."""
        wanted = {INDEX["count"], INDEX["occupancy"]}
        known = set(self.members.places)
        found = registry.stations_with(INPUTS)
        both = {
            place: by for place, by in found.items() if wanted <= set(by) or place in known
        }
        members = self.members
        members.enrol(registry, both)
        self._pair = np.full((len(members.places), members.devices), -1, np.int32)
        self.rows.load(registry, members.places)

    def touched(
        self, changed: Reaching, member_of: Slots
    ) -> tuple[Integers, Integers]:
        """The bin and those that look back on it."""
        return spread(*of_level(changed, FIVE, member_of), LOOK_BACK_BINS)

    def compute(self, members: Integers, windows: Integers, now_min: int, panes: Panes) -> Result:
        """One row a station and bin."""
        result = blank(len(members), 1)
        bins = bins_of(
            self.members.table, self._pair, self.members.registry, members,
            windows - LOOK_BACK_BINS + 1, LOOK_BACK_BINS, panes,
        )
        out = np.empty(len(members))
        end = self.end_min(members, windows)
        live = self.members.live(members, end - self.minutes, end, panes)
        of_input = live.reshape(len(members), len(INPUTS), self.members.devices).sum(axis=2)
        roads = self.rows.at(members, end - self.minutes)
        cap = np.where(roads.posted > 0, roads.posted * CAP_SHARE, LOOP_CAP_KMH)
        loop_speeds(
            np.ascontiguousarray(bins.all_vehicles / np.maximum(of_input[:, COUNT], 1)[:, None]),
            bins.occupancy, roads.g_m, cap, out,
        )
        result.value[:, 0] = np.round(out, DIGITS)
        result.cov[:, 0] = bins.coverage[:, -1, [COUNT, OCCUPANCY]].min(axis=1)
        result.n[:, 0] = bins.readings[:, -1, OCCUPANCY]
        result.n[(of_input[:, [COUNT, OCCUPANCY]] == 0).any(axis=1)] = NOT_MEASURED
        return result
