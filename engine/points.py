"""Columns of results: what indicators yield and sinks write."""

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Literal

import numpy as np
import numpy.typing as npt

INSUFFICIENT = -1
"""The level of a point that its standard does not allow a number for; its value is then 0."""


class PointState(IntEnum):
    """How settled a point is. `FINAL` follows from time alone, 8 days after the window."""

    OPEN = 0
    CLOSED = 1
    FINAL = 2


Kind = Literal["open", "closing", "restated"]
"""Why a window is said: it is in progress, it closes, or it is said anew."""
STATE_OF = {
    "open": PointState.OPEN, "closing": PointState.CLOSED, "restated": PointState.CLOSED,
}


@dataclass(slots=True)
class Points:
    """k results as columns of length k.

    indicator: int16, row of `engine.catalogue.INDICATORS`. place: int32, row of `Places.keys`.
    end_s: int64, window end, Unix seconds UTC. value: float64 in the indicator's unit, 0 where
    level is -1. level: int8, row of the indicator's levels, -1 insufficient. cov: float64,
    coverage 0..1. n: int32, readings used (stations for an area). rev: int32, 0 while open,
    1 when closed, more when restated. state: uint8, `PointState`.
    Areas only (else NaN, NaN, NaN, -1): p50, p95, max: float64 over the stations; over: int32,
    stations above the indicator's first limit.
    """

    indicator: npt.NDArray[np.int16]
    place: npt.NDArray[np.int32]
    end_s: npt.NDArray[np.int64]
    value: npt.NDArray[np.float64]
    level: npt.NDArray[np.int8]
    cov: npt.NDArray[np.float64]
    n: npt.NDArray[np.int32]
    rev: npt.NDArray[np.int32]
    state: npt.NDArray[np.uint8]
    p50: npt.NDArray[np.float64]
    p95: npt.NDArray[np.float64]
    max: npt.NDArray[np.float64]
    over: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.place)

    def take(self, rows: npt.NDArray[np.intp] | npt.NDArray[np.bool_]) -> "Points":
        """The points at `rows` (indices or mask)."""
        return Points(*(getattr(self, name)[rows] for name in DTYPES))

    def storable(self) -> "Points":
        """What sinks may write: a value that is not finite becomes 0, insufficient; cov 0."""
        good = np.isfinite(self.value)
        if good.all() and np.isfinite(self.cov).all():
            return self
        return replace(
            self, value=np.where(good, self.value, 0.0),
            level=np.where(good, self.level, np.int8(INSUFFICIENT)),
            cov=np.where(np.isfinite(self.cov), self.cov, 0.0),
        )


DTYPES: dict[str, type[np.generic]] = {
    "indicator": np.int16, "place": np.int32, "end_s": np.int64, "value": np.float64,
    "level": np.int8, "cov": np.float64, "n": np.int32, "rev": np.int32, "state": np.uint8,
    "p50": np.float64, "p95": np.float64, "max": np.float64, "over": np.int32,
}


def empty(count: int = 0) -> Points:
    """Points of length `count`: zeros, and the station's blanks in the area columns."""
    points = Points(*(np.zeros(count, dtype) for dtype in DTYPES.values()))
    points.p50[:] = np.nan
    points.p95[:] = np.nan
    points.max[:] = np.nan
    points.over[:] = -1
    return points


def concatenate(parts: list[Points]) -> Points:
    """All `parts` one after the other."""
    parts = [part for part in parts if len(part)]
    if len(parts) < 2:
        return parts[0] if parts else NONE
    return Points(*(
        np.concatenate([getattr(part, name) for part in parts]) for name in DTYPES
    ))


NONE = empty()
"""No points; shared, since nothing can be written into it."""
