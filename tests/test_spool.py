"""The spool: in order, bounded, counted, and still there after `kill -9`."""

import os
import signal
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from ingest import spool as module
from ingest import sqlite_file
from ingest.spool import Queued, Refused, Spool
from ingest.sqlite_file import StoreError

ROOT = Path(__file__).parent.parent
GOLDEN = ROOT / "tests" / "golden" / "spool_schema.sql"
FORMAT_1 = """
CREATE TABLE batches (
  id INTEGER PRIMARY KEY AUTOINCREMENT, lines INTEGER NOT NULL, bytes INTEGER NOT NULL,
  precision TEXT NOT NULL, body BLOB NOT NULL
);
CREATE TABLE dead (
  id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, lines INTEGER NOT NULL,
  line BLOB NOT NULL, reason TEXT NOT NULL
);
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO counters VALUES ('dead', 0), ('dropped', 0), ('written', 0);
"""


def schema_text(path: Path) -> str:
    """What SQLite says of a file's tables and numbers."""
    connection = sqlite_file.create(path, module.SPOOL)
    rows = connection.execute(
        "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'"
        " ORDER BY type DESC, name")
    text = "".join(f"{sql};\n" for (sql,) in rows)
    for pragma in ("application_id", "user_version"):
        text += f"PRAGMA {pragma} = {connection.execute(f'PRAGMA {pragma}').fetchone()[0]};\n"
    connection.close()
    return text


def body(number: int, size: int = 2000) -> bytes:
    """Bytes that do not compress, so that sizes can be reckoned."""
    return number.to_bytes(4, "big") + os.urandom(size - 4)


def test_first_in_first_out_and_only_done_removes(tmp_path: Path) -> None:
    spool = Spool.create(tmp_path / "spool.db")
    assert spool.oldest() is None
    spool.put(b"a 1\n", 1)
    spool.put(b"b 2\nc 3\n", 2, "ns")
    first = spool.oldest()
    assert first == spool.oldest() == Queued(1, 1, "s", b"a 1\n")
    spool.done(1, 1)
    assert spool.oldest() == Queued(2, 2, "ns", b"b 2\nc 3\n")
    spool.done(1, 1)  # a second time: nothing happens
    assert spool.depth()[0] == 1
    assert (spool.depth().written, spool.depth().dropped, spool.depth().dead) == (1, 0, 0)
    spool.close()
    spool.close()


def test_counts_and_batches_outlive_the_process(tmp_path: Path) -> None:
    spool = Spool.create(tmp_path / "spool.db")
    for number in range(5):
        spool.put(body(number), 10)
    spool.done(1, 9, [Refused(b"bad", "the server's words")])
    before = spool.depth()
    spool.close()
    spool = Spool.create(tmp_path / "spool.db")
    assert spool.depth() == before
    assert (before.queued, before.written, before.dead) == (4, 9, 1)
    (dead,) = spool.dead_lines(5)
    assert (dead.line, dead.reason, dead.lines) == (b"bad", "the server's words", 1)
    spool.close()


def test_what_was_stored_can_wait_once_more_in_its_order(tmp_path: Path) -> None:
    spool = Spool.create(tmp_path / "spool.db")
    for number, text in enumerate((b"a 1", b"b 2\nwrong\nc 3", b"d 4"), 1):
        spool.put(text, text.count(b"\n") + 1)
        if number < 3:
            spool.done(number, number, [Refused(b"wrong", "no")] * (number - 1), b"b 2\nc 3")
    assert (spool.depth().queued, spool.depth().written, spool.depth().dead) == (1, 3, 1)
    assert spool.again(1_700_000_000_123) == 3
    spool.close()
    spool = Spool.create(tmp_path / "spool.db")
    depth = spool.depth()
    assert (depth.queued, depth.written, depth.dead) == (3, 0, 1)
    assert depth.since_ms == 1_700_000_000_123
    taken = []
    while (batch := spool.oldest()) is not None:
        taken.append(batch)
        spool.done(batch.id, batch.lines)
    assert [(batch.body, batch.lines) for batch in taken] == [
        (b"a 1", 1), (b"b 2\nc 3", 2), (b"d 4", 1)]
    assert (spool.depth().queued, spool.depth().bytes, spool.depth().written) == (0, 0, 4)
    spool.close()


def test_of_what_was_stored_the_oldest_goes_at_the_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool.create(tmp_path / "spool.db")
    spool.put(body(0), 7)
    monkeypatch.setattr(module, "KEPT_BYTES_MAX", 3 * spool.depth().bytes)
    spool.done(1, 7)
    for number in range(1, 6):
        spool.put(body(number), 7)
        if number == 4:
            spool.close()
            spool = Spool.create(tmp_path / "spool.db")
        spool.done(number + 1, 7)
    assert spool.again(0) == 3 * 7
    oldest = spool.oldest()
    assert oldest is not None
    assert oldest.body[:4] == (3).to_bytes(4, "big")
    assert (spool.depth().dropped, spool.depth().written) == (0, 3 * 7)
    spool.close()


