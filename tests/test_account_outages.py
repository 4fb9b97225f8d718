"""The steps of reliability say the value, and every interruption of the period."""

import pytest

from engine.interruptions import Interruption
from tests.looks import account_of, value_of
from tests.town import Town, at, row

START = at("2026-03-02")


@pytest.mark.parametrize("key", ["saifi_month", "saidi_ytd", "maifi_month", "caidi_ytd"])
def test_the_last_step_says_the_value(key: str) -> None:
    town = Town([row("f", "a/f", customers=100)])
    town.tick(START)
    town.vitals.interrupted([
        Interruption("f", "a", (START + 3600) * 1000, (START + 7200) * 1000, 10),
        Interruption("f", "b", (START + 9000) * 1000, (START + 9100) * 1000, 20),
    ])
    points = town.tick(START + 86_520)
    account = account_of(town, f"energy.{key}", START + 86_400)
    assert account.steps[-1].found["value"] == pytest.approx(
        value_of(points, f"energy.{key}", START + 86_400))
    assert [row[0] for row in account.steps[0].found["rows"]] == ["a", "b"]
    assert account.steps[1].found["served"] == 100
