"""Air: the current US AQI of a station each hour, from its hourly means.

Hourly means are valid from 45 minutes of data (2008/50/EC Annex VII.A.2; US practice the same).
Several devices of one pollutant at a station are averaged over their valid hours.
"""

from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from edge.quantities import INDEX
from engine.calendar import EPOCH_DAY
from engine.catalogue import POSITION
from engine.family import Integers, Members, Result, Slots, blank, no_members, of_level, spread
from engine.panes import COARSE, HOUR, Panes, kernel
from engine.registry import Registry
from engine.us_aqi import day_aqi, station_aqi

POLLUTANTS = ("pm25", "pm10", "o3", "co", "so2", "no2")
LOOK_BACK_H = 24
DAY_HOURS = 31
"""Hours that a daily index looks at: the day and 7 before it, for running 8-h means."""
_WINDOW_H = np.array([24, 12, 12, 8, 8, 24, 1, 12, 12])
"""Hours that each output looks back on; the overall index covers what its parts do."""


@kernel(nb.int64(nb.uint64))
def count_bits(bits: int) -> int:
    """Set bits among the lower 60."""
    count = 0
    for i in range(60):
        count += (bits >> nb.uint64(i)) & nb.uint64(1)
    return count


@kernel(nb.void(
    nb.int32[:, ::1], nb.int64, nb.int64[::1], nb.int64[::1], nb.from_dtype(COARSE)[:, ::1],
    nb.float64[:, :, ::1], nb.int64[:, ::1], nb.float64[:, ::1],
))
def gather_hours(
    table: Any, devices: int, members: Any, windows: Any, hours: Any, means: Any, readings: Any,
    coverage: Any,
) -> None:
    """Hourly means of the hours that each window looks back on.

    table: int32[m, inputs * devices], slots. members, windows: int64[k], local hour numbers.
    hours: COARSE[series, 240]. means: float64[k, inputs, h], newest first, canonical unit, NaN
    under 45 minutes. readings: int64[k, inputs]. coverage: float64[k, inputs], share of the
    minutes of the h hours. Cost: k * inputs * devices * h.
    """
    inputs = means.shape[1]
    look_back = means.shape[2]
    length = hours.shape[1]
    for k in range(members.shape[0]):
        for i in range(inputs):
            readings[k, i] = 0
            coverage[k, i] = 0.0
            for h in range(look_back):
                window = windows[k] - h
                total = 0.0
                valid = 0
                most = 0
                for j in range(devices):
                    slot = table[members[k], i * devices + j]
                    if slot < 0:
                        continue
                    pane = hours[slot, window % length]
                    if pane.tag != window or pane.n == 0:
                        continue
                    minutes = count_bits(pane.covered)
                    most = max(most, minutes)
                    readings[k, i] += pane.n
                    if minutes >= 45:
                        total += pane.sum / (pane.n * 1e6)
                        valid += 1
                coverage[k, i] += most / (60.0 * look_back)
                means[k, i, h] = total / valid if valid > 0 else np.nan


