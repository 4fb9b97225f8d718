"""Mean speeds of a road in each hour: over time and over space."""

from typing import Any

import numba as nb
import numpy as np

from engine.catalogue import POSITION
from engine.changed import Reaching, of_level
from engine.completeness import enough
from engine.family import NOT_MEASURED, Cadence, Integers, Result, Shared, Slots, blank
from engine.kernel import kernel
from engine.mean_speeds import space_mean_kmh, time_mean_kmh
from engine.panes import COARSE, FINE, FIVE, HOUR, Panes
from engine.road_bins import SPEED
from engine.traffic import DIGITS, Segments

BINS = 12
MEANS = ("speed_hour", "speed_time_mean")


@kernel(nb.void(
    nb.int32[:, ::1], nb.int64, nb.int32[::1], nb.int64[::1], nb.int64[::1],
    nb.from_dtype(COARSE)[:, ::1], nb.from_dtype(FINE)[:, ::1], nb.float64[:, ::1],
    nb.int32[::1], nb.float64[::1],
))
def hour_speeds(
    table: Any, lanes: int, rows: Any, members: Any, windows: Any, hours: Any, five: Any,
    out: Any, readings: Any, coverage: Any,
) -> None:
    """Space-mean and time-mean speed of all readings of an hour, each reading alike.

    table: int32[m, >= lanes], slots of speeds first, -1 blank. rows: int32[series], row in
    `five`. members, windows: int64[k], local hours. hours: COARSE[series, 240]. five: FINE[row,
    bins]. out: float64[k, 2], km/h, space mean then time mean, NaN under 45 of 60 minutes.
    readings: int32[k]. coverage: float64[k], of the best lane. Cost: k * lanes * 12.
    """
    for k in range(members.shape[0]):
        total = 0
        count = 0
        slowness = 0
        samples = 0
        covered = 0
        for j in range(lanes):
            slot = table[members[k], j]
            if slot < 0:
                continue
            pane = hours[slot, windows[k] % hours.shape[1]]
            if pane.tag != windows[k] or pane.n == 0:
                continue
            total += pane.sum
            count += pane.n
            minutes = 0
            for i in range(60):
                minutes += (pane.covered >> nb.uint64(i)) & nb.uint64(1)
            covered = max(covered, minutes)
            for index in range(windows[k] * BINS, (windows[k] + 1) * BINS):
                part = five[rows[slot], index % five.shape[1]]
                if part.tag == index:
                    slowness += part.sum
                    samples += part.n
        readings[k] = count
        coverage[k] = covered / 60.0
        out[k, :] = np.nan
        if enough(covered, 60):
            out[k, 0] = space_mean_kmh(slowness, samples)
            out[k, 1] = time_mean_kmh(total, count)


class TrafficHours(Shared[Segments], Cadence):
    """Space-mean and time-mean speed of each hour."""

    indicators = tuple(POSITION[f"traffic.{name}"] for name in MEANS)

    def touched(
        self, changed: Reaching, member_of: Slots
    ) -> tuple[Integers, Integers]:
        """The hour."""
        return of_level(changed, HOUR, member_of)

    def compute(self, members: Integers, windows: Integers, now_min: int, panes: Panes) -> Result:
        """One row a segment and hour."""
        segments = self.source
        result = blank(len(members), len(self.indicators))
        means, coverage = np.empty((len(members), 2)), np.empty(len(members))
        readings = np.empty(len(members), np.int32)
        hour_speeds(
            self.members.table, self.members.devices, panes.rows[FIVE], members, windows,
            panes.coarse[0], panes.fine[FIVE], means, readings, coverage,
        )
        result.value[:] = np.round(means, DIGITS)
        result.n[:], result.cov[:] = readings[:, None], coverage[:, None]
        end = self.end_min(members, windows)
        result.n[~segments.has(members, end - self.minutes, end, panes)[:, SPEED]] = NOT_MEASURED
        result.weight = segments.roads(members, end - self.minutes).length_km
        return result
