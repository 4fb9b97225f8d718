"""WHO levels: the table as printed, names of targets, and a ratio without binary dust."""

import math

import pytest

from engine.air_days import who_ratio
from engine.who import LEVELS, TARGETS_MAX, limit_of, target_names


def test_levels_rise_and_have_names() -> None:
    for key, levels in LEVELS.items():
        assert list(levels) == sorted(levels)
        assert len(target_names(*key)) == len(levels) <= TARGETS_MAX + 1


@pytest.mark.parametrize(("pollutant", "average", "target", "limit"), [
    ("pm25", "annual", "AQG", 5), ("pm25", "annual", "IT-4", 10), ("pm25", "24h", "IT-3", 37.5),
    ("no2", "annual", "IT-3", 20), ("no2", "annual", "IT-1", 40), ("so2", "24h", "AQG", 40),
    ("o3", "8h", "IT-2", 120), ("o3", "season", "AQG", 60), ("co", "24h", "IT-1", 7),
])
def test_levels_by_their_names(pollutant: str, average: str, target: str, limit: float) -> None:
    assert limit_of(pollutant, average, target) == limit


def test_a_target_that_is_none_is_refused_with_those_there_are() -> None:
    with pytest.raises(ValueError, match="target IT-4: no2 24h has only AQG, IT-2, IT-1"):
        limit_of("no2", "24h", "IT-4")


def test_dust_does_not_exceed_a_level() -> None:
    assert who_ratio(sum([0.1] * 150), 15.0) == 1.0
    assert who_ratio(15.0000001, 15.0) > 1.0
    assert who_ratio(-1.0, 15.0) == 0.0
    assert math.isnan(who_ratio(math.nan, 15.0))
