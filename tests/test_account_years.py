"""The steps of WHO ratios, days above and annual means, followed by hand."""

import pytest

from tests.looks import account_of
from tests.town import Reading, Town, at, row

START = at("2026-03-02 00:00")
DAY_S = 86_400


@pytest.fixture(scope="module")
def town() -> Town:
    """Three days: PM2.5 of 10, 20 and 30 µg/m³, O3 of 60 ppb with eight hours of 100."""
    town = Town([row("a1", "centre/air", 3600)])
    town.keep("air.year_pm25")
    for day in range(3):
        town.take(
            Reading("a1", name, START + day * DAY_S + 3600 * hour, value)
            for hour in range(24)
            for name, value in (
                ("pm25", 10.0 * (day + 1)), ("o3", 100.0 if 8 <= hour < 16 else 60.0))
        )
        town.tick(START + (day + 1) * DAY_S + 60)
    return town


def test_the_ratio_of_a_day(town: Town) -> None:
    account = account_of(town, "air.who_pm25_24h", START + 2 * DAY_S)
    found = {step.name: step.found for step in account.steps}
    assert found["value of the day"] == {"mean": 20.0}
    assert found["ratio"] == {"ratio": pytest.approx(20 / 15, abs=1e-9)}
    assert (account.coverage.had, account.coverage.owed) == (24, 24)


def test_ozone_by_its_largest_eight_hours(town: Town) -> None:
    account = account_of(town, "air.who_o3_8h", START + 2 * DAY_S)
    found = {step.name: step.found for step in account.steps}
    assert found["value of the day"] == {"mean": 100.0}
    assert found["ratio"] == {"ratio": 1.96}
    assert account.panes[0][3] == 24 + 7


def test_days_above_are_listed(town: Town) -> None:
    account = account_of(town, "air.who_days_pm25", START + 3 * DAY_S)
    (step,) = account.steps
    assert step.given["rows"] == [["2026-03-02", 10.0], ["2026-03-03", 20.0], ["2026-03-04", 30.0]]
    assert step.found == {"days": 2.0, "known": 3}
    assert (account.coverage.had, account.coverage.owed) == (3, 31 + 28 + 4)


def test_a_year_of_three_days_has_no_mean_yet_but_says_what_there_is(town: Town) -> None:
    account = account_of(town, "air.year_o3", START + 3 * DAY_S)
    days, mean = account.steps
    assert [row[:2] for row in days.found["rows"]] == [
        ["2026-03-02", 24], ["2026-03-03", 24], ["2026-03-04", 24]]
    assert mean.given["hours"] == 72
    assert mean.found["ugm3"] == pytest.approx((100 * 8 + 60 * 16) / 24 * 1.96)
    assert (account.coverage.had, account.coverage.owed) == (72, 8760)


def test_against_who_the_year_has_a_ratio_too(town: Town) -> None:
    account = account_of(town, "air.who_pm25_year", START + 3 * DAY_S)
    assert account.steps[-1].name == "ratio"
    assert account.steps[-1].given == {"level": 5}
    assert account.steps[-1].found == {"ratio": None}
