"""The evaluator's air indicators beyond the US index, from the standards' tables alone.

As `tests.explained`: imports nothing of the project, reads the JSON that `explain` prints.
"""

import math
from typing import Any

Answer = dict[str, Any]
HOUR_MS = 3_600_000
EU = {"no2": 1.912, "o3": 1.996, "so2": 2.661, "co": 1.164}
EAQI = {
    "pm25": (5, 15, 50, 90, 140), "pm10": (15, 45, 120, 195, 270), "o3": (60, 100, 120, 160, 180),
    "so2": (20, 40, 125, 190, 275), "no2": (10, 25, 60, 100, 150),
}
LEVELS: dict[str, tuple[float, ...]] = {"eaqi_2024": (1, 2, 3, 4, 5)}
"""Upper limits by the start of an indicator's name, the longest first."""


def _limits(name: str) -> tuple[float, ...] | None:
    return next((LEVELS[start] for start in LEVELS if name.startswith(start)), None)


def knows(indicator: str) -> bool:
    """Whether it is one of those here."""
    return indicator.startswith("air.") and _limits(indicator[4:]) is not None


def level(indicator: str, value: float) -> int:
    """The level of a value."""
    return sum(value > limit for limit in _limits(indicator[4:]) or ())


def hours_of(
    answer: Answer, quantity: str, last_end_ms: int, count: int
) -> list[float | None]:
    """Hourly means, oldest first: of each device with 45 minutes, then over the devices."""
    out: list[float | None] = []
    for i in range(count):
        start = last_end_ms - (count - i) * HOUR_MS
        means = [
            row[3] / (row[2] * 1e6)
            for series in answer["inputs"] if series["quantity"] == quantity
            for row in series.get("panes", {}).get("rows", [])
            if row[0] == start and row[1] == 60 and row[4] >= 45
        ]
        out.append(sum(means) / len(means) if means else None)
    return out


def rounded(value: float) -> int:
    """Half up, nothing below zero."""
    return max(math.floor(value + 0.5 + 1e-6), 0)


def _band(answer: Answer, pollutant: str) -> float | None:
    (mean,) = hours_of(answer, pollutant, answer["window"]["end_ms"], 1)
    if mean is None:
        return None
    return 1 + sum(rounded(mean * EU.get(pollutant, 1.0)) > x for x in EAQI[pollutant])


def _eaqi(answer: Answer, name: str) -> float | None:
    if name in EAQI:
        return _band(answer, name)
    bands = {pollutant: _band(answer, pollutant) for pollutant in EAQI}
    known = [band for band in bands.values() if band is not None]
    sensors = {series["quantity"] for series in answer["inputs"]}
    if bands["no2"] is None or (bands["pm25"] is None and bands["pm10"] is None):
        return None
    if "o3" in sensors and bands["o3"] is None:
        return None
    return max(known)


def recompute(answer: Answer, name: str) -> float | None:
    """The value of `air.{name}`; None where data are insufficient."""
    return _eaqi(answer, name.rsplit("_", 1)[-1])
