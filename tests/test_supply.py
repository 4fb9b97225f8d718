"""Unbalance, distortion and flicker in a small town: devices, angles, gaps, private places."""

import math

import pytest

from tests import reference_energy as reference
from tests.town import Reading, Town, at, row

TEN = at("2026-03-02 10:00")
EAST = "centre/east"
UNBALANCE, DISTORTION, FLICKER = (f"energy.{x}" for x in ("unbalance", "thd", "flicker_plt"))


def feed(town: Town, quantity: str, values: dict[str, float], minutes: int = 10,
         start: int = TEN, device: str = "m1") -> None:
    """A reading a minute of each channel."""
    town.take(Reading(device, quantity, start + 60 * k, value, channel=channel)
              for channel, value in values.items() for k in range(minutes))


def test_with_angles_by_fortescue_and_without_from_three_voltages() -> None:
    volts = {"l1": 230.0, "l2": 225.0, "l3": 235.0}
    without = Town([row("m1", EAST)])
    feed(without, "voltage", volts)
    without.tick(TEN + 660)
    assert without.last(UNBALANCE, EAST)[TEN + 600][0] == pytest.approx(
        reference.line_unbalance([230.0, 225.0, 235.0]), abs=1e-3)
    town = Town([row("m1", EAST)])
    feed(town, "voltage", volts)
    feed(town, "angle", {"l1": 0.0, "l2": -120.0, "l3": 120.0})
    town.tick(TEN + 660)
    assert town.last(UNBALANCE, EAST)[TEN + 600][0] == pytest.approx(1.2551, abs=1e-3)


def test_voltages_between_phases_come_first_and_one_phase_has_none() -> None:
    town = Town([row("m1", EAST), row("m2", "centre/west")])
    feed(town, "voltage", {"l1": 230.0, "l2": 200.0, "l3": 235.0,
                           "l12": 400.0, "l23": 400.0, "l31": 400.0})
    feed(town, "voltage", {"l1": 230.0}, device="m2")
    town.tick(TEN + 660)
    assert town.last(UNBALANCE, EAST)[TEN + 600][0] == 0.0
    assert town.last(UNBALANCE, "centre/west") == {}


@pytest.mark.parametrize(("minutes", "known"), [(8, True), (7, False)])
def test_ten_minutes_need_eight_of_each_phase(minutes: int, known: bool) -> None:
    town = Town([row("m1", EAST)])
    feed(town, "thd", {"l1": 3.0, "l2": 9.0})
    feed(town, "thd", {"l3": 4.0}, minutes)
    town.tick(TEN + 660)
    value, level, *_ = town.final()[EAST, DISTORTION, TEN + 600][:2]
    assert (value, level) == ((pytest.approx(9.0), 1) if known else (0.0, -1))


def test_the_flicker_of_two_hours_needs_all_twelve() -> None:
    for minutes, value in ((120, 0.9), (105, math.nan)):
        town = Town([row("m1", EAST)])
        feed(town, "pst", {"l1": 0.9}, minutes)
        town.tick(TEN + 7260)
        found = town.last(FLICKER, EAST)[TEN + 7200][0]
        assert found == pytest.approx(value, nan_ok=True)


def test_the_worst_station_of_an_area_and_none_that_is_private() -> None:
    rows = [row("m1", EAST), row("m2", "centre/home", private=True)]
    town = Town(rows)
    feed(town, "thd", {"": 3.0})
    feed(town, "thd", {"": 30.0}, device="m2")
    town.tick(TEN + 660)
    assert town.last(DISTORTION, "centre/_")[TEN + 600][0] == pytest.approx(3.0)
    assert town.last(DISTORTION, "centre/home") == {}
