"""Reliability in a small town: steps, open and corrected events, periods, areas, major days."""

import math
from typing import Any

import pytest

from engine.interruptions import Interruption
from tests import reference_energy as reference
from tests.town import Town, at, row

DAY = 86_400
START = at("2026-03-02")
FEEDER, OTHER = "a/f1", "b/f2"


def town_of(**more: Any) -> Town:
    """Two feeders of 100 and 300 customers, in two districts; one interruption long ago."""
    town = Town([row("f1", FEEDER, customers=100, **more), row("f2", OTHER, customers=300)])
    town.tick(START)
    return town


def out(town: Town, id: str, begin: float, end: float | None, customers: int | None = 10,
        device: str = "f1", step: int = 0, again: bool = False) -> None:
    """Report an interruption; hours after the start."""
    town.vitals.interrupted([Interruption(
        device, id, round((START + begin * 3600) * 1000),
        None if end is None else round((START + end * 3600) * 1000), customers, step, again)])


def at_end(town: Town, key: str, place: str = FEEDER, days: int = 1) -> float:
    """The value of the window that ends after so many days."""
    return town.last(f"energy.{key}", place)[START + days * DAY][0]


def test_the_indices_of_a_feeder_and_of_the_city() -> None:
    town = town_of()
    out(town, "a", 1, 2, 50)
    out(town, "b", 3, 3.05, 80)
    out(town, "c", 4, 4.5, 30, "f2")
    town.tick(START + DAY + 120)
    assert at_end(town, "saifi_month") == 0.5
    assert at_end(town, "saidi_month") == 30.0
    assert at_end(town, "maifi_month") == 0.8
    assert at_end(town, "caidi_month") == 60.0
    assert at_end(town, "saifi_ytd", "_/_") == pytest.approx(80 / 400)
    assert at_end(town, "saidi_ytd", "_/_") == pytest.approx((3000 + 900) / 400)
    assert at_end(town, "caidi_ytd", "_/_") == pytest.approx(3900 / 80)
    assert at_end(town, "saifi_month", "b/_") == pytest.approx(30 / 300)
    assert math.isnan(at_end(town, "saifi"))


def test_a_staged_restoration_counts_each_customer_once() -> None:
    """600 of 1000 come back after half an hour, 400 after an hour; 100 fall out again."""
    town = Town([row("f1", FEEDER, customers=2000)])
    town.tick(START)
    out(town, "storm", 1, 1.5, 600)
    out(town, "storm", 1, 2.0, 400, step=1)
    out(town, "storm", 3, 3.5, 100, step=2, again=True)
    town.tick(START + DAY + 120)
    assert at_end(town, "saifi_month") == 0.5
    assert at_end(town, "saidi_month") == pytest.approx((600 * 30 + 400 * 60 + 100 * 30) / 2000)


def test_without_customers_it_is_the_whole_feeder() -> None:
    town = town_of()
    out(town, "a", 1, 2, None)
    town.tick(START + DAY + 120)
    assert at_end(town, "saifi_month") == 1.0


def test_what_is_open_counts_so_far_and_is_restated_when_it_ends() -> None:
    town = town_of()
    out(town, "a", 18, None)
    town.tick(START + DAY + 120)
    assert town.last("energy.saidi_month", FEEDER)[START + DAY] == (10 * 360 / 100, 1)
    town.tick(START + 2 * DAY + 120)
    assert at_end(town, "saidi_month", days=2) == 10 * (360 + 1440) / 100
    out(town, "a", 18, 50)
    town.tick(START + 2 * DAY + 10_800)
    found = town.last("energy.saidi_month", FEEDER)
    assert found == {START + DAY: (192.0, 2), START + 2 * DAY: (192.0, 2)}
    out(town, "a", 18, 50, 0)
    town.tick(START + 2 * DAY + 14_400)
    assert town.last("energy.saifi_month", FEEDER)[START + DAY] == (0.0, 3)


def test_a_new_month_begins_anew_and_the_year_goes_on() -> None:
    town = Town([row("f1", FEEDER, customers=100)])
    town.tick(at("2026-03-30"))
    town.vitals.interrupted([Interruption(
        "f1", "a", at("2026-03-31 10:00") * 1000, at("2026-03-31 11:00") * 1000, 10)])
    town.tick(at("2026-04-02") + 120)
    end = at("2026-04-02")
    assert town.last("energy.saifi_month", FEEDER)[end][0] == 0.0
    assert town.last("energy.saifi_ytd", FEEDER)[end][0] == 0.1


def test_private_feeders_leave_in_groups_alone() -> None:
    town = town_of(private=True)
    out(town, "a", 1, 2, 50)
    town.tick(START + DAY + 120)
    assert town.last("energy.saifi_month", FEEDER) == {}
    assert town.last("energy.saifi_month", "a/_") == {}
    assert at_end(town, "saifi_month", "_/_") == 0.0
    assert town.last("energy.tmed", "_/_") == {}


def test_twelve_months_and_the_major_event_days_of_the_city() -> None:
    """400 days with an interruption each week; one of them is a catastrophe."""
    town = Town([row("f1", FEEDER, customers=100), row("f2", OTHER, customers=300)])
    town.tick(START)
    lengths = {7 * k: 20 + k % 9 for k in range(57)} | {203: 1300}
    for day, minutes in lengths.items():
        out(town, f"e{day}", 24 * day + 5, 24 * day + 5 + minutes / 60, 40, "f1")
    town.tick(START + 400 * DAY + 120)
    daily = [lengths.get(day, 0) * 40 / 400 for day in range(400)]
    threshold = reference.threshold(daily)
    year = range(35, 400)
    assert at_end(town, "tmed", "_/_", 400) == pytest.approx(threshold)
    assert daily[203] > threshold
    assert at_end(town, "saidi", "_/_", 400) == pytest.approx(sum(daily[d] for d in year))
    assert at_end(town, "saidi_without_med", "_/_", 400) == pytest.approx(
        sum(daily[d] for d in year if daily[d] <= threshold))
    assert at_end(town, "saifi_without_med", "_/_", 400) == pytest.approx(
        sum(0.1 for d in year if 0 < daily[d] <= threshold))
    minutes = sum(lengths.get(d, 0) for d in year) * 40 / 100
    assert at_end(town, "asai", FEEDER, 400) == pytest.approx(1 - minutes / (365 * 1440))
    assert town.last("energy.tmed", FEEDER) == {}
    assert math.isnan(at_end(town, "saidi", FEEDER, 328))
    assert not math.isnan(at_end(town, "saidi", FEEDER, 329))
    assert math.isnan(at_end(town, "tmed", "_/_", 364))
