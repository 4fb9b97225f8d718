"""Snapshots: saved at any moment, going on as if nothing had been; damaged ones refused."""

import json
import re
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from engine import snapshot
from engine.catalogue import INDICATORS
from engine.own import OWN
from engine.points import DTYPES, Points
from engine.snapshot import SnapshotError, load, save
from engine.vitals import Vitals
from tests.drawn import RARELY, SEEDS
from tests.test_vitals import ROWS, START, arrivals, month_of_readings
from tests.town import Reading, Town, at, row

GOLDEN = Path(__file__).parent / "golden" / "snapshot.txt"
EXTRA = {"position": [1, 2], "words": "kept as they are"}


def same(one: Points, two: Points) -> None:
    """Bit for bit, in the same order."""
    for name in DTYPES:
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name), name)


def through_a_file(town: Town, path: Path) -> Town:
    """The same town, but what it knows went through a snapshot."""
    save(town.vitals, path, EXTRA)
    other = Town([], town.vitals.grace_s)
    other.vitals, extra = load(path, town.vitals.grace_s)
    assert extra == EXTRA
    return other


def small() -> Town:
    """A town with one of each, in the middle of an hour and of a minute."""
    town = Town([
        row("a1", "centre/air"), row("r1", "centre/road", 300, posted_kmh=50),
        row("m1", "harbour/meter"),
    ])
    start = at("2026-03-02 10:00")
    for k in range(100):
        town.take([
            Reading("a1", "pm25", start + 60 * k, 8.0), Reading("m1", "power", start + 60 * k, 3.0),
        ])
        if k % 5 == 0:
            town.take([Reading("r1", "speed", start + 60 * k, 40.0)])
        if k % 10 == 0:
            town.tick(start + 60 * k + 30, with_open=True)
    town.take([Reading("m1", "power", start + 3000, 9.0), Reading("a1", "pm25", start, 9.0)])
    return town


