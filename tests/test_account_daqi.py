"""The steps of the UK index, followed by hand."""

import pytest

from tests.looks import account_of, value_of
from tests.town import Reading, Town, at, row

START = at("2026-03-02 00:00")
DAY_S = 86_400


@pytest.fixture(scope="module")
def town() -> Town:
    """A day and an hour of constant PM2.5, NO2 that rises, and SO2 with one high quarter."""
    town = Town([row("a1", "centre/air")])
    town.keep("air.daqi_uk", "air.daqi_uk_day")
    town.take(
        Reading("a1", name, START + 60 * k, value)
        for k in range(25 * 60)
        for name, value in (
            ("pm25", 36.0), ("no2", 20.0 + 4.0 * (k // 60)),
            ("so2", 80.0 if 615 <= k < 630 else 2.0),
        )
    )
    town.tick(START + 25 * 3600 + 100)
    return town


def test_particles_by_their_running_mean(town: Town) -> None:
    steps = account_of(town, "air.daqi_uk_pm25", START + DAY_S).steps
    assert [step.name for step in steps] == [
        "hourly means of pm25", "running 24-h mean", "concentration", "index of pm25"]
    assert steps[1].found == {"mean": 36.0}
    assert steps[3].found == {"index": 4.0}


def test_gases_are_converted_before_they_are_rounded(town: Town) -> None:
    steps = account_of(town, "air.daqi_uk_no2", START + DAY_S).steps
    assert steps[1].given == {"mean": 112.0, "factor": 1.912}
    assert steps[2].given["rounded"] == 214
    assert steps[2].found == {"index": 4.0}


def test_so2_names_its_highest_quarter_and_reads_four(town: Town) -> None:
    account = account_of(town, "air.daqi_uk_so2", START + 11 * 3600)
    assert account.steps[0].found == {"mean": 80.0}
    assert (account.coverage.had, account.coverage.owed) == (4, 4)
    assert account.panes[-1][3] == 4
    assert account.steps[-1].found == {"index": 3.0}


def test_the_hour_names_its_cause_and_the_day_its_highest(town: Town) -> None:
    points = town.parts[-1]
    hour = account_of(town, "air.daqi_uk", START + DAY_S)
    assert hour.steps[-1].found == {"index": 4.0, "because_of": "pm25"}
    day = account_of(town, "air.daqi_uk_day", START + DAY_S)
    found = {step.name: step.found for step in day.steps}
    assert found["highest index of so2"] == {"index": 3.0}
    assert found["highest of the day"] == {"index": 4.0}
    assert value_of(points, "air.daqi_uk_day", START + DAY_S) == 4.0
