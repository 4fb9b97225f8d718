"""Scanning the archive for some series: what the plain reader gives, also around damage."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pytest

from engine.batch import Batch
from ingest.archive import Archive, ArchiveError, Kind, pack, read
from ingest.archive_scan import Names, Scan, Searched, Visitor, Wish, segments

DAY_NS = 86_400 * 10**9
START_NS = 20_000 * DAY_NS
SERIES = [(2, slot % 3, 0, "") for slot in range(5)]


def preamble() -> list[tuple[Kind, bytes]]:
    return [
        (Kind.REGISTRY, msgspec.json.encode({"keys": [["c", "d", "s"]], "devices": ["a", "b"],
                                             "series": SERIES})),
        (Kind.PLACES, b"places"),
    ]


def batch(at_ns: int, count: int, seed: int) -> Batch:
    rng = np.random.default_rng(seed)
    none = np.zeros(count, np.int64)
    return Batch(
        rng.integers(0, 5, count).astype(np.int32), at_ns - rng.integers(0, 10**9, count),
        rng.normal(size=count), np.ones(count, np.uint8), np.zeros(count, np.int32), none, none,
        np.zeros(count, np.uint8), at_ns,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three days: small batches that lie plain, and large ones that are compressed."""
    archive = Archive(tmp_path, preamble)
    for k in range(60):
        one = batch(START_NS + k * DAY_NS // 20, 300 if k % 7 == 0 else 5, k)
        archive.append(Kind.BATCH, one.received_ns, pack(one), len(one))
        archive.append(Kind.TICK, one.received_ns, b"")
    archive.sync(0)
    archive.close()
    return tmp_path


class Found(Visitor):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.series: list[Any] = []
        self.texts: list[str] = []
        self.parts: list[npt.NDArray[Any]] = []

    def registry(self, names: Names, received_ns: int) -> None:
        self.series.append(names.series)

    def places(self, text: str, received_ns: int) -> None:
        self.texts.append(text)

    def rows(self, rows: npt.NDArray[Any]) -> None:
        self.parts.append(rows)

    def readings(self) -> list[tuple[int, int, float]]:
        rows = np.concatenate(self.parts)
        return list(zip(rows["slot"].tolist(), rows["time_ns"].tolist(),
                        rows["value"].tolist(), strict=True))


def scan(folder: Path, first_ns: int, last_ns: int) -> tuple[Found, Searched]:
    wish = Wish(np.array([0, 1 << 62]), np.array([first_ns, last_ns], np.int64))
    wish.slots = np.array([False, True, False, True, False])
    wish.devices = np.zeros(2, np.bool_)
    wish.first_ns = np.full(5, 1 << 62)
    found = Found()
    return found, Scan(folder, wish, found).run()


def expected(folder: Path) -> list[tuple[int, int, float]]:
    out = []
    for record in read(folder):
        if record.kind == Kind.BATCH:
            one = record.batch()
            keep = np.isin(one.slot, (1, 3))
            out += zip(one.slot[keep].tolist(), one.time_ns[keep].tolist(),
                       one.value[keep].tolist(), strict=True)
    return out


def test_all_that_the_plain_reader_finds(folder: Path) -> None:
    found, searched = scan(folder, 0, 1 << 62)
    assert found.readings() == expected(folder)
    assert len(searched.segments) == len(found.texts) == 3
    assert found.series[0] == SERIES
    assert searched.damaged == []


def test_only_what_was_received_in_a_span(folder: Path) -> None:
    found, searched = scan(folder, START_NS + DAY_NS, START_NS + DAY_NS + DAY_NS // 2)
    assert len(searched.segments) == 1
    assert 0 < len(found.readings()) < len(expected(folder))


def test_the_segment_before_a_span_begins_it(folder: Path) -> None:
    wanted = np.array([START_NS + 10 * DAY_NS, 1 << 62], np.int64)
    assert [path.name for path in segments(folder, wanted)] == [
        sorted(path.name for path in folder.glob("*.cva"))[-1]]


@pytest.mark.parametrize("at", [200, 3000, 9000])
def test_damage_is_passed_over_and_named(folder: Path, at: int) -> None:
    path = sorted(folder.glob("*.cva"))[1]
    data = bytearray(path.read_bytes())
    data[at] ^= 0xFF
    path.write_bytes(data)
    found, searched = scan(folder, 0, 1 << 62)
    whole = set(expected(folder))
    assert whole <= set(found.readings())
    assert len(found.readings()) - len(whole) <= 5
    assert all(text.startswith(path.name) for text in searched.damaged)


def test_a_record_that_is_being_written_is_no_damage(folder: Path) -> None:
    path = sorted(folder.glob("*.cva"))[-1]
    path.write_bytes(path.read_bytes()[:-10])
    found, searched = scan(folder, 0, 1 << 62)
    assert searched.damaged == []
    assert len(found.readings()) <= len(expected(folder))


def test_a_file_that_is_no_segment_is_refused(tmp_path: Path) -> None:
    (tmp_path / "2024-01-01.cva").write_bytes(b"nothing of ours, for sure")
    with pytest.raises(ArchiveError, match=r"2024-01-01\.cva"):
        scan(tmp_path, 0, 1 << 62)


def test_it_can_be_stopped(folder: Path) -> None:
    found = Found()
    wish = Wish(np.array([0, 1 << 62]), np.array([0, 1 << 62], np.int64))
    assert len(Scan(folder, wish, found).run(lambda: True).segments) == 1
    assert not found.texts
