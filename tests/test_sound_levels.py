"""Levels: energies, never decibels (twins: tests/test_kernels.py)."""

import math

import numpy as np

from engine.sound_levels import LEVELS, energy_of, exceeded, level_db, step_of


def test_decibels_are_not_averaged() -> None:
    assert round(level_db((energy_of(55) + energy_of(65)) / 2), 4) == 62.4036
    assert math.isnan(level_db(0.0))


def test_what_lies_outside_counts_at_the_nearer_end() -> None:
    assert [step_of(x) for x in (20.0, 30.0, 30.1, 120.0, 135.0)] == [0, 0, 1, 900, 900]


def test_one_sample_is_all_percentiles() -> None:
    counts, out = np.zeros(LEVELS, np.int64), np.zeros(4)
    counts[step_of(61.3)] = 1
    exceeded(counts, out)
    assert np.allclose(out, [61.3, 61.3, 61.3, 31.3])
