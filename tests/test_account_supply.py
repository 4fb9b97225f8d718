"""The steps of the supply voltage say the value."""

import pytest

from engine.account_supply import RECIPES
from tests.looks import account_of, value_of
from tests.town import Reading, Town, at, row

START = at("2026-03-02")


@pytest.mark.parametrize("key", RECIPES)
def test_the_last_step_says_the_value(key: str) -> None:
    made = Town([row("d", "a/s", 600)])
    usual = {"voltage": 228.0, "thd": 4.0, "pst": 0.5}
    made.take(Reading("d", quantity, START + 600 * k, value + n + k / 500, channel=f"l{n + 1}")
              for quantity, value in usual.items() for n in range(3) for k in range(1008))
    points = made.tick(START + 7 * 86_400 + 660)
    account = account_of(made, key, START + 7 * 86_400)
    found = account.steps[-1].found
    told = found.get("value", found.get("u2", found.get("thd", found.get("plt"))))
    assert told == pytest.approx(value_of(points, key, START + 7 * 86_400), rel=1e-9)
    assert account.coverage.had == account.coverage.owed
    assert account.panes
