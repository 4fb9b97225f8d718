"""Of several readings of one series and time one stands, in any order and any batches."""

import math
import tempfile
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge import wire
from edge.verdicts import COUNTED, Verdict
from engine.catalogue import INDICATORS
from ingest import archive, merging, recall
from ingest.ledger import Ledger
from ingest.line import Line
from ingest.merging import lost_of
from tests.line_city import (
    MINUTE_MS,
    MS,
    START_MS,
    Kept,
    abandon,
    body,
    line_of,
    message,
    single,
    verdicts,
    write_places,
)

HOUR_MS = 60 * MINUTE_MS
SLOW = settings(max_examples=6, deadline=None)


class Told(NamedTuple):
    """One message of one reading."""

    device: str
    number: tuple[int, int]
    quantity: str
    time_ms: int
    value: float
    flag: int

    @property
    def payload(self) -> bytes:
        epoch, seq = self.number
        return wire.encode_single(
            epoch, seq, self.quantity, self.time_ms, self.value, flag=self.flag
        )


def take(line: Line, payloads: Sequence[tuple[str, bytes]], received_ms: int = START_MS) -> None:
    line.take([message(device, payload, received_ms) for device, payload in payloads],
              received_ms * MS)


def tick(line: Line, at_ms: int) -> None:
    line.tick(at_ms * MS, with_open=False)


# ---- the slow, obvious reference


def standing(told: Sequence[Told]) -> list[Told]:
    """Of each series and time the reading with the highest number."""
    best: dict[tuple[str, str, int], Told] = {}
    for one in told:
        key = (one.device, one.quantity, one.time_ms)
        if key not in best or one.number > best[key].number:
            best[key] = one
    return list(best.values())


class Reference:
    """Verdicts as they are given one reading after the other."""

    def __init__(self) -> None:
        self.stands: dict[tuple[str, str, int], tuple[float, int, tuple[int, int]]] = {}
        self.seen: set[tuple[str, tuple[int, int]]] = set()
        self.counts = {"counted": 0, "conflict": 0, "duplicate": 0}

    def take(self, one: Told) -> None:
        key = (one.device, one.quantity, one.time_ms)
        if (one.device, one.number) in self.seen:
            self.counts["duplicate"] += 1
            return
        self.seen.add((one.device, one.number))
        if key not in self.stands:
            self.counts["counted"] += 1
            self.stands[key] = (one.value, one.flag, one.number)
            return
        value, flag, number = self.stands[key]
        if (value, flag) == (one.value, one.flag):
            self.counts["duplicate"] += 1
            self.stands[key] = (value, flag, max(number, one.number))
            return
        self.counts["conflict"] += 1
        if one.number > number:
            self.stands[key] = (one.value, one.flag, one.number)


QUANTITIES = ("pm25", "speed", "power", "energy", "count")
VALUES = (0.0, 3.0, 7.0, 30.0)
"""A speed of 0 does not count."""


@st.composite
def told_readings(draw: st.DrawFn) -> list[Told]:
    """Readings of few times, so that many meet; numbers are used once a device."""
    count = draw(st.integers(2, 40))
    numbers = {name: draw(st.permutations(range(1, count + 1))) for name in ("d1", "d2")}
    out = []
    for k in range(count):
        device = draw(st.sampled_from(("d1", "d1", "d2")))
        number = numbers[device][k]
        minutes = draw(st.sampled_from((0, 1, 2, 65, 66, 130, 700, 1441)))
        out.append(Told(
            device, (1 + number % 2, number), draw(st.sampled_from(QUANTITIES)),
            START_MS - minutes * MINUTE_MS + draw(st.sampled_from((0, 0, 500))),
            draw(st.sampled_from(VALUES)), draw(st.sampled_from((1, 1, 1, 4))),
        ))
    return out


