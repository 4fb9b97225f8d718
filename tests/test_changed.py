"""Changed panes: each family sees its own, and only what may feed a closed window."""

import numpy as np

from engine.changed import LONG_AGO_MIN, Changed, Reaching, of_level
from engine.panes import DAY, HOUR, LENGTHS, ONE, PERIODS, QUARTER


def test_rows_of_a_level_and_of_members() -> None:
    rows = np.array([[0, 0, 100], [3, 1, 7], [0, 2, 101], [3, 0, 8]], np.int32)
    changed = Changed(rows, np.zeros(3, np.int32))
    assert changed.of(0).tolist() == [[0, 0, 100], [0, 2, 101]]
    assert changed.of(4).tolist() == []
    members, indices = of_level(changed, 3, np.array([5, -1, 6], np.int32))
    assert (members.tolist(), indices.tolist()) == ([5], [8])
    assert members.dtype == indices.dtype == np.int64


def test_nothing_changed() -> None:
    changed = Changed(np.zeros((0, 3), np.int32), np.zeros(3, np.int32))
    members, indices = of_level(changed, 0, np.zeros(3, np.int32))
    assert len(members) == len(indices) == 0


def test_where_a_pane_begins() -> None:
    """Minutes are of Unix, all else is cut in local standard time; India is 5 h 30 min east."""
    rows = np.array(
        [[ONE, 0, 100], [QUARTER, 0, 22], [HOUR, 0, 5], [DAY, 0, 1], [6, 0, 22]], np.int32
    )
    changed = Changed(rows, np.array([330], np.int32))
    assert changed.begin_min(ONE).tolist() == [100]
    assert changed.begin_min(QUARTER).tolist() == [0]
    assert changed.begin_min(HOUR).tolist() == [-30]
    assert changed.begin_min(DAY).tolist() == [1110]
    assert changed.begin_min(6).tolist() == [LONG_AGO_MIN]
    assert changed.begin_min(1).tolist() == []


def test_only_what_begins_before_the_end_of_a_closed_window_reaches_it() -> None:
    rows = np.array([[HOUR, 0, 1], [HOUR, 0, 2], [HOUR, 1, 2], [6, 0, 9]], np.int32)
    changed = Changed(rows, np.zeros(2, np.int32))
    reaching = Reaching(changed, np.array([120, 121], np.int64))
    assert reaching.of(HOUR).tolist() == [[HOUR, 0, 1], [HOUR, 1, 2]]
    assert [slots.tolist() for slots in reaching.fresh] == [[0]]
    assert reaching.of(6).tolist() == [[6, 0, 9]]
    assert reaching.of(ONE).tolist() == []


def test_every_level_has_a_length() -> None:
    assert len(PERIODS) == len(LENGTHS) + 1
