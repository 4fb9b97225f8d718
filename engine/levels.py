"""From values to points: which level of the catalogue a number falls into, and what is said."""

from collections.abc import Sequence
from functools import cache

import numpy as np
import numpy.typing as npt

from engine.catalogue import COMPLETENESS_LEVELS, INDICATORS
from engine.kernel import kernel
from engine.points import INSUFFICIENT, STATE_OF, Kind, Points, empty

Floats = npt.NDArray[np.float64]
Levels = npt.NDArray[np.int8]


@kernel("void(float64[::1], float64[::1], int8[::1])")
def levels_of(values: Floats, uppers: Floats, out: Levels) -> None:
    """The first level whose upper limit the value does not exceed; lower is better.

    values: float64[k], NaN insufficient. uppers: float64[m], ascending, the last one infinite.
    out: int8[k], 0 best, -1 for NaN. Cost: k * m comparisons.
    """
    for i in range(values.shape[0]):
        if np.isnan(values[i]):
            out[i] = -1
            continue
        level = 0
        while level < uppers.shape[0] - 1 and values[i] > uppers[level]:
            level += 1
        out[i] = level


@kernel("void(float64[::1], float64[::1], int8[::1])")
def bands_of(values: Floats, uppers: Floats, out: Levels) -> None:
    """The last level whose upper limit the value stays below; higher is better.

    values: float64[k], NaN insufficient. uppers: float64[m], descending, the first one infinite
    (`COMPLETENESS_LEVELS`: a value of 90 is level 0, one of 75 level 1). out: int8[k], 0 best,
    -1 for NaN. Cost: k * m comparisons.
    """
    for i in range(values.shape[0]):
        if np.isnan(values[i]):
            out[i] = -1
            continue
        level = 0
        while level < uppers.shape[0] - 1 and values[i] < uppers[level + 1]:
            level += 1
        out[i] = level


def level_of(indicator: int, values: Floats) -> Levels:
    """Level of each value of an indicator: int8, -1 for NaN."""
    out = np.empty(len(values), np.int8)
    bands = INDICATORS[indicator].levels is COMPLETENESS_LEVELS
    (bands_of if bands else levels_of)(values, _uppers(indicator), out)
    return out


@cache
def _uppers(indicator: int) -> Floats:
    return np.array([level.upper for level in INDICATORS[indicator].levels])


def lay_out(
    indicators: Sequence[int], said: npt.NDArray[np.bool_], place: npt.NDArray[np.integer],
    end_s: npt.NDArray[np.int64], value: Floats, cov: Floats, n: npt.NDArray[np.integer],
    rev: npt.NDArray[np.integer], kind: Kind,
) -> tuple[Points, npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Points of what is said, by indicator and then by row; and the row and column of each.

    indicators: of the columns. said: bool[k, i]. place, end_s (Unix s), rev: [k]. value
    (NaN insufficient: written 0 with level -1), cov, n: [k, i].
    """
    column, row = np.nonzero(said.T)
    points = empty(len(row))
    points.indicator[:] = np.array(indicators, np.int16)[column]
    points.place[:] = place[row]
    points.end_s[:] = end_s[row]
    points.value[:] = value[row, column]
    start = 0
    for indicator, count in zip(indicators, np.bincount(column).tolist(), strict=False):
        end = start + count
        if count:
            points.level[start:end] = level_of(indicator, points.value[start:end])
        start = end
    points.value[points.level == INSUFFICIENT] = 0.0
    points.cov[:] = cov[row, column]
    points.n[:] = n[row, column]
    points.rev[:] = rev[row]
    points.state[:] = STATE_OF[kind]
    return points, row, column
