"""The catalogue's entries of limit values: what it says is what the kernels hold against."""

import pytest

from engine.air import POLLUTANTS
from engine.air_limit_days import NAMES, SEASON_LIMIT
from engine.air_limits import ALERT, DAY_LIMITS, DAY_PARTS, HOUR_LIMITS, HOUR_PARTS
from engine.catalogue_limits import AIR_ALERT, AIR_LIMITS
from engine.indicator import Indicator

LIMITS = {
    **{f"eu_days_{POLLUTANTS[part]}": limit
       for part, limit in zip(DAY_PARTS, DAY_LIMITS.tolist(), strict=True)},
    **{f"eu_{'alert_' * (column == ALERT)}hours_{POLLUTANTS[part]}": limit
       for column, (part, limit) in enumerate(zip(HOUR_PARTS, HOUR_LIMITS.tolist(), strict=True))},
}


def test_the_family_computes_all_of_them() -> None:
    ours = [name for name in NAMES if not name.startswith("eu2030_hours_")]
    assert sorted(entry.id for entry in AIR_LIMITS + AIR_ALERT) == sorted(ours)
    assert list(NAMES[: len(ours)]) == ours


@pytest.mark.parametrize("entry", AIR_LIMITS[:-1] + AIR_ALERT, ids=lambda entry: entry.id)
def test_the_limit_that_is_told_is_the_limit(entry: Indicator) -> None:
    words = f"above {LIMITS[entry.id]:g} "
    assert words in entry.name
    assert words in entry.rule
    memory = any("from memory of Annex" in mark for mark in entry.open_marks)
    assert memory == (entry.id != "eu_days_pm10"), "only the day of PM10 was read"


def test_the_season_is_held_against_the_guideline_level() -> None:
    assert f"/ {SEASON_LIMIT:g}" in AIR_LIMITS[-1].rule
    assert [level.word for level in AIR_LIMITS[-1].levels] == [
        "AQG met", "IT-2 met", "IT-1 met", "No target met"]
