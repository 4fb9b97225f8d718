"""The catalogue's entries of 2030: limit and number allowed as they are computed."""

import pytest

from engine.air import POLLUTANTS
from engine.air_limit_days import NAMES as LIMIT_NAMES
from engine.air_years import NAMES as YEAR_NAMES
from engine.catalogue_2030 import AIR_2030
from engine.indicator import INF, Indicator
from engine.limits_2030 import DAY_LIMITS_2030, DAYS_ALLOWED_2030, YEAR_LIMITS_2030
from engine.pollutants import NO2, SO2


def test_the_families_compute_all_of_them() -> None:
    assert {entry.id for entry in AIR_2030} <= {*LIMIT_NAMES, *YEAR_NAMES}


@pytest.mark.parametrize("entry", AIR_2030, ids=lambda entry: entry.id)
def test_what_is_told_is_what_is_computed(entry: Indicator) -> None:
    part = POLLUTANTS.index(entry.id.rsplit("_", 1)[-1])
    uppers = [level.upper for level in entry.levels]
    if entry.id.startswith("eu_year"):
        assert uppers[0] == YEAR_LIMITS_2030[part]
        assert f"{uppers[0]:g} µg/m³ from 2030 on" in entry.clause
        return
    limit = DAY_LIMITS_2030[part] if "days" in entry.id else {NO2: 200, SO2: 350}[part]
    assert f"above {limit:g} " in entry.name
    assert f"above {limit:g} " in entry.rule
    allowed = DAYS_ALLOWED_2030[part] if "days" in entry.id else 3
    assert uppers == ([0, allowed, INF] if allowed else [0, INF])
    assert any("itself was not read" in mark for mark in entry.open_marks)
