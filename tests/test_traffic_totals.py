"""Station measures of hours and days, congestion; a real month: tests/test_real_traffic.py."""

import math
from typing import Any

import pytest

from tests.town import Reading, Town, at, row

MONDAY = at("2026-03-02")
PLACE = "a/s"


def road(bins: int, start_s: int = MONDAY + 36_000, **more: Any) -> Town:
    """Bins of 10 vehicles at 30 km/h on 2 km with a limit of 60."""
    town = Town([row("d", PLACE, 300, length_km=2.0, posted_kmh=60, **more)])
    feed(town, "d", bins, start_s)
    return town


def feed(town: Town, device: str, bins: int, start_s: int, vehicles: float = 10.0) -> None:
    for k in range(bins):
        town.take([Reading(device, "speed", start_s + 300 * k, 30.0),
                   Reading(device, "count", start_s + 300 * k, vehicles)])


def hour(town: Town, name: str, place: str = PLACE) -> float:
    """What is said of 10 to 11."""
    return town.last(f"traffic.{name}", place)[MONDAY + 39_600][0]


@pytest.mark.parametrize(("bins", "vkm"), [(12, 240.0), (9, 180.0), (8, math.nan)])
def test_an_hour_needs_9_of_12_bins_and_is_not_scaled(bins: int, vkm: float) -> None:
    town = road(bins)
    town.tick(MONDAY + 39_700)
    assert hour(town, "vmt") == pytest.approx(vkm, nan_ok=True)
    assert hour(town, "vht") == pytest.approx(vkm / 30, nan_ok=True)
    assert hour(town, "delay_free") == pytest.approx(vkm / 60, nan_ok=True)


def test_areas_add_up_and_their_speed_is_the_ratio_of_sums() -> None:
    town = Town([row("d", PLACE, 300, length_km=2.0), row("e", "a/t", 300, length_km=1.0)])
    feed(town, "d", 12, MONDAY + 36_000)
    for k in range(12):
        town.take([Reading("e", "speed", MONDAY + 36_000 + 300 * k, 60.0),
                   Reading("e", "count", MONDAY + 36_000 + 300 * k, 40.0)])
    town.tick(MONDAY + 39_700)
    assert hour(town, "vmt", "a/_") == 240 + 480
    assert hour(town, "vht", "a/_") == pytest.approx(8 + 8)
    assert hour(town, "q", "a/_") == pytest.approx(720 / 16)


def test_what_is_not_declared_is_not_told() -> None:
    town = road(12)
    town.tick(MONDAY + 39_700)
    assert not town.last("traffic.lost_35", PLACE)
    town.tick(MONDAY + 86_460)
    assert town.last("traffic.vmt_day", PLACE)
    assert not town.last("traffic.person_delay_day", PLACE)
    assert not town.last("traffic.phed_day", PLACE)


def test_a_whole_day_with_occupants_and_capacity() -> None:
    """288 bins of 20 vehicle km: 5,760 km; 96 quarters that lose 2/30 - 2/36 hours each."""
    town = road(288, MONDAY, lanes=2, capacity_vph=240.0, occupants=1.5)
    town.tick(MONDAY + 86_460)
    found = {name: town.last(f"traffic.{name}_day", PLACE)[MONDAY + 86_400][0]
             for name in ("vmt", "person_delay", "phed", "lost_60")}
    assert found == pytest.approx({
        "vmt": 5760.0, "person_delay": 1.5 * 5760 * (1 / 30 - 1 / 60),
        "phed": 1.5 * 2880 * (2 / 30 - 2 / 36), "lost_60": 2.0 * 0.5 * 2 * 24,
    })


def test_congested_hours_are_of_weekdays_from_six_to_twenty_two() -> None:
    town = road(288, MONDAY)
    town.tick(MONDAY + 86_460)
    assert town.last("traffic.congested_hours", PLACE) == {MONDAY + 86_400: (16.0, 1)}
    assert town.last("traffic.congested_travel", PLACE)[MONDAY + 86_400][0] == 100.0
    sunday = road(288, MONDAY - 86_400)
    sunday.tick(MONDAY + 60)
    assert not sunday.last("traffic.congested_hours", PLACE)


def test_a_late_bin_restates_its_hour_and_its_day() -> None:
    town = road(288, MONDAY)
    town.tick(MONDAY + 86_460)
    town.take([Reading("d", "count", MONDAY + 36_000, 5.0)])
    town.tick(MONDAY + 86_520)
    assert hour(town, "vmt") == 240 + 10
    assert town.last("traffic.vmt_day", PLACE)[MONDAY + 86_400] == (5770.0, 2)
