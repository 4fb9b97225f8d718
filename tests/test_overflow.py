"""What waits beyond the bounds gets its last verdict, in the archive and in the counts."""

from pathlib import Path

import pytest

from edge.verdicts import Verdict
from ingest import inbox as module
from ingest.archive import Kind, read
from ingest.inbox import Inbox, Key, Waiting
from ingest.judging import FUTURE_MAX_NS
from ingest.line import Line
from ingest.overflow import dropped
from ingest.reconcile import Wanted, reconcile
from tests.line_city import MS, START_MS, abandon, body, line_of, message, verdicts, write_places


def test_a_release_for_each_kind_with_a_row_a_key() -> None:
    rows = [Waiting(Key("a", 7, 3, 0), 5, 11), Waiting(Key("b", 7, 4, 900), 2, 12)]
    (first, unknown), (second, future) = dropped(rows, {"b": 4}, 99)
    assert (first, second) == (Kind.RELEASE_UNKNOWN, Kind.RELEASE_FUTURE)
    assert (unknown.device.tolist(), future.device.tolist()) == ([-1], [4])
    assert (unknown.value.tolist(), future.value.tolist()) == ([5.0], [2.0])
    assert future.time_ns.tolist() == [900 + FUTURE_MAX_NS]
    assert {*unknown.verdict.tolist(), *future.verdict.tolist()} == {Verdict.DROPPED_HELD}
    assert dropped([], {}, 99) == []


def flood(line: Line, numbers: range) -> None:
    """Each message has two readings and waits for its device."""
    for number in numbers:
        payload = body(number, t=START_MS, m={"pm25": 5.0, "no2": 6.0})
        line.take([message("d9", payload)], START_MS * MS)


def test_counts_move_from_held_to_dropped_and_survive_any_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "HELD_ROWS_MAX", 3)
    write_places(tmp_path / "places.csv")
    line = line_of(tmp_path)
    flood(line, range(1, 6))
    ahead = body(1, t=START_MS + 4 * 10**6, q="pm25", v=1.0)
    line.take([message("d1", ahead), message("d2", ahead)], START_MS * MS)
    found = {"held_unknown": 2, "held_future": 2, "dropped_held": 8}
    assert verdicts(line) == found
    assert sum(line.verdicts().values()) == 12
    abandon(line)
    for whole in (False, True):
        line = line_of(tmp_path, whole=whole)
        assert verdicts(line) == found
        assert [row.seq for row in line.inbox.waiting("d9")] == [5]
        line.close()


def test_a_kill_between_archive_and_inbox_is_made_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "HELD_ROWS_MAX", 3)
    write_places(tmp_path / "places.csv")
    line = line_of(tmp_path)
    flood(line, range(1, 4))

    def killed(_self: Inbox, _keys: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Inbox, "release", killed)
        with pytest.raises(KeyboardInterrupt):
            flood(line, range(4, 5))
    abandon(line)
    line = line_of(tmp_path)
    assert verdicts(line) == {"held_unknown": 6, "dropped_held": 2}
    assert [row.seq for row in line.inbox.waiting("d9")] == [2, 3, 4]
    line.close()
    kinds = [row.kind for row in read(tmp_path / "ingest" / "archive")]
    assert kinds.count(Kind.RELEASE_UNKNOWN) == 1


@pytest.mark.parametrize("whole", [False, True])
def test_what_a_lost_inbox_held_is_no_more_said_to_wait(tmp_path: Path, whole: bool) -> None:
    write_places(tmp_path / "places.csv")
    line = line_of(tmp_path)
    flood(line, range(1, 4))
    ahead = body(1, t=START_MS + 4 * 10**6, m={"pm25": 1.0, "no2": 2.0})
    line.take([message("d1", ahead)], START_MS * MS)
    line.close()
    for path in (tmp_path / "ingest").glob("inbox.db*"):
        path.unlink()
    line = line_of(tmp_path)
    assert verdicts(line) == {"dropped_held": 8}
    flood(line, range(4, 5))
    found = verdicts(line)
    line.close()
    line = line_of(tmp_path, whole=whole)
    assert verdicts(line) == found == {"dropped_held": 8, "held_unknown": 2}
    line.close()
    done = reconcile(tmp_path / "ingest", tmp_path / "store.db", Wanted())
    assert done.differences == []
