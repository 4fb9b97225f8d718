"""Hourly means of PM2.5 at stations with sensors that are corrected, before any index sees them.

A sensor is corrected by the dated row of its device in force when the hour begins. The means of
its two channels are held against each other; then humidity, of the sensor itself or else of its
station, goes into the formula of `engine.purpleair`. A sensor without humidity, with a silent
channel, or whose channels disagree has no mean in that hour: it is never used as it came.
"""

from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from edge.quantities import INDEX
from engine.family import Floats, Integers, Members
from engine.kernel import inner, kernel
from engine.panes import COARSE, SCALE, Panes
from engine.purpleair import channels_agree_1h, corrected
from engine.registry import Registry
from engine.series import period_of

PM25, RH = INDEX["pm25"], INDEX["rh"]
HOUR_MIN, MINUTES_MIN = 60, 45
COLUMNS = (
    "mean", "corrected", "sensors", "good", "minutes", "readings", "pairs", "compared", "apart",
)
"""Of a station and hour: the mean of all its sensors and of those that are corrected alone; how
many of these there are, how many have a mean; least minutes of what goes into each, summed up; the
readings behind their means; how many have two channels, how many of these a mean of each, and of
how many those disagree."""
MEAN, ALONE, SENSORS, GOOD, MINUTES, READINGS, PAIRS, COMPARED, APART = range(9)

_i32, _i64, _f64 = nb.int32, nb.int64, nb.float64


@inner
def hour_of(hours: Any, slot: int, window: int, found: Any) -> None:
    """Mean of an hour (NaN under 45 minutes), its minutes and readings; found: float64[3], out."""
    pane = hours[slot, window % hours.shape[1]]
    found[0], found[1], found[2] = np.nan, 0.0, 0.0
    if pane.tag != window or pane.n == 0:
        return
    for i in range(HOUR_MIN):
        found[1] += (pane.covered >> nb.uint64(i)) & nb.uint64(1)
    found[2] = pane.n
    if found[1] >= MINUTES_MIN:
        found[0] = pane.sum / (pane.n * SCALE)


@inner
def there(slot: int, start_s: int, first_min: Any, since_s: Any, period_s: Any) -> bool:
    """Whether a series is there in an hour: heard before its end, and owing readings."""
    return slot >= 0 and first_min[slot] * 60 < start_s + 3600 and (
        period_of(slot, start_s, since_s, period_s) > 0.0
        or period_of(slot, start_s + 3599, since_s, period_s) > 0.0
    )


@inner
def channels_of(
    slots: Any, first: int, hours: Any, window: int, start_s: int, owner: Any, first_min: Any,
    since_s: Any, period_s: Any, part: Any, found: Any,
) -> int:
    """The channels of the device of column `first`; returns the column behind its last.

    found: float64[6], out: sum of their means (NaN if one is silent), least and largest mean, how
    many there are, least minutes, readings.
    """
    found[0], found[1], found[2], found[3] = 0.0, np.inf, -np.inf, 0.0
    found[4], found[5] = float(HOUR_MIN), 0.0
    j = first
    while j < slots.shape[0] and slots[j] >= 0 and owner[slots[j]] == owner[slots[first]]:
        if there(slots[j], start_s, first_min, since_s, period_s):
            hour_of(hours, slots[j], window, part)
            found[0] += part[0]
            found[1], found[2] = min(found[1], part[0]), max(found[2], part[0])
            found[3] += 1.0
            found[4] = min(found[4], part[1])
            found[5] += part[2]
        j += 1
    return j


@inner
def humidity(
    slots: Any, own: int, hours: Any, window: int, start_s: int, owner: Any, first_min: Any,
    since_s: Any, period_s: Any, part: Any, found: Any,
) -> None:
    """Mean humidity of the series of device `own`, or where it has none of all of the station.

    found: float64[3], out: mean, most minutes of one, readings of those that have a mean.
    """
    of_its_own = False
    for slot in slots:
        if there(slot, start_s, first_min, since_s, period_s) and owner[slot] == own:
            of_its_own = True
    total, count = 0.0, 0
    found[1], found[2] = 0.0, 0.0
    for slot in slots:
        if not there(slot, start_s, first_min, since_s, period_s):
            continue
        if of_its_own and owner[slot] != own:
            continue
        hour_of(hours, slot, window, part)
        found[1] = max(found[1], part[1])
        if not np.isnan(part[0]):
            total, count = total + part[0], count + 1
            found[2] += part[2]
    found[0] = total / count if count > 0 else np.nan


