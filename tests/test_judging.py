"""Columns are judged in one order, and as one reading after the other would be."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edge.quantities import INDEX, QUANTITIES
from edge.verdicts import Verdict
from engine.vitals import HORIZON_NS
from ingest.clocks import EARLIEST_NS
from ingest.judging import FUTURE_MAX_NS, judge
from tests.line_city import MS, START_MS

V = Verdict
NOW_NS = START_MS * MS
NAMES = list(QUANTITIES)


def judged(rows: list[tuple[int, float, int, int, int]]) -> list[tuple[int, int]]:
    """(verdict, flag) of rows of quantity, value, time, flag and what was said before."""
    quantity, value, time_ns, flag, verdict = (list(column) for column in zip(*rows, strict=True))
    verdicts, flags = np.array(verdict, np.uint8), np.array(flag, np.uint8)
    judge(
        np.array(quantity, np.int64), np.array(value, np.float64), np.array(time_ns, np.int64),
        np.full(len(rows), NOW_NS, np.int64), flags, verdicts,
    )
    return list(zip(verdicts.tolist(), flags.tolist(), strict=True))


def one(quantity: int, value: float, time_ns: int, flag: int, verdict: int) -> tuple[int, int]:
    """The slow, obvious judge."""
    if verdict != V.APPLIED:
        return verdict, flag
    known = QUANTITIES[NAMES[quantity]]
    low, high = known.implausible
    flag = flag or 1
    if flag <= 2 and (value < low or value > high):
        flag = 3
    if not math.isfinite(value):
        return V.REFUSED_NOT_A_NUMBER, flag
    if not known.impossible[0] <= value <= known.impossible[1]:
        return V.REFUSED_IMPOSSIBLE, flag
    if time_ns < EARLIEST_NS:
        return V.REFUSED_TIME, flag
    if time_ns > NOW_NS + FUTURE_MAX_NS:
        return V.HELD_FUTURE, flag
    return (V.TOO_LATE if time_ns < NOW_NS - HORIZON_NS else V.APPLIED), flag


def test_in_this_order() -> None:
    late, ahead = NOW_NS - HORIZON_NS - 1, NOW_NS + FUTURE_MAX_NS + 1
    cases = [
        (math.nan, 0, V.REFUSED_NOT_A_NUMBER), (math.inf, ahead, V.REFUSED_NOT_A_NUMBER),
        (5000.0, 0, V.REFUSED_IMPOSSIBLE), (5000.0, ahead, V.REFUSED_IMPOSSIBLE),
        (1.0, 0, V.REFUSED_TIME), (1.0, ahead, V.HELD_FUTURE), (1.0, late, V.TOO_LATE),
        (1.0, NOW_NS, V.APPLIED),
    ]
    rows = [(INDEX["pm25"], value, time_ns, 0, int(V.APPLIED)) for value, time_ns, _ in cases]
    assert [verdict for verdict, _ in judged(rows)] == [case[2] for case in cases]


@given(st.lists(st.tuples(
    st.integers(0, len(NAMES) - 1),
    st.one_of(st.floats(-2000, 2000), st.sampled_from((math.nan, math.inf, 0.0, 1e12))),
    st.sampled_from((0, EARLIEST_NS - 1, EARLIEST_NS, NOW_NS - HORIZON_NS - 1, NOW_NS - HORIZON_NS,
                     NOW_NS + FUTURE_MAX_NS, NOW_NS + FUTURE_MAX_NS + 1)),
    st.sampled_from((0, 1, 2, 3, 4, 9)), st.sampled_from((0, 0, 0, int(V.DUPLICATE))),
), min_size=1))
def test_columns_are_judged_as_one_after_the_other(
    rows: list[tuple[int, float, int, int, int]]
) -> None:
    assert judged(rows) == [one(*row) for row in rows]
