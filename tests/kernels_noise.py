"""The kernels of noise beside their slow twins, with makers of arguments."""

import math
from typing import Any

import numpy as np

from engine import sound_levels
from tests.kernels import Pair, Random
from tests.reference import quantile

MODULES = (sound_levels,)
NAN = math.nan


def level_db(energy: float) -> float:
    """Ten times the logarithm."""
    return 10 * math.log10(energy) if energy > 0 else NAN


def lden(day: float, evening: float, night: float) -> float:
    """24 hours of energy, one after the other."""
    hours = [day] * 12 + [evening + 5] * 4 + [night + 10] * 8
    return level_db(math.fsum(10 ** (hour / 10) for hour in hours) / 24)


def step_of(level: float) -> int:
    """Row of the histogram."""
    return min(max(math.floor(level * 10 - 300 + 0.5), 0), 900)


def _samples(counts: Any) -> list[float]:
    return [30 + step / 10 for step, n in enumerate(counts.tolist()) for _ in range(n)]


def level_at(counts: Any, position: float) -> float:
    """The sample at a place, joined linearly."""
    samples = _samples(counts)
    below = math.floor(position)
    above = samples[min(below + 1, len(samples) - 1)]
    return samples[below] + (position - below) * (above - samples[below])


def exceeded(counts: Any, out: Any) -> None:
    """Percentiles of the samples one by one."""
    samples = _samples(counts)
    out[:] = NAN
    if samples:
        out[:3] = [quantile(samples, share) for share in (0.9, 0.5, 0.1)]
        out[3] = 4 * (out[0] - out[2]) + out[2] - 30


def _histogram(rng: Random, most: int) -> Any:
    counts = np.zeros(sound_levels.LEVELS, np.int64)
    for level in rng.normal(60, 8, int(rng.integers(0, most))):
        counts[step_of(float(level))] += 1
    return counts


def _position(rng: Random, k: int) -> Any:
    counts = _histogram(rng, 30)
    counts[300] += 1
    return (counts, float(rng.choice([rng.uniform(0, counts.sum() - 1), 0.0]))), ()


PAIRS: tuple[Pair, ...] = (
    Pair(sound_levels.level_db, level_db,
         lambda rng, k: ((float(rng.choice([0.0, rng.uniform(1, 1e9)])),), ()), 1e-9),
    Pair(sound_levels.energy_of, lambda level: math.exp(level / 10 * math.log(10)),
         lambda rng, k: ((float(rng.uniform(0, 60)),), ()), 1e-6),
    Pair(sound_levels.lden, lden,
         lambda rng, k: (tuple(float(x) for x in rng.uniform(30, 80, 3)), ()), 1e-9),
    Pair(sound_levels.step_of, step_of,
         lambda rng, k: ((round(float(rng.uniform(20, 130)), 1),), ())),
    Pair(sound_levels.level_at, level_at, _position, 1e-9),
    Pair(sound_levels.exceeded, exceeded,
         lambda rng, k: ((_histogram(rng, 40),), (np.zeros(4),)), 1e-9),
)
