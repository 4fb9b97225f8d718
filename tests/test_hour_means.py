"""Means of hours from panes: of values, of squares, and 45 minutes."""

import math

import numpy as np
import pytest

from edge.quantities import INDEX
from engine.hour_means import hour_means
from tests.town import Reading, Town, at, row

HOUR = at("2026-03-02 10:00")


@pytest.mark.parametrize(("quantity", "expected"), [
    ("power", 20.0), ("voltage", math.sqrt((10.0**2 + 30.0**2) / 2)),
])
@pytest.mark.parametrize("minutes", [60, 45, 44, 0])
def test_of_values_and_of_squares(quantity: str, expected: float, minutes: int) -> None:
    town = Town([row("m1", "centre/east")])
    town.take(Reading("m1", quantity, HOUR + 60 * k + second, value)
              for k in range(minutes) for second, value in ((0, 10.0), (30, 30.0)))
    slot = town.slot(Reading("m1", quantity, HOUR, 0.0))
    town.tick(HOUR + 3600)
    registry = town.vitals.registry
    means, covered = hour_means(
        np.array([slot], np.int32), np.array([HOUR // 3600]), registry.quantity, town.vitals.panes)
    assert covered.tolist() == [minutes]
    assert means[0] == pytest.approx(expected if minutes >= 45 else math.nan, nan_ok=True)


def test_readings_that_do_not_count_vouch_for_nothing() -> None:
    town = Town([row("m1", "centre/east")])
    town.take(Reading("m1", "power", HOUR + 60 * k, 5.0, flag=4) for k in range(60))
    slot = town.slot(Reading("m1", "power", HOUR, 0.0))
    town.tick(HOUR + 3600)
    assert town.vitals.registry.quantity[slot] == INDEX["power"]
    means, covered = hour_means(np.array([slot], np.int32), np.array([HOUR // 3600]),
                                town.vitals.registry.quantity, town.vitals.panes)
    assert math.isnan(means[0])
    assert covered[0] == 0
