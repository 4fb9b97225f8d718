"""The period of civil days: both edges, months and days of points."""

from datetime import date

import pytest

from dashboards.kpi_city import Period, lacking, of_days, of_months, origin, trend
from tests.kpi_town import days, town


def test_a_day_belongs_to_the_period_in_which_its_window_ends() -> None:
    city = town({("_/_", "a.b"): [
        ("2026-01-01T00:00", 1.0), ("2026-01-01T00:15", 2.0), ("2026-02-01T00:00", 3.0),
        ("2026-02-01T00:15", 4.0),
    ]}, first="2026-01-01", last="2026-01-31")
    assert city.points("a.b") == [
        (date(2026, 1, 1), 2.0, 1.0), (date(2026, 1, 31), 3.0, 1.0),
    ]


def test_insufficient_points_are_none() -> None:
    assert town({("_/_", "a.b"): [("2026-03-01T00:00", -1.0)]}).points("a.b") == []


def test_a_period_over_the_change_of_the_clock() -> None:
    period = Period(date(2026, 3, 29), date(2026, 3, 29), "Europe/Berlin")
    assert period.to_ms - period.from_ms == 23 * 3_600_000
    assert period.days == 1


def test_means_of_months_and_days() -> None:
    points = [(date(2026, 1, 5), 1.0, 1.0), (date(2026, 1, 5), 3.0, 1.0),
              (date(2026, 2, 1), 5.0, 1.0)]
    assert of_months(points) == [(date(2026, 1, 1), 2.0), (date(2026, 2, 1), 5.0)]
    assert of_days(points) == [(date(2026, 1, 5), 2.0), (date(2026, 2, 1), 5.0)]
    long = Period(date(2026, 1, 1), date(2026, 12, 31), "UTC")
    short = Period(date(2026, 1, 1), date(2026, 2, 28), "UTC")
    assert trend(long, points) == tuple(of_months(points))
    assert trend(short, points) == tuple(of_days(points))


@pytest.mark.parametrize(("coverage", "word"), [
    (0.7499, "estimation"), (0.75, "accurate measurement"),
])
def test_origin_on_both_sides_of_its_edge(coverage: float, word: str) -> None:
    assert origin(coverage) == word


def test_what_is_lacking_is_named() -> None:
    city = town({}, "_/_,population,10")
    assert lacking(city, "population") == ""
    assert "no fact customers of the city" in lacking(city, "population", "customers")
    assert days("2026-01-31", 1, 2.0) == [("2026-02-01", 2.0)]
