"""The live judge: spikes and jumps of each series, as its readings come.

A reading that leads away from the one before it by more than its quantity allows is held until the
next one tells whether it was a spike: at most `GAP_NS`, then it counts. In order of time that costs
a comparison a reading. What comes out of order may change the flag of a neighbour: where the panes
show that a spike is possible at all, the day of the series is judged anew from all of its
readings (`flags_of`). So a flag is a function of the readings, however they came
(docs/decisions/0010).
"""

from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from edge.quantities import QUANTITIES
from engine.aligned import longer
from engine.kernel import kernel, lean_inner
from engine.panes import COARSE, MINUTE, MINUTE_NS, UNCOUNTED
from engine.qartod import (
    DIFFERENTIAL,
    FAIL,
    MISSING,
    SUSPECT,
    UNEVALUATED,
    graded,
    rate_size,
    spike_size,
    worse,
)

GAP_NS = 600 * 1_000_000_000
"""Readings farther apart are no neighbours: an hourly mean says nothing of a spike."""
_GAP_MIN = GAP_NS // MINUTE_NS
SPIKE_SUSPECT, SPIKE_FAIL, RATE_S, OVER_S = range(4)
INF = np.inf
LIMITS = np.array([
    [*(row.spike or (INF, INF)), (row.rate_min or INF) / 60.0, 0.0 if row.kind == "level" else 60.0]
    for row in QUANTITIES.values()
])
"""float64[quantities, 4]: suspect and fail of a spike in the unit; suspect change a second, and the
seconds over which it is taken at least. 3 °C a minute is no 0.05 °C a second: there one step of the
sensor's resolution would be too fast. A sound level may be judged by the second."""

RECENT = np.dtype({
    "names": ["time_ns", "value", "before_ns", "before", "flag", "held"],
    "formats": ["i8", "f8", "i8", "f8", "u1", "u1"],
    "offsets": [0, 8, 16, 24, 32, 33], "itemsize": 64,
}, align=True)
"""A series: its newest reading and the one before, and whether the newest is held. 34 bytes, and
room to the end of the line: a reading touches no other."""
RELEASED = np.dtype([("slot", "i4"), ("time_ns", "i8"), ("value", "f8"), ("flag", "u1")])

_recent = nb.from_dtype(RECENT)[::1]
_released = nb.from_dtype(RELEASED)[::1]
_i32, _i64, _f64, _u8 = nb.int32[::1], nb.int64[::1], nb.float64[::1], nb.uint8[::1]


@lean_inner
def _newest(table: Any, s: int, time_ns: int, value: float, limits: Any, quantity: int) -> Any:
    """The spike flag of a series' newest reading, now that the next one is known."""
    row = table[s]
    if row.before_ns == 0 or row.time_ns - row.before_ns > GAP_NS:
        return UNEVALUATED
    if time_ns - row.time_ns > GAP_NS:
        return UNEVALUATED
    size = spike_size(row.before, row.value, value, DIFFERENTIAL)
    return graded(size, limits[quantity, SPIKE_SUSPECT], limits[quantity, SPIKE_FAIL])


@lean_inner
def _release(table: Any, s: int, flag: int, released: Any, count: Any) -> None:
    out = released[count[0]]
    out.slot, out.time_ns, out.value, out.flag = s, table[s].time_ns, table[s].value, flag
    table[s].held = 0
    count[0] += 1


@lean_inner
def watch_one(
    table: Any, s: int, at: int, value: float, flag: int, quantity: int, limits: Any,
    released: Any, aside: Any, aside_slot: Any, counts: Any,
) -> Any:
    """Judge a reading of series `s` by those before it: its flag, and whether it is held.

    The flag is 3 where the value came about too fast, else as admitted; what is held waits for
    its successor. limits: float64[quantities, 4]. table: RECENT[series]. released: RELEASED[k],
    out, earlier readings that no longer wait; a spike among them has flag 4. aside: int64[2 k] and
    aside_slot: int32[2 k], out, times of what may need another look: out of order, or a spike
    that counted already. counts: int64[3], in and out: how many were released, set aside, held.
    """
    if not (limits[quantity, SPIKE_FAIL] < np.inf or limits[quantity, RATE_S] < np.inf):
        return flag, False
    row = table[s]
    if at <= row.time_ns:
        if row.held:
            _release(table, s, row.flag, released, counts)
        if flag not in (FAIL, MISSING):
            if at == row.time_ns:
                row.value = value
            elif at >= row.before_ns:
                row.before_ns, row.before = at, value
        aside[counts[1]], aside_slot[counts[1]] = at, s
        counts[1] += 1
        return flag, False
    if flag in (FAIL, MISSING):
        return flag, False
    found = _newest(table, s, at, value, limits, quantity) if row.time_ns else UNEVALUATED
    if row.held:
        _release(table, s, worse(row.flag, found), released, counts)
    elif found == FAIL:
        aside[counts[1]], aside_slot[counts[1]] = row.time_ns, s
        counts[1] += 1
    near = row.time_ns > 0 and at - row.time_ns <= GAP_NS
    if near:
        seconds = max((at - row.time_ns) / 1e9, limits[quantity, OVER_S])
        if rate_size(row.value, value, seconds) > limits[quantity, RATE_S]:
            flag = worse(flag, nb.uint8(SUSPECT))
    held = near and abs(value - row.value) > limits[quantity, SPIKE_FAIL]
    row.before_ns, row.before = row.time_ns, row.value
    row.time_ns, row.value, row.flag, row.held = at, value, flag, held
    counts[2] += held
    return flag, held


