"""The air indices of each hour that look back on a day: the US index, and the UK's beside it.

Both are made of the same 24 hourly means, so they are one family: the hours are gathered once.
"""

from typing import Any

import numba as nb
import numpy as np

from engine.air import (
    LOOK_BACK_H,
    POLLUTANTS,
    AirHours,
    hours_of,
    measured_inputs,
    tell,
    tell_whole,
)
from engine.catalogue import POSITION
from engine.conversion import factors
from engine.daqi import AVERAGES_MIN, PARTS, station_daqi
from engine.family import Bools, Floats, Integers, Members, Result, blank
from engine.kernel import kernel
from engine.panes import COVER, FINE, QUARTER, SCALE, Panes
from engine.pollutants import SO2

TO_UGM3 = factors("eu", POLLUTANTS)
QUARTERS_AN_HOUR = 4
QUARTERS_MIN, MINUTES_MIN = 3, 12
"""An hour's highest 15-min mean needs 3 of its 4 quarters, a quarter 12 of its 15 minutes."""
_SO2_COLUMN = 1 + PARTS.index(SO2)
_SPANS_H = tuple(max(AVERAGES_MIN[part] // 60, 1) for part in PARTS)


@kernel(nb.void(
    nb.int32[:, ::1], nb.int64, nb.int64, nb.int32[::1], nb.int64[::1], nb.int64[::1],
    nb.from_dtype(FINE)[:, ::1], nb.float64[:, ::1], nb.int64[:, ::1],
))
def gather_highs(
    table: Any, first: int, devices: int, rows: Any, members: Any, windows: Any, quarters: Any,
    highs: Any, valid: Any,
) -> None:
    """The highest 15-min mean of hours, of the devices of one input averaged.

    table: int32[m, columns], slots; the input has `devices` columns from `first` on. rows:
    int32[series], row of a series in the ring. members, windows: int64[k], local hour numbers.
    quarters: FINE[rows, panes]. highs: float64[k, h], newest hour first, canonical unit, NaN
    under 3 quarters. valid: int64[k, h], quarters that have a mean. Cost: k * h * 4 * devices.
    """
    length = quarters.shape[1]
    for k in range(members.shape[0]):
        for h in range(highs.shape[1]):
            highest = -np.inf
            valid[k, h] = 0
            for q in range(QUARTERS_AN_HOUR):
                index = (windows[k] - h) * QUARTERS_AN_HOUR + q
                total = 0.0
                count = 0
                for j in range(first, first + devices):
                    slot = table[members[k], j]
                    if slot < 0 or rows[slot] < 0:
                        continue
                    pane = quarters[rows[slot], index % length]
                    if pane.tag != index or pane.n == 0:
                        continue
                    minutes = 0
                    for i in range(15):
                        minutes += ((pane.covered & COVER) >> nb.uint64(i)) & nb.uint64(1)
                    if minutes >= MINUTES_MIN:
                        total += pane.sum / (pane.n * SCALE)
                        count += 1
                if count > 0:
                    valid[k, h] += 1
                    highest = max(highest, total / count)
            highs[k, h] = highest if valid[k, h] >= QUARTERS_MIN else np.nan


def so2_highs(
    members: Members, rows: Integers, windows: Integers, panes: Panes, hours: int
) -> tuple[Floats, Integers]:
    """`gather_highs` of SO2 in ppb: of the last `hours` hours of each window."""
    shape = (len(rows), hours)
    highs, valid = np.empty(shape), np.empty(shape, np.int64)
    gather_highs(
        members.table, SO2 * members.devices, members.devices, panes.rows[QUARTER], rows, windows,
        panes.fine[QUARTER], highs, valid,
    )
    return highs, valid


class AirIndices(AirHours):
    """US AQI, NowCast and the UK index, at the end of each hour."""

    indicators = AirHours.indicators + tuple(POSITION[f"air.{name}"] for name in (
        "daqi_uk", *(f"daqi_uk_{POLLUTANTS[row]}" for row in PARTS),
    ))

    def compute(self, members: Integers, windows: Integers, now_min: int, panes: Panes) -> Result:
        """One row a station and hour."""
        means, readings = hours_of(self.members, members, windows, panes, LOOK_BACK_H)
        end = self.end_min(members, windows)
        measured = measured_inputs(self.members, members, end - 60, end, panes)
        us = self.of_hours(means, readings, measured)
        uk = self._uk(members, windows, panes, means, readings, measured)
        return Result(
            np.hstack([us.value, uk.value]), np.hstack([us.cov, uk.cov]),
            np.hstack([us.n, uk.n]), us.weight, us.between,
        )

    def _uk(
        self, members: Integers, windows: Integers, panes: Panes, means: Floats,
        readings: Integers, measured: Bools,
    ) -> Result:
        result = blank(len(members), 1 + len(PARTS))
        highs, quarters = so2_highs(self.members, members, windows, panes, 1)
        station_daqi(
            means * TO_UGM3[:, None], highs * TO_UGM3[SO2], np.ones(len(members), np.int64),
            result.value,
        )
        tell(result, ~np.isnan(means), readings, measured, PARTS, _SPANS_H)
        result.cov[:, _SO2_COLUMN] = quarters[:, 0] / QUARTERS_AN_HOUR
        tell_whole(result, measured[:, list(PARTS)])
        return result
