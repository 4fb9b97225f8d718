"""Noise and clocks of the simulated city."""

from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

from simulators import signals

HOUR_MS = 3_600_000
NOON_MS = 1_784_030_400_000  # 2026-07-14T12:00:00Z, a Tuesday


def test_noise_is_the_same_alone_and_in_a_batch() -> None:
    key = signals.keys(1, "test", 5)
    time_ms = NOON_MS + np.arange(1000, dtype=np.int64) * 1000
    batch = signals.white(key, time_ms)
    wandering = signals.smooth(key, time_ms / 1000.0, 77.0)
    for row in (0, 1, 500, 999):
        one = time_ms[row : row + 1]
        assert np.array_equal(signals.white(key, one)[0], batch[row])
        assert np.array_equal(signals.smooth(key, one / 1000.0, 77.0)[0], wandering[row])


def test_noise_is_bounded_centred_and_of_unit_deviation() -> None:
    noise = signals.white(signals.keys(3, "test", 50), np.arange(4000, dtype=np.int64))
    assert abs(noise.mean()) < 0.01
    assert abs(noise.std() - 1.0) < 0.01
    assert np.abs(noise).max() <= signals.NORMAL_MAX
    columns = np.corrcoef(noise.T)
    assert np.abs(columns - np.eye(50)).max() < 0.1


def test_seeds_and_names_give_other_noise() -> None:
    time_ms = np.arange(100, dtype=np.int64)
    drawn = [
        signals.white(signals.keys(seed, name), time_ms)
        for seed, name in ((1, "a"), (2, "a"), (1, "b"))
    ]
    assert not np.array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[0], drawn[2])


def test_smooth_noise_has_no_steps() -> None:
    time_s = np.arange(0.0, 100_000.0)
    noise = signals.smooth(signals.keys(1, "slow"), time_s, 3600.0)
    assert np.abs(np.diff(noise[:, 0])).max() < 2 * signals.NORMAL_MAX * 1.5 / 3600.0


def test_wall_clock_follows_daylight_saving() -> None:
    zone = ZoneInfo("Europe/Berlin")
    # One day around each change of 2026: 29 March and 25 October, both at 01:00 UTC.
    for first in (1_774_742_400, 1_792_886_400):
        time_s = first + np.arange(0.0, 86_400.0, 600.0)
        wall = signals.local_s(time_s, "Europe/Berlin")
        for instant, local in zip(time_s, wall, strict=True):
            moment = datetime.fromtimestamp(instant, zone)
            assert local % 86_400 == moment.hour * 3600 + moment.minute * 60


def test_week_starts_on_monday() -> None:
    profile = signals.weekly(lambda day, hours: day + hours / 24.0)[:, None]
    monday = datetime(2026, 7, 13, tzinfo=ZoneInfo("UTC")).timestamp()
    assert signals.at_week(profile, np.array([monday]))[0, 0] == 0.0
    assert signals.at_week(profile, np.array([monday + 2.5 * 86_400]))[0, 0] == 2.5


def test_sun_is_up_at_noon_and_down_at_midnight() -> None:
    noon = np.array([NOON_MS / 1000.0])
    assert 0.8 < signals.sun_height(noon, 54.0, 12.0)[0] < 0.9
    assert signals.sun_height(noon + 43_200, 54.0, 12.0)[0] == 0.0
    winter = np.array([1_782_043_200.0 + 183 * 86_400.0])  # 2026-12-21T12:00:00Z
    assert 0.15 < signals.sun_height(winter, 54.0, 12.0)[0] < 0.25


def test_a_full_street_takes_half_as_long_again() -> None:
    assert signals.delay_factor(np.array([0.0, 1.0])).tolist() == [1.0, 1.5]


def test_below_keeps_small_values_and_the_ceiling() -> None:
    value = np.array([0.1, 0.5, 2.0, 100.0])
    held = signals.below(value, 1.0)
    assert np.allclose(held[:2], value[:2], rtol=0.001)
    assert held.max() <= 1.0
