"""Families that keep a row of each day of air: hours of days, and what a reading touches."""

import numpy as np

from engine.air import AirHours
from engine.air_book import RESTATED_DAYS, AirBook
from engine.changed import Changed
from engine.daybook import DayBook
from engine.panes import HOUR
from tests.town import Reading, Town, at, row

SPRING = at("2026-03-29 00:00")
"""The day on which Berlin's clocks go forward."""


def book_of(tz: str) -> AirBook:
    """A family without indicators, told of one station."""
    town = Town([row("a1", "centre/air", 3600, tz=tz)])
    town.take([Reading("a1", "o3", SPRING, 30.0)])
    town.tick(SPRING + 3660)
    family = AirBook(AirHours(), DayBook(3))
    family.enrol(town.vitals.registry)
    return family


def test_a_day_has_the_hours_of_its_zone() -> None:
    family = book_of("Europe/Berlin")
    days = family.ordinal(np.zeros(3, np.int64), SPRING // 60 + np.array([-720, 0, 2160]))
    _, hours = family.hours_of_days(np.zeros(3, np.int64), days)
    assert hours.tolist() == [24, 23, 24]
    last, _ = family.hours_of_days(np.zeros(3, np.int64), days)
    assert np.diff(last).tolist() == [23, 24]


def test_its_book_is_in_snapshots() -> None:
    family = book_of("UTC")
    assert family.books == {"days": family.book}


def test_a_reading_touches_its_day_and_those_after() -> None:
    family = book_of("UTC")
    slot = int(family.members.table[0][family.members.table[0] >= 0][0])
    changed = Changed(np.array([[HOUR, slot, SPRING // 3600]], np.int32), np.zeros(9, np.int32))
    member_of = np.full(slot + 1, -1, np.int32)
    member_of[slot] = 0
    members, days = family.touched(changed, member_of)
    assert members.tolist() == [0] * RESTATED_DAYS
    assert np.diff(days).tolist() == [1] * (RESTATED_DAYS - 1)
