"""The spool: in order, bounded, counted, and still there after `kill -9`."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ingest import spool as module
from ingest.spool import Queued, Refused, Spool
from ingest.sqlite_file import StoreError

ROOT = Path(__file__).parent.parent


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
