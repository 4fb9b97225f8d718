"""What is known of each series beside its panes: how far it delivered, its latest reading."""

from typing import Any, ClassVar

import numba as nb
import numpy as np
import numpy.typing as npt

from engine.panes import MINUTE_NS, NEVER_MIN, kernel

LONG_AGO_MIN = -(1 << 40)
NO_LATE_NS = np.iinfo(np.int64).max

_i64 = nb.int64[::1]


@kernel(nb.float64(nb.int64, nb.int64, nb.int64[:, ::1], nb.float64[:, ::1]))
def period_of(slot: int, time_s: int, since_s: Any, period_s: Any) -> float:
    """Nominal period in seconds of a series at a time, 0 where none holds.

    since_s: int64[series, r], ascending; before the first the first period holds. period_s:
    float64[series, r]. Cost: r.
    """
    row = 0
    while row + 1 < since_s.shape[1] and since_s[slot, row + 1] <= time_s:
        row += 1
    return float(period_s[slot, row])


@kernel(nb.int64(nb.float64))
def span_of(period_s: float) -> int:
    """Minutes that one reading stands for; a quarter of a minute more is within the 75 % rule."""
    return max(int(np.ceil(period_s / 60.0 - 0.25)), 1)


@kernel(nb.void(nb.int32[::1], _i64, nb.int64[:, ::1], nb.float64[:, ::1], nb.float64[::1]))
def periods_of(slot: Any, time_s: Any, since_s: Any, period_s: Any, out: Any) -> None:
    """`period_of` of k series and times: slot int32[k], time_s int64[k], out float64[k]."""
    for k in range(slot.shape[0]):
        out[k] = period_of(slot[k], time_s[k], since_s, period_s)


@kernel(nb.void(
    nb.int32[::1], _i64, nb.float64[::1], nb.uint8[::1], nb.int64[:, ::1], nb.float64[:, ::1],
    _i64, _i64, _i64, nb.float64[::1], nb.uint8[::1], _i64, _i64, nb.int32[::1],
))
def follow(
    slot: Any, time_ns: Any, value: Any, flag: Any, since_s: Any, period_s: Any,
    delivered_min: Any, closed_ns: Any, last_ns: Any, last_value: Any, last_flag: Any,
    late_n: Any, late_oldest_ns: Any, span: Any,
) -> None:
    """Take note of a batch of readings, in the order of the batch.

    slot: int32[k]. time_ns: int64[k], Unix ns. value: float64[k]. flag: uint8[k]. since_s,
    period_s: as `period_of`. The next seven are columns of `Series`. span: int32[k], out,
    minutes that each reading stands for, by the period at the start of its minute. O(1) a
    reading.
    """
    for k in range(slot.shape[0]):
        s = slot[k]
        at = time_ns[k]
        period = period_of(s, at // MINUTE_NS * 60, since_s, period_s)
        span[k] = span_of(period)
        reach = (at + nb.int64(period * 1e9)) // MINUTE_NS
        delivered_min[s] = max(delivered_min[s], reach)
        if at < closed_ns[s]:
            late_n[s] += 1
            late_oldest_ns[s] = min(late_oldest_ns[s], at)
        if at >= last_ns[s]:
            last_ns[s] = at
            last_value[s] = value[k]
            last_flag[s] = flag[k]


class Series:
    """Columns of one length, a row a series.

    delivered_min: int64, Unix minute up to which it has delivered. closed_ns: int64, Unix ns up
    to which its windows are closed. last_ns, last_value, last_flag: its latest reading.
    late_n, late_oldest_ns: int64, late readings since they were last asked for, and the oldest
    time. told_min: int64, first minute as the windows know it.
    """

    BLANKS: ClassVar[dict[str, np.generic]] = {
        "delivered_min": np.int64(LONG_AGO_MIN), "closed_ns": np.int64(0),
        "last_ns": np.int64(0), "last_value": np.float64(0.0), "last_flag": np.uint8(0),
        "late_n": np.int64(0), "late_oldest_ns": np.int64(NO_LATE_NS),
        "told_min": np.int64(NEVER_MIN),
    }
    """What each column holds of a series without a reading."""

    def __init__(self) -> None:
        none = np.zeros(0, np.int64)
        self.delivered_min: npt.NDArray[np.int64] = none
        self.closed_ns: npt.NDArray[np.int64] = none
        self.last_ns: npt.NDArray[np.int64] = none
        self.last_value: npt.NDArray[np.float64] = np.zeros(0)
        self.last_flag: npt.NDArray[np.uint8] = np.zeros(0, np.uint8)
        self.late_n: npt.NDArray[np.int64] = none
        self.late_oldest_ns: npt.NDArray[np.int64] = none
        self.told_min: npt.NDArray[np.int64] = none

    def fit(self, count: int) -> None:
        """Make room for `count` series."""
        more = count - len(self.last_ns)
        if more > 0:
            for name, blank in self.BLANKS.items():
                grown = np.concatenate([getattr(self, name), np.full(more, blank)])
                setattr(self, name, grown)
