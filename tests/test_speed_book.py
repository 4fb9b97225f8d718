"""A book of speeds: to the hundredth, a newer day in place of an older one, never the reverse."""

import math

import numpy as np

from engine.speed_book import BOOK_DAYS, SpeedBook

DAY = 739_000
BOTH = np.array([0, 2])


def test_members_and_days_have_places_of_their_own() -> None:
    book = SpeedBook(3)
    book.enter(BOTH, DAY, np.array([[30.004, math.nan, 50.0], [1.0, 2.0, 250.0]]))
    assert book.kept[:, DAY % BOOK_DAYS].tolist() == [[3000, 0, 5000], [0, 0, 0], [100, 200, 25000]]
    assert book.day[:, DAY % BOOK_DAYS].tolist() == [DAY, 0, DAY]
    assert book.kept.dtype == np.uint16


def test_an_older_day_does_not_replace_a_newer_one() -> None:
    book = SpeedBook(1)
    book.enter(BOTH, DAY, np.full((2, 1), 40.0))
    book.enter(BOTH[:1], DAY - BOOK_DAYS, np.full((1, 1), 10.0))
    book.enter(BOTH[1:], DAY + BOOK_DAYS, np.full((1, 1), 20.0))
    assert book.kept[:, DAY % BOOK_DAYS, 0].tolist() == [4000, 0, 2000]