def test_the_golden_schema_is_reached_from_format_1_too(tmp_path: Path) -> None:
    """A new file, and one of format 1 with a batch in it and what it had counted."""
    old = sqlite_file.create(tmp_path / "old.db", module.SPOOL._replace(
        version=1, migrations=(), schema=FORMAT_1))
    old.execute("INSERT INTO batches (lines, bytes, precision, body) VALUES (2, 10, 's', ?)",
                (zlib.compress(b"a 1\nb 2"),))
    old.execute("UPDATE counters SET value = 9 WHERE name = 'written'")
    old.close()
    spool = Spool.create(tmp_path / "old.db")
    assert spool.oldest() == Queued(1, 2, "s", b"a 1\nb 2")
    assert (spool.depth().written, spool.depth().since_ms) == (9, 0)
    spool.close()
    assert (tmp_path / "old.db.v1").exists()
    Spool.create(tmp_path / "new.db").close()
    assert schema_text(tmp_path / "new.db") == GOLDEN.read_text(encoding="utf-8")
    columns = []
    for name in ("old.db", "new.db"):
        connection = sqlite_file.create(tmp_path / name, module.SPOOL)
        columns.append(connection.execute("PRAGMA table_info(batches)").fetchall())
        connection.close()
    assert columns[0] == columns[1]


def test_at_the_bound_the_oldest_goes_and_is_counted(tmp_path: Path) -> None:
    spool = Spool.create(tmp_path / "spool.db")
    spool.put(body(0), 7)
    size = spool.depth().bytes
    spool.close()
    spool = Spool.create(tmp_path / "spool.db", bytes_max=3 * size)
    spool.put(body(1), 7)
    spool.put(body(2), 7)
    assert (spool.depth().queued, spool.depth().dropped) == (3, 0)
    spool.put(body(3), 7)
    assert (spool.depth().queued, spool.depth().dropped) == (3, 7)
    assert spool.depth().bytes <= 3 * size
    oldest = spool.oldest()
    assert oldest is not None
    assert oldest.body[:4] == (1).to_bytes(4, "big")
    spool.done(1, 7)  # was being sent when it was dropped
    assert (spool.depth().queued, spool.depth().written) == (3, 0)
    spool.close()


def test_dead_letters_are_bounded_but_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "DEAD_MAX", 10)
    spool = Spool.create(tmp_path / "spool.db")
    for number in range(15):
        spool.put(b"x", 1)
        spool.done(number + 1, 0, [Refused(b"line %d" % number, "no" * 5000)])
    assert spool.depth().dead == 15
    kept = spool.dead_lines(100)
    assert [row.line for row in kept] == [b"line %d" % i for i in range(14, 4, -1)]
    assert len(kept[0].reason) == module.DEAD_TEXT_MAX
    spool.close()


def test_a_damaged_file_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "spool.db"
    path.write_bytes(os.urandom(20_000))
    spool = Spool.create(path)
    spool.put(b"a 1\n", 1)
    assert spool.depth().queued == 1
    assert len(list(tmp_path.glob("spool.db.damaged-*"))) == 1
    spool.close()


def test_a_batch_that_cannot_be_unpacked_does_not_block_the_rest(tmp_path: Path) -> None:
    spool = Spool.create(tmp_path / "spool.db")
    spool.put(b"a 1\n", 1)
    spool.put(b"b 2\n", 1)
    spool._connection.execute("UPDATE batches SET body = x'00ff' WHERE id = 1")
    assert spool.oldest() == Queued(2, 1, "s", b"b 2\n")
    assert (spool.depth().queued, spool.depth().dropped) == (1, 1)
    spool.close()


def test_a_full_disk_is_an_error_and_nothing_is_half_done(tmp_path: Path) -> None:
    spool = Spool.create(tmp_path / "spool.db")
    spool.put(body(0), 1)
    pages = spool._connection.execute("PRAGMA page_count").fetchone()[0]
    spool._connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(StoreError, match="full"):
        spool.put(body(1, 100_000), 1)
    assert spool.depth().queued == 1
    spool._connection.execute("PRAGMA max_page_count = 1000000")
    spool.put(body(2), 1)
    assert spool.depth().queued == 2
    spool.close()


WRITER = """
import sys
import zlib
from pathlib import Path
from ingest.spool import Spool
spool = Spool.create(Path(sys.argv[1]))
for number in range(100_000):
    spool.put(b"m value=%d.0 %d\\n" % (number, number), 1)
    print(number, flush=True)
"""


def test_kill_9_loses_nothing_that_was_put(tmp_path: Path) -> None:
    path = tmp_path / "spool.db"
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], cwd=ROOT, stdout=subprocess.PIPE)
    assert process.stdout is not None
    said = [int(process.stdout.readline()) for _ in range(200)]
    process.send_signal(signal.SIGKILL)
    said += [int(line) for line in process.stdout.read().split()]
    process.stdout.close()
    process.wait()
    spool = Spool.create(path)
    assert spool.depth().queued - len(said) in (0, 1)  # one may be put, but not yet said
    for number in said:
        batch = spool.oldest()
        assert batch is not None
        assert batch.body == b"m value=%d.0 %d\n" % (number, number)
        spool.done(batch.id, 1)
    spool.close()