@kernel(nb.void(
    _i32, _i64, _i32, nb.float64[:, ::1], _recent, nb.from_dtype(MINUTE)[::1, :],
    nb.from_dtype(COARSE)[:, ::1], _i32, nb.boolean[::1],
))
def possible(
    slot: Any, time_ns: Any, quantity: Any, limits: Any, table: Any, minutes: Any, hours: Any,
    shift: Any, out: Any,
) -> None:
    """Whether any reading near a time may be a spike; false only if the panes show that none is.

    slot: int32[k]. time_ns: int64[k]. minutes, hours, shift: as in `engine.panes`, after the
    readings were applied. out: bool[k]. Cost: 40 panes each.
    """
    for k in range(slot.shape[0]):
        s = slot[k]
        low, high = np.inf, -np.inf
        minute = time_ns[k] // MINUTE_NS
        out[k] = False
        for at in range(minute - 2 * _GAP_MIN, minute + 2 * _GAP_MIN + 1):
            pane = minutes[s, at & 63]
            if pane.tag == at and pane.n > 0:
                low, high = min(low, pane.min), max(high, pane.max)
        first = (minute - 2 * _GAP_MIN + shift[s]) // 60
        last = (minute + 2 * _GAP_MIN + shift[s]) // 60
        for index in range(first, last + 1):
            hour = hours[s, index % hours.shape[1]]
            if hour.tag == index:
                out[k] |= (hour.covered & UNCOUNTED) != 0
                if hour.n > 0:
                    low, high = min(low, hour.min), max(high, hour.max)
            elif hour.tag > index:
                out[k] = True
        if table[s].held:
            low, high = min(low, table[s].value), max(high, table[s].value)
        out[k] |= high - low > limits[quantity[s], SPIKE_FAIL]


@kernel(nb.void(_i64, _f64, _u8, nb.float64[::1], _u8))
def judge_sorted(time_ns: Any, value: Any, flag: Any, limits: Any, out: Any) -> None:
    """Flags of all readings of a series, a function of them alone.

    time_ns: int64[n], ascending, each once. value: float64[n]. flag: uint8[n], as admitted; 4 and
    9 are nobody's neighbours. limits: float64[4]. out: uint8[n]. Cost: one pass.
    """
    before = last = -1
    for i in range(time_ns.shape[0]):
        out[i] = flag[i]
        if flag[i] == FAIL or flag[i] == MISSING:
            continue
        near = last >= 0 and time_ns[i] - time_ns[last] <= GAP_NS
        if near:
            seconds = max((time_ns[i] - time_ns[last]) / 1e9, limits[OVER_S])
            rate = rate_size(value[last], value[i], seconds)
            if rate > limits[RATE_S]:
                out[i] = worse(out[i], nb.uint8(SUSPECT))
            if before >= 0 and time_ns[last] - time_ns[before] <= GAP_NS:
                size = spike_size(value[before], value[last], value[i], DIFFERENTIAL)
                found = graded(size, limits[SPIKE_SUSPECT], limits[SPIKE_FAIL])
                out[last] = worse(out[last], found)
        before, last = last, i


@kernel(nb.int64(_recent, nb.int64, _released))
def release_old(table: Any, before_ns: int, released: Any) -> int:
    """Let go of held readings older than `before_ns`; released: RELEASED[series], out."""
    count = 0
    for s in range(table.shape[0]):
        row = table[s]
        if row.held and row.time_ns < before_ns:
            out = released[count]
            out.slot, out.time_ns, out.value, out.flag = s, row.time_ns, row.value, row.flag
            row.held = 0
            count += 1
    return count


class Judge:
    """The newest readings of all series, and the days that must be judged anew.

    active: False where it is known already what fails. found: series and times of spikes, if
    somebody asks for them.
    """

    def __init__(self) -> None:
        self.table = np.zeros(0, RECENT)
        self.waiting = 0
        self.unsettled: set[tuple[int, int]] = set()
        self.active = True
        self.found: set[tuple[int, int]] | None = None

    def fit(self, count: int) -> None:
        """Make room for `count` series."""
        if count > len(self.table):
            self.table = longer(self.table, count)

    def note(self, released: npt.NDArray[np.void], held: int) -> None:
        """Take note of what a batch released, and how many of its readings it holds."""
        self.waiting += held - len(released)
        if self.found is not None:
            spikes = released[released["flag"] == FAIL]
            self.found.update(zip(spikes["slot"].tolist(), spikes["time_ns"].tolist(), strict=True))

    def release(self, before_ns: int) -> npt.NDArray[np.void]:
        """Held readings older than that: nothing came that would tell; they count."""
        if not self.waiting:
            return np.empty(0, RELEASED)
        released = np.empty(self.waiting, RELEASED)
        count = release_old(self.table, before_ns, released)
        self.waiting -= count
        return released[:count]

    def let_go(self, slot: int, first_ns: int, end_ns: int) -> None:
        """A day is folded from all of its readings: what is held of it is among them."""
        row = self.table[slot]
        if row["held"] and first_ns <= row["time_ns"] < end_ns:
            self.table["held"][slot] = 0
            self.waiting -= 1


def flags_of(
    quantity: int, time_ns: npt.NDArray[np.int64], value: npt.NDArray[np.float64],
    flag: npt.NDArray[np.uint8],
) -> npt.NDArray[np.uint8]:
    """As `judge_sorted`: the flags of all readings of a series, by time."""
    out = np.empty(len(flag), np.uint8)
    judge_sorted(time_ns, value, flag, LIMITS[quantity], out)
    return out
