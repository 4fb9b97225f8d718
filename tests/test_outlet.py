"""Gathering: fewer calls, the same order; a restatement never overtakes what it restates."""

import numpy as np

from engine.points import Points, empty
from engine.vitals import Vitals
from ingest.outlet import Gathering, Known
from tests.line_city import Kept


class _Calls(Kept):
    """Writes down what was handed on: ends and times of knowing."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[list[int], list[int]]] = []

    def points(self, points: Points, vitals: Vitals, known_ms: Known) -> None:
        known = np.broadcast_to(np.asarray(known_ms, np.int64), len(points))
        self.calls.append((points.end_s.tolist(), known.tolist()))


def _points(end_s: int, rev: int) -> Points:
    points = empty(1)
    points.end_s[:] = end_s
    points.rev[:] = rev
    return points


def test_first_closings_wait_and_a_restatement_brings_them_along() -> None:
    calls, vitals = _Calls(), Vitals()
    gathering = Gathering(calls)
    gathering.points(_points(60, 1), vitals, 1)
    gathering.points(_points(120, 1), vitals, 2)
    assert calls.calls == []
    gathering.points(_points(60, 2), vitals, 3)
    assert calls.calls == [([60, 120, 60], [1, 2, 3])]
    gathering.points(_points(180, 1), vitals, 4)
    gathering.places(vitals)
    gathering.hand_on(vitals)
    assert calls.calls[1:] == [([180], [4])]
