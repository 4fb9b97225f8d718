"""Is there enough data: the 75 % rule every average shares, and readings against expectation.

Standard: Directive 2008/50/EC Annex VII.A.2 for the 75 % (45 of 60 minutes, 6 of 8 hours, 18 of
24 hours, 18 of the 24 running 8-h means of a day); 40 CFR Part 50 says the same for the US.
"""

import numpy as np
import numpy.typing as npt

from engine.kernel import kernel

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@kernel("boolean(int64, int64)")
def enough(valid: int, possible: int) -> bool:
    """Whether `valid` of `possible` parts are at least 75 %; exact, and false of nothing."""
    return possible > 0 and 4 * valid >= 3 * possible


@kernel("float64(int64, int64, int64[::1], float64[::1])")
def expected_readings(
    window_start_s: int, window_end_s: int, since_s: Integers, period_s: Floats
) -> float:
    """Readings that a series owes in `[window_start_s, window_end_s)`, as its period changes.

    since_s: int64[r], Unix seconds from which each period holds, ascending. period_s:
    float64[r], seconds between readings, 0 or NaN where none are owed (retired). Before the
    first `since_s` nothing is owed. Cost: one pass over r.
    """
    owed = 0.0
    for i in range(since_s.shape[0]):
        first = max(window_start_s, since_s[i])
        last = window_end_s
        if i + 1 < since_s.shape[0]:
            last = min(last, since_s[i + 1])
        if last > first and period_s[i] > 0.0:
            owed += (last - first) / period_s[i]
    return owed


@kernel("void(int64[::1], float64[::1], float64[::1])")
def completeness(counts: Integers, expected: Floats, out: Floats) -> None:
    """Readings as a share of those expected (Cityvitals data quality 5.4).

    counts: int64[k], valid readings of the window. expected: float64[k], readings owed.
    out: float64[k], percent, at most 100, NaN where nothing was expected. Cost: one pass.
    """
    for i in range(counts.shape[0]):
        if expected[i] > 0.0:
            out[i] = min(100.0, 100.0 * counts[i] / expected[i])
        else:
            out[i] = np.nan
