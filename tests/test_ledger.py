"""The ledger: verdicts add up to what was received, whatever comes and however it restarts."""

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.verdicts import Verdict
from engine.batch import Batch
from ingest import inbox, ledger
from ingest.admission import opened
from ingest.archive import Kind, Position, Record, pack, read
from ingest.ledger import HOUR_NS, Ledger, LedgerError, account, tally
from ingest.line import Line
from ingest.messages import Received, Refused, Rows, expand, source_of
from ingest.numbering import BEFORE
from ingest.reconcile import Reconciled, Wanted, reconcile
from tests.hostile import PAYLOADS, RELAXED, TOPICS
from tests.line_city import (
    MINUTE_MS,
    MS,
    ROWS,
    START_MS,
    abandon,
    body,
    line_of,
    message,
    row,
    single,
    topic,
    verdicts,
    write_places,
)

V = Verdict
HOUR_MS = HOUR_NS // MS
START_H = START_MS // HOUR_MS


def of(folder: Path, **wanted: int) -> Reconciled:
    """What reconcile finds in the folder of a line."""
    return reconcile(folder / "ingest", folder / "store.db", Wanted(**wanted))  # type: ignore[arg-type]


def cells(done: Reconciled) -> dict[tuple[int, str, str], int]:
    """Counts by hour since `START_MS`, device and verdict."""
    return {
        (hour - START_H if hour != BEFORE else hour, done.name(device), V(verdict).label): count
        for hour, device, verdict, count in zip(
            *(column.tolist() for column in done.cells), strict=True
        )
    }


def totals(done: Reconciled) -> dict[str, int]:
    """Counts by verdict."""
    out: dict[str, int] = {}
    for (_, _, label), count in cells(done).items():
        out[label] = out.get(label, 0) + count
    return {label: count for label, count in sorted(out.items()) if count}


@pytest.fixture
def line(tmp_path: Path) -> Line:
    write_places(tmp_path / "places.csv")
    return line_of(tmp_path)


def take(line: Line, device: str, payload: bytes, at_ms: int = START_MS) -> None:
    line.take([message(device, payload, at_ms)], at_ms * MS)


def test_by_device_and_hour(line: Line, tmp_path: Path) -> None:
    later = START_MS + HOUR_MS
    take(line, "d1", body(1, t=START_MS, m={"pm25": 1.0, "no2": 2.0, "x": 3.0}))
    take(line, "d1", body(1, t=START_MS, m={"pm25": 1.0, "no2": 2.0, "x": 3.0}), later)
    take(line, "d2", single(2), later)
    line.dropped(7, later * MS)
    take(line, "d2", body(9, drop=[[1, 4, 6]]), later)
    line.take([opened(Received("nonsense", b""), later * MS)], later * MS)
    line.close()
    done = of(tmp_path)
    assert done.differences == []
    assert done.compared == ["the counters of the last snapshot", "what waits in the inbox"]
    assert cells(done) == {
        (0, "d1", "applied"): 2, (0, "d1", "refused_quantity"): 1, (1, "d1", "duplicate"): 3,
        (1, "d2", "applied"): 1, (1, "(unknown)", "dropped_queue"): 7,
        (1, "d2", "dropped_outbox"): 3, (1, "(unknown)", "refused_topic"): 1,
    }
    assert done.received[START_H] == 3
    assert done.messages.by_key()[START_H + 1, done.devices.index("d2")] == (9, 2, 3, 4, 0)


def test_what_is_released_moves_within_the_hour_in_which_it_came(
    line: Line, tmp_path: Path
) -> None:
    take(line, "d9", body(1, t=START_MS, m={"pm25": 1.0, "no2": 2.0}))
    ahead = START_MS + 30 * MINUTE_MS
    take(line, "d1", single(1, time_ms=ahead))
    assert totals(of(tmp_path)) == {"held_future": 1, "held_unknown": 2}
    now_ms = START_MS + 2 * HOUR_MS
    write_places(tmp_path / "places.csv", [*ROWS, row("d9", "s9")])
    line.load_places(tmp_path / "places.csv", now_ms * MS)
    line.tick(now_ms * MS, with_open=False)
    line.close()
    done = of(tmp_path)
    assert done.differences == []
    assert {key[:2] for key in cells(done)} == {(0, "d9"), (0, "d1")}
    assert sum(totals(done).values()) == 3
    assert not {"held_future", "held_unknown"} & totals(done).keys()


def test_what_the_bound_drops_moves_too(
    line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "HELD_ROWS_MAX", 2)
    for number in range(1, 6):
        take(line, "d9", body(number, t=START_MS, m={"pm25": 1.0, "no2": 2.0}),
             START_MS + number * HOUR_MS)
    line.close()
    done = of(tmp_path)
    assert done.differences == []
    assert cells(done) == {
        (hour, "d9", "dropped_held" if hour < 4 else "held_unknown"): 2 for hour in range(1, 6)
    }


def test_what_lost_against_a_later_message_is_a_conflict_of_its_own_hour(
    line: Line, tmp_path: Path
) -> None:
    take(line, "d1", single(1, 5.0))
    take(line, "d1", single(2, 7.0), START_MS + HOUR_MS)
    take(line, "d1", single(3, 7.0), START_MS + 2 * HOUR_MS)
    line.close()
    done = of(tmp_path)
    assert done.differences == []
    assert cells(done) == {
        (0, "d1", "conflict"): 1, (1, "d1", "applied"): 1, (2, "d1", "duplicate"): 1,
    }


