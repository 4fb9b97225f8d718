"""Air: the current US AQI of a station each hour, from its hourly means.

Hourly means are valid from 45 minutes of data (2008/50/EC Annex VII.A.2; US practice the same).
Several devices of one pollutant at a station are averaged over their valid hours; PM2.5 of sensors
whose rows say so is corrected first (`engine.corrected_hours`).
"""

from typing import Any

import numba as nb
import numpy as np

from edge.quantities import INDEX
from engine.catalogue import POSITION
from engine.changed import Reaching, of_level
from engine.corrected_hours import correct, with_humidity
from engine.family import (
    NOT_MEASURED,
    Bools,
    Cadence,
    Floats,
    Integers,
    Members,
    Result,
    Shared,
    Slots,
    anywhere,
    blank,
    spread,
)
from engine.kernel import inner, kernel
from engine.panes import COARSE, HOUR, Panes
from engine.registry import Registry
from engine.us_aqi import day_aqi, station_aqi

POLLUTANTS = ("pm25", "pm10", "o3", "co", "so2", "no2")
LOOK_BACK_H = 24
DAY_HOURS = 31
"""Hours that a daily index looks at: the day and 7 before it, for running 8-h means."""
_WINDOW_H = (12, 12, 8, 8, 24, 1, 12, 12)
"""Hours that each output but the first looks back on; the overall index covers its parts."""


@inner
def count_bits(bits: int) -> int:
    """Set bits among the lower 60."""
    count = 0
    for i in range(60):
        count += nb.int64((bits >> nb.uint64(i)) & nb.uint64(1))
    return count


@kernel(nb.void(
    nb.int32[:, ::1], nb.int64, nb.int64[::1], nb.int64[::1], nb.from_dtype(COARSE)[:, ::1],
    nb.float64[:, :, ::1], nb.int64[:, :, ::1],
))
def gather_hours(
    table: Any, devices: int, members: Any, windows: Any, hours: Any, means: Any, readings: Any,
) -> None:
    """Hourly means of the hours that each window looks back on.

    table: int32[m, inputs * devices], slots. members, windows: int64[k], local hour numbers.
    hours: COARSE[series, 240]. means: float64[k, inputs, h], newest first, canonical unit, NaN
    under 45 minutes. readings: int64[k, inputs, h], of hours with and without a mean. Cost:
    k * inputs * devices * h.
    """
    inputs = means.shape[1]
    look_back = means.shape[2]
    length = hours.shape[1]
    for k in range(members.shape[0]):
        for i in range(inputs):
            for h in range(look_back):
                window = windows[k] - h
                total = 0.0
                valid = 0
                readings[k, i, h] = 0
                for j in range(devices):
                    slot = table[members[k], i * devices + j]
                    if slot < 0:
                        continue
                    pane = hours[slot, window % length]
                    if pane.tag != window or pane.n == 0:
                        continue
                    readings[k, i, h] += pane.n
                    if count_bits(pane.covered) >= 45:
                        total += pane.sum / (pane.n * 1e6)
                        valid += 1
                means[k, i, h] = total / valid if valid > 0 else np.nan


class AirHours(Cadence):
    """US AQI overall and by pollutant, and the NowCast of PM, at the end of each hour."""

    indicators = tuple(POSITION[f"air.{name}"] for name in (
        "us_aqi", "us_aqi_pm25", "us_aqi_pm10", "us_aqi_o3", "us_aqi_co", "us_aqi_so2",
        "us_aqi_no2", "nowcast_pm25", "nowcast_pm10",
    ))
    _input = (0, 1, 2, 3, 4, 5, 0, 1)
    """Pollutant of each output but the first."""

    def __init__(self) -> None:
        super().__init__(Members(
            tuple(INDEX[name] for name in POLLUTANTS), beside=(INDEX["rh"],)
        ))

    def enrol(self, registry: Registry) -> None:
        """Take in stations with any of the pollutants."""
        self.members.enrol(registry, with_humidity(registry, registry.stations_with(POLLUTANTS)))

    def touched(
        self, changed: Reaching, member_of: Slots
    ) -> tuple[Integers, Integers]:
        """The hour and the 23 after it."""
        return spread(*of_level(changed, HOUR, member_of), LOOK_BACK_H)

    def compute(self, members: Integers, windows: Integers, now_min: int, panes: Panes) -> Result:
        """One row a station and hour; see `Family`."""
        means, readings = hours_of(self.members, members, windows, panes, LOOK_BACK_H)
        end = self.end_min(members, windows)
        measured = measured_inputs(self.members, members, end - 60, end, panes)
        return self.of_hours(means, readings, measured)

    def of_hours(self, means: Floats, readings: Integers, measured: Bools) -> Result:
        """The US index of k stations; means, readings as `gather_hours`, measured bool[k, 6]."""
        result = blank(len(means), 1 + len(self._input))
        station_aqi(means, result.value)
        tell(result, ~np.isnan(means), readings, measured, self._input, _WINDOW_H)
        tell_whole(result, measured)
        return result


