"""Windows that no series feeds: they wait for the grace, and begin with the oldest report."""

from engine.interruptions import Interruption
from tests.town import Town, at, row

DAY = 86_400
START = at("2026-03-02")
KEY = "energy.saifi_month"


def reported(town: Town, begin: int) -> None:
    """An interruption of an hour."""
    town.vitals.interrupted([Interruption("f", f"e{begin}", begin * 1000, begin * 1000 + 3_600_000,
                                          10)])


def town_of(**more: int) -> Town:
    """One feeder."""
    return Town([row("f", "a/f", customers=100)], **more)


def test_without_a_report_nothing_is_said() -> None:
    town = town_of()
    town.tick(START + 3 * DAY)
    assert town.last(KEY, "a/f") == {}


def test_a_day_closes_a_grace_after_its_end() -> None:
    town = town_of(grace_s=300)
    town.tick(START)
    reported(town, START + 3600)
    town.tick(START + DAY + 240)
    assert town.last(KEY, "a/f") == {}
    town.tick(START + DAY + 300)
    assert town.last(KEY, "a/f") == {START + DAY: (0.1, 1)}


def test_an_older_report_that_comes_later_extends_them_into_the_past() -> None:
    town = town_of()
    town.tick(START)
    reported(town, START + 3600)
    town.tick(START + DAY + 120)
    reported(town, START - 2 * DAY + 3600)
    town.tick(START + DAY + 180)
    found = town.last(KEY, "a/f")
    assert found[START - DAY][0] == 0.1
    assert found[START + DAY] == (0.1, 2)
    assert sorted(found) == [START - DAY, START, START + DAY]


def test_in_progress_after_a_report() -> None:
    town = town_of()
    town.tick(START)
    reported(town, START + 3600)
    points = town.tick(START + 9000, with_open=True)
    assert ("a/f", KEY, START + DAY, 0.1, 0, 0) in town.said(points)
