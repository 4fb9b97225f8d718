"""The steps of days and hours above the EU's limit values, followed by hand."""

import pytest

from tests.looks import account_of
from tests.town import Reading, Town, at, row

START = at("2026-03-02 00:00")
DAY_S = 86_400


@pytest.fixture(scope="module")
def town() -> Town:
    """Three days: PM10 of 40, 50 and 60 µg/m³; NO2 of 50 ppb, of 110 in three hours of the last."""
    town = Town([row("a1", "centre/air", 3600)])
    town.keep("air.eu_days_pm10")
    for day in range(3):
        for hour in range(24):
            no2 = 110.0 if day == 2 and 8 <= hour < 11 else 50.0
            town.take([
                Reading("a1", "pm10", START + day * DAY_S + 3600 * hour, 40.0 + 10 * day),
                Reading("a1", "no2", START + day * DAY_S + 3600 * hour, no2),
                Reading("a1", "o3", START + day * DAY_S + 3600 * hour, 30.0),
            ])
        town.tick(START + (day + 1) * DAY_S + 60)
    return town


def test_days_above_the_limit_are_listed(town: Town) -> None:
    account = account_of(town, "air.eu_days_pm10", START + 3 * DAY_S)
    (step,) = account.steps
    assert step.given["rows"] == [["2026-03-02", 40.0], ["2026-03-03", 50.0], ["2026-03-04", 60.0]]
    assert step.given["limit"] == 50.0
    assert step.found == {"days": 1.0, "known": 3}
    assert (account.coverage.had, account.coverage.owed) == (3, 31 + 28 + 4)


def test_hours_above_the_limit_are_told_by_day(town: Town) -> None:
    account = account_of(town, "air.eu_hours_no2", START + 3 * DAY_S)
    (step,) = account.steps
    assert step.given["rows"] == [
        ["2026-03-02", 0, 24], ["2026-03-03", 0, 24], ["2026-03-04", 3, 24]]
    assert step.found == {"hours": 3.0, "known": 72}
    assert account.panes[0][3] == 24


def test_a_season_that_is_not_over_says_what_there_is(town: Town) -> None:
    account = account_of(town, "air.who_o3_season", START + 3 * DAY_S)
    (step,) = account.steps
    assert step.given["months"][0] == "2025-03-01"
    assert step.given["months"][-1] == "2026-03-01"
    assert step.found == {"ratio": None, "known": 0}
    assert account.coverage.owed == 365
