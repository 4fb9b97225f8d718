"""EN 50160 by the week: both sides of 5 % and of 90 %, late readings, nominal voltages."""

import math

import pytest

from edge.facts import parse
from tests.town import Reading, Town, at, row

START = at("2026-03-02")
DAY = 86_400
EAST = "centre/east"
VERDICT, OUTSIDE, FAR = (f"energy.en50160_{x}" for x in ("voltage", "outside", "far"))


def week(
    town: Town, values: dict[int, float], *, usual: float = 230.0, count: int = 1008,
    channel: str = "l1", quantity: str = "voltage",
) -> None:
    """A value each ten minutes of seven days, some of them others than usual."""
    town.take(Reading("m1", quantity, START + 600 * k, values.get(k, usual), channel=channel)
              for k in range(count))


def town_of(**more: float) -> Town:
    """One meter that reports each ten minutes."""
    return Town([row("m1", EAST, 600, **more)])


def end(town: Town, key: str, days: int = 7) -> float:
    """The value of the window that ends after so many days."""
    town.tick(START + days * DAY + 660)
    return town.last(key, EAST)[START + days * DAY][0]


@pytest.mark.parametrize(("near", "far", "verdict"), [
    (50, 0, 0.0), (51, 0, 1.0), (10, 1, 1.0), (0, 0, 0.0),
])
def test_the_published_rule(near: int, far: int, verdict: float) -> None:
    town = town_of()
    odd = {3 * k: 206.0 for k in range(near - far)} | {3 * k + 1: 195.0 for k in range(far)}
    week(town, odd)
    assert end(town, VERDICT) == verdict
    assert end(town, OUTSIDE) == pytest.approx(100 * near / 1008)
    assert end(town, FAR) == far


def test_the_worst_phase_decides() -> None:
    town = town_of()
    week(town, {})
    week(town, dict.fromkeys(range(60), 260.0), channel="l2")
    assert end(town, VERDICT) == 1.0
    assert end(town, FAR) == 60


@pytest.mark.parametrize(("count", "known"), [(908, True), (907, False)])
def test_a_week_needs_ninety_percent(count: int, known: bool) -> None:
    town = town_of()
    week(town, {}, count=count - 1)
    town.take([Reading("m1", "voltage", START + 600 * 1007, 230.0, channel="l1")])
    assert math.isnan(end(town, VERDICT)) is not known
    assert town.final()[EAST, VERDICT, START + 7 * DAY][2] == count


def test_a_late_reading_says_the_weeks_anew_that_hold_it() -> None:
    town = town_of()
    week(town, {})
    for day in range(1, 8):
        town.tick(START + day * DAY + 660)
    town.take(Reading("m1", "voltage", START + 3 * DAY + 600 * k + 300, 300.0, channel="l1")
              for k in range(60))
    town.tick(START + 7 * DAY + 720)
    found = town.last(FAR, EAST)
    assert [found[START + day * DAY][1] for day in range(1, 8)] == [1, 1, 1, 2, 2, 2, 2]
    assert found[START + 7 * DAY] == (60.0, 2)


def test_flagged_intervals_are_left_out() -> None:
    town = town_of()
    week(town, {}, count=1007)
    town.take([Reading("m1", "voltage", START + 600 * 1007, 0.0, flag=4, channel="l1")])
    assert end(town, FAR) == 0.0
    assert town.final()[EAST, FAR, START + 7 * DAY][2] == 1007


def test_another_nominal_voltage_and_voltages_between_phases() -> None:
    town = town_of()
    town.vitals.load_facts(parse(
        "# cityvitals facts 1\nvalid_from,place,fact,value,unit,source\n"
        f"2026-01-01,{EAST},nominal_voltage,120,V,utility\n"))
    week(town, {0: 133.0}, usual=120.0)
    week(town, {0: 228.0}, usual=207.8, channel="l12")
    assert end(town, OUTSIDE) == pytest.approx(100 / 1008)


def test_the_deviation_of_the_day() -> None:
    town = town_of()
    town.take(Reading("m1", "voltage", START + 600 * k, 220.0 if k % 2 else 245.0)
              for k in range(144))
    mean = math.sqrt((220.0**2 + 230.0**2) / 2), math.sqrt((230.0**2 + 245.0**2) / 2)
    assert end(town, "energy.rms_deviation_under", 1) == pytest.approx(100 * (1 - mean[0] / 230))
    assert end(town, "energy.rms_deviation_over", 1) == pytest.approx(100 * (mean[1] / 230 - 1))


def test_unbalance_distortion_and_flicker_of_the_week() -> None:
    town = town_of()
    for channel, volts in (("l1", 230.0), ("l2", 230.0), ("l3", 230.0)):
        week(town, dict.fromkeys(range(40), 250.0) if channel == "l3" else {}, usual=volts,
             channel=channel)
    week(town, dict.fromkeys(range(100), 9.0), usual=4.0, quantity="thd", channel="")
    week(town, dict.fromkeys(range(24), 1.5), usual=0.5, quantity="pst", channel="")
    assert end(town, "energy.en50160_unbalance") == pytest.approx(100 * 40 / 1008)
    assert end(town, "energy.en50160_thd") == pytest.approx(100 * 100 / 1008)
    assert end(town, "energy.en50160_flicker") == pytest.approx(100 * 2 / 84)
