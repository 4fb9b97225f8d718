"""Longer rings: never shorter than those that a running city has."""

from engine.panes import FINE_LEVELS, LENGTHS, PERIODS
from engine.vitals import Vitals
from ingest.widened import widen, widen_registers


def test_rings_hold_the_days_asked_for_and_never_fewer_than_usual() -> None:
    for days in (1, 30):
        vitals = Vitals(60)
        widen(vitals, days)
        for level in range(FINE_LEVELS):
            wanted = max(days * 1440 // PERIODS[level], LENGTHS[level])
            assert vitals.panes.fine[level].shape == (0, wanted)


def test_no_days_change_nothing() -> None:
    vitals = Vitals(60)
    before = vitals.panes.fine
    widen(vitals, 0)
    widen_registers(vitals, 0)
    assert vitals.panes.fine is before