@kernel(nb.void(
    _i32[:, ::1], _i32[:, ::1], _i64[::1], _i64[::1], nb.from_dtype(COARSE)[:, ::1], _i32[::1],
    _i64[::1], _i64[:, ::1], _f64[:, ::1], _f64[:, ::1], _f64[:, :, ::1],
))
def correct_hours(
    pm: Any, rh: Any, windows: Any, shift: Any, hours: Any, owner: Any, first_min: Any,
    since_s: Any, period_s: Any, correction: Any, out: Any,
) -> None:
    """What `COLUMNS` say of stations, in the hours that each window looks back on.

    pm, rh: int32[k, devices], slots, -1 blank, those of one device side by side. windows: int64[k],
    local hour numbers; shift: int64[k], minutes. hours: COARSE[series, 240]. owner: int32[series].
    first_min: int64[series]. since_s, period_s, correction: [series, r], as `period_of`. out:
    float64[k, h, 9], newest hour first. Cost: k * h * devices ** 2.
    """
    part, dust, moist = np.empty(3), np.empty(6), np.empty(3)
    for k in range(pm.shape[0]):
        for h in range(out.shape[1]):
            window, row = windows[k] - h, out[k, h]
            start_s = (window * HOUR_MIN - shift[k]) * 60
            row[:] = 0.0
            plain, plains, total, j = 0.0, 0, 0.0, 0
            while j < pm.shape[1] and pm[k, j] >= 0:
                slot = pm[k, j]
                kind = nb.int64(period_of(slot, start_s, since_s, correction))
                if kind == 0:
                    hour_of(hours, slot, window, part)
                    if not np.isnan(part[0]):
                        plain, plains = plain + part[0], plains + 1
                    j += 1
                    continue
                j = channels_of(pm[k], j, hours, window, start_s, owner, first_min, since_s,
                                period_s, part, dust)
                if dust[3] == 0.0:
                    continue
                humidity(rh[k], owner[slot], hours, window, start_s, owner, first_min, since_s,
                         period_s, part, moist)
                row[SENSORS] += 1.0
                row[MINUTES] += min(dust[4], moist[1])
                row[PAIRS] += 1.0 if dust[3] > 1.0 else 0.0
                if np.isnan(dust[0]):
                    continue
                if dust[3] > 1.0:
                    row[COMPARED] += 1.0
                    if not channels_agree_1h(dust[1], dust[2]):
                        row[APART] += 1.0
                        continue
                if not np.isnan(moist[0]):
                    total += corrected(kind, dust[0] / dust[3], moist[0])
                    row[GOOD] += 1.0
                    row[READINGS] += dust[5] + moist[2]
            row[ALONE] = total / row[GOOD] if row[GOOD] > 0.0 else np.nan
            count = row[GOOD] + plains
            row[MEAN] = (total + plain) / count if count > 0.0 else np.nan


def with_humidity(
    registry: Registry, found: dict[int, dict[int, list[int]]]
) -> dict[int, dict[int, list[int]]]:
    """`Registry.stations_with`, and at stations with corrected sensors the humidity as well."""
    if not registry.corrected & found.keys():
        return found
    moist = registry.stations_with(("rh",))
    return {
        place: {**by, **moist.get(place, {})} if place in registry.corrected else by
        for place, by in found.items()
    }


def corrected_rows(
    members: Members, rows: Integers, windows: Integers, panes: Panes, hours: int
) -> Floats:
    """`correct_hours` of members with PM2.5 as an input: float64[k, hours, 9]."""
    registry, wide = members.registry, members.devices
    out = np.empty((len(rows), hours, len(COLUMNS)))
    correct_hours(
        _slots(members, rows, members.inputs.index(PM25), wide),
        _slots(members, rows, len(members.inputs), wide), windows, members.shift[rows],
        panes.coarse[0], registry.owner, panes.first_min, registry.since_s, registry.period_s,
        registry.correction, out,
    )
    return out


def _slots(members: Members, rows: Integers, column: int, wide: int) -> npt.NDArray[np.int32]:
    return np.ascontiguousarray(members.table[rows, column * wide : (column + 1) * wide])


def correct(
    members: Members, rows: Integers, windows: Integers, panes: Panes, means: Floats
) -> None:
    """Put the corrected means of PM2.5 in the place of those as they came.

    means: float64[k, inputs, h], newest first, in and out.
    """
    known = members.registry.corrected
    if not known:
        return
    places = np.array(members.places, np.int64)[rows]
    at = np.nonzero(np.isin(places, np.array(sorted(known), np.int64)))[0]
    if len(at):
        found = corrected_rows(members, rows[at], windows[at], panes, means.shape[2])
        means[at, members.inputs.index(PM25)] = found[:, :, MEAN]