class AirDays(Shared[AirHours]):
    """US AQI of each calendar day in local standard time (40 CFR 58 App. G, daily index)."""

    indicators = (POSITION["air.us_aqi_day"],)

    def ordinal(self, members: Integers, minute: Integers) -> Integers:
        """Proleptic ordinal of the day in standard time."""
        return self.members.standard_days(members, minute)

    def end_min(self, members: Integers, window: Integers) -> Integers:
        """Unix minute of the next midnight in standard time."""
        return self.members.standard_day_starts(members, window + 1)

    def touched(
        self, changed: Reaching, member_of: Slots
    ) -> tuple[Integers, Integers]:
        """The day and, for running 8-h means, the next."""
        members, hours = of_level(changed, HOUR, member_of)
        minute = hours * 60 - self.members.shift[members]
        return spread(members, self.members.standard_days(members, minute), 2)

    def compute(self, members: Integers, windows: Integers, now_min: int, panes: Panes) -> Result:
        """One row a station and day; coverage and n are those of the day's own hours."""
        count = len(members)
        result = blank(count, 1)
        start, end = self.end_min(members, windows - 1), self.end_min(members, windows)
        shift = self.members.shift[members]
        last = (end + shift) // 60 - 1
        hours = np.minimum(last + 1 + -(start + shift) // 60, 24)
        means, readings = hours_of(self.members, members, last, panes, DAY_HOURS)
        # Where a zone changed its standard time a day has 23 hours, or 25: then the last 24.
        before = np.arange(DAY_HOURS) >= hours[:, None]
        before[:, 24:] = False
        means[before[:, None].repeat(6, axis=1)] = np.nan
        readings[before[:, None].repeat(6, axis=1)] = 0
        indices = np.empty((count, 7))
        day_aqi(np.ascontiguousarray(means[:, :, ::-1]), indices)
        result.value[:, 0] = indices[:, 0]
        valid = ~np.isnan(means[:, :, :24])
        measured = measured_inputs(self.members, members, start, end, panes)
        share = (valid.sum(axis=2) / np.maximum(hours, 1)[:, None] * measured).sum(axis=1)
        result.cov[:, 0] = share / np.maximum(measured.sum(axis=1), 1)
        result.n[:, 0] = readings[:, :, :24].sum(axis=(1, 2))
        return result


def hours_of(
    members: Members, rows: Integers, windows: Integers, panes: Panes, hours: int
) -> tuple[Floats, Integers]:
    """Means and readings of the last `hours` hours of each window, as `gather_hours`; corrected."""
    shape = (len(rows), len(members.inputs), hours)
    means, readings = np.empty(shape), np.empty(shape, np.int64)
    gather_hours(
        members.table, members.devices, rows, windows, panes.coarse[0], means, readings
    )
    correct(members, rows, windows, panes, means)
    return means, readings


def tell(
    result: Result, valid: Bools, readings: Integers, measured: Bools, inputs: tuple[int, ...],
    spans_h: tuple[int, ...],
) -> None:
    """Coverage and readings of each output but the first, which is made of the others.

    valid: bool[k, inputs, h], newest hour first; readings: int64 likewise. measured: bool[k,
    inputs]. Output i + 1 looks back on the newest spans_h[i] hours of input inputs[i].
    """
    for out, (source, span) in enumerate(zip(inputs, spans_h, strict=True), 1):
        result.cov[:, out] = valid[:, source, :span].mean(axis=1)
        used = readings[:, source, :span].sum(axis=1)
        result.n[:, out] = np.where(measured[:, source], used, NOT_MEASURED)


def tell_whole(result: Result, measured: Bools) -> None:
    """Coverage and readings of the first output: of the parts after it that are measured.

    measured: bool[k, parts].
    """
    parts = slice(1, 1 + measured.shape[1])
    some = measured.sum(axis=1)
    result.cov[:, 0] = (result.cov[:, parts] * measured).sum(axis=1) / np.maximum(some, 1)
    used = np.maximum(result.n[:, parts], 0).sum(axis=1)
    result.n[:, 0] = np.where(some > 0, used, NOT_MEASURED)


def measured_inputs(
    members: Members, rows: Integers, start_min: Integers, end_min: Integers, panes: Panes
) -> Bools:
    """bool[k, inputs]: whether each member had a sensor for each input in the window."""
    shape = (len(rows), len(members.inputs), members.devices)
    live = members.live(rows, start_min, end_min, panes)[:, : shape[1] * shape[2]]
    return anywhere(live.reshape(shape), 2)
