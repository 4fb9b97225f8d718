"""Snapshots beside the loop: of one moment, one at a time, and the one before until it is whole."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.snapshot import Frozen, extra_of, load
from ingest import snapshots as module
from ingest.archive import Position
from ingest.snapshots import Snapshots
from tests.town import Reading, Town, at, row

BEGIN = at("2026-03-02 10:00")


def _town() -> Town:
    town = Town([row("d", "centre/s")])
    town.take([Reading("d", "pm25", BEGIN + 60 * k, 10.0) for k in range(30)])
    return town


def test_it_is_of_the_moment_at_which_it_was_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    town, saved = _town(), Snapshots(tmp_path / "snapshot.cvs")
    before = town.vitals.panes.minutes[:1].copy()
    going, real = threading.Event(), module.write

    def slow(frozen: Frozen, path: Path, given_up: Callable[[], bool]) -> None:
        assert going.wait(30)
        real(frozen, path, given_up)

    monkeypatch.setattr(module, "write", slow)
    numbers = [1]
    saved.save(town.vitals, {"n": numbers}, Position(1, 7), beside=True)
    numbers.append(2)
    town.take([Reading("d", "no2", BEGIN + 60 * k, 99.0) for k in range(90)])
    town.take([Reading("d", "pm25", BEGIN + 60 * k, 99.0) for k in range(90)])
    assert saved.writing
    assert saved.covered is None
    assert not saved.path.exists()
    going.set()
    saved.wait()
    assert (saved.writing, saved.covered) == (False, Position(1, 7))
    vitals, extra = load(saved.path, 60)
    assert extra == {"n": [1]}
    assert len(vitals.registry.series) == 1
    assert vitals.panes.minutes[:1].tolist() == before.tolist()


def test_at_the_end_what_is_not_written_is_given_up_and_the_one_before_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    town, saved = _town(), Snapshots(tmp_path / "snapshot.cvs")
    saved.save(town.vitals, {"n": 1}, Position(1, 7), beside=False)
    begun, real = threading.Event(), module.write

    def slow(frozen: Frozen, path: Path, given_up: Callable[[], bool]) -> None:
        def ended() -> bool:
            begun.set()
            return saved._ending.wait(30)

        real(frozen, path, ended)

    monkeypatch.setattr(module, "write", slow)
    saved.save(town.vitals, {"n": 2}, Position(1, 8), beside=True)
    assert begun.wait(30)
    saved.end()
    assert (saved.writing, saved.covered) == (False, Position(1, 7))
    assert [path.name for path in tmp_path.iterdir()] == ["snapshot.cvs"]
    assert extra_of(saved.path) == {"n": 1}
    assert not caplog.text
    monkeypatch.setattr(module, "write", real)
    saved.save(town.vitals, {"n": 3}, Position(1, 9), beside=False)
    assert extra_of(saved.path) == {"n": 3}


def test_what_stops_the_thread_is_raised_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    town, saved = _town(), Snapshots(tmp_path / "snapshot.cvs")

    def short(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(module, "write", short)
    saved.save(town.vitals, {}, Position(1, 7), beside=True)
    with pytest.raises(MemoryError):
        saved.save(town.vitals, {}, Position(1, 8), beside=True)
    assert saved.covered is None


@pytest.mark.parametrize("room", [-1, 1 << 40])
def test_what_is_too_large_to_be_copied_is_written_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    monkeypatch.setattr(module, "COPIED_BYTES_MAX", room)
    town, saved = _town(), Snapshots(tmp_path / "snapshot.cvs")
    saved.save(town.vitals, {"n": 1}, Position(1, 7), beside=True)
    assert (saved._task is None) == (room < 0)
    saved.save(town.vitals, {"n": 2}, Position(1, 8), beside=False)
    assert saved.covered == Position(1, 8)
    assert extra_of(saved.path) == {"n": 2}


def test_what_cannot_be_saved_leaves_the_one_before(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    town, saved = _town(), Snapshots(tmp_path / "snapshot.cvs")
    saved.save(town.vitals, {"n": 1}, Position(1, 7), beside=False)
    saved.path.with_suffix(".new").mkdir()
    for beside in (True, False):
        saved.save(town.vitals, {"n": 2}, Position(1, 8), beside=beside)
        saved.wait()
    assert saved.covered == Position(1, 7)
    assert extra_of(saved.path) == {"n": 1}
    assert caplog.text.count("not saved") == 2
