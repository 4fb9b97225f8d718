"""The steps of measures and congestion; recomputed by another program in tests/test_explain.py."""

import pytest

from tests.looks import account_of, value_of
from tests.test_traffic_totals import MONDAY, road


@pytest.mark.parametrize(("key", "end", "value"), [
    ("traffic.vmt", MONDAY + 39_600, 240.0), ("traffic.q", MONDAY + 39_600, 30.0),
    ("traffic.delay_free_day", MONDAY + 86_400, 96.0),
    ("traffic.congested_hours", MONDAY + 86_400, 16.0),
])
def test_the_last_step_is_what_was_said(key: str, end: int, value: float) -> None:
    town = road(288, MONDAY)
    points = town.tick(MONDAY + 86_460)
    account = account_of(town, key, end)
    assert account.steps[-1].found["value"] == pytest.approx(value)
    assert value_of(points, key, end) == pytest.approx(value)
    assert account.coverage.had == account.coverage.owed
