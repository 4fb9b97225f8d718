"""Kills of every process at random moments, from one seed; see `tests/kill_city.py`."""

import os
import random
import time
from pathlib import Path

import pytest

from tests.kill_city import KilledCity


@pytest.mark.parametrize(("seconds", "kills", "readings", "options"), [
    (30.0, 24, 10, {"ack_wait": "3s"}),
    pytest.param(1500.0, 1000, 10, {}, marks=[pytest.mark.soak, pytest.mark.timeout(3600)]),
])
def test_nothing_is_lost_or_doubled_and_points_are_those_of_an_undisturbed_city(
    tmp_path: Path, seconds: float, kills: int, readings: int, options: dict[str, str]
) -> None:
    seed = int(os.environ.get("KILL_SEED", "") or random.SystemRandom().randrange(1 << 30))
    kills = int(os.environ.get("KILLS", "") or kills)
    seconds = float(os.environ.get("KILL_SECONDS", "") or seconds)
    print(f"KILL_SEED={seed}")
    city = KilledCity(tmp_path, seed, readings, options)
    begun = time.monotonic()
    city.live(seconds, kills)
    assert city.kills.total() == kills
    lived = time.monotonic()
    city.check()
    print(f"lived {lived - begun:.0f} s, compared in {time.monotonic() - lived:.0f} s",
          dict(city.kills))
