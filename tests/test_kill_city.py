"""Kills of every process at random moments, from one seed; see `tests/kill_city.py`.

`make soak` kills a thousand times, in lives of two hundred: a life that fails names its seed, and
`KILL_SEED`, `KILLS` and `KILL_SECONDS` repeat it, shorter or longer.
"""

import os
import random
import time
from pathlib import Path

import pytest

from tests.kill_city import VICTIMS, KilledCity
from tests.resident import growth_mb, is_flat

LIVES, KILLS = 5, 200
FLAT_OF = 20
"""Samples of memory that say something."""


def lived(city: KilledCity, seconds: float, kills: int) -> None:
    """Live, die and live again, and compare everything."""
    kills = int(os.environ.get("KILLS", "") or kills)
    seconds = float(os.environ.get("KILL_SECONDS", "") or seconds)
    print(f"KILL_SEED={city.seed}")
    begun = time.monotonic()
    city.live(seconds, kills)
    assert city.kills.total() == kills
    assert len(city.kills) == min(len(set(VICTIMS)), kills), "each kind of process"
    ended = time.monotonic()
    city.check()
    print(f"lived {ended - begun:.0f} s, compared in {time.monotonic() - ended:.0f} s",
          dict(city.kills), f"ingest at work {city.at_work} times")


def seed() -> int:
    """Asked for, or drawn."""
    return int(os.environ.get("KILL_SEED", "") or random.SystemRandom().randrange(1 << 30))


def test_nothing_is_lost_or_doubled_and_points_are_those_of_an_undisturbed_city(
    tmp_path: Path
) -> None:
    lived(KilledCity(tmp_path, seed(), 10, {"ack_wait": "3s"}), 30.0, 24)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("life", range(1, LIVES + 1))
def test_a_thousand_kills(tmp_path: Path, life: int) -> None:
    city = KilledCity(tmp_path, seed(), 10, patient=True)
    lived(city, 400.0, KILLS)
    sizes = city.resident_mb
    assert city.at_work >= city.kills["ingest"] // 2, f"life {life}: killed in its starts alone"
    if len(sizes) >= FLAT_OF:
        print(f"resident {min(sizes):.0f} to {max(sizes):.0f} MB, grew {growth_mb(sizes):.1f} MB")
        assert is_flat(sizes), sizes
