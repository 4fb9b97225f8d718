"""Slow, obvious twins of the data quality kernels; they import nothing from `engine`."""

import math
import statistics
from collections.abc import Sequence

RANK = {4: 4, 3: 3, 1: 2, 2: 1, 9: 0}
"""How bad each flag is; missing counts least, as ioos-qc has it."""


def grade(distance: float, suspect: float, fail: float) -> int:
    """Equal to a limit passes it."""
    return 4 if distance > fail else 3 if distance > suspect else 1


def gross_range(
    x: Sequence[float], fail: tuple[float, float], suspect: tuple[float, float]
) -> list[int]:
    """Outside of either span."""
    return [
        9 if math.isnan(value) else 1 if suspect[0] <= value <= suspect[1]
        and fail[0] <= value <= fail[1] else 3 if fail[0] <= value <= fail[1] else 4
        for value in x
    ]


def spike(x: Sequence[float], suspect: float, fail: float, method: str) -> list[int]:
    """Each value beside its two neighbours."""
    flags = []
    for i, value in enumerate(x):
        if math.isnan(value):
            flags.append(9)
        elif i in (0, len(x) - 1) or math.isnan(x[i - 1]) or math.isnan(x[i + 1]):
            flags.append(2)
        elif method == "average":
            flags.append(grade(abs(value - (x[i - 1] + x[i + 1]) / 2), suspect, fail))
        else:
            up, down = value - x[i - 1], x[i + 1] - value
            there_and_back = (up > 0 > down) or (up < 0 < down)
            size = min(abs(up), abs(down)) if there_and_back else 0.0
            flags.append(grade(size, suspect, fail))
    return flags


def rate_of_change(
    x: Sequence[float], time_s: Sequence[float], suspect: float, fail: float
) -> list[int]:
    """Each value against the one before it."""
    flags = [9 if math.isnan(value) else 1 for value in x]
    for i in range(1, len(x)):
        if not math.isnan(x[i]) and not math.isnan(x[i - 1]) and time_s[i] > time_s[i - 1]:
            flags[i] = grade(abs(x[i] - x[i - 1]) / (time_s[i] - time_s[i - 1]), suspect, fail)
    return flags


def flat_line(
    x: Sequence[float], suspect_count: int, fail_count: int, tolerance: float
) -> list[int]:
    """The range of each value and those before it."""
    def still(i: int, count: int) -> bool:
        window = x[i - count : i + 1]
        if count < 1 or i < count or any(math.isnan(value) for value in window):
            return False
        return max(window) - min(window) < tolerance

    return [
        9 if math.isnan(value) else 4 if still(i, fail_count) else 3 if still(i, suspect_count)
        else 1 for i, value in enumerate(x)
    ]


def aggregate(flags: Sequence[Sequence[int]]) -> list[int]:
    """The worst of each column."""
    return [max(column, key=RANK.__getitem__) for column in zip(*flags, strict=True)]


def neighbours_judged(
    readings: Sequence[tuple[float, float, int]], gap_s: float,
    spike_limits: tuple[float, float], rate_s: float, over_s: float = 60.0,
) -> list[int]:
    """Flags of (time in s, value, admitted flag) by time: the live rules, one reading at a time."""
    flags = [flag for _, _, flag in readings]
    valid = [i for i, flag in enumerate(flags) if flag not in (4, 9)]
    for k, i in enumerate(valid):
        time_s, value, _ = readings[i]
        found = [flags[i]]
        before = readings[valid[k - 1]] if k else None
        after = readings[valid[k + 1]] if k + 1 < len(valid) else None
        if before and time_s - before[0] <= gap_s:
            found.append(grade(
                abs(value - before[1]) / max(time_s - before[0], over_s), rate_s, math.inf))
            if after and after[0] - time_s <= gap_s:
                trio = [before[1], value, after[1]]
                found.append(spike(trio, *spike_limits, "differential")[1])
        flags[i] = max(found, key=RANK.__getitem__)
    return flags


