"""Means of hours and of ten minutes, read from the panes of the series."""

from typing import Any

import numpy as np
import numpy.typing as npt

from edge.quantities import QUANTITIES
from engine.family import Bools, Floats, Integers, Slots
from engine.panes import COVER, SCALE, SQUARE_SCALE, TEN, UNCOUNTED, Panes

HOUR_MIN, TEN_MIN = 60, 10
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
    return _means(pane, pane["tag"] == hours, quantity[slots], HOUR_MIN)


def ten_means(
    slots: Slots, tens: Integers, quantity: npt.NDArray[np.int32], panes: Panes
) -> tuple[Floats, Integers]:
    """As `hour_means`, of series that keep panes of ten minutes; tens: int64[k], local numbers."""
    ring: Any = panes.fine[TEN]
    pane = ring[panes.rows[TEN, slots], tens % ring.shape[1]]
    return _means(pane, pane["tag"] == tens, quantity[slots], TEN_MIN)


def _means(
    pane: Any, tagged: Bools, quantity: npt.NDArray[np.int32], length_min: int
) -> tuple[Floats, Integers]:
    here: Bools = tagged & (pane["n"] > 0)
    minutes = np.where(here, np.bitwise_count(pane["covered"] & _MINUTES), 0).astype(np.int64)
    good = here & (4 * minutes >= 3 * length_min)
    count = np.maximum(pane["n"], 1)
    square = _SQUARE[quantity]
    scaled = pane["sum"] / (count * np.where(square, SQUARE_SCALE, SCALE))
    mean = np.where(square, np.sqrt(np.maximum(scaled, 0.0)), scaled)
    return np.where(good, mean, np.nan), minutes
