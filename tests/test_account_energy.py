"""The steps of the energy indicators, by power and by register."""

import pytest

from tests.looks import account_of, value_of
from tests.town import Reading, Town, at, row

START = at("2026-03-02 00:00")


def town(quantity: str) -> Town:
    made = Town([row("d", "a/s")])
    made.take(Reading("d", quantity, START + 60 * k, 100.0 + k / 60)
              for k in range(-30, 24 * 60 + 30))
    return made


@pytest.mark.parametrize(("quantity", "kw"), [("power", 100 + 7 / 60), ("energy", 1.0)])
def test_a_block_of_a_meter(quantity: str, kw: float) -> None:
    made = town(quantity)
    points = made.tick(START + 86_400 + 3600)
    account = account_of(made, "energy.demand_15min", START + 900)
    assert account.steps[0].found["kw"] == pytest.approx(kw, abs=1e-6)
    assert account.steps[-1].found["kw"] == pytest.approx(
        value_of(points, "energy.demand_15min", START + 900), abs=1e-9)
    assert account.coverage.had == pytest.approx(15)


@pytest.mark.parametrize("quantity", ["power", "energy"])
def test_the_peak_of_the_month(quantity: str) -> None:
    made = town(quantity)
    points = made.tick(START + 86_400 + 3600)
    steps = account_of(made, "energy.demand_peak", START + 86_400).steps
    value = value_of(points, "energy.demand_peak", START + 86_400)
    assert steps[-1].found["kw"] == pytest.approx(value, rel=1e-9)
    assert steps[-1].found["end_s"] == value_of(points, "energy.demand_peak_at", START + 86_400)


def test_the_sliding_demand_between_blocks() -> None:
    made = Town([row("d", "a/s")])
    made.take(Reading("d", "power", START + 60 * k, float(k)) for k in range(20))
    points = made.tick(START + 1300)
    end = START + 20 * 60
    steps = account_of(made, "energy.demand_sliding", end).steps
    assert steps[0].found["kw"] == value_of(points, "energy.demand_sliding", end) == 12.0