@given(seed=SEEDS)
@RARELY
def test_going_on_is_as_if_it_had_never_stopped(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    """Late, first and open readings, a snapshot after any of them: the same points each tick."""
    rng = np.random.default_rng(seed)
    path = tmp_path_factory.mktemp("snapshot") / "snapshot.cvs"
    coming = arrivals(rng, month_of_readings(rng, 10.0), 20_000.0)
    one, two = Town(ROWS), Town(ROWS)
    for part in np.array_split(np.arange(len(coming)), 30):
        readings = [coming[k][1] for k in part]
        now_s = coming[part[-1]][0]
        one.take(readings)
        two.take(readings)
        if rng.random() < 0.4:
            two = through_a_file(two, path)
        moments = [now_s, now_s + rng.uniform(0, 90)]
        for moment in moments[: int(rng.integers(0, 3))]:
            with_open = bool(rng.random() < 0.5)
            same(one.tick(moment, with_open=with_open), two.tick(moment, with_open=with_open))
            if rng.random() < 0.4:
                two = through_a_file(two, path)
    for end in (START + 40_000, START + 5 * 86_400):
        same(one.tick(end), two.tick(end))
    assert one.vitals.registry.dump() == two.vitals.registry.dump()


def test_one_of_other_indicators_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many windows, but not the same: a city's own gone, a release's come in its place."""
    path = tmp_path / "snapshot.cvs"
    save(small().vitals, path, EXTRA)
    other = list(INDICATORS)
    other[-1] = replace(other[-1], id="another")
    monkeypatch.setattr(snapshot, "INDICATORS", tuple(other))
    with pytest.raises(SnapshotError, match="has other indicators; the archive is replayed"):
        load(path, 60)


def test_what_is_in_it(tmp_path: Path) -> None:
    """The golden file lists the members with type and shape, and the keys of meta.json."""
    path = tmp_path / "snapshot.cvs"
    save(small().vitals, path, EXTRA)
    lines = []
    shipped = len(Vitals().windows) - len(OWN)
    with zipfile.ZipFile(path) as archive:
        meta = json.loads(archive.read("meta.json"))
        lines += [f"meta.json: {key}: {type(meta[key]).__name__}" for key in meta]
        for name in archive.namelist():
            of_family = re.fullmatch(r"(?:closed|first|late|open)(\d+)\.npy", name)
            if of_family and int(of_family[1]) >= shipped:
                continue
            if name.endswith(".npy"):
                with archive.open(name) as member:
                    array = np.lib.format.read_array(member, allow_pickle=False)
                kind = array.dtype.str if array.dtype.names is None else ", ".join(
                    f"{field} {array.dtype[field].str}" for field in array.dtype.names
                )
                lines.append(f"{name}: [{', '.join(map(str, array.shape))}] {kind}")
    text = "\n".join(lines) + "\n"
    assert text == GOLDEN.read_text(encoding="utf-8"), text
    assert (meta["format"], meta["engine"]) == (snapshot.FORMAT, snapshot.ENGINE)


def test_a_fresh_city_can_be_saved(tmp_path: Path) -> None:
    path = tmp_path / "snapshot.cvs"
    save(Vitals(), path, {})
    vitals, extra = load(path, 60)
    assert extra == {}
    assert vitals.now_ns == 0


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "snapshot.cvs"
    save(small().vitals, path, EXTRA)
    whole = path.read_bytes()
    for size in (0, 1, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(SnapshotError, match="the archive is replayed"):
            load(path, 60)
    path.unlink()
    with pytest.raises(SnapshotError):
        load(path, 60)


def test_a_flipped_bit_is_refused_or_harmless(tmp_path: Path) -> None:
    """Nothing but `SnapshotError` comes out, and what does load is what was saved."""
    path = tmp_path / "snapshot.cvs"
    town = small()
    save(town.vitals, path, EXTRA)
    whole = path.read_bytes()
    rng = np.random.default_rng(7)
    directory = whole.index(b"PK\x01\x02")
    spots = [*rng.integers(0, len(whole), 20), *rng.integers(directory, len(whole), 70)]
    expected = small().tick(at("2026-03-03"))
    refused = 0
    for spot in map(int, spots):
        damaged = bytearray(whole)
        damaged[spot] ^= 1 << int(rng.integers(0, 8))
        path.write_bytes(damaged)
        try:
            vitals, extra = load(path, 60)
        except SnapshotError:
            refused += 1
            continue
        assert extra == EXTRA
        other = Town([])
        other.vitals = vitals
        same(other.tick(at("2026-03-03")), expected)
    assert refused > 35


@pytest.mark.parametrize("change", [
    {"format": snapshot.FORMAT - 1}, {"engine": snapshot.ENGINE + 1}, {"format": None},
])
def test_another_version_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    path, other = tmp_path / "snapshot.cvs", tmp_path / "other.cvs"
    save(small().vitals, path, EXTRA)
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(other, "w") as new:
        for name in old.namelist():
            body = old.read(name)
            if name == "meta.json":
                body = json.dumps({**json.loads(body), **change}).encode()
            new.writestr(name, body)
    with pytest.raises(SnapshotError, match="another version"):
        load(other, 60)


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    path = tmp_path / "snapshot.cvs"
    save(small().vitals, path, EXTRA)
    with zipfile.ZipFile(path, "a") as archive, archive.open("peak_9.npy", "w") as member:
        np.lib.format.write_array(member, np.array([{}], object), allow_pickle=True)
    with pytest.raises(SnapshotError, match="allow_pickle"):
        load(path, 60)


def test_a_save_that_fails_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "snapshot.cvs"
    save(small().vitals, path, EXTRA)
    before = path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(snapshot.os, "fsync", lambda _: (_ for _ in ()).throw(OSError("disk full")))
        with pytest.raises(SnapshotError, match="disk full"):
            save(small().vitals, path, {})
    assert path.read_bytes() == before
    save(small().vitals, path, {})
    assert load(path, 60)[1] == {}
    assert [file.name for file in tmp_path.iterdir()] == ["snapshot.cvs"]
