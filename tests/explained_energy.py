"""Recomputes the indicators of supply from an explanation alone, as `tests.explained` does.

Imports nothing of the project: what it knows it reads from the JSON that `explain` prints.
"""

import math
from typing import Any

Answer = dict[str, Any]
HOUR_MS = 3_600_000


def recompute(answer: Answer) -> float | None:
    """The value that the explanation yields; None where data are insufficient."""
    if answer["scope"] != "station":
        return _area(answer)
    name = answer["indicator"].partition(".")[2]
    if name.startswith("power_factor"):
        return _power_factor(answer, name)
    raise KeyError(name)


def _area(answer: Answer) -> float | None:
    have = [row for row in answer["members"] if row["value"] is not None]
    if answer["standard"]["area"] == "worst":
        return max((row["value"] for row in have), default=None)
    weight = math.fsum(row["weight"] for row in have)
    total = math.fsum(row["weight"] * row["value"] for row in have)
    return total / weight if weight else None


def _given(answer: Answer) -> dict[str, Any]:
    given: dict[str, Any] = answer["steps"][-1]["given"]
    return given


def _panes(answer: Answer, quantity: str) -> dict[tuple[str, str], dict[int, list[int]]]:
    """By device and channel, the panes of a quantity by their start."""
    return {
        (row["device"], row["channel"]): {pane[0]: pane for pane in row["panes"]["rows"]}
        for row in answer["inputs"] if row["quantity"] == quantity and "panes" in row
    }


def _hour(panes: dict[int, list[int]], start_ms: int, square: bool) -> float | None:
    pane = panes.get(start_ms)
    if pane is None or pane[4] < 45:
        return None
    return math.sqrt(pane[3] / (pane[2] * 1e4)) if square else pane[3] / (pane[2] * 1e6)


def _all(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) if len(known) == len(values) else None


def _power_factor(answer: Answer, name: str) -> float | None:
    window, rated = answer["window"], _given(answer)["rated_kva"]
    starts = range(window["start_ms"], window["end_ms"], HOUR_MS)
    power = _panes(answer, "power")
    if name == "power_factor_arithmetic":
        volts, amps = _panes(answer, "voltage"), _panes(answer, "current")
        p = _all([_hour(panes, starts[0], False) for panes in power.values()])
        phases = [(_hour(volts[key], starts[0], True), _hour(amps[key], starts[0], True))
                  for key in sorted(volts)]
        s = _all([None if u is None or i is None else u * i / 1000 for u, i in phases])
        return _ratio(p, s, rated)
    reactive = _panes(answer, "reactive")
    kwh = kvarh = 0.0
    hours = 0
    for start in starts:
        p = _all([_hour(panes, start, False) for panes in power.values()])
        q = _all([_hour(panes, start, False) for panes in reactive.values()])
        if p is not None and q is not None:
            kwh, kvarh, hours = kwh + p, kvarh + q, hours + 1
    if 4 * hours < 3 * len(starts):
        return None
    return _ratio(kwh, math.hypot(kwh, kvarh), None if rated is None else rated * hours)


def _ratio(p: float | None, s: float | None, rated: float | None) -> float | None:
    if p is None or s is None or s == 0 or (rated is not None and s < 0.01 * rated):
        return None
    return min(abs(p) / s, 1.0)
