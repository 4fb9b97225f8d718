"""Histograms of sound level: against a list, taken out again, at their bound, saved."""

import numpy as np
import pytest

from engine import spectra as module
from engine.sound_levels import step_of
from engine.spectra import Spectra
from tests.town import Reading, Town, at, row

START = at("2026-03-02 10:00")
ONE = np.zeros(1, np.int64)


def town(levels: list[float], stations: int = 1) -> Town:
    made = Town([row(f"d{k}", f"a/s{k}", 1.0) for k in range(stations)])
    for k in range(stations):
        made.take(Reading(f"d{k}", "laeq", START + i, level) for i, level in enumerate(levels))
    return made


def hour(made: Town, slot: int = 0) -> list[int]:
    """Counts of the hour of `START`."""
    first = ONE + START // 3600
    return made.vitals.spectra.merged(np.array([slot], np.int32), first, ONE + 1)[0].tolist()


def test_every_reading_counts_once_at_its_level() -> None:
    levels = [55.0, 55.04, 61.3, 20.0]
    counts = hour(town(levels))
    assert sum(counts) == 4
    assert [counts[step_of(x)] for x in levels] == [2, 2, 1, 1]


def test_what_lost_is_taken_out_and_cleared_hours_are_empty() -> None:
    made = town([55.0, 61.3])
    spectra, registry = made.vitals.spectra, made.vitals.registry
    spectra.clear(0, START // 60, START // 60 + 60, registry)
    assert sum(hour(made)) == 0


def test_further_series_than_the_bound_have_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SPECTRA_MAX", 2)
    made = town([55.0], 3)
    assert [sum(hour(made, slot)) for slot in range(3)] == [1, 1, 0]
    made.tick(START + 3700)
    assert not made.last("noise.l10_1h", "a/s2")
    assert made.last("noise.laeq_1h", "a/s2")


def test_a_snapshot_brings_them_back() -> None:
    made, again = town([55.0, 61.3]), Spectra()
    again.restore(made.vitals.spectra.dump(1))
    for name in Spectra.ARRAYS[1:]:
        assert np.array_equal(getattr(again, name), getattr(made.vitals.spectra, name))
