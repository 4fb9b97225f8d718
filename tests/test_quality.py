"""Completeness: readings had over readings owed, as periods change."""

import math

import pytest

from engine.points import INSUFFICIENT
from tests.town import Reading, Town, at, row

HOUR = at("2026-03-02 10:00")
KEY = "dq.completeness"


def percent(town: Town, end_s: int, place: str = "centre/air") -> float:
    """The last word on an hour."""
    return town.last(KEY, place)[end_s][0]


def fill(town: Town, device: str, start_s: float, end_s: float, step_s: float) -> None:
    """Readings of PM2.5 at an even pace."""
    count = round((end_s - start_s) / step_s)
    town.take(Reading(device, "pm25", start_s + k * step_s, 8.0) for k in range(count))


@pytest.mark.parametrize(("readings", "value"), [(60, 100.0), (54, 90.0), (45, 75.0), (75, 100.0)])
def test_share_of_what_is_owed_at_most_all(readings: int, value: float) -> None:
    town = Town([row("a1", "centre/air", 60)])
    fill(town, "a1", HOUR, HOUR + 3600, 3600 / readings)
    town.tick(HOUR + 3660)
    assert percent(town, HOUR + 3600) == value


def test_levels_read_the_other_way_round() -> None:
    levels = []
    for readings in (54, 53, 45, 44):
        town = Town([row("a1", "centre/air", 60)])
        fill(town, "a1", HOUR, HOUR + readings * 60, 60)
        town.tick(HOUR + 3660)
        levels += [level for path, key, _, _, level, _ in town.said()
                   if (path, key) == ("centre/air", KEY)]
    assert levels == [0, 1, 1, 2]


def test_the_period_changes_inside_the_hour() -> None:
    """20 minutes at 60 s and 40 minutes at 10 s owe 20 + 240."""
    town = Town([
        row("a1", "centre/air", 60), row("a1", "centre/air", 10, since="2026-03-02 10:20"),
    ])
    fill(town, "a1", HOUR, HOUR + 1200, 60)
    fill(town, "a1", HOUR + 1200, HOUR + 2400, 10)
    town.tick(HOUR + 3660)
    assert percent(town, HOUR + 3600) == pytest.approx(100 * 140 / 260)


def test_the_hour_in_progress_owes_what_is_due_so_far() -> None:
    town = Town([row("a1", "centre/air", 60)])
    fill(town, "a1", HOUR, HOUR + 600, 60)
    points = town.tick(HOUR + 1200, with_open=True)
    (open_,) = [said for said in town.said(points) if said[:2] == ("centre/air", KEY)]
    assert open_[2:] == (HOUR + 3600, 50.0, 2, 0)


def test_a_retired_device_owes_nothing() -> None:
    rows = [row("a1", "centre/air", 60), row("a2", "centre/air", 60)]
    rows.append(row("a2", "centre/air", 60, since="2026-03-02 10:30", status="retired"))
    town = Town(rows)
    fill(town, "a1", HOUR, HOUR + 7200, 60)
    fill(town, "a2", HOUR, HOUR + 1800, 60)
    town.tick(HOUR + 7260)
    assert percent(town, HOUR + 3600) == 100.0
    assert percent(town, HOUR + 7200) == 100.0
    assert percent(town, HOUR + 7200, "centre/_") == 100.0


def test_a_device_owes_from_the_hour_of_its_first_reading() -> None:
    """Also when an earlier hour is said anew after it came."""
    town = Town([row("a1", "centre/air", 60), row("a2", "centre/air", 60)])
    fill(town, "a1", HOUR, HOUR + 3540, 60)
    town.tick(HOUR + 3660)
    assert percent(town, HOUR + 3600) == pytest.approx(100 * 59 / 60)
    fill(town, "a2", HOUR + 3600, HOUR + 5400, 60)
    town.take([Reading("a1", "pm25", HOUR + 3540, 8.0)])
    town.tick(HOUR + 7260)
    assert town.last(KEY, "centre/air")[HOUR + 3600] == (100.0, 2)
    assert percent(town, HOUR + 7200) == 25.0


def test_failed_readings_are_not_valid_ones_and_all_quantities_count() -> None:
    town = Town([row("a1", "centre/air", 600)])
    for k in range(6):
        town.take([
            Reading("a1", "pm25", HOUR + 600 * k, 8.0, 4 if k == 0 else 1),
            Reading("a1", "temp", HOUR + 600 * k, 8.0, 3),
        ])
    town.tick(HOUR + 3660)
    assert percent(town, HOUR + 3600) == pytest.approx(100 * 11 / 12)


def test_areas_weigh_by_what_is_owed() -> None:
    town = Town([row("a1", "centre/one", 60), row("a2", "centre/two", 600)])
    fill(town, "a1", HOUR, HOUR + 3600, 60)
    fill(town, "a2", HOUR, HOUR + 1800, 600)
    town.tick(HOUR + 3660)
    assert percent(town, HOUR + 3600, "centre/_") == pytest.approx(100 * 63 / 66)


