"""The steps of completeness: had, owed, and what counts of it."""

from tests.looks import account_of, value_of
from tests.town import Reading, Town, at, row

START = at("2026-03-02 10:00")


def test_had_and_owed_of_each_series() -> None:
    town = Town([row("d", "a/s", 60.0)])
    town.take(Reading("d", name, START + step * k, 5.0)
              for name, step in (("pm25", 60), ("no2", 120)) for k in range(3600 // step))
    points = town.tick(START + 3700)
    account = account_of(town, "dq.completeness", START + 3600)
    rows = {row[0]: row[1:] for row in account.steps[0].found["rows"]}
    assert sorted(rows.values()) == [[30, 60.0, 30], [60, 60.0, 60]]
    value = value_of(points, "dq.completeness", START + 3600)
    assert account.steps[1].found["percent"] == value == 75.0
