"""Recomputes drift from an explanation alone; as `explained`, it imports nothing of the project."""

import math
import statistics
from typing import Any

HOUR_MS = 3_600_000
Hours = list[float | None]


def _hours(series: dict[str, Any], end_ms: int, count: int) -> Hours:
    """Hourly means up to a time, oldest first, by sum, readings and minutes of each pane."""
    rows = {row[0]: row for row in series.get("panes", {}).get("rows", [])}
    found: Hours = []
    for start in range(end_ms - count * HOUR_MS, end_ms, HOUR_MS):
        row = rows.get(start)
        found.append(row[3] / (row[2] * 1e6) if row and row[4] >= 45 else None)
    return found


def _pairs(x: Hours, m: Hours) -> list[tuple[float, float]]:
    return [(a, b) for a, b in zip(x, m, strict=True) if a is not None and b is not None]


def _off(x: Hours, m: Hours, floor: float) -> bool | None:
    pairs = _pairs(x, m)
    if len(pairs) < 126:
        return None
    apart = statistics.median(a - b for a, b in pairs)
    return abs(apart) > max(statistics.median(b for _, b in pairs) / 4, floor) + 1e-9


def drifts(step: dict[str, Any], inputs: dict[int, dict[str, Any]], end_ms: int) -> bool | None:
    """Whether one sensor drifts; None where it cannot be told."""
    given = step["given"]
    x = _hours(inputs[given["series"]], end_ms, 240)
    m: Hours = []
    near = dict(given["neighbours"]["rows"])
    for day_end in range(end_ms - 216 * HOUR_MS, end_ms + 1, 24 * HOUR_MS):
        days = [_hours(inputs[other], day_end, 24) for other in near.get(day_end, [])]
        for hour in range(24):
            values = [day[hour] for day in days]
            known = [value for value in values if value is not None]
            m.append(statistics.median(known) if len(known) >= 3 else None)
    if _off(x[-168:], m[-168:], given["floor"]) is None:
        return None
    lasting = all(
        _off(x[72 - back : 240 - back], m[72 - back : 240 - back], given["floor"])
        for back in range(72)
    )
    pairs = _pairs(x[-168:], m[-168:])
    if len({b for _, b in pairs}) == 1:
        return lasting
    slope = statistics.linear_regression([b for _, b in pairs], [a for a, _ in pairs]).slope
    assert math.isclose(slope, step["found"]["slope"], rel_tol=1e-6)
    return lasting or not 0.7 - 1e-9 <= slope <= 1.3 + 1e-9


def recompute(answer: dict[str, Any]) -> float | None:
    """How many sensors of a station drift."""
    inputs = {row["series"]: row for row in answer["inputs"]}
    steps = [step for step in answer["steps"] if "neighbours" in step["given"]]
    told = [drifts(step, inputs, answer["window"]["end_ms"]) for step in steps]
    known = [one for one in told if one is not None]
    return float(sum(known)) if known else None
