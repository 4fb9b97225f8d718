"""What is known of each series beside its panes: how far it delivered, its latest reading."""

from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from engine.aligned import longer
from engine.kernel import inner, kernel, lean_inner
from engine.panes import MINUTE_NS, NEVER_MIN, REGISTER

LONG_AGO_MIN = -(1 << 40)
NO_LATE_NS = np.iinfo(np.int64).max

SERIES = np.dtype([
    ("delivered_min", "i8"), ("closed_ns", "i8"), ("last_ns", "i8"), ("last_value", "f8"),
    ("late_n", "i8"), ("late_oldest_ns", "i8"), ("told_min", "i8"), ("last_flag", "u1"),
], align=True)
"""A series: 64 bytes side by side, so that a reading touches one line of memory."""

STEADY = np.dtype([("until_s", "i8"), ("period_s", "f8"), ("quantity", "i4")], align=True)
"""What a reading needs to know of its series: its quantity, and its first period and until when it
holds, so that few readings look into the tables of dated periods."""

_i64 = nb.int64[::1]


@lean_inner
def period_of(slot: int, time_s: int, since_s: Any, period_s: Any) -> float:
    """Nominal period in seconds of a series at a time, 0 where none holds.

    since_s: int64[series, r], ascending; before the first the first period holds. period_s:
    float64[series, r]. Cost: r.
    """
    row = 0
    while row + 1 < since_s.shape[1] and since_s[slot, row + 1] <= time_s:
        row += 1
    return float(period_s[slot, row])


@inner
def span_of(period_s: float) -> int:
    """Minutes that one reading stands for; a quarter of a minute more is within the 75 % rule."""
    return max(int(np.ceil(period_s / 60.0 - 0.25)), 1)


@kernel(nb.void(nb.int32[::1], _i64, nb.int64[:, ::1], nb.float64[:, ::1], nb.float64[::1]))
def periods_of(slot: Any, time_s: Any, since_s: Any, period_s: Any, out: Any) -> None:
    """`period_of` of k series and times: slot int32[k], time_s int64[k], out float64[k]."""
    for k in range(slot.shape[0]):
        out[k] = period_of(slot[k], time_s[k], since_s, period_s)


@kernel(nb.void(
    nb.int32[:, ::1], _i64, _i64, _i64, _i64, nb.int64[:, ::1], nb.float64[:, ::1],
    nb.boolean[:, ::1],
))
def live_series(
    table: Any, members: Any, start_min: Any, end_min: Any, first_min: Any, since_s: Any,
    period_s: Any, out: Any,
) -> None:
    """Which series of each member there are in a window: heard before its end, and owing.

    table: int32[m, c], slots, -1 blank. members: int64[k], rows of it. start_min, end_min:
    int64[k], Unix minutes. first_min: int64[series]. since_s, period_s: as `period_of`. out:
    bool[k, c]. Cost: k * c * r.
    """
    for k in range(members.shape[0]):
        for c in range(table.shape[1]):
            slot = table[members[k], c]
            out[k, c] = slot >= 0 and first_min[slot] < end_min[k] and (
                period_of(slot, start_min[k] * 60, since_s, period_s) > 0.0
                or period_of(slot, end_min[k] * 60 - 1, since_s, period_s) > 0.0
            )


@lean_inner
def follow_one(
    table: Any, s: int, at: int, value: float, flag: int, period: float, quantity: int
) -> None:
    """Take note of a reading of series `s`, of a time in Unix ns; what comes last stands.

    table: SERIES[series]. period: nominal, in seconds, at the start of the reading's minute. A
    register says what was used up to its reading, not for a period after it.
    """
    row = table[s]
    ahead = nb.int64(0) if quantity == REGISTER else nb.int64(period * 1e9)
    row.delivered_min = max(row.delivered_min, (at + ahead) // MINUTE_NS)
    if at < row.closed_ns:
        row.late_n += 1
        row.late_oldest_ns = min(row.late_oldest_ns, at)
    if at >= row.last_ns:
        row.last_ns = at
        row.last_value = value
        row.last_flag = flag


class Series:
    """A table with a row a series, and views of its columns."""

    def __init__(self) -> None:
        self.table = np.zeros(0, SERIES)

    def fit(self, count: int) -> None:
        """Make room for `count` series."""
        if count > len(self.table):
            old = len(self.table)
            self.table = longer(self.table, count)
            fresh = self.table[old:]
            fresh["delivered_min"] = LONG_AGO_MIN
            fresh["late_oldest_ns"] = NO_LATE_NS
            fresh["told_min"] = NEVER_MIN

    @property
    def delivered_min(self) -> npt.NDArray[np.int64]:
        """Unix minute up to which each series has delivered."""
        return self.table["delivered_min"]

    @property
    def closed_ns(self) -> npt.NDArray[np.int64]:
        """Unix ns up to which its windows are closed."""
        return self.table["closed_ns"]

    @property
    def last_ns(self) -> npt.NDArray[np.int64]:
        """Unix ns of its latest reading, 0 without one."""
        return self.table["last_ns"]

    @property
    def last_value(self) -> npt.NDArray[np.float64]:
        """Value of its latest reading."""
        return self.table["last_value"]

    @property
    def last_flag(self) -> npt.NDArray[np.uint8]:
        """QARTOD flag of its latest reading."""
        return self.table["last_flag"]

    @property
    def late_n(self) -> npt.NDArray[np.int64]:
        """Late readings since they were last asked for."""
        return self.table["late_n"]

    @property
    def late_oldest_ns(self) -> npt.NDArray[np.int64]:
        """Unix ns of the oldest of these."""
        return self.table["late_oldest_ns"]

    @property
    def told_min(self) -> npt.NDArray[np.int64]:
        """Unix minute of its first reading as the windows know it."""
        return self.table["told_min"]
