"""Ten seconds of frequency: exact means, in any order, taken out again, and within bounds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import ten_seconds as module
from tests.town import Reading, Town, at, row

START = at("2026-03-02 00:00")


def town(count: int = 1) -> Town:
    return Town([row(f"d{k}", f"a/s{k}", 10.0) for k in range(count)])


def means(of: Town, first_s: int, last_s: int, slot: int = 0) -> list[float]:
    found: list[float] = of.vitals.hertz.means(slot, first_s // 60, last_s // 60).tolist()
    return found


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_twin(seed: int) -> None:
    rng = np.random.default_rng(seed)
    readings = [
        Reading("d0", "frequency", START + float(rng.integers(0, 180_000)) / 1000,
                float(np.round(50 + rng.normal(0, 0.3), 3)), int(rng.choice([1, 1, 1, 3, 4, 9])))
        for _ in range(60)
    ]
    of = town()
    of.take(readings)
    bins: dict[int, list[float]] = {}
    for one in readings:
        if one.flag in (1, 3):
            bins.setdefault(int(one.time_s) // 10, []).append(one.value)
    want = [sum(values) / len(values) for _, values in sorted(bins.items())]
    assert means(of, START, START + 180) == pytest.approx(want, abs=1e-9)
    shuffled = town()
    for k in rng.permutation(60):
        shuffled.take([readings[k]])
    assert means(shuffled, START, START + 180) == means(of, START, START + 180)


def test_another_day_takes_the_place_of_one_eleven_days_before() -> None:
    of = town()
    later = START + 11 * 86_400
    of.take([Reading("d0", "frequency", START + 1.0, 49.0),
             Reading("d0", "frequency", later + 11.0, 50.0),
             Reading("d0", "frequency", START + 21.0, 48.0)])
    assert means(of, START, START + 60) == []
    assert means(of, later, later + 60) == [50.0]


def test_so_many_series(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FREQUENCY_MAX", 2)
    of = town(3)
    for k in range(3):
        of.take([Reading(f"d{k}", "frequency", START + 1.0, 50.0 + k)])
    assert [means(of, START, START + 60, slot) for slot in range(3)] == [[50.0], [51.0], []]


def test_so_many_readings_of_one_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    of = town()
    of.take([Reading("d0", "frequency", START + 1.0, 50.0)])
    of.vitals.hertz.counts[0, (START // 86_400) % module.DAYS, 0] = module.COUNT_MAX
    before = of.vitals.hertz.sums.sum()
    of.take([Reading("d0", "frequency", START + 2.0, 50.0)])
    assert of.vitals.hertz.sums.sum() == before


def test_what_is_cleared_is_forgotten() -> None:
    of = town()
    of.take(Reading("d0", "frequency", START + 10.0 * k, 50.0) for k in range(18))
    of.vitals.hertz.clear(0, START // 60 + 1, START // 60 + 2, of.vitals.registry)
    assert len(means(of, START, START + 180)) == 12
