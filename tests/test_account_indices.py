"""The steps of the other indices, followed by hand."""

from tests.looks import account_of, value_of
from tests.town import Reading, Town, at, row

START = at("2026-03-02 00:00")


def test_the_european_index_names_its_cause() -> None:
    town = Town([row("d", "a/s")])
    town.take(Reading("d", name, START + 60 * k, value)
              for k in range(60) for name, value in (("pm25", 12.0), ("no2", 30.0), ("o3", 10.0)))
    end = START + 3600
    points = town.tick(end + 100)
    account = account_of(town, "air.eaqi_2024", end)
    assert account.steps[-1].found == {"band": 3.0, "because_of": "no2"}
    assert value_of(points, "air.eaqi_2024", end) == 3
    assert account.coverage.had == account.coverage.owed == 3
    of_no2 = account_of(town, "air.eaqi_2024_no2", end)
    assert [step.name for step in of_no2.steps] == [
        "hourly means of no2", "concentration", "band of no2"]
    assert of_no2.steps[1].found == {"ugm3": 57.36}
    assert of_no2.steps[2].given["rounded"] == 57


def test_an_incomplete_set_has_steps_and_no_index() -> None:
    town = Town([row("d", "a/s")])
    town.take(Reading("d", "pm25", START + 60 * k, 12.0) for k in range(60))
    town.tick(START + 3700)
    account = account_of(town, "air.eaqi_2024", START + 3600)
    assert account.steps[-1].given == {"pm25": 2.0}
    assert account.steps[-1].found == {"band": None, "because_of": None}
