"""What the detectors of a road say in consecutive 5-minute bins: speed, vehicles, occupancy.

Lanes (channels, devices) of one road are joined: vehicles add up, occupancies are averaged, and
the space-mean speed weighs each lane by the vehicles that its own counter saw. Where a lane
with speeds has no counter of its own, lanes count by their readings.
"""

from dataclasses import dataclass
from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from engine.kernel import inner, kernel
from engine.mean_speeds import harmonic_mean_kmh
from engine.panes import FINE, FIVE, Panes
from engine.registry import Registry
from engine.series import period_of

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

SPEED, COUNT, OCCUPANCY = range(3)
ENOUGH_MIN = 4
"""Of five minutes: three quarters."""


@inner
def minutes_of(covered: int) -> Any:
    """How many of its five minutes a pane vouches for."""
    minutes = 0
    for i in range(5):
        minutes += nb.int64((covered >> nb.uint64(i)) & nb.uint64(1))
    return minutes


@inner
def joined_speed(speed: Any, samples: Any, vehicles: Any, pair: Any) -> Any:
    """Space-mean speed of lanes, by their vehicles if each lane with a speed has a counter.

    speed: float64[d], km/h, 0 none. samples: float64[d], readings, 0 none. vehicles: float64[d]
    of each counter, NaN none. pair: int32[d], counter of each lane, or -1. O(d).
    """
    for lane in range(len(speed)):
        if samples[lane] > 0.0 and (pair[lane] < 0 or np.isnan(vehicles[pair[lane]])):
            return harmonic_mean_kmh(speed, samples)
    weight = np.zeros(len(speed))
    for lane in range(len(speed)):
        if samples[lane] > 0.0:
            weight[lane] = vehicles[pair[lane]]
    return harmonic_mean_kmh(speed, weight)


@kernel(nb.void(
    nb.int32[:, ::1], nb.int32[:, ::1], nb.int32[::1], nb.int64[::1], nb.int64[::1],
    nb.from_dtype(FINE)[:, ::1], nb.float64[:, :, ::1], nb.int32[:, :, ::1],
    nb.float64[:, :, ::1],
))
def gather_bins(
    table: Any, pair: Any, rows: Any, members: Any, first: Any, five: Any, values: Any,
    readings: Any, coverage: Any,
) -> None:
    """Speed, vehicles and occupancy of consecutive 5-minute bins.

    table: int32[m, 3 * d], slots of d speeds, d counts and d occupancies, -1 blank. pair:
    int32[m, d], the counter of the same lane as each speed, or -1. rows: int32[series], row in
    `five` or -1. members, first: int64[k], first local bin number. five: FINE[row, bins].
    values: float64[k, b, 3]: km/h, vehicles of the whole bin, occupancy 0..1; NaN: a speed or an
    occupancy with under 4 of 5 minutes, a speed where counters saw no vehicle, no counter.
    readings: int32[k, b, 3]. coverage: float64[k, b, 3], of the best lane. Cost: k * b * 3 d.
    """
    lanes = pair.shape[1]
    speed, samples, vehicles = np.empty(lanes), np.empty(lanes), np.empty(lanes)
    for k in range(members.shape[0]):
        for b in range(values.shape[1]):
            index = first[k] + b
            values[k, b, :] = np.nan
            readings[k, b, :] = 0
            coverage[k, b, :] = 0.0
            counted, occupied = 0.0, 0.0
            counters, loops = 0, 0
            speed[:] = 0.0
            samples[:] = 0.0
            vehicles[:] = np.nan
            for j in range(3 * lanes):
                slot = table[members[k], j]
                if slot < 0:
                    continue
                pane = five[rows[slot], index % five.shape[1]]
                if pane.tag != index or pane.n == 0:
                    continue
                kind, lane = j // lanes, j % lanes
                minutes = minutes_of(pane.covered)
                readings[k, b, kind] += pane.n
                coverage[k, b, kind] = max(coverage[k, b, kind], minutes / 5.0)
                if kind == SPEED:
                    speed[lane] = pane.n * 1e12 / pane.sum if pane.sum > 0 else 0.0
                    samples[lane] = pane.n
                elif kind == COUNT and minutes > 0:
                    vehicles[lane] = pane.sum / 1e6 * 5.0 / minutes
                    counted += vehicles[lane]
                    counters += 1
                elif kind == OCCUPANCY and minutes >= ENOUGH_MIN:
                    occupied += pane.sum / (pane.n * 1e6)
                    loops += 1
            if counters > 0:
                values[k, b, COUNT] = counted
            if loops > 0:
                values[k, b, OCCUPANCY] = occupied / loops
            passed = counters == 0 or counted > 0.0
            if 5.0 * coverage[k, b, SPEED] >= ENOUGH_MIN and passed:
                values[k, b, SPEED] = joined_speed(speed, samples, vehicles, pair[members[k]])


