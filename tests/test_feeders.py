"""Feeders: customers by the dated rows and facts, periods, and what has begun."""

from datetime import date

import numpy as np

from edge.facts import Fact
from engine.feeders import Feeders, first_day
from engine.interruptions import Interruption, Interruptions
from tests.town import Town, at, row


def feeders(facts: list[Fact] | None = None) -> tuple[Feeders, int]:
    """One feeder of 100, from March 11 on of 200 customers."""
    town = Town([
        row("f", "a/f", customers=100), row("f", "a/f", since="2026-03-11", customers=200),
        row("x", "a/x"),
    ])
    town.vitals.load_facts(facts or [])
    found = Feeders(Interruptions())
    found.enrol_from(town.vitals.registry)
    return found, date(2026, 3, 1).toordinal()


def test_the_mean_of_the_customers_by_the_dated_rows() -> None:
    found, march = feeders()
    assert len(found.places) == 1
    assert found.served(0, march, march + 9) == 100
    assert found.served(0, march, march + 19) == 150
    assert found.served(0, march + 10, march + 19) == 200
    assert found.served(0, march - 365, march - 360) == 0


def test_a_fact_comes_before_the_places_file() -> None:
    found, march = feeders([Fact(date(2026, 3, 6), "a/f", "customers", 500, "1", "utility")])
    assert found.served(0, march, march + 9) == 300
    assert found.served(0, march + 15, march + 15) == 500


def test_periods() -> None:
    day = date(2026, 3, 15).toordinal()
    assert first_day("month", day) == date(2026, 3, 1).toordinal()
    assert first_day("ytd", day) == date(2026, 1, 1).toordinal()
    assert first_day("year", day) == day - 364


def test_there_since_the_first_report_and_while_there_are_customers() -> None:
    found, march = feeders()
    one = np.zeros(1, np.int64)
    minute = np.array([at("2026-03-05") // 60])
    panes = Town([]).vitals.panes
    assert not found.live(one, minute, minute + 1440, panes).any()
    found.interruptions.take(0, Interruption("f", "a", at("2026-03-05 12:00") * 1000), 5)
    assert found.live(one, minute, minute + 1440, panes).all()
    assert not found.live(one, minute - 1440, minute, panes).any()
    period = found.period(0, march, march + 9)
    assert (period.days, period.known_days) == (10, 6)
