"""Changed panes: each family sees those of its members and of the level it asks for."""

import numpy as np

from engine.changed import Changed, of_level


def test_rows_of_a_level_and_of_members() -> None:
    rows = np.array([[0, 0, 100], [3, 1, 7], [0, 2, 101], [3, 0, 8]], np.int32)
    changed = Changed(rows)
    assert changed.of(0).tolist() == [[0, 0, 100], [0, 2, 101]]
    assert changed.of(4).tolist() == []
    members, indices = of_level(changed, 3, np.array([5, -1, 6], np.int32))
    assert (members.tolist(), indices.tolist()) == ([5], [8])
    assert members.dtype == indices.dtype == np.int64


def test_nothing_changed() -> None:
    changed = Changed(np.zeros((0, 3), np.int32))
    members, indices = of_level(changed, 0, np.zeros(3, np.int32))
    assert len(members) == len(indices) == 0