@kernel(nb.void(
    nb.int32[:, ::1], nb.int32[::1], nb.int64[::1], nb.int64[::1], nb.from_dtype(FINE)[:, ::1],
    nb.int64[::1], nb.int32[::1], nb.int64[:, ::1], nb.float64[:, ::1], nb.boolean[:, ::1],
))
def missing_counters(
    table: Any, rows: Any, members: Any, first: Any, five: Any, first_min: Any, shift: Any,
    since_s: Any, period_s: Any, missing: Any,
) -> None:
    """Bins in which a counter that there was has not counted for 4 of 5 minutes.

    table, rows, members, first, five: as `gather_bins`. first_min: int64[series], Unix minute of
    the first reading. shift: int32[series]. since_s, period_s: as `period_of`. missing: bool[k,
    b], out. Cost: k * b * d.
    """
    lanes = table.shape[1] // 3
    for k in range(members.shape[0]):
        for b in range(missing.shape[1]):
            index = first[k] + b
            missing[k, b] = False
            for j in range(lanes, 2 * lanes):
                slot = table[members[k], j]
                if slot < 0:
                    continue
                pane = five[rows[slot], index % five.shape[1]]
                if pane.tag == index and minutes_of(pane.covered) >= ENOUGH_MIN:
                    continue
                start = index * 5 - shift[slot]
                if first_min[slot] < start + 5 and (
                    period_of(slot, start * 60, since_s, period_s) > 0.0
                ):
                    missing[k, b] = True


@dataclass(slots=True)
class Bins:
    """Bins of k roads as `gather_bins` has them: arrays of [k, b, 3]; missing: bool[k, b]."""

    values: Floats
    readings: npt.NDArray[np.int32]
    coverage: Floats
    missing: npt.NDArray[np.bool_]

    @property
    def speeds(self) -> Floats:
        """float64[k, b], space-mean speed in km/h."""
        return np.ascontiguousarray(self.values[:, :, SPEED])

    @property
    def vehicles(self) -> Floats:
        """float64[k, b], of the counters that there are."""
        return np.ascontiguousarray(self.values[:, :, COUNT])

    @property
    def all_vehicles(self) -> Floats:
        """float64[k, b], NaN where a lane is missing: a sum without it would look like a fall."""
        return np.where(self.missing, np.nan, self.values[:, :, COUNT])

    @property
    def occupancy(self) -> Floats:
        """float64[k, b], 0..1."""
        return np.ascontiguousarray(self.values[:, :, OCCUPANCY])


def bins_of(
    table: npt.NDArray[np.int32], pair: npt.NDArray[np.int32], registry: Registry,
    members: Integers, first: Integers, count: int, panes: Panes,
) -> Bins:
    """`count` bins of each member from `first` on."""
    shape = (len(members), count, 3)
    found = Bins(
        np.empty(shape), np.empty(shape, np.int32), np.empty(shape), np.empty(shape[:2], np.bool_)
    )
    rows, five = panes.rows[FIVE], panes.fine[FIVE]
    gather_bins(
        table, pair, rows, members, first, five, found.values, found.readings, found.coverage
    )
    missing_counters(
        table, rows, members, first, five, panes.first_min, registry.shift, registry.since_s,
        registry.period_s, found.missing,
    )
    return found


def pairs_of(table: npt.NDArray[np.int32], devices: int, registry: Registry) -> (
    npt.NDArray[np.int32]
):
    """int32[m, devices]: the counter of the same device and channel as each speed, or -1."""
    pair = np.full((len(table), devices), -1, np.int32)
    for member, row in enumerate(table.tolist()):
        counters = {
            registry.series[slot][1::2]: lane
            for lane, slot in enumerate(row[devices : 2 * devices]) if slot >= 0
        }
        for lane, slot in enumerate(row[:devices]):
            if slot >= 0:
                pair[member, lane] = counters.get(registry.series[slot][1::2], -1)
    return pair
