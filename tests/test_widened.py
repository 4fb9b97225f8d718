"""Longer rings: never shorter than those that a running city has."""

from engine.panes import FINE_LEVELS, HOUR, LENGTHS, PERIODS
from engine.recipes import RECIPES
from engine.vitals import Vitals
from ingest.widened import (
    SERIES_MAX,
    YEAR_BLOCKS_SERIES_MAX,
    YEAR_SERIES_MAX,
    series_max,
    widen,
    widen_hours,
    widen_registers,
)


def test_rings_hold_the_days_asked_for_and_never_fewer_than_usual() -> None:
    for days in (1, 30):
        vitals = Vitals(60)
        widen(vitals, days)
        for level in range(FINE_LEVELS):
            wanted = max(days * 1440 // PERIODS[level], LENGTHS[level])
            assert vitals.panes.fine[level].shape == (0, wanted)


def test_no_days_change_nothing() -> None:
    vitals = Vitals(60)
    before, hours = vitals.panes.fine, vitals.panes.coarse[0]
    widen(vitals, 0)
    widen_hours(vitals, 0)
    widen_registers(vitals, 0)
    assert vitals.panes.fine is before
    assert vitals.panes.coarse[0] is hours


def test_hours_of_a_year() -> None:
    for days, wanted in ((1, LENGTHS[HOUR]), (369, 369 * 24)):
        vitals = Vitals(60)
        of_days = vitals.panes.coarse[1]
        widen_hours(vitals, days)
        assert vitals.panes.coarse[0].shape == (0, wanted)
        assert vitals.panes.coarse[1] is of_days


def test_fewer_series_are_built_again_the_more_is_kept_of_each() -> None:
    of = {key: series_max(RECIPES[key]) for key in (
        "energy.demand_peak", "air.year_pm25", "energy.consumption_per_capita")}
    assert list(of.values()) == [SERIES_MAX, YEAR_SERIES_MAX, YEAR_BLOCKS_SERIES_MAX]
