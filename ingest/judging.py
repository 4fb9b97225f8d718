"""The judge of readings: not a number, impossible, untrue time, future, too late; or it counts.

Readings of messages, recordings and backfill meet the same one, as columns.
"""

import numpy as np
import numpy.typing as npt

from edge.quantities import QUANTITIES
from edge.verdicts import Verdict
from engine.vitals import HORIZON_NS
from ingest.clocks import EARLIEST_NS

FUTURE_MAX_NS = 300 * 1_000_000_000
"""A reading may lie this far ahead of its receive time; beyond, it waits."""

_LOW = np.array([row.impossible[0] for row in QUANTITIES.values()], np.float64)
_HIGH = np.array([row.impossible[1] for row in QUANTITIES.values()], np.float64)
_LIKELY_LOW = np.array([row.implausible[0] for row in QUANTITIES.values()], np.float64)
_LIKELY_HIGH = np.array([row.implausible[1] for row in QUANTITIES.values()], np.float64)


def judge(
    quantity: npt.NDArray[np.int64], value: npt.NDArray[np.float64],
    time_ns: npt.NDArray[np.int64], received_ns: npt.NDArray[np.int64],
    flag: npt.NDArray[np.uint8], verdict: npt.NDArray[np.uint8],
) -> None:
    """Judge columns of readings in place: `verdict` where it is APPLIED, and `flag`.

    quantity: int64[n], row of the quantities. value: float64[n], canonical unit. time_ns,
    received_ns: int64[n], Unix ns. flag: uint8[n], 0 unknown. Implausible values are flagged 3.
    """
    open_ = verdict == Verdict.APPLIED
    row = np.where(open_, quantity, 0)
    impossible = (value < _LOW[row]) | (value > _HIGH[row])
    tests = (
        (~np.isfinite(value), Verdict.REFUSED_NOT_A_NUMBER),
        (impossible, Verdict.REFUSED_IMPOSSIBLE),
        (time_ns < EARLIEST_NS, Verdict.REFUSED_TIME),
        (time_ns > received_ns + FUTURE_MAX_NS, Verdict.HELD_FUTURE),
        (time_ns < received_ns - HORIZON_NS, Verdict.TOO_LATE),
    )
    for failed, outcome in tests:
        verdict[(verdict == Verdict.APPLIED) & failed & open_] = outcome
    suspect = (value < _LIKELY_LOW[row]) | (value > _LIKELY_HIGH[row])
    flag[(flag == 0) & open_] = 1
    flag[suspect & (flag <= 2) & open_] = 3
