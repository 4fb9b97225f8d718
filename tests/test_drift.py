"""Drift against neighbours: the kernels against their twins, and both sides of each limit."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.drift import COLUMNS, SPAN_H, WEEK_H, drifting, neighbour_medians
from tests import reference_quality as slow

Floats = npt.NDArray[np.float64]
SAW = np.tile(np.arange(24.0), SPAN_H // 24)


def told(x: Floats, m: Floats, floor: float = 5.0) -> dict[str, float]:
    out = np.empty((1, len(COLUMNS)))
    drifting(x[None].copy(), m[None].copy(), np.array([floor]), out)
    return dict(zip(COLUMNS, out[0].tolist(), strict=True))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_twin(seed: int) -> None:
    rng = np.random.default_rng(seed)
    m = np.round(rng.lognormal(2, 0.5, SPAN_H), 1)
    apart = rng.normal(rng.choice([0, 6]), 2, SPAN_H)
    x = np.round(rng.choice([0.6, 1.0, 1.0, 1.4]) * m + apart, 1)
    x[: rng.choice([0, 80, 120])] = m[0]
    for values in (x, m):
        values[rng.random(SPAN_H) < rng.choice([0.0, 0.1, 0.2])] = np.nan
    expected = slow.drifting(x.tolist(), m.tolist(), 5.0)
    assert list(told(x, m).values()) == pytest.approx(expected, rel=1e-9, nan_ok=True)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_medians_of_neighbours_twin(seed: int) -> None:
    rng = np.random.default_rng(seed)
    base = 10 + 5 * np.sin(np.arange(WEEK_H) / 4)
    week = np.round(base + rng.normal(0, 1, (8, WEEK_H)) * rng.choice([0.5, 3, 9], (8, 1)), 1)
    week[rng.random(week.shape) < 0.1] = np.nan
    near = np.full((2, 16), -1)
    near[0, :7], near[1, :5] = np.arange(1, 8), [3, 0, 2, 6, 7]
    close = rng.random((2, 16)) < 0.3
    taken, out = np.empty((2, 16), np.bool_), np.empty((2, 24))
    neighbour_medians(near, close, week, week[:2].copy(), taken, out)
    for s in range(2):
        of, medians = slow.neighbour_medians(
            near[s].tolist(), close[s].tolist(), week.tolist(), week[s].tolist())
        assert taken[s].tolist() == of
        assert out[s].tolist() == pytest.approx(medians, nan_ok=True)


@pytest.mark.parametrize(("offset", "drifts"), [(5.0, 0), (5.01, 1), (-5.01, 1), (0.0, 0)])
def test_by_five_ug_or_more(offset: float, drifts: int) -> None:
    assert told(SAW + offset, SAW)["drifts"] == drifts


def test_by_a_quarter_of_the_neighbours_where_that_is_more() -> None:
    level = SAW + 28.5  # its median is 40
    assert told(level + 10.0, level)["drifts"] == 0
    assert told(level + 10.01, level)["drifts"] == 1


@pytest.mark.parametrize(("hours", "drifts"), [(154, 0), (155, 1)])
def test_off_for_72_hours(hours: int, drifts: int) -> None:
    """The median of a week is off from its 84th hour that is: 84 + 71 hours of offset."""
    x = np.full(SPAN_H, 10.0)
    x[SPAN_H - hours :] += 20
    found = told(x, np.full(SPAN_H, 10.0))
    assert (found["off_hours"], found["drifts"]) == (hours - 83, drifts)
    assert np.isnan(found["slope"])


@pytest.mark.parametrize(
    ("slope", "drifts"), [(0.7, 0), (0.699, 1), (1.3, 0), (1.301, 1), (1.0, 0)]
)
def test_by_the_slope(slope: float, drifts: int) -> None:
    found = told(slope * (SAW - 11.5) + 11.5, SAW)
    assert found["slope"] == pytest.approx(slope)
    assert found["drifts"] == drifts


@pytest.mark.parametrize(("hours", "known"), [(126, True), (125, False)])
def test_three_quarters_of_the_week(hours: int, known: bool) -> None:
    x = SAW.copy()
    x[: SPAN_H - hours] = np.nan
    found = told(x, SAW)
    assert found["hours"] == hours
    assert np.isnan(found["drifts"]) != known
