"""The European index of a station each hour, edition 2024, overall and by pollutant."""

import numpy as np

from engine.air import POLLUTANTS, AirHours, hours_of, measured_inputs, tell, tell_whole
from engine.catalogue import POSITION
from engine.changed import Reaching, of_level
from engine.conversion import factors
from engine.eaqi import PARTS, eaqi_hour
from engine.family import Cadence, Integers, Result, Shared, Slots, blank
from engine.panes import HOUR, Panes

_TO_UGM3 = factors("eu", POLLUTANTS)


class EaqiHours(Shared[AirHours], Cadence):
    """The band of the hour: the worst of the pollutants, and each of them."""

    indicators = tuple(POSITION[f"air.{name}"] for name in (
        "eaqi_2024", *(f"eaqi_2024_{POLLUTANTS[row]}" for row in PARTS),
    ))

    def touched(
        self, changed: Reaching, member_of: Slots
    ) -> tuple[Integers, Integers]:
        """The hour."""
        return of_level(changed, HOUR, member_of)

    def compute(self, members: Integers, windows: Integers, now_min: int, panes: Panes) -> Result:
        """One row a station and hour; see `Family`."""
        result = blank(len(members), len(self.indicators))
        means, readings = hours_of(self.members, members, windows, panes, 1)
        end = self.end_min(members, windows)
        measured = measured_inputs(self.members, members, end - 60, end, panes)
        eaqi_hour(
            np.ascontiguousarray(means[:, :, 0] * _TO_UGM3), np.ascontiguousarray(measured),
            result.value,
        )
        tell(result, ~np.isnan(means), readings, measured, PARTS, (1,) * len(PARTS))
        tell_whole(result, measured[:, list(PARTS)])
        return result