def around(latencies_ns: Sequence[int], share: float) -> tuple[float, float]:
    """The readings about a percentile of type 7, seconds."""
    ordered = sorted(latencies_ns)
    position = (len(ordered) - 1) * share
    return ordered[int(position)] / 1e9, ordered[-int(-position // 1)] / 1e9


Came = tuple[int, float, int, int, bool]
"""Time and value of a reading, its flag, when it was received (ns), and whether it is a repeat."""


def deliveries(
    rows: Sequence[Came], period_ns: int, spike: float, rate_s: float, gap_ns: int
) -> tuple[int, int, int, int, int, int]:
    """Received, late, ahead, repeated, out of order, suspect of one series, as they came."""
    counts = [0] * 6
    line: list[tuple[int, float, bool]] = []
    for time_ns, value, flag, received_ns, again in rows:
        if again:
            counts[3] += 1
            continue
        counts[0] += 1
        counts[1] += received_ns - time_ns > 2 * period_ns
        counts[2] += time_ns - received_ns > 2 * 10**9
        bad = flag in (3, 4)
        if line and time_ns < line[-1][0]:
            counts[4] += 1
        elif flag not in (4, 9):
            if line and time_ns - line[-1][0] <= gap_ns:
                if len(line) > 1 and line[-1][0] - line[-2][0] <= gap_ns and not line[-1][2]:
                    there, back = line[-1][1] - line[-2][1], line[-1][1] - value
                    counts[5] += there * back > 0 and min(abs(there), abs(back)) > spike
                seconds = (time_ns - line[-1][0]) / 1e9
                change = abs(value - line[-1][1])
                bad = bad or (seconds > 0 and change / max(seconds, 60) > rate_s)
            line.append((time_ns, value, bad))
        counts[5] += bad
    received, late, ahead, repeated, disorder, suspect = counts
    return received, late, ahead, repeated, disorder, suspect


def _both(x: Sequence[float], y: Sequence[float]) -> list[tuple[float, float]]:
    return [(a, b) for a, b in zip(x, y, strict=True) if not (math.isnan(a) or math.isnan(b))]


def correlated(x: Sequence[float], y: Sequence[float]) -> bool:
    """By more than 0.8 over a week, as it is or each day about its own mean."""
    return _correlated(x, y, len(x)) or _correlated(x, y, 24)


def _correlated(x: Sequence[float], y: Sequence[float], span: int) -> bool:
    a, b = [], []
    for first in range(0, len(x), span):
        pairs = _both(x[first : first + span], y[first : first + span])
        for values, of in ((a, 0), (b, 1)):
            mean = math.fsum(pair[of] for pair in pairs) / max(len(pairs), 1)
            values += [pair[of] - mean for pair in pairs]
    if len(a) < 126 or not any(a) or not any(b):
        return False
    return statistics.correlation(a, b) > 0.8


def neighbour_medians(
    near: Sequence[int], close: Sequence[bool], week: Sequence[Sequence[float]],
    own: Sequence[float],
) -> tuple[list[bool], list[float]]:
    """Which of the nearest are neighbours, and their median in each hour of the last day."""
    taken = [row >= 0 and (here or correlated(own, week[row]))
             for row, here in zip(near, close, strict=True)]
    medians = []
    for hour in range(144, 168):
        values = [week[row][hour] for row, of in zip(near, taken, strict=True) if of]
        values = [value for value in values if not math.isnan(value)]
        medians.append(statistics.median(values) if len(values) >= 3 else math.nan)
    return taken, medians


def drifting(x: Sequence[float], m: Sequence[float], floor: float) -> list[float]:
    """Hours, offset, mad, level, slope, hours off, and whether a sensor drifts."""
    def week(end: int) -> tuple[float, float, float, float]:
        pairs = _both(x[end - 168 : end], m[end - 168 : end])
        if len(pairs) < 126:
            return (len(pairs), *[math.nan] * 3)
        offset = statistics.median(a - b for a, b in pairs)
        mad = statistics.median(abs(a - b - offset) for a, b in pairs)
        return len(pairs), offset, mad, statistics.median(b for _, b in pairs)

    hours, offset, mad, level = week(len(x))
    if hours < 126:
        return [hours, *[math.nan] * 6]
    pairs = _both(x[-168:], m[-168:])
    flat = len({b for _, b in pairs}) == 1
    slope = math.nan if flat else statistics.linear_regression(
        [b for _, b in pairs], [a for a, _ in pairs]).slope
    lasting = 0
    while lasting < 72:
        _, of, _, at = week(len(x) - lasting)
        if math.isnan(of) or abs(of) <= max(0.25 * at, floor) + 1e-9:
            break
        lasting += 1
    bent = not flat and not 0.7 - 1e-9 <= slope <= 1.3 + 1e-9
    return [hours, offset, mad, level, slope, lasting, float(lasting == 72 or bent)]
