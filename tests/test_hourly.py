"""What an indicator of a city's own may say, and what is refused with its name."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from engine.hourly import INPUTS_MAX, Floats, Hourly
from engine.indicator import INF, PLAIN, Indicator, Level

ENTRY = Indicator(
    "weather", "feel", "Feel", "1", 1, "ours", "1", "twice", 3600, 3600,
    (Level("low", "#000000", 1.0), Level("high", "#FFFFFF", INF)), 1, "mean", "low",
)


def twice(means: Floats, out: Floats) -> None:
    """A kernel."""
    np.multiply(means[:, 0], 2.0, out=out)


def made(inputs: tuple[str, ...] = ("temp",), **changed: Any) -> Hourly:
    """An indicator with some of its entry changed."""
    return Hourly(replace(ENTRY, **changed), inputs, twice, "2 temp")


def test_what_is_right_is_taken() -> None:
    assert made(("temp", "rh")).inputs == ("temp", "rh")
    assert made(levels=PLAIN, over_level=None, better="high").entry.better == "high"


@pytest.mark.parametrize(("changed", "words"), [
    ({"domain": "Weather"}, "domain = 'Weather'"),
    ({"id": "a-b"}, "id = 'a-b'"),
    ({"cadence_s": 900}, "cadence_s and window_s"),
    ({"window_s": 86_400}, "cadence_s and window_s"),
    ({"area": "vmt_weighted"}, "area = 'vmt_weighted'"),
    ({"levels": (Level("a", "#000000", INF), Level("b", "#000000", 1.0))}, "levels"),
    ({"levels": ()}, "levels"),
    ({"over_level": 2}, "over_level"),
    ({"better": "high"}, "better = 'high'"),
    ({"levels": PLAIN, "over_level": None, "better": "high", "area": "worst"}, "area = 'worst'"),
    ({"inputs": ()}, "inputs"),
    ({"inputs": ("temp", "temp")}, "inputs"),
    ({"inputs": ("heat",)}, "'heat' is no quantity"),
    ({"inputs": ("count",)}, "count is a count"),
    ({"inputs": ("laeq",)}, "laeq is a level"),
    ({"inputs": ("energy",)}, "energy is a register"),
])
def test_what_cannot_be_computed_is_refused(changed: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match="eather") as told:
        made(**changed)
    assert words in str(told.value)


def test_at_most_so_many_inputs() -> None:
    names = ("pm25", "pm10", "no2", "o3", "so2", "co", "temp", "rh", "speed")
    assert len(made(names[:INPUTS_MAX]).inputs) == INPUTS_MAX
    with pytest.raises(ValueError, match="inputs: 1 to 8"):
        made(names[: INPUTS_MAX + 1])
