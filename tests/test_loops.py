"""Speed of single loops: who has one, what it looks back on, how lanes join."""

import math

import pytest

from tests.town import Reading, Town, at, row

START = at("2026-03-02 10:00")
PLACE = "a/s"
KEY = "traffic.gfactor_speed"


def loop(bins: int = 1, **more: float) -> Town:
    """100 vehicles a bin at an occupancy of 0.1: 50 mph by PeMS."""
    town = Town([row("d", PLACE, 300, **more)])
    for k in range(bins):
        town.take([Reading("d", "count", START + 300 * k, 100.0),
                   Reading("d", "occupancy", START + 300 * k, 0.1)])
    return town


def test_the_worked_case_of_pems() -> None:
    town = loop()
    town.tick(START + 360)
    assert town.last(KEY, PLACE)[START + 300][0] == pytest.approx(50 * 1.609344)


def test_the_length_of_the_place_and_its_limit_hold() -> None:
    town = loop(g_m=5.0)
    town.tick(START + 360)
    assert town.last(KEY, PLACE)[START + 300][0] == pytest.approx(60.0)
    town = loop(posted_kmh=50.0)
    town.tick(START + 360)
    assert town.last(KEY, PLACE)[START + 300][0] == pytest.approx(65.0)


def test_lanes_join_as_their_mean_and_a_silent_one_makes_it_insufficient() -> None:
    town = loop()
    town.take([Reading("d", "count", START, 50.0, channel="2"),
               Reading("d", "occupancy", START, 0.05, channel="2"),
               Reading("d", "count", START + 300, 100.0),
               Reading("d", "occupancy", START + 300, 0.1)])
    town.tick(START + 700)
    found = town.last(KEY, PLACE)
    assert found[START + 300][0] == pytest.approx(50 * 1.609344)
    assert math.isnan(found[START + 600][0])


def test_a_late_bin_restates_those_that_look_back_on_it() -> None:
    town = loop(13)
    town.tick(START + 13 * 300 + 60)
    before = town.last(KEY, PLACE)
    town.take([Reading("d", "occupancy", START + 300, 0.3)])
    town.tick(START + 13 * 300 + 120)
    after = town.last(KEY, PLACE)
    changed = {end for end in after if after[end][0] != before[end][0]}
    assert changed == {START + 300 * k for k in range(2, 14)}


def test_counter_and_occupancy_are_needed() -> None:
    town = Town([row("d", PLACE, 300)])
    town.take([Reading("d", "count", START, 100.0)])
    town.tick(START + 360)
    assert not town.last(KEY, PLACE)