def panes_of(line: Line) -> dict[object, object]:
    """What the panes hold, by series name; minima and maxima only grow, and nothing reads them."""
    vitals, registry = line.vitals, line.vitals.registry
    out: dict[object, object] = {}
    for slot, series in enumerate(registry.series):
        name = (registry.devices[series.device], series.quantity)
        for level, panes in enumerate(vitals.panes.coarse):
            for pane in panes[slot]:
                if pane["n"]:
                    bits = int(pane["covered"]) & ((1 << 60) - 1)
                    out[name, "coarse", level, int(pane["tag"])] = (
                        int(pane["n"]), int(pane["sum"]), bits)
        for level, panes in enumerate(vitals.panes.fine):
            row = vitals.panes.rows[level, slot]
            for pane in panes[row] if row >= 0 else ():
                if pane["n"]:
                    bits = int(pane["covered"]) & ((1 << 60) - 1)
                    out[name, "fine", level, int(pane["tag"])] = (
                        int(pane["n"]), int(pane["sum"]), bits)
        row = vitals.registers.row[slot]
        for block in vitals.registers.blocks[row] if row >= 0 else ():
            if block["n"]:
                out[name, "block", int(block["tag"])] = block.tolist()
        out[name, "last"] = (
            int(vitals.series.last_ns[slot]), float(vitals.series.last_value[slot]),
            int(vitals.series.last_flag[slot]),
        )
    return out


def points_of(kept: Kept) -> dict[object, tuple[object, ...]]:
    """The last word on every window, without its revision.

    A free-flow speed is frozen by what was known at its time, so order shows in it by design.
    """
    return {
        key: values[:-1] for key, values in kept.values.items()
        if not INDICATORS[key[1]].key.startswith("traffic.ffs")
    }


def run(folder: Path, batches: Sequence[Sequence[Told]]) -> tuple[Line, Kept]:
    """A line that has taken the batches, a tick after each, and closed all of it."""
    kept = Kept()
    write_places(folder / "places.csv")
    line = line_of(folder, kept)
    for k, batch in enumerate(batches):
        take(line, [(one.device, one.payload) for one in batch])
        tick(line, START_MS + k * 1000)
    tick(line, START_MS + 3 * HOUR_MS)
    return line, kept


def rows_of(line: Line) -> np.ndarray:
    """Sums over the rows of the archive, as a reconciliation makes them."""
    totals = np.zeros(256, np.int64)
    for record in archive.read(line.archive.folder):
        if record.kind == archive.Kind.BATCH:
            batch = record.batch()
            totals += np.bincount(batch.verdict, minlength=256)
            merging.move_lost(totals, batch)
    return totals


@SLOW
@given(told_readings(), st.randoms(use_true_random=False))
def test_the_winner_alone_counts_in_any_order_and_split(told: list[Told], rng: object) -> None:
    told = [*told, *rng.sample(told, min(3, len(told)))]  # type: ignore[attr-defined]
    rng.shuffle(told)  # type: ignore[attr-defined]
    cuts = sorted({0, len(told), *(rng.randrange(len(told) + 1) for _ in range(4))})  # type: ignore[attr-defined]
    batches = [told[a:b] for a, b in pairwise(cuts)]
    with tempfile.TemporaryDirectory() as name, tempfile.TemporaryDirectory() as other:
        line, kept = run(Path(name), batches)
        twin, expected = run(Path(other), [standing(told)])
        reference = Reference()
        for one in told:
            reference.take(one)
        counts = line.counts
        assert {
            "counted": sum(counts[verdict] for verdict in COUNTED),
            "conflict": counts[Verdict.CONFLICT], "duplicate": counts[Verdict.DUPLICATE],
        } == reference.counts
        assert sum(verdicts(line).values()) == len(told)
        assert panes_of(line) == panes_of(twin)
        assert points_of(kept) == points_of(expected)
        assert rows_of(line)[:32].tolist() == counts[:32].tolist()
        after = (panes_of(line), line.counts[:32].tolist(), kept.values)
        twin.close()
        abandon(line)
        for whole in (True, False):
            again = Kept()
            line = line_of(Path(name), again, whole=whole)
            assert (panes_of(line), line.counts[:32].tolist(), again.values) == after
            line.snapshot() if whole else line.close()
            if whole:
                abandon(line)
                after = (*after[:2], {})


