"""Backup and restore: of one moment, whole, and nothing else is taken for one."""

import io
import json
import sqlite3
import tarfile
import threading
import time
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from cityvitals.main import app
from edge.settings import SettingsError
from ingest import backup_file
from ingest.archive import read
from ingest.backup import backup, whole_bytes
from ingest.backup_file import MANIFEST, BackupError, Manifest
from ingest.restore import restore, verify
from ingest.store import Store
from tests.brokers import Nats
from tests.line_city import (
    MINUTE_MS,
    MS,
    START_MS,
    Kept,
    line_of,
    message,
    row,
    single,
    verdicts,
    write_places,
)
from tests.live_ingest import LiveIngest, publish, until


def quiet(name: str, size: int) -> None:
    """Say nothing."""


def folder_of(tmp_path: Path) -> Path:
    """A data folder with an archive, a snapshot, held and refused messages, a place file."""
    folder = tmp_path / "data"
    folder.mkdir(exist_ok=True)
    write_places(folder / "places.csv")
    (folder / "ingest.toml").write_text("[broker]\npassword_env = 'SECRET'\n")
    line = line_of(folder)
    line.take([message("d1", single(k, time_ms=START_MS + k * 1000)) for k in range(1, 40)],
              START_MS * MS)
    line.take([message("d9", single(1)), message("d1", b"{")], START_MS * MS)
    line.tick((START_MS + 5 * MINUTE_MS) * MS, with_open=False)
    line.close()
    return folder


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


