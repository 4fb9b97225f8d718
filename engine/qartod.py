"""QARTOD tests of readings: gross range, spike, rate of change, flat line, and their aggregate.

Flags: 1 pass, 2 not evaluated, 3 suspect, 4 fail, 9 missing. The rules of one reading are
functions of their own, `graded` and those that yield a distance: the columns of a recording and
the live judge (`engine.judge`) call the same. Every limit passes a value that is equal to it.
"""

from typing import Any

import numba as nb
import numpy as np

from engine.kernel import inner, kernel, lean_inner

PASS, UNEVALUATED, SUSPECT, FAIL, MISSING = 1, 2, 3, 4, 9
AVERAGE, DIFFERENTIAL = 0, 1
"""Methods of the spike test."""

_f64 = nb.float64[::1]
_flags = nb.uint8[::1]


@lean_inner
def graded(distance: float, suspect: float, fail: float) -> int:
    """The flag of a distance: 4 above `fail`, 3 above `suspect`, else 1; NaN limits say nothing."""
    if distance > fail:
        return FAIL
    return SUSPECT if distance > suspect else PASS


@inner
def in_range(
    value: float, fail_low: float, fail_high: float, suspect_low: float, suspect_high: float
) -> int:
    """The flag of a value by spans: 4 outside the first, 3 outside the second, 9 for NaN."""
    if np.isnan(value):
        return MISSING
    if value < fail_low or value > fail_high:
        return FAIL
    return SUSPECT if value < suspect_low or value > suspect_high else PASS


@lean_inner
def spike_size(before: float, here: float, after: float, method: int) -> float:
    """How far a value stands out from its neighbours, NaN where one of the three is missing.

    AVERAGE: from the mean of both. DIFFERENTIAL: the smaller of both steps if they lead there and
    back, else 0; so the good neighbours of a spike are none.
    """
    if np.isnan(before) or np.isnan(here) or np.isnan(after):
        return np.nan
    if method == AVERAGE:
        return abs(here - (before + after) / 2.0)
    if (here - before) * (here - after) <= 0.0:
        return 0.0
    return min(abs(here - before), abs(here - after))


@lean_inner
def rate_size(before: float, here: float, seconds: float) -> float:
    """Change a second between two values, NaN where there is none."""
    if np.isnan(before) or np.isnan(here) or seconds <= 0.0:
        return np.nan
    return abs(here - before) / seconds


@lean_inner
def worse(one: int, other: int) -> int:
    """The worse of two flags: fail, suspect, pass, not evaluated, missing."""
    for flag in (FAIL, SUSPECT, PASS, UNEVALUATED):
        if one == flag or other == flag:  # noqa: PLR1714 - a tuple of two types is none to numba
            return flag
    return MISSING


@kernel(nb.void(_f64, nb.float64, nb.float64, nb.float64, nb.float64, _flags))
def gross_range(
    x: Any, fail_low: float, fail_high: float, suspect_low: float, suspect_high: float, out: Any
) -> None:
    """Flags by what a sensor can measure and what is likely (QARTOD gross range).

    x: float64[n], NaN missing. Spans in the unit of x. out: uint8[n]. Cost: one pass.
    """
    for i in range(x.shape[0]):
        out[i] = in_range(x[i], fail_low, fail_high, suspect_low, suspect_high)


@kernel(nb.void(_f64, nb.float64, nb.float64, nb.int64, _flags))
def spike(x: Any, suspect: float, fail: float, method: int, out: Any) -> None:
    """Flags of single values that stand out from both neighbours (QARTOD spike).

    x: float64[n], NaN missing. suspect, fail: in the unit of x. out: uint8[n]; first, last and
    the neighbours of what is missing are 2. Cost: one pass.
    """
    last = x.shape[0] - 1
    for i in range(x.shape[0]):
        if np.isnan(x[i]):
            out[i] = MISSING
            continue
        size = np.nan
        if 0 < i < last:
            size = spike_size(x[i - 1], x[i], x[i + 1], method)
        out[i] = UNEVALUATED if np.isnan(size) else graded(size, suspect, fail)


@kernel(nb.void(_f64, _f64, nb.float64, nb.float64, _flags))
def rate_of_change(x: Any, time_s: Any, suspect: float, fail: float, out: Any) -> None:
    """Flags of values that came about too fast (QARTOD rate of change).

    x: float64[n], NaN missing. time_s: float64[n], ascending. suspect, fail: unit of x a second.
    out: uint8[n]; the first value, and one behind a gap, passes. Cost: one pass.
    """
    for i in range(x.shape[0]):
        if np.isnan(x[i]):
            out[i] = MISSING
            continue
        size = np.nan
        if i > 0:
            size = rate_size(x[i - 1], x[i], time_s[i] - time_s[i - 1])
        out[i] = PASS if np.isnan(size) else graded(size, suspect, fail)


@inner
def flat(x: Any, last: int, count: int, tolerance: float) -> bool:
    """Whether the `count` + 1 values up to `last` are all there and differ by less than tolerance.

    Cost: count.
    """
    if count < 1 or last < count:
        return False
    low = high = x[last]
    for i in range(last - count, last + 1):
        if np.isnan(x[i]):
            return False
        low, high = min(low, x[i]), max(high, x[i])
    return bool(high - low < tolerance)


@kernel(nb.void(_f64, nb.int64, nb.int64, nb.float64, _flags))
def flat_line(x: Any, suspect_count: int, fail_count: int, tolerance: float, out: Any) -> None:
    """Flags of values at the end of a stretch without any change (QARTOD flat line).

    x: float64[n], NaN missing. suspect_count, fail_count: intervals of the trailing windows, which
    hold a value more. tolerance: a range equal to it is no flat line, so 0 never flags. out:
    uint8[n]. Cost: n * fail_count.
    """
    for i in range(x.shape[0]):
        if np.isnan(x[i]):
            out[i] = MISSING
        elif flat(x, i, fail_count, tolerance):
            out[i] = FAIL
        else:
            out[i] = SUSPECT if flat(x, i, suspect_count, tolerance) else PASS


@kernel(nb.void(nb.uint8[:, ::1], _flags))
def aggregate(flags: Any, out: Any) -> None:
    """The worst flag of each value (fail, suspect, pass, not evaluated, missing).

    flags: uint8[tests, n]. out: uint8[n]. A value that is itself missing is 9 in every test.
    Cost: tests * n.
    """
    for i in range(flags.shape[1]):
        worst = nb.uint8(MISSING)
        for test in range(flags.shape[0]):
            worst = worse(worst, flags[test, i])
        out[i] = worst
