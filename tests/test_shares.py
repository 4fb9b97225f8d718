"""A flood of strangers or channels takes its share and no more."""

import tracemalloc
from pathlib import Path

import pytest

from edge.verdicts import Verdict
from engine.registry import Registry
from engine.vitals import Vitals
from ingest import messages, shares
from ingest.admission import Admission
from ingest.intervals import Seen
from ingest.shares import Shares
from tests.line_city import (
    MS,
    ROWS,
    START_MS,
    body,
    line_of,
    message,
    row,
    single,
    verdicts,
    write_places,
)


def test_strangers_at_their_bound_and_those_that_are_placed_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shares, "STRANGERS_MAX", 2)
    write_places(tmp_path / "places.csv")
    line = line_of(tmp_path)
    for device in ("x1", "x2", "x3", "x4", "d1"):
        line.take([message(device, single(1))], START_MS * MS)
    assert verdicts(line) == {"held_unknown": 2, "refused_bound": 2, "applied": 1}
    assert "x3" not in line.vitals.registry.device_of
    write_places(tmp_path / "places.csv", [*ROWS, row("x3", "s8"), row("x2", "s7")])
    line.load_places(tmp_path / "places.csv", START_MS * MS)
    for device in ("x3", "x4", "x5"):
        line.take([message(device, single(1))], START_MS * MS)
    assert verdicts(line) == {
        "held_unknown": 2, "refused_bound": 3, "applied": 3,
    }
    line.close()


def test_series_of_one_device_at_their_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shares, "SERIES_A_DEVICE_MAX", 3)
    vitals = Vitals()
    vitals.load_places(ROWS)
    admission = Admission(vitals, Seen())

    def found(number: int, device: str, channel: str) -> str:
        payload = body(number, q="pm25", t=START_MS, v=1.5, ch=channel)
        batch = admission.admit([message(device, payload)], START_MS * MS).batch
        return Verdict(int(batch.verdict[0])).label

    assert [found(n, "d1", f"c{n}") for n in range(1, 6)] == ["applied"] * 3 + ["refused_bound"] * 2
    assert found(6, "d1", "c2") == "applied"
    assert found(1, "d2", "c1") == "applied"
    assert len(admission._slots) == 4  # what is refused is not remembered


def test_a_restart_counts_what_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = Registry()
    for name in ("a", "b"):
        registry.device(name)
    monkeypatch.setattr(shares, "STRANGERS_MAX", 3)
    again = Shares(registry)
    assert [again.device(name) for name in ("a", "c", "d", "b")] == [0, 2, -1, 1]


def test_topics_that_are_remembered_are_bounded() -> None:
    bound = messages._source_of.cache_info().maxsize
    assert bound == messages.TOPICS_REMEMBERED_MAX
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for number in range(5_000):
        messages._source_of(f"cv/1/r/porto/centre/station-{number:08d}/device-{number:08d}")
    each = (tracemalloc.get_traced_memory()[0] - before) / 5_000
    tracemalloc.stop()
    assert each * messages.TOPICS_REMEMBERED_MAX < 300e6
