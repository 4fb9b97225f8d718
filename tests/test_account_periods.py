"""The steps of LOTTR and TTTR; recomputed by another program in tests/test_explain.py."""

import pytest

from engine.account_periods import RECIPES
from tests.looks import account_of
from tests.test_traffic_periods import fortnight
from tests.town import at


@pytest.mark.parametrize(("key", "value", "periods"), [
    ("traffic.lottr", 1.1, 4), ("traffic.tttr", 1.5, 5)])
def test_the_last_step_is_what_was_said(key: str, value: float, periods: int) -> None:
    account = account_of(fortnight(), key, at("2026-03-15"))
    quarters, ratios, greatest = account.steps
    assert greatest.found["value"] == value
    assert len(ratios.found["periods"]) == periods
    assert max(row[3] for row in ratios.found["periods"]) == value
    assert ratios.found["periods"][3] == ["weekends 6-20", 4, 224, 1.0] or key == "traffic.tttr"
    rows = quarters.found["days"]
    assert len(rows) == 10 * 4 + 4 * 2
    assert {row[2] for row in rows if row[1] == "nights 20-6"} == {40}
    assert account.coverage.had == account.coverage.owed == 10


def test_the_scarcest_period_is_told_as_coverage() -> None:
    account = account_of(fortnight(nights=False), "traffic.tttr", at("2026-03-15"))
    assert (account.coverage.had, account.coverage.owed) == (0, 14)
    assert "nights" in account.coverage.rule
    assert set(RECIPES) == {"traffic.lottr", "traffic.tttr"}
