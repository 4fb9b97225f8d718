"""Hours of an indicator of a city's own: devices, coverage, weights, what is insufficient."""

import math

import numpy as np
import pytest

from engine.catalogue import POSITION
from engine.changed import Changed
from engine.hourly import Hourly
from engine.own_hours import OwnHours
from engine.panes import FIVE, HOUR
from engine.windows import Windows
from tests.test_hourly import made
from tests.town import Reading, Town, at, row

START = at("2026-07-15 14:00")
OF_HOUR = START // 3600


def member_of(own: Hourly, town: Town, monkeypatch: pytest.MonkeyPatch) -> OwnHours:
    """The family of an indicator that stands in no catalogue, told of the town's stations."""
    monkeypatch.setitem(POSITION, own.entry.key, 0)
    family = OwnHours(own)
    town.tick(START + 3660)
    family.enrol(town.vitals.registry)
    return family


def hour(family: OwnHours, town: Town) -> tuple[list[float], list[float], list[int], list[float]]:
    """Value, coverage, readings and weight of each member."""
    count = len(family.members.places)
    found = family.compute(
        np.arange(count), np.full(count, OF_HOUR), START // 60 + 60, town.vitals.panes
    )
    return (found.value[:, 0].tolist(), found.cov[:, 0].tolist(), found.n[:, 0].tolist(),
            found.weight.tolist())


def readings(device: str, quantity: str, value: float, count: int = 4) -> list[Reading]:
    """One each quarter of the hour."""
    return [Reading(device, quantity, START + 900 * k, value + k) for k in range(count)]


def test_devices_of_a_station_are_averaged(monkeypatch: pytest.MonkeyPatch) -> None:
    town = Town([row("a", "x/s", 900), row("b", "x/s", 900)])
    town.take([*readings("a", "temp", 10.0), *readings("b", "temp", 20.0)])
    family = member_of(made(), town, monkeypatch)
    assert hour(family, town) == ([2 * 16.5], [1.0], [8], [8.0])


def test_a_device_without_45_minutes_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    town = Town([row("a", "x/s", 900), row("b", "x/s", 900)])
    town.take([*readings("a", "temp", 10.0, 3), *readings("b", "temp", 20.0, 2)])
    family = member_of(made(), town, monkeypatch)
    assert hour(family, town) == ([2 * 11.0], [0.75], [3], [8.0])


def test_an_hour_that_lacks_an_input_is_insufficient(monkeypatch: pytest.MonkeyPatch) -> None:
    town = Town([row("a", "x/s", 900)])
    town.take([*readings("a", "temp", 10.0), *readings("a", "rh", 50.0, 2)])
    family = member_of(made(("temp", "rh")), town, monkeypatch)
    value, cover, used, _ = hour(family, town)
    assert math.isnan(value[0])
    assert (cover, used) == ([0.5], [0])


def test_a_station_without_an_input_is_no_member(monkeypatch: pytest.MonkeyPatch) -> None:
    town = Town([row("a", "x/s", 900)])
    town.take(readings("a", "temp", 10.0))
    assert not member_of(made(("temp", "rh")), town, monkeypatch).members.places


def test_a_late_reading_touches_its_hour_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    town = Town([row("a", "x/s", 900)])
    town.take(readings("a", "temp", 10.0))
    family = member_of(made(), town, monkeypatch)
    windows = Windows(family)
    windows.enrol(town.vitals.registry)
    changed = np.array([[HOUR, 0, OF_HOUR], [FIVE, 0, OF_HOUR * 12]], np.int32)
    members, hours = family.touched(Changed(changed, np.zeros(1, np.int32)), np.zeros(1, np.int32))
    assert (members.tolist(), hours.tolist()) == ([0], [OF_HOUR])
