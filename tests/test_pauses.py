"""Where traffic is dense the loop waits a little, for more at once; where it is sparse never."""

import pytest

from ingest import pauses


@pytest.mark.parametrize(("count", "acknowledged", "since_s", "pause_s"), [
    (1, 0, 0.1, 0.0), (1, 0, 0.001, pauses.BUSY_S), (10, 0, 0.002, pauses.BUSY_S),
    (200, 0, 0.016, pauses.DENSE_S), (1_599, 0, 0.016, pauses.DENSE_S),
    (1_600, 0, 0.016, pauses.FULL_S), (200, 200, 0.016, pauses.BUSY_S), (200, 200, 0.1, 0.0),
    (20, 20, 0.001, 0.0),
])
def test_dense_traffic_waits_for_more_and_sparse_does_not(
    count: int, acknowledged: int, since_s: float, pause_s: float
) -> None:
    assert pauses.batch_s(count, acknowledged, since_s) == pause_s
    assert pauses.BUSY_S <= 0.005


def test_latest_readings_are_told_often_while_that_costs_little() -> None:
    assert pauses.readings_s(0.0, 0.0) == pauses.READINGS_S_MIN == 0.04
    assert pauses.readings_s(0.06, 99_999.0) == pytest.approx(0.3)
    assert pauses.readings_s(0.002, 100_000.0) == pytest.approx(0.2)
    assert pauses.readings_s(0.5, 0.0) == pauses.READINGS_S_MAX == 1.0


def test_windows_in_progress_leave_the_processor_to_what_needs_it_more() -> None:
    assert pauses.open_s(0.1, 0.001, 10, 0.0) == 0.1
    assert pauses.open_s(0.1, 0.1, 10, 99_999.0) == pytest.approx(0.4)
    assert pauses.open_s(0.1, 0.03, 10, 100_000.0) == pytest.approx(1.0)
    assert pauses.open_s(0.1, 0.001, 9_000, 0.0) == pytest.approx(0.3)
    assert pauses.open_s(0.1, 0.001, 19_000, 0.0) == pauses.OPEN_TOLD_S_MAX
    assert pauses.open_s(5.0, 0.03, 5_000, 100_000.0) == 5.0
