"""What is known of each series beside its panes."""

import numpy as np

from edge.quantities import INDEX
from engine.panes import NEVER_MIN
from engine.series import LONG_AGO_MIN, NO_LATE_NS, Series, follow_one, period_of, span_of

SECOND = 1_000_000_000


def _follow(
    series: Series, readings: list[tuple[int, float, float, int]], period_s: float,
    quantity: str = "power",
) -> list[int]:
    count = len(series.last_ns)
    since = np.zeros((count, 2), np.int64)
    since[:, 1] = 6000
    periods = np.tile([period_s, 300.0], (count, 1))
    spans = []
    for slot, time_s, value, flag in readings:
        period = period_of(slot, int(time_s) // 60 * 60, since, periods)
        at = int(time_s * SECOND)
        follow_one(series.table, slot, at, value, flag, period, INDEX[quantity])
        spans.append(span_of(period))
    return spans


def test_blanks_and_growth() -> None:
    series = Series()
    series.fit(2)
    _follow(series, [(1, 120, 7.0, 3)], 60)
    series.fit(1)
    series.fit(5)
    assert len(series.last_ns) == 5
    assert series.last_value.tolist() == [0, 7, 0, 0, 0]
    assert series.last_flag[1] == 3
    assert series.delivered_min.tolist()[:2] == [LONG_AGO_MIN, 3]
    assert series.told_min[4] == NEVER_MIN
    assert series.late_oldest_ns[4] == NO_LATE_NS


def test_a_reading_delivers_up_to_its_time_and_period() -> None:
    series = Series()
    series.fit(1)
    _follow(series, [(0, 119.5, 1.0, 1)], 60)
    assert series.delivered_min[0] == 2
    _follow(series, [(0, 0, 1.0, 1)], 60)
    assert series.delivered_min[0] == 2
    _follow(series, [(0, 121, 1.0, 1)], 0)
    assert series.delivered_min[0] == 2
    _follow(series, [(0, 120, 1.0, 1)], 60)
    assert series.delivered_min[0] == 3


def test_a_register_delivers_up_to_its_reading() -> None:
    series = Series()
    series.fit(1)
    _follow(series, [(0, 120, 7.0, 1)], 60, "energy")
    assert series.delivered_min.tolist() == [2]


def test_the_latest_reading_is_the_latest_by_its_time() -> None:
    series = Series()
    series.fit(1)
    _follow(series, [(0, 100, 1.0, 1), (0, 300, 3.0, 1), (0, 200, 2.0, 1)], 60)
    assert (series.last_ns[0], series.last_value[0]) == (300 * SECOND, 3.0)
    # Of two readings of one time the one that came later stands.
    _follow(series, [(0, 300, 4.0, 3)], 60)
    assert (series.last_value[0], series.last_flag[0]) == (4.0, 3)


def test_late_is_what_came_before_the_closed_time() -> None:
    series = Series()
    series.fit(1)
    series.closed_ns[0] = 600 * SECOND
    _follow(series, [(0, 599, 1.0, 1), (0, 600, 1.0, 1), (0, 30, 1.0, 1)], 60)
    assert (series.late_n[0], series.late_oldest_ns[0]) == (2, 30 * SECOND)


def test_a_minute_has_one_span_even_if_the_period_changes_inside() -> None:
    series = Series()
    series.fit(1)
    # From second 6000 on, a minute's start, the period is 300 s.
    assert _follow(series, [(0, 5999, 1.0, 1), (0, 6000, 1.0, 1)], 60) == [1, 5]
    assert _follow(series, [(0, 5999, 1.0, 1)], 900) == [15]
