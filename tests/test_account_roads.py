"""The steps of what a road says; recomputed by another program in tests/test_explain.py."""

import pytest

from tests.looks import account_of, value_of
from tests.town import Reading, Town, at, row

START = at("2026-03-02 10:00")


def town() -> Town:
    made = Town([row("d", "a/s", 300, lanes=2, posted_kmh=50, road_class="urban-3")])
    for k in range(12):
        made.take([Reading("d", "speed", START + 300 * k, 40.0),
                   Reading("d", "count", START + 300 * k, 20.0),
                   Reading("d", "occupancy", START + 300 * k, 0.1)])
    return made


@pytest.mark.parametrize(("key", "end", "name", "value"), [
    ("traffic.speed", 300, "speed_kmh", 40.0), ("traffic.flow", 300, "flow_vph", 240.0),
    ("traffic.flow_lane", 300, "flow_lane_vph", 120.0),
    ("traffic.occupancy", 300, "occupancy", 0.1), ("traffic.density", 300, "density", 3.0),
    ("traffic.speed_hour", 3600, "speed_kmh", 40.0),
    ("traffic.speed_time_mean", 3600, "speed_kmh", 40.0),
    ("traffic.los_urban_hcm2000", 900, "level", 2.0),
    ("traffic.los_urban_hcm2010", 900, "level", 2.0),
    ("traffic.gfactor_speed", 3600, "speed_kmh", 16.09344),
])
def test_the_last_step_is_what_was_said(key: str, end: int, name: str, value: float) -> None:
    made = town()
    points = made.tick(START + 3700)
    account = account_of(made, key, START + end)
    assert account.steps[-1].found[name] == pytest.approx(value)
    assert value_of(points, key, START + end) == pytest.approx(value)
    assert account.coverage.had == account.coverage.owed
    assert account.panes
