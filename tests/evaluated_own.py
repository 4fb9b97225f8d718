"""The evaluator of a city's own indicators: hourly means anew from the panes, then the twin.

As `tests.explained`: imports nothing of the project, reads the JSON that `explain` prints. What the
city's standard says it cannot know: it takes the slow twin of the kernel, where there is one.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

Answer = dict[str, Any]
SQUARED = "1e-4 of the unit squared"
HOUR_MIN, COVERED_MIN = 60, 45


def means(answer: Answer) -> dict[str, float | None]:
    """The mean of the window's hour of each quantity, over the devices with 45 minutes of it."""
    found: dict[str, float | None] = {}
    start_ms = answer["window"]["start_ms"]
    for quantity in answer["steps"][0]["found"]:
        of = []
        for series in answer["inputs"]:
            if series["quantity"] != quantity:
                continue
            panes = series.get("panes", {})
            for row in panes.get("rows", []):
                if row[:2] == [start_ms, HOUR_MIN] and row[4] >= COVERED_MIN:
                    mean = row[3] / row[2]
                    squared = panes.get("sum_unit") == SQUARED
                    of.append(math.sqrt(mean / 1e4) if squared else mean / 1e6)
        found[quantity] = sum(of) / len(of) if of else None
    return found


def recompute(answer: Answer, twin: Callable[..., float] | None) -> float | None:
    """The value of the hour; without a twin that of the kernel, from means that are checked."""
    hourly, kernel = answer["steps"]
    own = means(answer)
    for quantity, mean in own.items():
        told = hourly["found"][quantity]
        assert (mean is None) == (told is None), (quantity, mean, told)
        assert mean is None or math.isclose(mean, told, rel_tol=1e-9, abs_tol=1e-9), quantity
        assert kernel["given"][quantity] == told
    there = [mean for mean in own.values() if mean is not None]
    if len(there) < len(own):
        return None
    value: float | None = twin(*there) if twin else kernel["found"]["value"]
    return value


def level(value: float | None, uppers: Sequence[float]) -> int:
    """By the largest value that still belongs to each level, the best first."""
    return -1 if value is None else sum(value > upper for upper in uppers)
