"""Backup and restore: of one moment, whole, and nothing else is taken for one."""

import json
import sqlite3
import threading
import time
from pathlib import Path

from typer.testing import CliRunner

from cityvitals.main import app
from ingest.archive import read
from ingest.backup import backup, whole_bytes
from ingest.restore import restore
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
