"""Levels exceeded of hours and days against the sorted readings."""

import math

import numpy as np
import pytest

from tests.town import Reading, Town, at, row

PLACE = "a/s"
DAY = at("2026-03-02")


def fed(count: int, period_s: int = 60) -> tuple[Town, list[float]]:
    levels = np.round(np.random.default_rng(3).normal(58, 6, count), 1).tolist()
    town = Town([row("d", PLACE, period_s)])
    town.take(Reading("d", "laeq", DAY + period_s * k, level) for k, level in enumerate(levels))
    return town, levels


def test_an_hour_and_a_day_against_numpy() -> None:
    town, levels = fed(1440)
    town.tick(DAY + 86_470)
    for end, suffix, part in ((3600, "1h", levels[:60]), (86_400, "day", levels)):
        for name, share in (("l10", 0.9), ("l50", 0.5), ("l90", 0.1)):
            got = town.last(f"noise.{name}_{suffix}", PLACE)[DAY + end][0]
            assert got == pytest.approx(np.quantile(part, share), abs=0.051)
    l10, l90 = np.quantile(levels, 0.9), np.quantile(levels, 0.1)
    tni = town.last("noise.tni_day", PLACE)[DAY + 86_400][0]
    assert tni == pytest.approx(4 * (l10 - l90) + l90 - 30, abs=0.051)


def test_three_quarters_of_the_readings_are_needed() -> None:
    for count, good in ((45, True), (44, False)):
        town, _ = fed(count)
        town.tick(DAY + 3670)
        value = town.last("noise.l50_1h", PLACE)[DAY + 3600][0]
        assert math.isnan(value) is not good
