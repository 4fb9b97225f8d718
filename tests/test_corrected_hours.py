"""Corrected hours of PM2.5: the kernel against its twin. Of stations: test_purpleair_hours.py."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.corrected_hours import COLUMNS, correct_hours
from engine.panes import COARSE
from tests.reference_purpleair import station_hour

SERIES, RING, WIDE = 8, 6, 3


def _panes(rng: np.random.Generator) -> Any:
    hours = np.zeros((SERIES, RING), COARSE)
    hours["tag"] = np.arange(RING) + RING * rng.integers(0, 2, (SERIES, RING))
    hours["n"] = rng.choice([0, 30, 60], (SERIES, RING), p=[0.1, 0.3, 0.6])
    hours["sum"] = hours["n"] * (rng.choice([4, 9, 20, 45, 240], (SERIES, RING)) * 10**6
                                 + rng.integers(0, 10**6, (SERIES, RING)))
    minutes = rng.choice([0, 44, 45, 60], (SERIES, RING), p=[0.1, 0.2, 0.3, 0.4]).astype("u8")
    hours["covered"] = (np.uint64(1) << minutes) - np.uint64(1) | np.uint64(1 << 63)
    return hours


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_the_kernel_is_its_twin(seed: int) -> None:
    rng = np.random.default_rng(seed)
    owner = np.sort(rng.integers(0, 4, SERIES)).astype(np.int32)
    pm = np.full((2, WIDE), -1, np.int32)
    rh = np.full((2, WIDE), -1, np.int32)
    for k in range(2):
        for table in (pm, rh):
            slots = np.sort(rng.choice(SERIES, int(rng.integers(0, WIDE + 1)), replace=False))
            table[k, : len(slots)] = slots
    windows = rng.integers(RING, 2 * RING, 2)
    shift = rng.choice([-60, 0, 330], 2)
    # Rows are of devices: the series of one have the same.
    since = np.sort(rng.integers(0, 2 * RING * 3600, (SERIES, 3)), axis=1)[owner]
    period = rng.choice([0.0, 60.0], (SERIES, 3), p=[0.2, 0.8])[owner]
    kinds = rng.integers(0, 3, (SERIES, 3)).astype(np.float64)[owner]
    first = rng.integers(0, RING * 120, SERIES)
    hours, out = _panes(rng), np.empty((2, 3, len(COLUMNS)))
    correct_hours(pm, rh, windows, shift, hours, owner, first, since, period, kinds, out)
    for k in range(2):
        for back in range(3):
            window = int(windows[k]) - back
            want = station_hour(
                [s for s in pm[k].tolist() if s >= 0], [s for s in rh[k].tolist() if s >= 0],
                window, (window * 60 - int(shift[k])) * 60, hours, owner, first, since, period,
                kinds,
            )
            assert out[k, back].tolist() == pytest.approx(want, nan_ok=True, rel=1e-12)