@SLOW
@given(told_readings(), st.integers(0, 30), st.integers(1, 4))
def test_nothing_depends_on_what_is_still_in_memory(
    told: list[Told], kill: int, recent: int
) -> None:
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        reference = Reference()
        write_places(Path(name) / "places.csv")
        line = line_of(Path(name))
        line.merging.recall.recent_max = recent
        for k, one in enumerate(told):
            take(line, [(one.device, one.payload)], START_MS + k)
            reference.take(one)
            if k == kill:
                line.snapshot()
            if k in (kill + 1, kill + 4):
                abandon(line)
                line = line_of(Path(name))
                line.merging.recall.recent_max = recent
        patch.setattr(recall, "RECALLED_MAX", 3)
        found = line.counts[Verdict.APPLIED] + line.counts[Verdict.LATE]
        assert (found, line.counts[Verdict.CONFLICT], line.counts[Verdict.DUPLICATE]) == tuple(
            reference.counts.values())
        line.close()


# ---- single cases


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    write_places(tmp_path / "places.csv")
    opened = line_of(tmp_path)
    yield opened
    abandon(opened)


def test_a_later_message_takes_the_place_and_the_archive_says_so(line: Line) -> None:
    take(line, [("d1", single(1, 10.0))])
    take(line, [("d1", single(2, 30.0))], START_MS + 5)
    assert verdicts(line) == {"applied": 1, "conflict": 1}
    tick(line, START_MS + MINUTE_MS)
    hours = line.vitals.panes.coarse[0]
    assert (hours["n"].sum(), hours["sum"].sum()) == (1, 30_000_000)
    line.archive.flush()
    *_, last = [
        record.batch() for record in archive.read(line.archive.folder)
        if record.kind == archive.Kind.BATCH
    ]
    lost = lost_of(last)
    assert last.verdict.tolist() == [Verdict.APPLIED, 255]
    assert (last.value[1], last.seq[1], lost.device.tolist(), lost.received_ns.tolist()) == (
        10.0, 1, [0], [START_MS * MS])
    assert lost.late.tolist() == [False]


def test_the_ledger_moves_the_reading_in_the_hour_in_which_it_came(line: Line) -> None:
    take(line, [("d1", single(1, 10.0))])
    take(line, [("d1", single(2, 30.0))], START_MS + HOUR_MS)
    line.archive.flush()
    ledger = Ledger()
    for record in archive.read(line.archive.folder):
        ledger.add(record)
    cells = list(zip(*(column.tolist() for column in ledger.finish()), strict=True))
    assert ledger.totals[:32].tolist() == line.counts[:32].tolist()
    hour = START_MS // HOUR_MS
    assert cells == [(hour, 0, Verdict.CONFLICT, 1), (hour + 1, 0, Verdict.APPLIED, 1)]


def test_an_earlier_message_that_comes_later_is_the_conflict(line: Line) -> None:
    take(line, [("d1", single(2, 30.0))])
    take(line, [("d1", single(1, 10.0))])
    take(line, [("d1", single(9, 50.0, epoch=0))])
    assert verdicts(line) == {"applied": 1, "conflict": 2}


def test_the_same_value_under_a_higher_number_defends_it(line: Line) -> None:
    take(line, [("d1", single(1, 10.0))])
    take(line, [("d1", single(3, 10.0))])
    take(line, [("d1", single(2, 30.0))])
    assert verdicts(line) == {"applied": 1, "duplicate": 1, "conflict": 1}
    tick(line, START_MS + MINUTE_MS)
    assert line.vitals.panes.coarse[0]["sum"].sum() == 10_000_000


def test_the_later_reading_of_one_message_stands(line: Line) -> None:
    block = body(1, q="pm25", t0=START_MS, dt=[0, 0, 0], v=[1, 2, 3])
    take(line, [("d1", block)])
    assert verdicts(line) == {"applied": 1, "conflict": 2}
    tick(line, START_MS + MINUTE_MS)
    assert line.vitals.panes.coarse[0]["sum"].sum() == 3_000_000


