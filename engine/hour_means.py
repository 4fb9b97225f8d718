"""Means of hours, read from the hourly panes that every series keeps."""

from typing import Any

import numpy as np
import numpy.typing as npt

from edge.quantities import QUANTITIES
from engine.family import Bools, Floats, Integers, Slots
from engine.panes import COVER, SCALE, SQUARE_SCALE, UNCOUNTED, Panes

HOUR_MIN = 60
_SQUARE = np.array([row.kind == "rms" for row in QUANTITIES.values()])
_MINUTES = COVER & ~UNCOUNTED


def hour_means(
    slots: Slots, hours: Integers, quantity: npt.NDArray[np.int32], panes: Panes
) -> tuple[Floats, Integers]:
    """Mean of each series and local hour, and the minutes that its readings vouch for.

    slots: int32[k]. hours: int64[k], local numbers. quantity: int32[series]. Returns float64[k],
    in the unit of the quantity, of the root of the mean square where that is its kind, NaN under
    75 % of the minutes; and int64[k]. Cost: one pass.
    """
    ring: Any = panes.coarse[0]
    pane = ring[slots, hours % ring.shape[1]]
    here: Bools = (pane["tag"] == hours) & (pane["n"] > 0)
    minutes = np.where(here, np.bitwise_count(pane["covered"] & _MINUTES), 0).astype(np.int64)
    good = here & (4 * minutes >= 3 * HOUR_MIN)
    count = np.maximum(pane["n"], 1)
    square = _SQUARE[quantity[slots]]
    scaled = pane["sum"] / (count * np.where(square, SQUARE_SCALE, SCALE))
    mean = np.where(square, np.sqrt(np.maximum(scaled, 0.0)), scaled)
    return np.where(good, mean, np.nan), minutes
