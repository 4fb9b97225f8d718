"""EN 50160 frequency: weeks and years of ten seconds, the worst of the series, what comes late."""

import datetime

import numpy as np
import numpy.typing as npt
import pytest

from edge.facts import Fact
from edge.quantities import INDEX
from engine.batch import Batch
from engine.frequency import NOMINAL, YEAR_DAYS
from tests.town import Reading, Town, at, row

START = at("2026-03-02 00:00")
DAY = 86_400
WEEK, YEAR, OUTSIDE, FAR = (
    f"energy.en50160_frequency{tail}" for tail in ("_week", "", "_outside", "_far"))
Hertz = npt.NDArray[np.float64]


def town(count: int = 1, period_s: float = 10.0) -> Town:
    of = Town([row(f"d{k}", "a/s", period_s) for k in range(count)])
    of.keep(WEEK)
    return of


def feed(of: Town, hertz: Hertz, start_s: int, step_s: int = 10, device: str = "d0") -> None:
    """Readings as one batch, NaN none."""
    k = np.nonzero(~np.isnan(hertz))[0]
    slot = of.slot(Reading(device, "frequency", start_s, 50.0))
    none = np.zeros(len(k), np.int64)
    of.vitals.apply(Batch(
        np.full(len(k), slot, np.int32), (start_s + k * step_s) * 10**9, hertz[k],
        np.ones(len(k), np.uint8), none.astype(np.int32), none, none, none.astype(np.uint8), 0,
    ))


def days(of: Town, count: int, *, outside: int = 0, device: str = "d0", first: int = 0) -> None:
    """Days of 8640 means, so many of each at 50.6 Hz."""
    for day in range(first, first + count):
        hertz = np.full(8640, 50.01)
        hertz[:outside] = 50.6
        feed(of, hertz, START + day * DAY, device=device)
        of.tick(START + (day + 1) * DAY + 61)


def last(of: Town, key: str) -> float:
    found = of.last(key, "a/s")
    return found[max(found)][0]


def test_the_share_of_a_week() -> None:
    of = town()
    days(of, 7, outside=86)
    assert last(of, WEEK) == pytest.approx(100 * 86 / 8640)
    levels = {key: level for _, key, _, _, level, _ in of.said() if key == WEEK}
    assert levels == {WEEK: 1}
    assert np.isnan(last(of, YEAR))


@pytest.mark.parametrize(("missing", "known"), [(6048, True), (6049, False)])
def test_ninety_per_cent_of_the_week(missing: int, known: bool) -> None:
    of = town()
    days(of, 6)
    hertz = np.full(8640, 50.0)
    hertz[:missing] = np.nan
    feed(of, hertz, START + 6 * DAY)
    of.tick(START + 7 * DAY + 61)
    assert np.isnan(last(of, WEEK)) != known


def test_a_meter_that_reports_each_minute_covers_a_sixth() -> None:
    of = town(period_s=60.0)
    for day in range(7):
        feed(of, np.full(1440, 50.0), START + day * DAY, 60)
        of.tick(START + (day + 1) * DAY + 61)
    assert np.isnan(last(of, WEEK))


def test_readings_of_a_second_are_averaged_over_ten() -> None:
    """One second at 52 Hz in ten is 50.2 Hz: inside."""
    of = town(period_s=1.0)
    hertz = np.full(8640 * 10, 50.0)
    hertz[::10] = 52.0
    for day in range(7):
        feed(of, hertz, START + day * DAY, 1)
        of.tick(START + (day + 1) * DAY + 61)
    assert last(of, WEEK) == 0.0


def test_a_year_by_its_days() -> None:
    """The book is filled, as a year of readings is too long for a test."""
    of = town()
    days(of, 1)
    family = of.vitals.windows[0].family
    day = int(family.ordinal(np.zeros(1, np.int64), np.array([START // 60]))[0])
    before = np.arange(day - YEAR_DAYS + 1, day)
    rows = np.tile(np.array([8640.0, 43.0, 0.0]), (len(before), 1))
    for far, share, verdict in ((0, 100 * 43 / 8640 * 364 / 365, 0.0), (1, None, 1.0)):
        rows[7, 2] = far
        family.books["days"].enter(np.zeros(len(before), np.int64), before, rows)  # type: ignore[attr-defined]
        of.vitals.windows[0].say_anew(np.zeros(1, np.int64), np.array([day]))
        of.tick(START + DAY + 61 + 60 * (1 + far))
        assert last(of, YEAR) == verdict
        assert last(of, FAR) == far
        if share is not None:
            assert last(of, OUTSIDE) == pytest.approx(share)


def test_the_worst_series_counts_and_all_need_their_intervals() -> None:
    of = town(2)
    for day in range(7):
        feed(of, np.full(8640, 50.0), START + day * DAY, device="d1")
        days(of, 1, outside=20, first=day)
    assert last(of, WEEK) == pytest.approx(100 * 20 / 8640)
    days(of, 1, first=7)
    assert np.isnan(last(of, WEEK))  # d1 has six of seven days: 86 %


def test_what_comes_late_is_counted_as_if_it_had_been_there() -> None:
    of = town()
    days(of, 3)
    hertz = np.full(8640, 50.0)
    hertz[100:200] = np.nan
    feed(of, hertz, START + 3 * DAY)
    of.tick(START + 4 * DAY + 61)
    days(of, 3, first=4)
    before = last(of, WEEK)
    feed(of, np.full(100, 40.0), START + 3 * DAY + 1000)
    of.tick(START + 7 * DAY + 200)
    assert (before, last(of, WEEK)) == (0.0, pytest.approx(100 * 100 / 8640 / 7))


def test_sixty_hertz_where_a_fact_says_so() -> None:
    of = town()
    of.vitals.load_facts(
        [Fact(datetime.date(2020, 1, 1), "a/s", NOMINAL, 60.0, "Hz", "The grid's operator")])
    for day in range(7):
        feed(of, np.full(8640, 60.1), START + day * DAY)
        of.tick(START + (day + 1) * DAY + 61)
    assert last(of, WEEK) == 0.0


def test_frequency_is_not_a_quantity_of_the_other_books() -> None:
    of = town()
    feed(of, np.full(10, 50.0), START)
    assert of.vitals.registry.quantity[0] == INDEX["frequency"]
    assert of.vitals.spectra.row[0] == -1
