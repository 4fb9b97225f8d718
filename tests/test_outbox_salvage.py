"""A damaged outbox: what can be read is sent, what cannot is reported as lost."""

import random
from pathlib import Path

import pytest

from edge import wire
from edge.message_keys import split_key
from edge.outbox import Outbox
from edge.outbox_salvage import salvage

COUNT = 2000


def box_of(folder: Path) -> Outbox:
    return Outbox(folder / "outbox.db", bytes_max=1 << 24, sync_s=5.0, clock=lambda: 1000.0)


def filled(folder: Path) -> bytes:
    """The bytes of an outbox with `COUNT` messages."""
    box = box_of(folder)
    box.put([lambda epoch, number: wire.encode_single(epoch, number, "pm25", 10 * number, 1.5)
             for _ in range(COUNT)])
    box.close()
    return (folder / "outbox.db").read_bytes()


def test_a_spoilt_page_costs_its_own_messages_and_they_are_reported(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data = bytearray(filled(tmp_path))
    page = len(data) // 2048 // 2 * 2048
    data[page : page + 2048] = bytes(2048)
    (tmp_path / "outbox.db").write_bytes(data)
    box = box_of(tmp_path)
    waiting = box.pending(0, COUNT)  # finds the damage
    if not waiting:
        waiting = box.pending(0, COUNT)
    kept = {split_key(row.key)[1] for row in waiting}
    assert COUNT * 0.9 < len(kept) < COUNT
    lost = set(range(1, COUNT + 1)) - kept
    assert max(lost) - min(lost) + 1 == len(lost)
    assert f"{len(lost)} messages lost: {min(lost)} to {max(lost)} of epoch 1000" in caplog.text
    assert box.counts.queued == len(kept)
    box.report_gaps()
    [report] = box.reports()
    assert (1000, min(lost), max(lost)) in [
        tuple(row) for row in wire.decode(report.payload).drop]  # type: ignore[union-attr]
    assert split_key(report.key)[0] == 1001  # new numbers are of a new epoch
    box.close()
    assert (tmp_path / "outbox.db.corrupt-1").exists()


def test_flipped_and_cut_files_never_stop_an_agent(tmp_path: Path) -> None:
    rng = random.Random(7)
    data = filled(tmp_path)
    for number in range(25):
        spoilt = bytearray(data)
        for _ in range(rng.choice((1, 20, 400))):
            spoilt[rng.randrange(len(spoilt))] ^= 1 << rng.randrange(8)
        if number % 5 == 0:
            del spoilt[rng.randrange(len(spoilt)):]
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "outbox.db").write_bytes(spoilt)
        try:
            box = box_of(folder)
        except Exception as error:  # a format number that was flipped upwards is refused
            assert "newer" in str(error)  # noqa: PT017
            continue
        box.pending(0, COUNT)
        box.put([lambda epoch, number: wire.encode_clock(epoch, number, 1)])
        assert box.pending(0, COUNT + 9)
        box.close()


def test_what_is_no_outbox_gives_nothing(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"no database at all" * 1000)
    found = salvage(tmp_path / "x")
    assert (found.messages, found.epoch) == ([], 0)
    assert "what else waited in it is lost" in str(found)
