"""How readings came: bins, percentiles, what is late, ahead, repeated, out of order, suspect."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.verdicts import Verdict
from engine.batch import Batch
from engine.deliveries import BINS, bin_of, edge_s, percentile_s
from engine.snapshot import load, save
from tests import reference_quality as reference
from tests.town import Reading, Town, at, row

HOUR = at("2026-03-02 10:00")
S1 = "centre/s1"
DQ = ("latency_p50", "late_share", "duplicate_rate", "out_of_order_rate", "clock_ahead_share",
      "suspect_share")


def town(period_s: float = 60.0) -> Town:
    """One station whose deliveries are counted."""
    made = Town([row("d", S1, period_s)])
    made.vitals.deliveries.counting = True
    made.vitals.registry.device("d")
    return made


def come(
    made: Town, received_s: float, *times: float, value: float = 5.0, flag: int = 1,
    verdict: Verdict = Verdict.APPLIED, quantity: str = "pm25",
) -> None:
    """Readings of one series received together."""
    count = len(times)
    slot = made.slot(Reading("d", quantity, times[0], value))
    none = np.zeros(count, np.int64)
    batch = Batch(
        np.full(count, slot, np.int32), np.array([round(t * 1e9) for t in times], np.int64),
        np.full(count, value), np.full(count, flag, np.uint8), none.astype(np.int32), none, none,
        np.full(count, verdict, np.uint8), round(received_s * 1e9),
    )
    made.vitals.delivered(batch)
    made.vitals.apply(batch.take(batch.verdict <= Verdict.LATE))


def told(made: Town, end: int) -> dict[str, float]:
    """What is said of an hour of receipt."""
    return {name: made.last(f"dq.{name}", S1).get(end, (math.nan, 0))[0] for name in DQ}


@given(st.integers(0, 10**15))
def test_a_latency_lies_in_its_bin(latency_ns: int) -> None:
    index = bin_of(latency_ns)
    assert 0 <= index < BINS
    assert edge_s(index) <= latency_ns / 1e9 * (1 + 1e-12)
    assert latency_ns / 1e9 < edge_s(index + 1) * (1 + 1e-12)


@given(st.lists(st.integers(0, 10**13), min_size=1, max_size=60), st.sampled_from([0.5, 0.95]))
def test_percentiles_are_within_an_eighth_of_their_twin(times: list[int], share: float) -> None:
    counts = np.zeros(BINS, np.uint32)
    for latency_ns in times:
        counts[bin_of(latency_ns)] += 1
    low, high = reference.around(times, share)
    found = percentile_s(counts, share)
    assert low * 7 / 8 - 0.001 <= found <= high * 9 / 8 + 0.001


def test_nothing_has_no_percentile() -> None:
    assert math.isnan(percentile_s(np.zeros(BINS, np.uint32), 0.5))


def test_an_hour_of_receipts() -> None:
    made = town()
    for k in range(58):
        come(made, HOUR + 60 * k + 4, HOUR + 60 * k)
    come(made, HOUR + 3500, HOUR - 30, verdict=Verdict.LATE)
    come(made, HOUR + 3510, HOUR + 3515)
    come(made, HOUR + 3520, HOUR + 60, verdict=Verdict.DUPLICATE)
    made.tick(HOUR + 3661)
    found = told(made, HOUR + 3600)
    assert found["latency_p50"] == pytest.approx(4.0, rel=0.125)
    assert found["late_share"] == pytest.approx(100 / 60)
    assert found["duplicate_rate"] == pytest.approx(100 / 61)
    assert found["out_of_order_rate"] == pytest.approx(100 / 60)
    assert found["clock_ahead_share"] == pytest.approx(100 / 60)
    assert found["suspect_share"] == 0.0


@pytest.mark.parametrize(("behind", "late"), [(120.0, 0.0), (120.1, 100.0)])
def test_late_is_more_than_two_periods(behind: float, late: float) -> None:
    made = town()
    come(made, HOUR + 600, HOUR + 600 - behind)
    made.tick(HOUR + 3661)
    assert told(made, HOUR + 3600)["late_share"] == late


@pytest.mark.parametrize(("ahead", "share"), [(2.0, 0.0), (2.1, 100.0)])
def test_more_than_two_seconds_ahead_is_a_wrong_clock(ahead: float, share: float) -> None:
    made = town()
    come(made, HOUR + 600, HOUR + 600 + ahead)
    made.tick(HOUR + 3661)
    found = told(made, HOUR + 3600)
    assert found["clock_ahead_share"] == share
    assert math.isnan(found["latency_p50"]) is (share > 0)


def test_the_hour_is_that_of_receipt() -> None:
    made = town()
    come(made, HOUR + 600, HOUR + 590)
    made.tick(HOUR + 3661)
    come(made, HOUR + 7000, HOUR + 3700)
    made.tick(HOUR + 7261)
    assert told(made, HOUR + 7200)["latency_p50"] == pytest.approx(3300, rel=0.125)
    assert set(made.last("dq.late_share", S1)) == {HOUR + 3600, HOUR + 7200}


def test_suspect_by_range_rate_and_spike() -> None:
    made = town()
    for k, value in enumerate([5.0, 5.0, 300.0, 5.0, 5.0, 5.0]):
        come(made, HOUR + 60 * k, HOUR + 60 * k, value=value, flag=3 if k == 5 else 1)
    made.tick(HOUR + 3661)
    # Of range, and too fast there and back; the spike counts once.
    assert told(made, HOUR + 3600)["suspect_share"] == pytest.approx(100 * 3 / 6)


def test_a_slow_spike_counts_when_the_next_reading_shows_it() -> None:
    made = town()
    for k, value in enumerate([5.0, 5.0, 80.0, 5.0]):
        come(made, HOUR + 60 * k, HOUR + 60 * k, value=value)
    made.tick(HOUR + 3661)
    assert told(made, HOUR + 3600)["suspect_share"] == pytest.approx(100 / 4)


def test_a_step_of_the_resolution_within_a_second_is_not_too_fast() -> None:
    made = town(1.0)
    for k in range(60):
        come(made, HOUR + k, HOUR + k, value=20.0 + k % 2 / 10, quantity="temp")
    made.tick(HOUR + 3661)
    assert told(made, HOUR + 3600)["suspect_share"] == 0.0


def test_without_receipts_nothing_is_told() -> None:
    made = town()
    made.vitals.deliveries.counting = False
    come(made, HOUR + 600, HOUR + 590)
    made.tick(HOUR + 3661)
    assert made.last("dq.late_share", S1) == {}
    assert made.last("dq.completeness", S1)


def test_areas_have_the_worst_latency_and_the_share_of_all() -> None:
    made = town()
    come(made, HOUR + 600, HOUR + 590)
    made.tick(HOUR + 3661)
    assert made.last("dq.latency_p95", "_/_")[HOUR + 3600][0] == pytest.approx(10, rel=0.125)
    assert made.last("dq.late_share", "_/_")[HOUR + 3600][0] == 0.0


@given(st.lists(st.tuples(
    st.integers(0, 40).map(lambda tens: 10 * tens), st.sampled_from([5.0, 6.0, 70.0, 300.0]),
    st.sampled_from([1, 1, 1, 3, 4, 9]),
    st.integers(-5, 200), st.booleans(),
), max_size=30))
@settings(max_examples=60, deadline=None)
def test_counts_equal_their_twin(drawn: list[tuple[int, float, int, int, bool]]) -> None:
    made = town()
    rows: list[reference.Came] = []
    for after_s, value, flag, behind, again in drawn:
        time_s = HOUR + after_s
        rows.append((time_s * 10**9, value, flag, (time_s + behind) * 10**9, again))
        come(made, time_s + behind, time_s, value=value, flag=flag,
             verdict=Verdict.DUPLICATE if again else Verdict.APPLIED)
    expected = reference.deliveries(rows, 60 * 10**9, 50.0, 200 / 60, 600 * 10**9)
    assert tuple(made.vitals.deliveries.counts.sum(axis=(0, 1)).tolist()) == expected


def test_it_goes_on_after_a_snapshot(tmp_path: Path) -> None:
    """A file forgets that records are aligned, and kernels take no others."""
    made = town()
    come(made, HOUR + 1, HOUR)
    save(made.vitals, tmp_path / "snapshot.cvs", {})
    made.vitals, _ = load(tmp_path / "snapshot.cvs", 60)
    made.vitals.deliveries.counting = True
    assert made.vitals.deliveries.newest.dtype.isalignedstruct
    before = made.vitals.deliveries.counts.sum()
    come(made, HOUR + 61, HOUR + 60)
    assert made.vitals.deliveries.counts.sum() > before > 0