class AirHours:
    """US AQI overall and by pollutant, and the NowCast of PM, at the end of each hour."""

    indicators = tuple(POSITION[f"air.{name}"] for name in (
        "us_aqi", "us_aqi_pm25", "us_aqi_pm10", "us_aqi_o3", "us_aqi_co", "us_aqi_so2",
        "us_aqi_no2", "nowcast_pm25", "nowcast_pm10",
    ))
    _input = np.array([-1, 0, 1, 2, 3, 4, 5, 0, 1])

    def __init__(self) -> None:
        self.members: Members = no_members(tuple(INDEX[name] for name in POLLUTANTS))
        self.places = self.members.places

    def enrol(self, registry: Registry) -> None:
        self.members.enrol(registry, registry.stations_with(POLLUTANTS))

    def slots(self) -> Slots:
        return self.members.table

    def ordinal(self, members: Integers, minute: Integers) -> Integers:
        return (minute + self.members.shift[members]) // 60

    def end_min(self, members: Integers, window: Integers) -> Integers:
        return (window + 1) * 60 - self.members.shift[members]

    def touched(
        self, panes: npt.NDArray[np.int32], member_of: Slots
    ) -> tuple[Integers, Integers]:
        return spread(*of_level(panes, HOUR, member_of), LOOK_BACK_H)

    def compute(self, members: Integers, windows: Integers, now_min: int, panes: Panes) -> Result:
        count = len(members)
        result = blank(count, len(self.indicators))
        means = np.empty((count, 6, LOOK_BACK_H))
        readings = np.zeros((count, 6), np.int64)
        coverage = np.zeros((count, 6))
        gather_hours(
            self.members.table, self.members.devices, members, windows, panes.coarse[0],
            means, readings, coverage,
        )
        station_aqi(means, result.value)
        valid = ~np.isnan(means)
        for out, source in enumerate(self._input):
            span = _WINDOW_H[out]
            share = valid[:, :, :span].mean(axis=2)
            if source >= 0:
                result.cov[:, out] = share[:, source]
                result.n[:, out] = readings[:, source]
        used = measured_inputs(self.members, members)
        for out, source in enumerate(self._input):
            if source >= 0:  # of a pollutant that the station has no sensor for, nothing is said
                result.n[~used[:, source], out] = -1
        result.cov[:, 0] = (result.cov[:, 1:7] * used).sum(axis=1) / np.maximum(
            used.sum(axis=1), 1
        )
        result.n[:, 0] = readings.sum(axis=1)
        return result


class AirDays:
    """US AQI of each calendar day in local standard time (40 CFR 58 App. G, daily index)."""

    indicators = (POSITION["air.us_aqi_day"],)

    def __init__(self, hours: AirHours) -> None:
        self._members = hours.members
        self.places = hours.places

    def enrol(self, registry: Registry) -> None:
        """The hours enrol the members that both share."""

    def slots(self) -> Slots:
        return self._members.table

    def ordinal(self, members: Integers, minute: Integers) -> Integers:
        return (minute + self._members.shift[members]) // 1440 + EPOCH_DAY

    def end_min(self, members: Integers, window: Integers) -> Integers:
        return (window + 1 - EPOCH_DAY) * 1440 - self._members.shift[members]

    def touched(
        self, panes: npt.NDArray[np.int32], member_of: Slots
    ) -> tuple[Integers, Integers]:
        members, hours = of_level(panes, HOUR, member_of)
        return spread(members, hours // 24 + EPOCH_DAY, 2)

    def compute(self, members: Integers, windows: Integers, now_min: int, panes: Panes) -> Result:
        count = len(members)
        result = blank(count, 1)
        means = np.empty((count, 6, DAY_HOURS))
        readings = np.zeros((count, 6), np.int64)
        gather_hours(
            self._members.table, self._members.devices, members,
            (windows - EPOCH_DAY) * 24 + 23, panes.coarse[0], means, readings, np.empty((count, 6)),
        )
        indices = np.empty((count, 7))
        day_aqi(np.ascontiguousarray(means[:, :, ::-1]), indices)
        result.value[:, 0] = indices[:, 0]
        valid = ~np.isnan(means[:, :, :24])
        measured = measured_inputs(self._members, members)
        share = (valid.mean(axis=2) * measured).sum(axis=1)
        result.cov[:, 0] = share / np.maximum(measured.sum(axis=1), 1)
        result.n[:, 0] = readings.sum(axis=1)
        return result


def measured_inputs(members: Members, rows: Integers) -> npt.NDArray[np.bool_]:
    """bool[k, inputs]: whether each member has a sensor for each input."""
    table = members.table[rows].reshape(len(rows), len(members.inputs), members.devices)
    known: npt.NDArray[np.bool_] = np.any(np.greater_equal(table, 0), axis=2)
    return known
