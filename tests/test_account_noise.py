"""The steps of noise; recomputed by another program in tests/test_explain.py."""

import pytest

from tests.looks import account_of, value_of
from tests.test_sound import DAY, day_of, mic


@pytest.mark.parametrize(("key", "end", "value"), [
    ("noise.laeq_1h", DAY + 39_600, 60.0), ("noise.lden", DAY + 86_400, 60.0),
    ("noise.lnight", DAY + 86_400, 50.0), ("noise.l10_day", DAY + 86_400, 60.0),
])
def test_the_last_step_is_what_was_said(key: str, end: int, value: float) -> None:
    town = mic()
    day_of(town, "UTC", "2026-03-02")
    account = account_of(town, key, end)
    found = account.steps[-1].found
    assert found["value"] == value
    points = town.parts[-1]
    assert value_of(points, key, end) == value
    assert account.coverage.had == pytest.approx(account.coverage.owed)
