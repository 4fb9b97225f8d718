"""Bins of a road: lanes joined, counters that are silent (twins: tests/test_kernels.py)."""

import math

import pytest

from engine.road_bins import Bins, pairs_of
from tests.reference_traffic import harmonic_mean_kmh
from tests.town import Reading, Town, at, row

START = at("2026-03-02 10:00")


def found(town: Town, bins: int = 1) -> Bins:
    """The first bins of the first member."""
    town.tick(START + 1800)
    segments = town.vitals.segments
    members = segments.members
    first = (START // 60 + members.shift[:1]) // 5
    return segments.bins(members.shift[:1] * 0, first, bins, town.vitals.panes)


def lanes(*speeds: float, vehicles: tuple[float | None, ...]) -> Town:
    """A road with channels 1, 2, …; None: the lane has no counter."""
    town = Town([row("d", "a/s", 300, lanes=2)])
    for lane, (kmh, count) in enumerate(zip(speeds, vehicles, strict=True), 1):
        town.take([Reading("d", "speed", START, kmh, channel=str(lane))])
        if count is not None:
            town.take([Reading("d", "count", START, count, channel=str(lane))])
    return town


def test_lanes_weigh_by_their_vehicles() -> None:
    bins = found(lanes(30.0, 60.0, vehicles=(12.0, 3.0)))
    assert bins.speeds[0, 0] == pytest.approx(harmonic_mean_kmh([30, 60], [12, 3]))
    assert (bins.vehicles[0, 0], bins.all_vehicles[0, 0], bins.missing[0, 0]) == (15, 15, False)


def test_without_a_counter_for_each_lane_they_weigh_by_readings() -> None:
    bins = found(lanes(30.0, 60.0, vehicles=(12.0, None)))
    assert bins.speeds[0, 0] == pytest.approx(40.0)


def test_a_lane_without_a_vehicle_does_not_slow_the_road() -> None:
    assert found(lanes(30.0, 60.0, vehicles=(0.0, 3.0))).speeds[0, 0] == pytest.approx(60.0)
    assert math.isnan(found(lanes(30.0, 60.0, vehicles=(0.0, 0.0))).speeds[0, 0])


def test_a_silent_counter_is_missing_from_its_first_reading_on() -> None:
    town = lanes(30.0, 60.0, vehicles=(12.0, 3.0))
    town.take([Reading("d", "count", START + 300, 9.0, channel="1")])
    town.take([Reading("d", "count", START + 600, 9.0, channel="3")])
    bins = found(town, 3)
    assert bins.missing[0].tolist() == [False, True, True]
    assert bins.vehicles[0].tolist() == [15.0, 9.0, 9.0]
    assert math.isnan(bins.all_vehicles[0, 1])


def test_a_retired_counter_is_not_missed() -> None:
    town = Town([row("d", "a/s", 300), row("e", "a/s", 300),
                 row("e", "a/s", 300, since="2026-03-02T10:05", status="retired")])
    town.take([Reading(name, "count", START, 5.0) for name in ("d", "e")])
    town.take([Reading("d", "count", START + 300, 5.0)])
    assert found(town, 2).all_vehicles[0].tolist() == [10.0, 5.0]


def test_occupancy_is_the_mean_of_the_lanes() -> None:
    town = Town([row("d", "a/s", 60)])
    for minute in range(4):
        town.take([Reading("d", "occupancy", START + 60 * minute, 0.1 * lane, channel=str(lane))
                   for lane in (1, 3)])
    town.take([Reading("d", "occupancy", START, 0.9, channel="2")])
    bins = found(town)
    assert bins.occupancy[0, 0] == pytest.approx(0.2)
    assert bins.coverage[0, 0].tolist() == [0.0, 0.0, 0.8]


def test_pairs_are_of_one_device_and_channel() -> None:
    town = lanes(30.0, 60.0, vehicles=(None, 3.0))
    town.tick(START + 600)
    members = town.vitals.segments.members
    pair = pairs_of(members.table, members.devices, town.vitals.registry)
    assert pair.tolist() == [[-1, 0]]
