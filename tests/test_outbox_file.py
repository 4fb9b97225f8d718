"""The outbox's file: one owner, one format."""

import sqlite3
from pathlib import Path

import pytest

from edge.outbox import Outbox
from edge.outbox_file import FORMAT, OutboxError


def test_second_process_or_agent_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    box = Outbox(path, bytes_max=1 << 20, sync_s=5.0)
    with pytest.raises(OutboxError, match="in use by another agent"):
        Outbox(path, bytes_max=1 << 20, sync_s=5.0)
    box.close()
    Outbox(path, bytes_max=1 << 20, sync_s=5.0).close()


def test_newer_format_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    db = sqlite3.connect(path)
    db.execute(f"PRAGMA user_version={FORMAT + 1}")
    db.execute("CREATE TABLE future (x)")
    db.close()
    with pytest.raises(OutboxError, match=f"format {FORMAT + 1} is newer"):
        Outbox(path, bytes_max=1 << 20, sync_s=5.0)
    db = sqlite3.connect(path)
    assert db.execute("SELECT name FROM sqlite_master").fetchall() == [("future",)]
    db.close()


def test_format_is_written(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    Outbox(path, bytes_max=1 << 20, sync_s=5.0).close()
    db = sqlite3.connect(path)
    assert db.execute("PRAGMA user_version").fetchone() == (FORMAT,)
    db.close()


def test_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutboxError, match="file"):
        Outbox(tmp_path / "file" / "outbox.db", bytes_max=1 << 20, sync_s=5.0)


def test_path_that_is_a_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(OutboxError, match="unable to open"):
        Outbox(tmp_path, bytes_max=1 << 20, sync_s=5.0)


def test_a_link_to_another_disk_is_followed(tmp_path: Path) -> None:
    (tmp_path / "card").mkdir()
    (tmp_path / "outbox.db").symlink_to(tmp_path / "card" / "outbox.db")
    box = Outbox(tmp_path / "outbox.db", bytes_max=1 << 20, sync_s=0)
    assert box.path.is_symlink()
    assert (tmp_path / "card" / "outbox.db-wal").exists()
    box.close()
