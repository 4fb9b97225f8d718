"""The past anew: a new indicator, a lost store, what changed and what stays."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.catalogue import INDICATORS, POSITION
from engine.points import Points
from ingest.archive import Kind
from ingest.folder_lock import FolderInUseError, held
from ingest.line import Line
from ingest.outlets import Outlets
from ingest.recompute import Wanted, points_of, recompute, span_ns
from ingest.spool import Spool
from ingest.store import Store
from ingest.store_merge import Row, Taken
from tests.line_city import MINUTE_MS, MS, ROWS, START_MS, body, message, write_places
from tests.shared_folder import shared

NEW = "air.us_aqi_no2"
HOURS = 4


def lived(folder: Path) -> Path:
    """A data folder after some hours, with something late, its ingest ended."""
    write_places(folder / "places.csv")
    store = Store.create(folder / "store.db")
    line = Line(folder / "ingest", Outlets(store), 60)
    line.open()
    line.load_places(folder / "places.csv", START_MS * MS)
    for number, minute in enumerate(range(0, HOURS * 60, 2), 1):
        at_ms = START_MS + minute * MINUTE_MS
        values = {"pm25": 10.0 + minute % 7, "no2": 30.0 + minute, "power": 2.0}
        sent = body(number, t=at_ms - (90 * MINUTE_MS if minute > 200 else 0), m=values)
        line.take([message("d1", sent, at_ms)], at_ms * MS)
        line.tick((at_ms + MINUTE_MS + 1000) * MS, with_open=minute % 10 == 0)
    line.close()
    store.close()
    return folder


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Such a folder, to be copied."""
    return shared(tmp_path_factory, "lived", lived)


def copied(life: Path, folder: Path) -> None:
    """Copy it into a folder that is there."""
    shutil.copytree(life, folder, dirs_exist_ok=True)


def stored(folder: Path) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """All closed points with all revisions."""
    store = Store.reader(folder / "store.db")
    found: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    for last in store.last():
        far = (last.path, last.indicator, 0, 1 << 45)
        for sample in store.history(*far, 100_000):
            found[last.path, last.indicator, sample.end_ms] = sample[1:7]
        for revision in store.revisions(*far):
            found[last.path, last.indicator, revision.end_ms, revision.rev] = revision[2:]
    store.close()
    return found


def silent(_: float) -> None:
    """No progress."""


