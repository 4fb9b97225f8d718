"""Areas against numpy, by each rule; the kernel itself is held to its twin in test_kernels."""

import math

import numpy as np
import pytest

from edge.places import PlaceKey
from engine.areas import RULES, area_stats, members_of_areas
from engine.catalogue import INDICATORS
from tests.town import Reading, Town, at, row

NAN = math.nan


def stats(
    values: list[float], rule: str, weights: list[float] | None = None,
    present: list[bool] | None = None,
) -> list[float]:
    """value, p50, p95, max, coverage, n, over of one area."""
    count = len(values)
    out = np.empty((1, 1, 1, 7))
    area_stats(
        np.array(values).reshape(1, -1, 1), np.full((1, count, 1), 0.5),
        np.array(weights or [1.0] * count, float).reshape(1, -1),
        np.array([int(v > 100) - math.isnan(v) for v in values], np.int8).reshape(1, -1, 1),
        np.array(present or [True] * count).reshape(1, -1, 1), np.array([0, count]),
        np.arange(count), np.array([RULES[rule]]), np.array([1]), out,
    )
    return list(out[0, 0, 0].tolist())


def test_worst_mean_and_sum() -> None:
    values = [10.0, 20.0, 300.0, 40.0]
    for rule, value in (("worst", 300.0), ("mean", 92.5), ("sum", 370.0)):
        found = stats(values, rule)
        assert found[0] == value
        assert found[1:4] == [
            np.quantile(values, 0.5), pytest.approx(np.quantile(values, 0.95)), 300.0,
        ]
        assert found[4:] == [0.5, 4, 1]


def test_weights() -> None:
    assert stats([1.0, 2.0, 4.0], "vmt_weighted", [100, 50, 0])[0] == np.average(
        [1.0, 2.0, 4.0], weights=[100, 50, 0]
    )
    assert math.isnan(stats([1.0, 2.0], "vmt_weighted", [0, 0])[0])


@pytest.mark.parametrize(("values", "total"), [
    ([1.0, 2.0, 4.0, NAN], 7.0), ([1.0, 2.0, NAN, NAN], NAN), ([1.0, NAN], NAN), ([NAN], NAN),
    ([1.0, 2.0, 4.0, 8.0, 16.0, NAN, NAN], NAN),
])
def test_a_sum_needs_three_quarters_of_its_stations(values: list[float], total: float) -> None:
    found = stats(values, "sum")
    assert found[0] == pytest.approx(total, nan_ok=True)
    assert found[5] == sum(not math.isnan(value) for value in values)


def test_who_is_not_there_is_not_missing() -> None:
    found = stats([1.0, 2.0, NAN, NAN], "sum", present=[True, True, False, False])
    assert (found[0], found[4], found[5]) == (3.0, 0.5, 2)
    assert stats([1.0], "sum", present=[False])[4:6] == [0, 0]


def test_every_rule_of_the_catalogue_is_known() -> None:
    assert {entry.area for entry in INDICATORS} <= set(RULES)


def test_members_are_in_the_order_of_their_names() -> None:
    keys = [PlaceKey("t", *path.split("/")) for path in ("b/z", "a/y", "b/a")]
    areas, starts, members = members_of_areas(keys, [(5, 0), (9, 0), (5, 0)])
    assert areas == [0, 5, 9]
    assert starts.tolist() == [0, 3, 5, 6]
    assert members.tolist() == [1, 2, 0, 2, 0, 1]


def test_a_station_without_the_sensor_does_not_lower_the_coverage() -> None:
    town = Town([row("a1", "centre/one"), row("a2", "centre/two")])
    hour = at("2026-03-02 10:00")
    for minute in range(60):
        town.take([
            Reading("a1", "no2", hour + 60 * minute, 30.0),
            Reading("a2", "pm25", hour + 60 * minute, 9.0),
        ])
    town.tick(hour + 3660)
    final = town.final()
    value, level, n, cov = final["centre/_", "air.us_aqi_no2", hour + 3600][:4]
    assert (value, level, n, cov) == (28.0, 0, 1, 1.0)
    assert ("centre/two", "air.us_aqi_no2", hour + 3600) not in final
    assert ("centre/_", "air.us_aqi_so2", hour + 3600) not in final