def test_a_conflict_in_a_closed_window_is_late_and_restated(tmp_path: Path) -> None:
    write_places(tmp_path / "places.csv")
    kept = Kept()
    line = line_of(tmp_path, kept)
    for minute in range(60):
        take(line, [("d1", single(minute + 1, 10.0, START_MS + minute * MINUTE_MS))],
             START_MS + minute * MINUTE_MS)
    tick(line, START_MS + HOUR_MS + 2 * MINUTE_MS)
    before = dict(kept.values)
    take(line, [("d1", single(99, 70.0, START_MS + 5 * MINUTE_MS))],
         START_MS + HOUR_MS + 3 * MINUTE_MS)
    assert verdicts(line) == {"applied": 59, "late": 1, "conflict": 1}
    tick(line, START_MS + HOUR_MS + 4 * MINUTE_MS)
    changed = {key: value for key, value in kept.values.items() if before.get(key) != value}
    assert changed
    assert {value[-1] for value in changed.values()} == {2}
    take(line, [("d1", single(100, 80.0, START_MS + 5 * MINUTE_MS))],
         START_MS + HOUR_MS + 5 * MINUTE_MS)
    assert verdicts(line) == {"applied": 59, "late": 1, "conflict": 2}
    line.close()


def test_a_winner_that_does_not_count_uncovers_its_minute(line: Line) -> None:
    take(line, [("d1", body(1, q="pm25", t=START_MS, v=5, f=1))])
    tick(line, START_MS + 2 * HOUR_MS)
    assert line.vitals.panes.coarse[0]["n"].sum() == 1
    take(line, [("d1", body(2, q="pm25", t=START_MS, v=5, f=4))], START_MS + 2 * HOUR_MS)
    tick(line, START_MS + 2 * HOUR_MS + MINUTE_MS)
    hour = line.vitals.panes.coarse[0]
    assert hour["n"].sum() == 0
    assert not (hour["covered"] & np.uint64((1 << 60) - 1)).any()


def test_held_readings_meet_what_stands_when_they_are_released(line: Line) -> None:
    ahead = START_MS + 20 * MINUTE_MS
    take(line, [("d1", single(1, 10.0, ahead))])
    take(line, [("d1", single(2, 20.0, ahead))], ahead)
    assert verdicts(line) == {"held_future": 1, "applied": 1}
    tick(line, ahead)
    assert verdicts(line) == {"applied": 1, "conflict": 1}


def test_a_backlog_in_its_own_order_asks_nothing(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(line.merging.recall, "past", lambda *_: asked.append(1))
    line.merging.recall.forgotten_ns = math.inf  # type: ignore[assignment]
    week = 7 * 24 * HOUR_MS
    for minute in range(0, 7 * 24 * 60, 240):
        at = START_MS - week + minute * MINUTE_MS
        block = wire.encode_block(
            1, minute // 240 + 1, "pm25", at, offsets_ms=[k * MINUTE_MS for k in range(240)],
            values=[5.0] * 240,
        )
        take(line, [("d1", block)])
    # A gap that is filled in any order is none of the minutes that had a reading.
    for number, at in enumerate((START_MS - 3 * HOUR_MS + 500, START_MS - week - HOUR_MS)):
        take(line, [("d2", single(number + 1, 1.0, START_MS + number, "no2"))])
        take(line, [("d2", single(number + 11, 1.0, at, "no2"))])
    assert not asked
    assert verdicts(line)["applied"] == 7 * 24 * 60 + 4


def test_a_repeat_that_the_memory_has_lost_is_found_once_a_day_of_its_series(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = [START_MS + k * 1000 for k in range(120)]
    for number, at in enumerate(times):
        take(line, [("d1", single(number + 1, 1.0, at))], at)
    line.merging.recall = recall.Recall(line._past, forgotten_ns=times[-1] * MS)
    asked: list[int] = []
    past = line._past
    monkeypatch.setattr(
        line.merging.recall, "past", lambda *words: asked.append(1) or past(*words)
    )
    for number, at in enumerate(reversed(times)):
        take(line, [("d1", single(number + 500, 2.0, at))], times[-1] + number)
    assert verdicts(line) == {"applied": 120, "conflict": 120}
    assert len(asked) == 1


def test_an_archive_that_lacks_readings_does_not_empty_panes(
    line: Line, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    for minute in range(3):
        take(line, [("d1", body(minute + 1, q="pm25", t=START_MS + minute * MINUTE_MS, v=5, f=1))])
    monkeypatch.setattr(line.merging, "past", lambda *_: recall.nothing())
    take(line, [("d1", body(9, q="pm25", t=START_MS, v=5, f=4))])
    assert "does not hold all readings" in caplog.text
    tick(line, START_MS + 4 * MINUTE_MS)
    assert line.vitals.panes.coarse[0]["n"].sum() == 2
