"""Planning time and buffer (twins: tests/test_kernels.py; published cases: conformance)."""

import math

import numpy as np
import pytest

from engine.travel_reliability import BUFFER, BUFFER_INDEX, PTI, buffer_of, reliability


def test_oki_28_minutes_of_20() -> None:
    out = np.zeros(5)
    buffer_of(20.0, 28.0, out)
    assert (out[BUFFER_INDEX], out[BUFFER]) == (pytest.approx(0.4), 8.0)


def test_a_road_that_is_always_the_same_needs_no_buffer() -> None:
    out = np.zeros(5)
    reliability(np.full(9, 12.0), 10.0, out)
    assert out.tolist() == pytest.approx([1.2, 0.0, 0.0, 12.0, 12.0])
    reliability(np.full(9, 12.0), math.nan, out)
    assert math.isnan(out[PTI])
