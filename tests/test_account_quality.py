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
    rows = {row[0]: row[1:4] for row in account.steps[0].found["rows"]}
    assert sorted(rows.values()) == [[30, 60.0, 30], [60, 60.0, 60]]
    value = value_of(points, "dq.completeness", START + 3600)
    assert account.steps[1].found["percent"] == value == 75.0


def test_a_day_and_a_month_are_told_by_their_panes() -> None:
    town = Town([row("d", "a/s", 600.0)])
    town.take(Reading("d", "pm25", START - 40 * 86_400 + 1200 * k, 5.0) for k in range(40 * 72))
    midnight = at("2026-03-02 00:00")
    points = [town.tick(midnight + 60), town.tick(START + 60)]
    for key, end, had, owed in (
        ("dq.completeness_24h", START, 72, 144.0), ("dq.completeness_30d", midnight, 2160, 4320.0),
    ):
        account = account_of(town, key, end)
        ((_, *found, _),) = account.steps[0].found["rows"]
        assert found == [had, owed, had]
        value = value_of(points[0 if end == midnight else 1], key, end)
        assert account.steps[1].found["percent"] == value == 50.0


def test_each_series_with_its_extremes() -> None:
    town = Town([row("d", "a/s", 600.0)])
    town.take(Reading("d", name, START - 4 * 3600 + 600 * k, 5.0 + k * by)
              for name, by in (("pm25", 0.0), ("no2", 0.5)) for k in range(24))
    points = town.tick(START + 60)
    account = account_of(town, "dq.flat_line", START)
    assert [row[1:] for row in account.steps[0].found["rows"]] == [
        [1, 5.0, 5.0, 0.1, None, True], [2, 11.0, 16.5, 0.1, None, False]
    ]
    assert account.steps[1].found["stuck"] == value_of(points, "dq.flat_line", START) == 1.0