def test_what_is_restored_goes_on_where_the_backup_was_taken(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    said: list[tuple[str, int]] = []
    made = backup(folder, tmp_path / "b.tar", "1.0", lambda *row: said.append(row))
    assert [row.name for row in made.files] == [name for name, _ in said]
    assert (tmp_path / "b.tar").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["data", "b.tar"] or len(
        list(tmp_path.iterdir())) == 2, "nothing is left lying about"
    restore(tmp_path / "b.tar", tmp_path / "there", quiet)
    for name in ("places.csv", "ingest.toml"):
        assert (tmp_path / "there" / name).read_bytes() == (folder / name).read_bytes()
    before, after = Kept(), Kept()
    old, new = line_of(folder, before), line_of(tmp_path / "there", after)
    try:
        assert verdicts(new) == verdicts(old)
        assert [new.inbox.held_summary(), len(new.inbox.dead_summary())] == [
            old.inbox.held_summary(), 1]
        for line in (old, new):
            line.take([message("d1", single(2)), message("d1", single(99))], START_MS * MS)
            write_places(line.folder.parent / "places.csv", [
                *(row(f"d{k}", f"s{k}") for k in (1, 2, 3, 9))])
            line.load_places(line.folder.parent / "places.csv", START_MS * MS)
            line.tick((START_MS + 90 * MINUTE_MS) * MS, with_open=False)
        assert verdicts(new) == verdicts(old)
        assert verdicts(new)["duplicate"] == 1
        assert "held_unknown" not in verdicts(new)
        assert after.values == before.values != {}
    finally:
        old.close()
        new.close()


def test_a_half_written_record_is_left_out(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    segment = next((folder / "ingest" / "archive").glob("*.cva"))
    whole = segment.stat().st_size
    assert whole_bytes(segment, whole) == whole
    for size in (whole - 1, whole - 10):
        assert whole_bytes(segment, size) < size
    with segment.open("ab") as file:
        file.write(b"\x10\0\0\0half of a record")
    made = backup(folder, tmp_path / "b.tar", "1.0", quiet)
    assert made.position == (segment.name, whole)
    restore(tmp_path / "b.tar", tmp_path / "there", quiet)
    records = list(read(tmp_path / "there" / "ingest" / "archive"))
    assert records[-1].end.offset == whole


def test_a_moment_is_one_of_the_inbox_and_the_archive_together(tmp_path: Path) -> None:
    """While messages are held and released without a pause, each backup opens as it should:
    what the archive says is held is in the inbox."""
    folder = folder_of(tmp_path)
    stop = threading.Event()

    def live() -> None:
        line = line_of(folder)
        try:
            number = 1
            while not stop.is_set():
                number += 1
                line.take([message("d9", single(number))], START_MS * MS)
                if number % 5 == 0:
                    known = [*(row(f"d{k}", f"s{k}") for k in (1, 2, 3)),
                             *([row("d9", "s9")] if number % 10 == 0 else [])]
                    write_places(folder / "live.csv", known)
                    line.load_places(folder / "live.csv", START_MS * MS)
        finally:
            line.close()

    thread = threading.Thread(target=live)
    thread.start()
    try:
        for turn in range(4):
            time.sleep(0.1)
            backup(folder, tmp_path / f"{turn}.tar", "1.0", quiet)
    finally:
        stop.set()
        thread.join()
    for turn in range(4):
        there = tmp_path / f"there{turn}"
        restore(tmp_path / f"{turn}.tar", there, quiet)
        (there / "places.csv").unlink()
        line = line_of(there)
        held = sum(int(str(row["readings"])) for row in line.inbox.held_summary())
        assert held == verdicts(line).get("held_unknown", 0)
        line.close()


class Sender:
    """Sends batches of readings of one device until it is stopped."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._since_ms = time.time_ns() // 1_000_000 - 3_600_000
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.sent = 0
        self._thread.start()

    def send(self, first: int, last: int, device: str = "d1") -> None:
        """Send the messages of these numbers."""
        publish(self._url, [
            (f"cv/1/r/porto/centre/s1/{device}", single(k, time_ms=self._since_ms + k * 1000))
            for k in range(first, last + 1)
        ])

    def _run(self) -> None:
        while not self._stop.wait(0.2):
            self.send(self.sent + 1, self.sent + 100)
            self.sent += 100

    def stop(self) -> None:
        """No more."""
        self._stop.set()
        self._thread.join()


def counted(ingest: LiveIngest) -> int:
    """Readings of the sender that count."""
    return sum(ingest.verdicts().get(name, 0) for name in ("applied", "late"))


def command(*words: str) -> str:
    """Run a command that must succeed."""
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_running_ingest_is_backed_up_and_goes_on_elsewhere(tmp_path: Path) -> None:
    broker = Nats(tmp_path / "broker")
    broker.start()
    here, there, made = tmp_path / "here", tmp_path / "there", str(tmp_path / "b.tar")
    here.mkdir()
    write_places(here / "places.csv")
    first = LiveIngest(here, broker.url, snapshot_every_s=1)
    try:
        first.start_and_wait()
        sender = Sender(broker.url)
        sender.send(1, 1, "d9")
        until(lambda: counted(first) > 200, "readings are applied")
        until((here / "ingest" / "snapshot.cvs").exists, "there is a snapshot")
        before = counted(first)
        assert json.loads(command("backup", made, "--data", str(here), "--json"))["bytes"] > 0
        sender.stop()
        until(lambda: counted(first) == sender.sent, "all are applied")
        assert first.stop() == 0
        command("restore", made, "--data", str(there))
        second = LiveIngest(there, broker.url, client_id="another")
        second.start_and_wait()
        until(lambda: counted(second) > 0, "it counts")
        assert before <= counted(second) <= sender.sent
        assert second.verdicts()["held_unknown"] == 1
        # The agent sends all again: what was in the backup is known, the rest is taken.
        sender.send(1, sender.sent)
        until(lambda: counted(second) == sender.sent, "all again")
        assert second.stop() == 0
        assert newest(there) == newest(here) != []
    finally:
        first.kill()
        broker.kill()


def newest(folder: Path) -> list[tuple[str, int, float]]:
    """The newest reading of each series."""
    store = Store.reader(folder / "store.db")
    try:
        return [(row.path, row.time_ms, row.value) for row in store.readings()]
    finally:
        store.close()


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


def test_the_outbox_of_a_running_agent_stays_with_it(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    (folder / "agents").mkdir()
    for name in ("idle", "busy"):
        with sqlite3.connect(folder / "agents" / f"{name}.db") as file:
            file.execute("CREATE TABLE message (key INTEGER)")
            file.execute("PRAGMA journal_mode = WAL")
        file.close()
    busy = sqlite3.connect(folder / "agents" / "busy.db")
    busy.execute("PRAGMA locking_mode = EXCLUSIVE")
    busy.execute("INSERT INTO message VALUES (1)")
    busy.commit()
    made = backup(folder, tmp_path / "b.tar", "1.0", quiet)
    busy.close()
    assert "agents/idle.db" in [row.name for row in made.files]
    assert [row.name for row in made.left_out] == ["agents/busy.db", "broker/"]


def test_commands_say_what_is_wrong_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "no.tar").write_bytes(b"no")
    result = CliRunner().invoke(
        app, ["restore", str(tmp_path / "no.tar"), "--data", str(tmp_path / "there")])
    assert result.exit_code == 1
    assert result.output.count("\n") == 1
    assert backup_file.FORMAT == 1
