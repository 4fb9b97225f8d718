"""The steps of the traffic indicators: the speed, the free-flow speed it is held against."""

import numpy as np

from engine.account_traffic import day_of, hold, measure, off_peak
from tests.looks import account_of, look_at, value_of
from tests.town import Reading, Town, at, row

START = at("2026-03-02 10:00")


def town(speed: float = 40.0) -> Town:
    made = Town([row("d", "a/s", length_km=1.0, posted_kmh=50.0)])
    made.take(Reading("d", "speed", START + 60 * k, speed) for k in range(20))
    return made


def test_a_bin_step_by_step() -> None:
    made = town()
    points = made.tick(START + 1300)
    account = account_of(made, "traffic.tti", START + 300)
    speed, held, index = account.steps
    assert speed.found["speed_kmh"] == 40.0
    assert held.found["free_flow_kmh"] == 50.0
    assert index.found["index"] == value_of(points, "traffic.tti", START + 300) == 1.25
    assert (account.coverage.had, account.coverage.owed) == (5, 5)


def test_a_stored_free_flow_speed_is_held() -> None:
    made = town()
    made.tick(START + 1300)
    look = look_at(made, "traffic.tti", START + 300)
    segments = made.vitals.segments
    day = day_of(segments, 0, "traffic.tti", look.window, look.end_min)
    hold(segments, 0, day, 60.0)
    assert account_of(made, "traffic.tti", START + 300).steps[-1].found["index"] == 1.5


def test_off_peak_bins_measure_the_free_flow_speed() -> None:
    made = town(38.128)
    made.tick(START + 1300)
    segments = made.vitals.segments
    look = look_at(made, "traffic.tti", START + 300)
    day = day_of(segments, 0, "traffic.tti", look.window, look.end_min) + 1
    bins = off_peak(segments, np.zeros(1, np.int64), day, made.vitals.panes)[0]
    assert bins[bins > 0].tolist() == [38.13] * 4
    measure(segments, np.zeros(1, np.int64), day, made.vitals.panes)
    free = segments.free.at(np.zeros(1, np.int64), np.array([day]), segments.posted_on(
        np.zeros(1, np.int64), day))
    assert free.tolist() == [50.0]  # fewer than 200 bins: the posted limit
