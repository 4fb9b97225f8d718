"""The steps of the power factor."""

import pytest

from tests.looks import account_of, value_of
from tests.town import Reading, Town, at, row

DAY = at("2026-03-02 00:00")


@pytest.mark.parametrize("key", ["power_factor", "power_factor_arithmetic", "power_factor_period"])
def test_the_last_step_says_the_value(key: str) -> None:
    made = Town([row("d", "a/s")])
    values = {"power": 3.0, "reactive": 4.0, "voltage": 230.0, "current": 20.0}
    made.take(Reading("d", quantity, DAY + 60 * k, value + k / 1000)
              for quantity, value in values.items() for k in range(1440))
    points = made.tick(DAY + 86_460)
    end = DAY + (86_400 if key.endswith("period") else 3600)
    account = account_of(made, f"energy.{key}", end)
    assert account.steps[-1].found["power_factor"] == pytest.approx(
        value_of(points, f"energy.{key}", end), rel=1e-9)
    assert account.coverage.had == account.coverage.owed
    assert {slot for slot, *_ in account.panes} == ({0, 2, 3} if "arith" in key else {0, 1})
