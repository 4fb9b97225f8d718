"""The steps of PurpleAir sensors: the means as they came, humidity, whether channels agree, PM2.5.

An indicator that is made of PM2.5 begins with them wherever a sensor of the station is corrected.
"""

from collections import Counter
from typing import NamedTuple

import numpy as np

from edge.places import CORRECTIONS
from engine.account import Account, Coverage, Json, Look, Recipe, Step, hour_of, number
from engine.corrected_hours import HOUR_MIN, MINUTES_MIN, PM25, RH
from engine.hour_means import hour_means
from engine.panes import HOUR
from engine.purpleair import HOUR_SHARE, HOUR_UGM3, channels_agree_1h, corrected

URL = "https://amt.copernicus.org/articles/14/4617/2021/"
COLUMNS = (
    "hour_ms", "device", "correction", "series", "means", "rh_series", "rh", "agree", "pm25",
)
"""Of a sensor and hour: the beginning, who, by which formula, its channels and their means, the
series of humidity and their mean, whether the channels agree (null: not two), and what comes out.
"""
_FORMULA = (
    "mean of the channels PA, of humidity RH. purpleair-cf1: 0.524 PA - 0.0862 RH + 5.75. "
    "purpleair-atm: so below 30; from 50 to 210 0.786 PA - 0.0862 RH + 5.75; from 260 2.966 + "
    "0.69 PA + 8.84e-4 PA^2; between, x = PA/20 - 3/2 or PA/50 - 21/5 goes from one to the other: "
    "slopes of PA, and from 210 all terms, times x and 1 - x. Below zero as zero. None without "
    f"{MINUTES_MIN} minutes of each channel and of humidity, of the sensor itself if it has any, "
    f"or if the channels differ by more than {HOUR_UGM3:g} µg/m³ and {HOUR_SHARE:.0%} of their mean"
)
Panes = list[tuple[int, int, int, int]]


class Sensor(NamedTuple):
    """A corrected sensor in one hour: local number, and what `COLUMNS` say."""

    hour: int
    row: list[Json]
    minutes: int
    value: float


def _series(look: Look, quantity: int, hour: int) -> list[int]:
    """Series of the station that there are in an hour, in the order of device and channel."""
    members = look.family.members
    columns = (*members.inputs, *members.beside)
    if quantity not in columns:
        return []
    end = np.array([(hour + 1) * HOUR_MIN - look.shift], np.int64)
    first = columns.index(quantity) * members.devices
    there = members.live(np.array([look.member], np.int64), end - HOUR_MIN, end, look.panes)[0]
    return [int(members.table[look.member, j])
            for j in range(first, min(first + members.devices, len(there))) if there[j]]


def sensors_of(look: Look, hour: int) -> list[Sensor]:
    """The corrected sensors of the station in a local hour."""
    registry = look.vitals.registry
    start_s = np.array([(hour * HOUR_MIN - look.shift) * 60], np.int64)
    moist = _series(look, RH, hour)
    channels: dict[int, list[int]] = {}
    for slot in _series(look, PM25, hour):
        channels.setdefault(int(registry.owner[slot]), []).append(slot)

    def means_of(slots: list[int]) -> tuple[list[float], list[int]]:
        means, minutes = hour_means(
            np.array(slots, np.int32), np.full(len(slots), hour), registry.quantity, look.panes)
        return means.tolist(), minutes.tolist()

    found = []
    for owner, slots in channels.items():
        kind = int(registry.correction_at(np.array(slots[:1], np.int32), start_s)[0])
        if not kind:
            continue
        of = [slot for slot in moist if registry.owner[slot] == owner] or moist
        (means, minutes), (moists, moist_min) = means_of(slots), means_of(of)
        known = [mean for mean in moists if not np.isnan(mean)]
        rh = sum(known) / len(known) if known else np.nan
        pair = len(slots) > 1 and not np.isnan(means).any()
        agree = channels_agree_1h(min(means), max(means)) if pair else None
        value = np.nan if agree is False else corrected(kind, sum(means) / len(means), rh)
        found.append(Sensor(hour, [
            int(start_s[0]) * 1000, registry.devices[owner], CORRECTIONS[kind - 1], list(slots),
            [number(mean) for mean in means], list(of), number(rh), agree, number(value),
        ], min(*minutes, max(moist_min, default=0)), value))
    return found


def step_of(sensors: list[Sensor]) -> Step:
    """What was made of the sensors' hours."""
    return Step(
        "PM2.5 of PurpleAir sensors", _FORMULA, {"from": "inputs", "correction": "places file"},
        {"columns": list(COLUMNS), "rows": [sensor.row for sensor in sensors]},
        "Barkjohn et al. 2021; AirNow Fire and Smoke Map; Cityvitals data quality 5.5",
    )


def _panes(sensors: list[Sensor], column: str) -> Panes:
    """The hours of the series that a column names."""
    at = COLUMNS.index(column)
    hours = Counter((slot, sensor.hour) for sensor in sensors for slot in sensor.row[at])
    return [(slot, HOUR, hour, 1) for slot, hour in sorted(hours)]


def _hour(look: Look) -> Account:
    sensors = sensors_of(look, hour_of(look, look.start_min))
    good = [sensor.value for sensor in sensors if not np.isnan(sensor.value)]
    value = number(sum(good) / len(good)) if good else None
    step = Step("mean of the sensors", "of those with a value", {"sensors": len(good)},
                {"pm25": value})
    had, owed = sum(sensor.minutes for sensor in sensors), HOUR_MIN * len(sensors)
    rule = f"{MINUTES_MIN} of 60 minutes of each channel and of humidity"
    return Account([step_of(sensors), step], Coverage(had, owed, "minutes", rule),
                   _panes(sensors, "series") + _panes(sensors, "rh_series"))


def _channels(look: Look) -> Account:
    sensors = sensors_of(look, hour_of(look, look.start_min))
    agree = [sensor.row[COLUMNS.index("agree")] for sensor in sensors]
    compared = [one for one in agree if one is not None]
    pairs = sum(len(sensor.row[COLUMNS.index("series")]) > 1 for sensor in sensors)
    step = Step(
        "sensors whose channels disagree", "how many do; of no sensor with two channels nothing",
        {"sensors": pairs, "compared": len(compared)},
        {"disagree": compared.count(False) if compared else None},
    )
    return Account([step_of(sensors), step],
                   Coverage(len(compared), pairs, "sensors", "one sensor with a mean of both"),
                   _panes(sensors, "series") + _panes(sensors, "rh_series"))


def with_corrections(recipe: Recipe) -> Recipe:
    """The same recipe; where PM2.5 that it reads was corrected, it begins with how."""
    if "pm25" not in recipe.inputs:
        return recipe

    def steps(look: Look) -> Account:
        account = recipe.steps(look)
        registry = look.vitals.registry
        if look.place not in registry.corrected:
            return account
        hours = {
            hour for slot, level, first, count in account.panes
            if level == HOUR and registry.quantity[slot] == PM25
            for hour in range(first, first + count)
        }
        sensors = [sensor for hour in sorted(hours) for sensor in sensors_of(look, hour)]
        if not sensors:
            return account
        return Account(
            [step_of(sensors), *account.steps], account.coverage,
            account.panes + _panes(sensors, "rh_series"),
        )
    return recipe._replace(steps=steps, beside=("rh",))


RECIPES: dict[str, Recipe] = {
    "air.pm25_purpleair_epa": Recipe(("pm25", "rh"), HOUR_MIN, _hour, URL),
    "dq.channels_disagree": Recipe(("pm25", "rh"), HOUR_MIN, _channels, ""),
}