def test_silence_is_zero_percent_and_not_insufficient() -> None:
    town = Town([row("a1", "centre/air", 60)])
    fill(town, "a1", HOUR, HOUR + 3600, 60)
    town.tick(HOUR + 3 * 3600 + 60)
    assert percent(town, HOUR + 3 * 3600) == 0.0
    aqi = [level for path, key, end, _, level, _ in town.said()
           if (path, key, end) == ("centre/air", "air.us_aqi", HOUR + 5 * 3600)]
    assert all(level == INSUFFICIENT for level in aqi)
    assert not math.isnan(percent(town, HOUR + 2 * 3600))


def test_the_newest_day_counts_each_hour_for_what_it_owes() -> None:
    """A burst of readings in one hour does not make up for another hour."""
    town = Town([row("a1", "centre/air", 60)])
    fill(town, "a1", HOUR - 24 * 3600, HOUR - 12 * 3600, 60)
    fill(town, "a1", HOUR - 3600, HOUR, 5)
    town.tick(HOUR + 60)
    assert town.last("dq.completeness_24h", "centre/air")[HOUR][0] == pytest.approx(
        100 * 13 * 60 / (24 * 60)
    )


def test_nothing_is_owed_before_the_first_reading() -> None:
    town = Town([row("a1", "centre/air", 60)])
    fill(town, "a1", HOUR - 2 * 3600, HOUR, 60)
    town.tick(HOUR + 60)
    assert town.last("dq.completeness_24h", "centre/air")[HOUR][0] == 100.0


def test_a_late_day_restates_those_that_look_back_on_it() -> None:
    town = Town([row("a1", "centre/air", 60)])
    fill(town, "a1", HOUR - 48 * 3600, HOUR - 5 * 3600, 60)
    fill(town, "a1", HOUR - 4 * 3600, HOUR, 60)
    town.tick(HOUR + 60)
    before = town.last("dq.completeness_24h", "centre/air")[HOUR]
    fill(town, "a1", HOUR - 5 * 3600, HOUR - 4 * 3600, 60)
    town.tick(HOUR + 120)
    assert before == (pytest.approx(100 * 23 / 24), 1)
    assert town.last("dq.completeness_24h", "centre/air")[HOUR] == (100.0, 2)


def test_thirty_days() -> None:
    town = Town([row("a1", "centre/air", 3600)])
    midnight = at("2026-03-02 00:00")
    fill(town, "a1", midnight - 40 * 86_400, midnight - 15 * 86_400, 3600)
    fill(town, "a1", midnight - 12 * 86_400, midnight, 3600)
    town.tick(midnight + 120)
    assert town.last("dq.completeness_30d", "centre/air")[midnight][0] == pytest.approx(90.0)


@pytest.mark.parametrize(("quantity", "hours", "step", "stuck"), [
    ("pm25", 1, 0.0, 1.0), ("pm25", 1, 0.1, 0.0), ("no2", 2, 0.0, 1.0), ("no2", 1, 0.0, None),
    ("temp", 3, 0.0, 1.0), ("occupancy", 4, 0.0, 1.0), ("occupancy", 3, 0.0, None),
    ("occupancy", 4, 0.001, 0.0),
])
def test_a_series_without_change_for_its_hours_seems_stuck(
    quantity: str, hours: int, step: float, stuck: float | None
) -> None:
    """12.0 and 12.1 differ by 0.1 for people, and by less in binary."""
    town = Town([row("a1", "centre/air", 60)])
    level = 0.12 if quantity == "occupancy" else 12.0
    town.take(Reading("a1", quantity, HOUR + 60 * k, level + step * (k == 7))
              for k in range(60 * hours))
    town.tick(HOUR + 3600 * hours + 60)
    value = town.last("dq.flat_line", "centre/air")[HOUR + 3600 * hours][0]
    assert math.isnan(value) if stuck is None else value == stuck


def test_an_empty_road_is_no_stuck_loop() -> None:
    town = Town([row("r1", "centre/road", 60)])
    town.take(Reading("r1", "occupancy", HOUR + 60 * k, 0.0) for k in range(240))
    town.tick(HOUR + 4 * 3600 + 60)
    assert town.last("dq.flat_line", "centre/road")[HOUR + 4 * 3600][0] == 0.0


def test_a_station_without_a_series_that_may_be_stuck_says_nothing_of_it() -> None:
    town = Town([row("a1", "centre/air", 60), row("r1", "centre/road", 60)])
    town.take(Reading("r1", "speed", HOUR + 60 * k, 50.0) for k in range(60))
    town.take(Reading("a1", "pm25", HOUR + 60 * k, 5.0) for k in range(60))
    town.tick(HOUR + 3660)
    assert town.last("dq.flat_line", "centre/road") == {}
    assert town.last("dq.flat_line", "centre/_")[HOUR + 3600][0] == 1.0
