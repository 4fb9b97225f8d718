"""The steps of drift: each sensor with its neighbours, its offset and how long it has been off."""

import numpy as np

from engine.account import Look
from engine.catalogue import INDICATORS, POSITION
from engine.recipes import RECIPES
from tests.drift_city import DAY, START, town

KEY = "dq.drift"


def test_each_sensor_with_its_neighbours_and_numbers() -> None:
    of, _ = town(12)
    family = of.vitals.windows[0].family
    registry = of.vitals.registry
    place = next(row for row, key in enumerate(registry.keys) if key.path == "centre/s2")
    member = family.members.places.index(place)
    end_min = (START + 12 * DAY) // 60
    window = int(family.ordinal(np.array([member]), np.array([end_min - 1]))[0])
    entry = INDICATORS[POSITION[KEY]]
    account = RECIPES[KEY].steps(Look(of.vitals, family, entry, member, window, end_min))
    one, total = account.steps
    assert total.found == {"drift": 1}
    assert one.found["drifts"] is True
    assert one.found["off_hours"] == 72
    assert abs(one.found["offset"] - 9) < 0.3
    assert one.found["hours"] == 168
    rows = one.given["neighbours"]["rows"]
    assert [end for end, _ in rows] == [(START + day * DAY) * 1000 for day in range(3, 13)]
    assert len(rows[0][1]) == 4  # of the first days only those that are near
    assert len(rows[-1][1]) == 5  # and of the last one that is far, by correlation
    assert one.given["floor"] == 5.0
    assert {count for *_, count in account.panes} == {240}
