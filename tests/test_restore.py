"""Restore: what is damaged, tampered with or newer is refused, and nothing is changed."""

import io
import sqlite3
import tarfile
from pathlib import Path

import msgspec
import pytest

from edge.settings import SettingsError
from ingest.backup import backup
from ingest.backup_file import MANIFEST, BackupError, Manifest
from ingest.restore import restore, verify
from tests.test_backup import folder_of, quiet


def remade(source: Path, target: Path, change: dict[str, bytes | tarfile.TarInfo]) -> Path:
    """A copy of a backup with members replaced, added, or (None body) as a bare header."""
    with tarfile.open(source) as old, tarfile.open(target, "w") as new:
        names = [*old.getnames(), *(name for name in change if name not in old.getnames())]
        for name in names:
            told = change.get(name)
            if isinstance(told, tarfile.TarInfo):
                new.addfile(told)
                continue
            found = old.extractfile(name) if told is None else None
            body = told if told is not None else found.read() if found else b""
            info = tarfile.TarInfo(name)
            info.size = len(body)
            new.addfile(info, io.BytesIO(body))
    return target


def test_a_folder_that_holds_something_is_refused_or_kept_beside(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    backup(folder, tmp_path / "b.tar", "1.0", quiet)
    there = tmp_path / "there"
    there.mkdir()
    restore(tmp_path / "b.tar", there, quiet)  # an empty one will do
    (there / "mine.txt").write_text("mine")
    with pytest.raises(SettingsError, match=r"is not empty.*--replace"):
        restore(tmp_path / "b.tar", there, quiet)
    restore(tmp_path / "b.tar", there, quiet, replace=True)
    assert not (there / "mine.txt").exists()
    (kept,) = tmp_path.glob("there.before-*")
    assert (kept / "mine.txt").read_text() == "mine"
    with pytest.raises(SettingsError, match="already"):
        backup(folder, tmp_path / "b.tar", "1.0", quiet)
    with pytest.raises(SettingsError, match="holds no archive"):
        backup(tmp_path / "nothing", tmp_path / "c.tar", "1.0", quiet)


def test_a_damaged_backup_changes_nothing(tmp_path: Path) -> None:
    backup(folder_of(tmp_path), tmp_path / "b.tar", "1.0", quiet)
    body = (tmp_path / "b.tar").read_bytes()
    there = tmp_path / "there"
    at = body.index(b"CVARCHIV") + 200
    for broken in (
        body[:at] + bytes([body[at] ^ 1]) + body[at + 1:], body[: len(body) // 2], b"", b"x" * 999,
    ):
        (tmp_path / "broken.tar").write_bytes(broken)
        with pytest.raises(BackupError):
            restore(tmp_path / "broken.tar", there, quiet)
        assert not there.exists()
    assert not list(tmp_path.glob(".*"))


def link(name: str, to: str) -> tarfile.TarInfo:
    """A symbolic link."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = tarfile.SYMTYPE, to
    return info


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a/../../evil", "a//b", ".hidden", "a/"])
def test_a_member_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    backup(folder_of(tmp_path), tmp_path / "b.tar", "1.0", quiet)
    remade(tmp_path / "b.tar", tmp_path / "evil.tar", {name: b"evil"})
    with pytest.raises(BackupError):
        restore(tmp_path / "evil.tar", tmp_path / "there", quiet)
    assert not (tmp_path / "evil").exists()
    assert not (tmp_path / "there").exists()


def test_links_devices_and_repeats_are_refused(tmp_path: Path) -> None:
    backup(folder_of(tmp_path), tmp_path / "b.tar", "1.0", quiet)
    remade(tmp_path / "b.tar", tmp_path / "link.tar", {"store.db": link("store.db", "/etc/passwd")})
    with pytest.raises(BackupError, match="not a plain file"):
        verify(tmp_path / "link.tar")
    with tarfile.open(tmp_path / "b.tar", "a") as tar:
        tar.addfile(tarfile.TarInfo("places.csv"))
    with pytest.raises(BackupError, match=r"after the manifest|twice"):
        verify(tmp_path / "b.tar")


def test_what_is_newer_is_refused_with_both_numbers(tmp_path: Path) -> None:
    backup(folder_of(tmp_path), tmp_path / "b.tar", "1.0", quiet)
    with tarfile.open(tmp_path / "b.tar") as tar:
        file = tar.extractfile(MANIFEST)
        assert file is not None
        manifest = msgspec.json.decode(file.read(), type=Manifest)
    newer = msgspec.json.encode(msgspec.structs.replace(manifest, format=2))
    remade(tmp_path / "b.tar", tmp_path / "newer.tar", {MANIFEST: newer})
    with pytest.raises(BackupError, match="has format 2, this program knows up to 1"):
        verify(tmp_path / "newer.tar")
    folder = tmp_path / "data"
    inbox = sqlite3.connect(folder / "ingest" / "inbox.db")
    inbox.execute("PRAGMA user_version = 77")
    inbox.close()
    backup(folder, tmp_path / "c.tar", "1.0", quiet)
    with pytest.raises(BackupError, match=r"inbox.db has format 77, this program knows up to \d"):
        verify(tmp_path / "c.tar")
