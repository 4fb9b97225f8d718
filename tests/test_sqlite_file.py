"""Whose file it is, which format, and what happens to a damaged one."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from ingest import sqlite_file
from ingest.sqlite_file import Kind, StoreError
from ingest.store import Store
from ingest.trouble import set_aside_in

Opener = Callable[[Path, Kind], sqlite3.Connection]
KIND = Kind("the test file", 0x43560000, 3, "CREATE TABLE t (a INTEGER, b BLOB);")


def filled(path: Path) -> None:
    connection = sqlite_file.create(path, KIND)
    connection.executemany("INSERT INTO t VALUES (?, randomblob(900))", ((i,) for i in range(200)))
    connection.close()


def rows(path: Path) -> int:
    connection = sqlite_file.create(path, KIND)
    (count,) = connection.execute("SELECT count(*) FROM t").fetchone()
    connection.close()
    return int(count)


def test_a_new_file_gets_tables_and_numbers(tmp_path: Path) -> None:
    path = tmp_path / "inner" / "x.db"
    connection = sqlite_file.create(path, KIND)
    for pragma, value in (("user_version", 3), ("application_id", KIND.application_id),
                          ("journal_mode", "wal"), ("synchronous", 1),
                          ("busy_timeout", sqlite_file.BUSY_MS_MAX)):
        assert connection.execute(f"PRAGMA {pragma}").fetchone() == (value,)
    connection.close()
    filled(path)
    assert rows(path) == 200


@pytest.mark.parametrize("how", [sqlite_file.create, sqlite_file.reader])
def test_a_newer_format_is_refused_and_left_as_it_is(tmp_path: Path, how: Opener) -> None:
    path = tmp_path / "x.db"
    filled(path)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 4")
    connection.close()
    with pytest.raises(StoreError, match=r"format 4, this program knows up to 3"):
        how(path, KIND)
    assert [file.name for file in tmp_path.glob("*damaged*")] == []


@pytest.mark.parametrize("how", [sqlite_file.create, sqlite_file.reader])
def test_a_strangers_file_is_refused_and_left_as_it_is(tmp_path: Path, how: Opener) -> None:
    path = tmp_path / "x.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE precious (a)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="not the test file of Cityvitals"):
        how(path, KIND)
    assert path.read_bytes() == before


@pytest.mark.parametrize("where", ["start", "middle", "all"])
def test_a_damaged_file_is_set_aside_and_said(
    tmp_path: Path, where: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "x.db"
    filled(path)
    data = bytearray(path.read_bytes())
    spans = {"start": (0, 50), "middle": (8192, 8192 + 40_000), "all": (0, len(data))}
    first, last = spans[where]
    data[first:last] = b"\xa5" * (last - first)
    path.write_bytes(data)
    assert rows(path) == 0
    (aside,) = tmp_path.glob("x.db.damaged-*Z")
    assert aside.read_bytes() == data
    assert aside.name in caplog.text
    filled(path)
    assert rows(path) == 200


def test_a_truncated_file_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    filled(path)
    path.write_bytes(path.read_bytes()[:20_000])
    assert rows(path) == 0
    assert len(list(tmp_path.glob("x.db.damaged-*"))) == 1


def read_through(path: Path, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether opening it reads all of it."""
    asked: list[object] = []
    with monkeypatch.context() as patch:
        patch.setattr(sqlite_file, "_check", lambda _: asked.append(1) or "ok")
        sqlite_file.create(path, KIND).close()  # as after a kill
    return bool(asked)


def test_what_was_closed_and_left_alone_is_not_read_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.db"
    filled(path)
    assert read_through(path, monkeypatch)
    sqlite_file.close(sqlite_file.create(path, KIND), path)
    assert not read_through(path, monkeypatch)
    assert read_through(path, monkeypatch)  # nobody has closed it since


def test_what_was_changed_since_it_was_closed_is_read_through(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    filled(path)
    sqlite_file.close(sqlite_file.create(path, KIND), path)
    data = bytearray(path.read_bytes())
    data[8192:48_192] = b"\xa5" * 40_000
    path.write_bytes(data)
    assert rows(path) == 0
    assert len(list(tmp_path.glob("x.db.damaged-*Z"))) == 1


def test_an_empty_file_is_a_new_one(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    path.touch()
    assert rows(path) == 0
    assert [file.name for file in tmp_path.glob("*damaged*")] == []


def test_a_path_that_cannot_be_used_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="unable to open"):
        sqlite_file.create(tmp_path, KIND)


def test_a_reader_needs_a_file_that_is_ready(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    with pytest.raises(StoreError, match="unable to open"):
        sqlite_file.reader(path, KIND)
    path.touch()
    with pytest.raises(StoreError, match="not ready yet"):
        sqlite_file.reader(path, KIND)


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    filled(path)
    connection = sqlite_file.reader(path, KIND)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        connection.execute("INSERT INTO t VALUES (1, 2)")
    connection.close()


def test_a_damaged_file_behind_a_link_is_set_aside_where_it_lies(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The link leads to the new file, on the disk on which the old one had its room."""
    data, disk = tmp_path / "data", tmp_path / "disk"
    data.mkdir()
    disk.mkdir()
    link, there = data / "f.db", disk / "f.db"
    link.symlink_to(there)
    there.write_bytes(b"no database at all, but long enough to be taken for one" * 100)
    file = sqlite_file.create(link, KIND)
    assert link.is_symlink()
    assert there.stat().st_size > 0
    [aside] = disk.glob("f.db.damaged-*")
    assert aside.read_bytes()[:11] == b"no database"
    assert str(aside) in caplog.text
    assert list(data.iterdir()) == [link]
    assert set_aside_in(data) == [str(aside)]
    file.close()


def test_a_store_that_is_being_made_is_not_ready_and_says_so(tmp_path: Path) -> None:
    """Its tables are there a moment before its first number: the page ended with a TypeError."""
    path = tmp_path / "store.db"
    store = Store.create(path)
    store._connection.execute("DELETE FROM counter")
    reader = Store.reader(path)
    with pytest.raises(StoreError, match="not ready yet"):
        reader.changes(0)
    reader.close()
    store.close()


def test_a_store_that_goes_while_it_is_opened_cannot_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, opened = tmp_path / "store.db", sqlite_file.reader
    Store.create(path).close()

    def gone(of: Path, kind: sqlite_file.Kind) -> sqlite3.Connection:
        connection = opened(of, kind)
        connection.close()
        of.rename(tmp_path / "aside.db")
        return connection

    monkeypatch.setattr(sqlite_file, "reader", gone)
    with pytest.raises(StoreError, match=r"store\.db: No such file"):
        Store.reader(path)
