"""The steps of the mix of electricity."""

import pytest

from tests.looks import account_of, value_of
from tests.town import Reading, Town, at, row

DAY = at("2026-03-02 00:00")


@pytest.mark.parametrize("key", ["renewable_share", "carbon_intensity"])
@pytest.mark.parametrize("tail", ["", "_day"])
def test_the_last_step_says_the_value(key: str, tail: str) -> None:
    made = Town([row("d", "a/s")])
    made.take(Reading("d", "generation", DAY + 60 * k, kw + k / 100, channel=source)
              for source, kw in (("hydro", 20.0), ("gas_cc", 50.0)) for k in range(1440))
    points = made.tick(DAY + 86_460)
    end = DAY + (86_400 if tail else 7200)
    account = account_of(made, f"energy.{key}{tail}", end)
    found = account.steps[-1].found
    value = found["value"] if tail else found["values"][0]
    assert value == pytest.approx(value_of(points, f"energy.{key}{tail}", end), rel=1e-9)
    assert account.coverage.had == account.coverage.owed
    assert [row[0] for row in account.steps[0].found["rows"]] == ["gas_cc", "hydro"]
