"""The book of peaks: what is kept, what replaces what, which days count."""

import math

import numpy as np
import numpy.typing as npt
import pytest

from engine.peak_book import DAY_BINS, DAY_BINS_MIN, DAYS_MIN, PeakBook
from engine.speed_book import BOOK_DAYS
from tests.reference import quantile

DAY = 739_000
ONE = np.zeros(1, np.int64)


def told(book: PeakBook, days: int) -> tuple[npt.NDArray[np.float64], list[int]]:
    """Indices of the last days up to `DAY` + `days` - 1."""
    out, counts = book.reliability(ONE, ONE + DAY, ONE + DAY + days - 1, np.ones(1),
                                   np.full(1, 60.0))
    return out[0], counts[0].tolist()


def test_against_a_list() -> None:
    rng, book = np.random.default_rng(5), PeakBook()
    times = []
    for day in range(20):
        speeds = np.round(rng.uniform(10, 60, (1, DAY_BINS)), 2)
        speeds[0, : day % 3 * 10] = np.nan
        book.enter(ONE, DAY + day, speeds)
        if np.isfinite(speeds).sum() >= DAY_BINS_MIN:
            times += [60 / v for v in speeds[0].tolist() if v > 0]
    out, counts = told(book, 20)
    assert counts == [14, len(times)]
    assert out[4] == pytest.approx(quantile(sorted(times), 0.95))
    assert out[0] == pytest.approx(out[4])


def test_days_below_their_least_do_not_count() -> None:
    book = PeakBook()
    for day in range(DAYS_MIN):
        speeds = np.full((1, DAY_BINS), 30.0)
        if day == 3:
            speeds[0, DAY_BINS_MIN - 1 :] = np.nan
        book.enter(ONE, DAY + day, speeds)
    out, counts = told(book, DAYS_MIN)
    assert counts[0] == DAYS_MIN - 1
    assert math.isnan(out[0])


def test_a_day_said_anew_replaces_itself_and_an_old_one_does_not_replace_a_new_one() -> None:
    book = PeakBook()
    book.enter(ONE, DAY, np.full((1, DAY_BINS), 30.0))
    book.enter(ONE, DAY, np.full((1, DAY_BINS), 40.0))
    assert book.kept[0, DAY % BOOK_DAYS, 0] == 4000
    book.enter(ONE, DAY - BOOK_DAYS, np.full((1, DAY_BINS), 10.0))
    assert book.kept[0, DAY % BOOK_DAYS, 0] == 4000