def test_a_reading_of_a_clock_that_is_not_set_counts_once(line: Line, tmp_path: Path) -> None:
    take(line, "d1", single(1, 5.0, time_ms=60_000))
    line.close()
    done = of(tmp_path)
    assert done.differences == []
    assert cells(done) == {(0, "d1", "applied"): 1}
    assert done.messages.total() == (1, 1, 0, 0, 0)


def test_a_part_of_the_time_reads_only_its_days(line: Line, tmp_path: Path) -> None:
    for day in range(4):
        take(line, "d1", single(day + 1, day, START_MS + day * 24 * HOUR_MS),
             START_MS + day * 24 * HOUR_MS)
    line.close()
    whole = of(tmp_path)
    day_ns = 24 * HOUR_NS
    part = of(tmp_path, from_ns=START_MS * MS + day_ns, to_ns=START_MS * MS + 2 * day_ns)
    assert (whole.rows, part.rows) == (4, 2)
    assert part.differences == part.compared == []
    assert sum(part.messages.total()[3:]) == 0


def test_rows_that_stand_for_many() -> None:
    one = Batch(
        np.full(3, -1, np.int32), np.zeros(3, np.int64), np.array([5.0, 2.0, np.nan]),
        np.ones(3, np.uint8), np.zeros(3, np.int32), np.ones(3, np.int64), np.ones(3, np.int64),
        np.array([V.DROPPED_HELD, V.DROPPED_HELD, V.APPLIED], np.uint8), 1,
    )
    assert tally(one)[[V.DROPPED_HELD, V.APPLIED]].tolist() == [7, 1]
    counts = np.zeros(256, np.int64)
    account(counts, one, Kind.RELEASE_FUTURE)
    assert counts[[V.DROPPED_HELD, V.APPLIED, V.HELD_FUTURE]].tolist() == [7, 1, -8]


def add_all(one: Ledger, records: list[Record]) -> None:
    for record in records:
        one.add(record)


def test_cells_at_their_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    def record(hour: int) -> Record:
        one = Batch(
            np.full(3, -1, np.int32), np.zeros(3, np.int64), np.zeros(3), np.ones(3, np.uint8),
            np.arange(3, dtype=np.int32), np.ones(3, np.int64), np.ones(3, np.int64),
            np.zeros(3, np.uint8), hour * HOUR_NS,
        )
        return Record(Kind.BATCH, one.received_ns, pack(one), 3, Position("", 0))

    monkeypatch.setattr(ledger, "CELLS_MAX", 12)
    one = Ledger()
    for _ in range(9):
        for hour in (1, 2):  # as if the clock went to and fro: cells are joined at the bound
            one.add(record(hour))
    assert one.finish().readings.tolist() == [9] * 6
    one = Ledger()
    records = [record(hour) for hour in range(9)]
    with pytest.raises(LedgerError, match="--from"):
        add_all(one, records)


# ---- always


def expected(topic: str, payload: bytes) -> int:
    """How many readings a message counts as, by its shape alone."""
    one = opened(Received(topic, payload), 0)
    rows = Rows()
    if source_of(topic) is None or isinstance(one.content, Refused):
        return 1
    expand(rows, 0, one.content)
    return len(rows)


@settings(RELAXED, max_examples=25)
@given(
    st.lists(st.lists(st.tuples(TOPICS, PAYLOADS), max_size=4), max_size=12),
    st.integers(0, 2**32), st.integers(2, 6),
)
def test_verdicts_add_up_to_what_was_received_whatever_comes_and_however_it_restarts(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[tuple[str, bytes]]], seed: int,
    held_max: int,
) -> None:
    folder = tmp_path_factory.mktemp("hostile")
    write_places(folder / "places.csv")
    chance = random.Random(seed)
    line = line_of(folder)
    received = 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inbox, "HELD_ROWS_MAX", held_max)
        for k, batch in enumerate(batches):
            at_ms = START_MS + k * 20 * MINUTE_MS
            dropped = int(line.counts[V.DROPPED_OUTBOX])
            line.take([opened(Received(*one), at_ms * MS) for one in batch], at_ms * MS)
            received += sum(expected(*one) for one in batch)
            received += int(line.counts[V.DROPPED_OUTBOX]) - dropped
            # A report of dropped ranges that is wrong is refused: one more.
            refused = sum(line.verdicts().values()) - received
            assert 0 <= refused <= len(batch)
            received += refused
            if chance.random() < 0.3:
                line.tick(at_ms * MS, with_open=True)
            if chance.random() < 0.2:
                line.snapshot()
            if chance.random() < 0.3:
                abandon(line)
                line = line_of(folder, whole=chance.random() < 0.5)
            if chance.random() < 0.1:
                write_places(folder / "places.csv", [*ROWS, row("d9", "s9")])
                line.load_places(folder / "places.csv", at_ms * MS)
            assert sum(line.verdicts().values()) == received
        counted = verdicts(line)
        line.close()
        done = of(folder)
    assert done.differences == []
    assert totals(done) == dict(sorted(counted.items()))
    assert sum(done.received.values()) == received
    archived = np.zeros(256, np.int64)
    for record in read(folder / "ingest" / "archive"):
        if record.kind in {Kind.BATCH, *ledger.RELEASES}:
            account(archived, record.batch(), record.kind)
    assert {v.label: int(archived[v]) for v in V if archived[v]} == counted


def test_topic_of_the_tests_is_ours() -> None:
    assert source_of(topic("d1")) is not None