def test_an_indicator_that_is_new_gets_its_past(
    tmp_path: Path, life: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The catalogue before did not have it: nothing of it was ever said."""
    real = Outlets.points

    def before(self: Outlets, points: Points, vitals: Any, known_ms: int) -> None:
        real(self, points.take(points.indicator != POSITION[NEW]), vitals, known_ms)

    with monkeypatch.context() as patch:
        patch.setattr(Outlets, "points", before)
        lived(tmp_path)
    without = stored(tmp_path)
    assert without
    assert not any(key[1] == NEW for key in without)
    taken = recompute(tmp_path, Wanted(indicators=[NEW]), silent)
    assert (taken.written > 0, taken.unchanged, taken.changed) == (True, 0, 0)
    after = stored(tmp_path)
    assert {key: row for key, row in after.items() if key[1] != NEW} == without
    assert after == stored(life)
    assert recompute(tmp_path, Wanted(), silent) == Taken(
        0, len([key for key in after if len(key) == 3]), 0)


def test_a_lost_store_comes_back_whole(tmp_path: Path, life: Path) -> None:
    copied(life, tmp_path)
    store = Store.reader(tmp_path / "store.db")
    before, events = stored(tmp_path), store.events(1000)
    store.close()
    assert any(len(key) == 4 for key in before)
    assert events
    for path in tmp_path.glob("store.db*"):
        path.unlink()
    taken = recompute(tmp_path, Wanted(), silent)
    assert taken.unchanged == taken.changed == 0
    assert stored(tmp_path) == before
    store = Store.reader(tmp_path / "store.db")
    assert store.events(1000) == events
    store.close()
    assert not list(tmp_path.glob("recompute.db*"))


def test_the_rows_of_the_present_file_hold_from_the_beginning(tmp_path: Path, life: Path) -> None:
    """Not those of a device whose readings were taken in elsewhere."""
    twice = replace(ROWS[0], period_s=30.0)
    moved = replace(ROWS[1], valid_from_ms=START_MS, station="s9", period_s=1.0)
    copied(life, tmp_path)
    write_places(tmp_path / "places.csv", [twice, *ROWS[1:], moved])
    recompute(tmp_path, Wanted(indicators=["dq.completeness"]), silent)
    before, after = (
        {key: said[0] for key, said in stored(folder).items() if key[1] == "dq.completeness"
         and len(key) == 3} for folder in (life, tmp_path)
    )
    assert {key[0] for key in before} == {"centre/s1", "centre/_", "_/_"}
    assert after == {key: value / 2 for key, value in before.items()}
    assert sum(before.values()) > 100.0


def test_what_differs_is_set_right_and_told(tmp_path: Path, life: Path) -> None:
    copied(life, tmp_path)
    before = stored(tmp_path)
    store = Store.create(tmp_path / "store.db")
    with store._transaction() as file:
        (day, *_) = store._day_numbers(0, 1 << 40)
        changed = file.execute(
            f"UPDATE points_{day} SET value = value + 1 WHERE level >= 0").rowcount
        file.execute("DELETE FROM revisions")
    seq = store.changes(0).seq
    store.close()
    spool = Spool.create(tmp_path / "spool.db")
    taken = recompute(tmp_path, Wanted(influx=True), silent)
    assert (taken.written, taken.changed) == (0, changed)
    assert {key: row for key, row in stored(tmp_path).items() if len(key) == 3} == {
        key: row for key, row in before.items() if len(key) == 3}
    queued = 0
    while (batch := spool.oldest()) is not None:
        queued += batch.lines
        spool.done(batch.id, batch.lines)
    assert queued == changed
    spool.close()
    store = Store.reader(tmp_path / "store.db")
    assert store.changes(0).seq >= seq
    store.close()


def test_only_the_windows_that_are_asked_for(tmp_path: Path, life: Path) -> None:
    copied(life, tmp_path)
    everything = stored(tmp_path)
    for path in tmp_path.glob("store.db*"):
        path.unlink()
    first_s, end_s = START_MS // 1000 + 3600, START_MS // 1000 + 7200
    recompute(tmp_path, Wanted(first_s, end_s), silent)
    points = {key: row for key, row in stored(tmp_path).items() if len(key) == 3}
    assert points == {
        key: row for key, row in everything.items()
        if len(key) == 3 and first_s * 1000 <= key[2] < end_s * 1000
    }


def test_beside_a_running_ingest_it_refuses(tmp_path: Path, life: Path) -> None:
    copied(life, tmp_path)
    before = stored(tmp_path)
    with held(tmp_path / "ingest"), pytest.raises(FolderInUseError, match="in use by process"):
        recompute(tmp_path, Wanted(), silent)
    assert stored(tmp_path) == before


def test_state_and_archive_stay_as_they_are(tmp_path: Path, life: Path) -> None:
    copied(life, tmp_path)
    kept = {
        path: path.read_bytes() for path in (tmp_path / "ingest").rglob("*")
        if path.is_file() and path.suffix in {".cva", ".cvs"}
    }
    done: list[float] = []
    recompute(tmp_path, Wanted(), done.append)
    assert {path: path.read_bytes() for path in kept} == kept
    assert done[-1] == 1.0
    assert sorted(done) == done


def test_the_span_of_an_archive(tmp_path: Path, life: Path) -> None:
    copied(life, tmp_path)
    first, last = span_ns(tmp_path / "ingest" / "archive")
    assert first == START_MS * MS
    assert last > first + HOURS * 3_600_000 * MS
    assert span_ns(tmp_path / "none") == (0, 0)
    assert Kind.BATCH == 1


def test_stored_rows_as_points() -> None:
    said = (4.0, 1, 0.5, 3, 2, 1, None, None, None, None)
    points = points_of([Row("centre/s1", NEW, 3600, said)], {"centre/s1": 7})
    assert (points.place[0], points.indicator[0], points.end_s[0]) == (7, POSITION[NEW], 3600)
    assert (points.value[0], points.n[0], points.rev[0]) == (4.0, 3, 2)
    assert np.isnan(points.p50[0])
    assert len(INDICATORS) > 5
