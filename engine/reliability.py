"""Reliability of supply by IEEE 1366-2012: what an interruption counts, and the indices.

An interruption is sustained if it is longer than five minutes, else momentary. A staged
restoration is counted in steps, each a group of customers that is restored together.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

SUSTAINED_MS = 5 * 60_000
"""Longer than this is sustained; exactly five minutes is momentary."""
BETAS = 2.5


class Counted(NamedTuple):
    """float64[k]: customer interruptions, customer minutes, momentary customer interruptions."""

    interruptions: Floats
    minutes: Floats
    momentary: Floats


def counted(length_ms: Integers, customers: Integers, again: Bools) -> Counted:
    """What steps count.

    length_ms: int64[k]. customers: int64[k]. again: bool[k], its customers are in another step of
    the event as well: the minutes count, the interruption does not a second time.
    """
    sustained = length_ms > SUSTAINED_MS
    once = np.where(again, 0, customers).astype(np.float64)
    minutes = customers * (length_ms / 60_000.0)
    return Counted(
        np.where(sustained, once, 0.0), np.where(sustained, minutes, 0.0),
        np.where(sustained, 0.0, once),
    )


def per_customer(total: float, customers: float) -> float:
    """SAIFI, SAIDI and MAIFI: what was counted over the customers served; NaN without any."""
    return total / customers if customers > 0.0 else math.nan


def caidi(saidi_min: float, saifi: float) -> float:
    """Minutes that an interruption lasted for a customer; NaN where there was none."""
    return saidi_min / saifi if saifi > 0.0 else math.nan


def asai(saidi_min: float, minutes: float) -> float:
    """Share of the time that a customer was served; NaN of no time."""
    return 1.0 - saidi_min / minutes if minutes > 0.0 else math.nan


class MajorEvents(NamedTuple):
    """Threshold of major event days: days used, mean and deviation of ln SAIDI, minutes."""

    days: int
    alpha: float
    beta: float
    threshold_min: float


def major_event_threshold(daily_saidi_min: Sequence[float]) -> MajorEvents:
    """2.5-beta method (IEEE 1366-2012 B.2): days without an interruption are left out.

    The deviation is that of a sample (n - 1); NaN with fewer than two days.
    """
    logs = [math.log(value) for value in daily_saidi_min if value > 0.0]
    if len(logs) < 2:
        return MajorEvents(len(logs), math.nan, math.nan, math.nan)
    alpha = math.fsum(logs) / len(logs)
    beta = math.sqrt(math.fsum((x - alpha) ** 2 for x in logs) / (len(logs) - 1))
    return MajorEvents(len(logs), alpha, beta, math.exp(alpha + BETAS * beta))
