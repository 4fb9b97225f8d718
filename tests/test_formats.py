"""Every stored format: a newer one is refused in one line that names file, found and known;
an older one is migrated with a copy of it kept."""

import json
import re
import sqlite3
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from edge import facts, places, settings
from edge.outbox_file import FORMAT as OUTBOX_FORMAT
from edge.outbox_file import OutboxError, OutboxFile
from engine import snapshot
from engine.vitals import Vitals
from ingest import archive, retention, sqlite_file
from ingest.archive import Archive, Kind, read
from ingest.inbox import INBOX
from ingest.settings_ingest import IngestSettings
from ingest.spool import SPOOL
from ingest.sqlite_file import StoreError
from ingest.store_schema import STORE
from tests.line_city import MS, START_MS, line_of, message, single, verdicts, write_places

DOCS = Path(__file__).parent.parent / "docs" / "formats.md"
NOON_NS = 1_790_000_000 * 10**9


def newer_archive(path: Path) -> None:
    path.write_bytes(archive.HEADER.pack(archive.MAGIC, archive.FORMAT + 1, 0, 0))
    list(read(path.parent))


def newer_snapshot(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("meta.json", json.dumps({"format": snapshot.FORMAT + 1}))
    snapshot.load(path, 60)


def newer_database(kind: sqlite_file.Kind) -> Callable[[Path], None]:
    def act(path: Path) -> None:
        file = sqlite3.connect(path)
        file.execute("CREATE TABLE t (x)")
        file.execute(f"PRAGMA application_id = {kind.application_id}")
        file.execute(f"PRAGMA user_version = {kind.version + 1}")
        file.commit()
        file.close()
        sqlite_file.create(path, kind)

    return act


def newer_outbox(path: Path) -> None:
    file = sqlite3.connect(path)
    file.execute(f"PRAGMA user_version = {OUTBOX_FORMAT + 1}")
    file.close()
    OutboxFile(path, sync_s=1, monotonic=lambda: 0.0, loaded=lambda db: None)


def newer_removed(path: Path) -> None:
    path.write_text(json.dumps({"format": retention.FORMAT + 1}))
    retention.load(path.parent)


def newer_text(heading: str, load: Callable[[Path], object]) -> Callable[[Path], None]:
    def act(path: Path) -> None:
        path.write_text(heading[:-1] + str(int(heading[-1]) + 1) + "\n")
        load(path)

    return act


def newer_settings(path: Path) -> None:
    path.write_text(f"format = {settings.FORMAT + 1}\n")
    settings.load(path, IngestSettings)


FORMATS: dict[str, tuple[str, int, Callable[[Path], None]]] = {
    "archive segment": ("2026-09-21.cva", archive.FORMAT, newer_archive),
    "what retention removed": (retention.FILE, retention.FORMAT, newer_removed),
    "snapshot": ("snapshot.cvs", snapshot.FORMAT, newer_snapshot),
    "store": ("store.db", STORE.version, newer_database(STORE)),
    "inbox": ("inbox.db", INBOX.version, newer_database(INBOX)),
    "spool": ("spool.db", SPOOL.version, newer_database(SPOOL)),
    "outbox": ("outbox.db", OUTBOX_FORMAT, newer_outbox),
    "places": ("places.csv", places.FORMAT, newer_text(places.HEADING, places.load)),
    "facts": ("facts.csv", facts.FORMAT, newer_text(facts.HEADING, facts.load)),
    "settings": ("ingest.toml", settings.FORMAT, newer_settings),
}


@pytest.mark.parametrize("name", FORMATS)
def test_newer_is_refused_and_not_touched(tmp_path: Path, name: str) -> None:
    file, known, act = FORMATS[name]
    with pytest.raises(Exception, match="format") as caught:
        act(tmp_path / file)
    said = str(caught.value)
    assert "\n" not in said
    assert said.startswith(str(tmp_path / file))
    assert re.search(rf"\b{known + 1}\b", said.removeprefix(str(tmp_path)))
    assert re.search(rf"\b{known}\b", said.removeprefix(str(tmp_path)))
    assert [path.name for path in tmp_path.iterdir()
            if not path.name.endswith(("-wal", "-shm"))] == [file], "nothing is set aside"


@pytest.mark.parametrize("name", FORMATS)
def test_the_docs_name_the_number(name: str) -> None:
    (row,) = [line for line in DOCS.read_text(encoding="utf-8").splitlines()
              if line.startswith(f"| {name} |")]
    assert row.split("|")[3].strip() == str(FORMATS[name][1])


@pytest.mark.parametrize("kind", [STORE, INBOX, SPOOL])
def test_every_older_database_has_its_migration(kind: sqlite_file.Kind) -> None:
    assert len(kind.migrations) == kind.version - 1


def test_a_line_sets_an_older_snapshot_aside_and_reads_the_archive(tmp_path: Path) -> None:
    write_places(tmp_path / "places.csv")
    line = line_of(tmp_path)
    line.take([message("d1", single(1))], START_MS * MS)
    line.close()
    path = tmp_path / "ingest" / "snapshot.cvs"
    with zipfile.ZipFile(path) as file:
        members = {name: file.read(name) for name in file.namelist()}
    meta = json.loads(members["meta.json"]) | {"format": snapshot.FORMAT - 1}
    with zipfile.ZipFile(path, "w") as file:
        for name, body in (members | {"meta.json": json.dumps(meta).encode()}).items():
            file.writestr(name, body)
    older = path.read_bytes()
    line = line_of(tmp_path)
    assert verdicts(line) == {"applied": 1}
    line.close()
    [kept] = path.parent.glob("snapshot.cvs.damaged-*")
    assert kept.read_bytes() == older


OLD = sqlite_file.Kind("a file", 77, 1, "CREATE TABLE a (x); INSERT INTO a VALUES (41);")
NEW = OLD._replace(version=3, migrations=(
    "ALTER TABLE a ADD COLUMN y DEFAULT 5;", "UPDATE a SET x = x + 1;"))


def test_an_older_database_is_migrated_with_a_copy_kept(tmp_path: Path) -> None:
    sqlite_file.create(tmp_path / "f.db", OLD).close()
    with pytest.raises(StoreError, match="not ready"):
        sqlite_file.reader(tmp_path / "f.db", NEW)
    file = sqlite_file.create(tmp_path / "f.db", NEW)
    assert file.execute("SELECT x, y FROM a").fetchall() == [(42, 5)]
    assert file.execute("PRAGMA user_version").fetchone() == (3,)
    file.close()
    kept = sqlite_file.create(tmp_path / "f.db.v1", OLD)
    assert kept.execute("SELECT * FROM a").fetchall() == [(41,)]
    kept.close()


def test_a_migration_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    sqlite_file.create(tmp_path / "f.db", OLD).close()
    wrong = NEW._replace(migrations=("UPDATE a SET x = 0;", "UPDATE b SET x = 0;"))
    with pytest.raises(StoreError, match="no such table: b"):
        sqlite_file.create(tmp_path / "f.db", wrong)
    file = sqlite_file.create(tmp_path / "f.db", OLD)
    assert file.execute("SELECT * FROM a").fetchall() == [(41,)]
    file.close()


def test_the_last_segment_of_an_older_format_is_renumbered_with_a_copy_kept(
    tmp_path: Path
) -> None:
    first = Archive(tmp_path)
    first.append(Kind.TICK, NOON_NS, b"")
    first.close()
    (path,) = tmp_path.glob("*.cva")
    data = path.read_bytes()
    old = struct.pack("<8sH", archive.MAGIC, 1) + data[10:]
    path.write_bytes(old)
    assert len(list(read(tmp_path))) == 1, "an older one is read as it is"
    again = Archive(tmp_path)
    again.append(Kind.TICK, NOON_NS + 1, b"")
    again.close()
    assert path.read_bytes()[: len(data)] == data
    assert (tmp_path / f"{path.name}.v1").read_bytes() == old
    assert [record.received_ns for record in read(tmp_path)] == [NOON_NS, NOON_NS + 1]


def test_an_older_snapshot_is_not_used_and_kept(tmp_path: Path) -> None:
    """What it holds is in the archive; the line sets it aside (tests/test_line.py)."""
    snapshot.save(Vitals(), tmp_path / "s.cvs", {})
    with zipfile.ZipFile(tmp_path / "s.cvs") as file:
        meta = json.loads(file.read("meta.json"))
    with zipfile.ZipFile(tmp_path / "old.cvs", "w") as file:
        file.writestr("meta.json", json.dumps(meta | {"format": snapshot.FORMAT - 1}))
    with pytest.raises(snapshot.SnapshotError, match="of another version"):
        snapshot.load(tmp_path / "old.cvs", 60)
    with pytest.raises(OutboxError):
        newer_outbox(tmp_path / "outbox.db")
