"""The line: what it recovers after any cut is what an uninterrupted run has."""

import os
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge import wire
from edge.places import PlacesError
from edge.verdicts import Verdict
from engine import registry as registry_module
from ingest.archive import Kind, pack, read
from ingest.inbox import Inbox
from ingest.line import Line
from ingest.merging import Merging
from ingest.store import Store
from tests.hostile import PAYLOADS, RELAXED
from tests.line_city import (
    MINUTE_MS,
    MS,
    ROWS,
    START_MS,
    Kept,
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

HOUR_MS = 60 * MINUTE_MS
Act = Callable[[Line], object]


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    write_places(tmp_path / "places.csv")
    opened = line_of(tmp_path)
    yield opened
    opened.close()


def take(line: Line, device: str, payload: bytes, received_ms: int = START_MS) -> list[object]:
    """Take one message; returns the acknowledgements."""
    return line.acks(line.take([message(device, payload, received_ms)], received_ms * MS))


def tick(line: Line, at_ms: int) -> None:
    line.tick(at_ms * MS, with_open=True)


def state(line: Line) -> tuple[object, ...]:
    """All that must be the same after a recovery."""
    registry = line.vitals.registry
    return (
        line.counts.tolist(), sorted(line.seen.dump()), registry.dump(), line.points_written,
        line.vitals.now_ns, line.vitals.series.closed_ns[: len(registry.series)].tolist(),
        line.vitals.series.last_ns[: len(registry.series)].tolist(),
        [sorted(windows.revisions.items()) for windows in line.vitals.windows],
    )


# ---- one message


def test_archives_durably_before_it_says_what_to_acknowledge(
    line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    for name, call in (("inbox", Inbox.put), ("points", Kept.points)):
        owner = Inbox if name == "inbox" else Kept

        def noted(*args: object, _name: str = name, _call: Callable[..., object] = call) -> object:
            order.append(_name)
            return _call(*args)

        monkeypatch.setattr(owner, call.__name__, noted)
    real = os.fdatasync

    def fdatasync(number: int) -> None:
        real(number)
        order.append("synced")
        [*_, last] = read(tmp_path / "ingest" / "archive")
        assert last.kind == Kind.BATCH
        assert last.batch().seq.tolist() == [1]

    monkeypatch.setattr(os, "fdatasync", fdatasync)
    acks = take(line, "d1", single(1))
    order.append("acknowledged")
    assert order == ["inbox", "synced", "acknowledged"]
    assert acks == [("d1", wire.Ack(1, 1))]


def test_acknowledges_what_is_contiguous(line: Line) -> None:
    assert take(line, "d1", single(2)) == [("d1", wire.Ack(1, 0, h=2))]
    assert take(line, "d1", single(1)) == [("d1", wire.Ack(1, 2))]
    assert take(line, "d1", wire.encode_clock(1, 3, START_MS)) == [("d1", wire.Ack(1, 3))]
    assert take(line, "d1", wire.encode_drop(1, 9, [(1, 4, 8)])) == [("d1", wire.Ack(1, 9))]
    assert take(line, "d1", single(9)) == [("d1", wire.Ack(1, 9))]
    assert take(line, "d1", body(10, q="pm25", t="x", v=1)) == [("d1", wire.Ack(1, 10))]
    assert take(line, "d9", single(1)) == [("d9", wire.Ack(1, 1))]
    assert verdicts(line) == {
        "applied": 1, "duplicate": 2, "refused_type": 1, "dropped_outbox": 5, "held_unknown": 1,
    }


def test_events_are_told_and_archived(line: Line, tmp_path: Path) -> None:
    take(line, "d1", body(ev="interruption", id="x", t=START_MS, customers=9))
    take(line, "d1", body(ev="interruption", id="x", t=START_MS, customers=9))
    assert isinstance(line.outlet, Kept)
    [event] = line.outlet.told
    assert (event.source.device, event.kind, event.customers) == ("d1", "interruption", 9)
    abandon(line)
    again = Kept()
    line.__dict__.update(line_of(tmp_path, again, whole=True).__dict__)
    assert again.told == [event]


# ---- recovery


def script(seed: int) -> list[Act]:
    """An hour of a city with all that can happen to a reading."""
    rng = random.Random(seed)
    acts: list[Act] = []
    numbers = dict.fromkeys(("d1", "d2", "d3", "d9"), 0)

    def send(device: str, payload: bytes, at_ms: int) -> None:
        acts.append(lambda line: take(line, device, payload, at_ms))

    for minute in range(65):
        at_ms = START_MS + minute * MINUTE_MS
        for device in numbers:
            if rng.random() < 0.2:
                continue
            numbers[device] += 1
            number, time_ms = numbers[device], at_ms - rng.choice([0, 0, 0, 50_000, 4 * HOUR_MS])
            values = {"pm25": rng.uniform(0, 90), "power": rng.uniform(0, 5), "speed": 30.5}
            kind = rng.random()
            if kind < 0.75:
                payload = wire.encode_device_block(1, number, time_ms, values)
            elif kind < 0.8:
                payload = wire.encode_device_block(1, number, at_ms + 12 * MINUTE_MS, values)
            elif kind < 0.85:
                payload = body(number, ev="fault", id=str(minute), t=at_ms)
            elif kind < 0.9:
                payload = wire.encode_drop(1, number + 1, [(1, number, number)])
                numbers[device] += 1
            else:
                payload = body(number, t=at_ms, m={"pm25": 1e9, "soot": 1, "no2": 5.5})
            send(device, payload, at_ms)
            if rng.random() < 0.05:
                send(device, payload, at_ms)
        acts.append(lambda line, at_ms=at_ms: tick(line, at_ms + 30_000))  # type: ignore[misc]
        acts.append(lambda line, at_ms=at_ms: tick(line, at_ms + 59_000))  # type: ignore[misc]
    return acts


def play(folder: Path, seed: int, cuts: dict[int, str]) -> tuple[object, ...]:
    """Play the script; at each cut do what it says; returns state and points."""
    outlet = Kept()
    placed = folder / "places.csv"
    write_places(placed)
    line = line_of(folder, outlet)
    for k, act in enumerate(script(seed)):
        act(line)
        if k == 250:
            write_places(placed, [*ROWS, row("d9", "s9")])
            line.load_places(placed, START_MS * MS)
        how = cuts.get(k)
        if how is None:
            continue
        if how == "snapshot":
            line.snapshot()
            continue
        abandon(line)
        kept = folder / "ingest" / "snapshot.cvs"
        if how == "damaged" and kept.exists():
            data = bytearray(kept.read_bytes())
            data[len(data) // 2] ^= 0xFF
            kept.write_bytes(data)
        elif how == "removed":
            kept.unlink(missing_ok=True)
        line = line_of(folder, outlet, whole=how == "whole")
    result = (*state(line), outlet.values, sorted(set(outlet.told)))
    line.close()
    return result


SEED = 20_261_122


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> tuple[object, ...]:
    return play(tmp_path_factory.mktemp("whole"), SEED, {})


def test_the_script_meets_all_that_it_should(uninterrupted: tuple[object, ...]) -> None:
    counts = uninterrupted[0]
    assert isinstance(counts, list)
    for verdict in (Verdict.APPLIED, Verdict.LATE, Verdict.DUPLICATE, Verdict.REFUSED_IMPOSSIBLE,
                    Verdict.REFUSED_QUANTITY, Verdict.DROPPED_OUTBOX):
        assert counts[verdict] > 5, verdict
    assert counts[Verdict.HELD_UNKNOWN] == 0
    assert isinstance(uninterrupted[-2], dict)
    assert len(uninterrupted[-2]) > 500


@pytest.mark.parametrize(("how", "snapshots"), [
    ("kill", ()), pytest.param("kill", (60, 280), marks=pytest.mark.soak),
    ("damaged", (60, 280)), pytest.param("removed", (180,), marks=pytest.mark.soak),
    pytest.param("whole", (180,), marks=pytest.mark.soak),
])
def test_recovers_from_a_cut_anywhere(
    tmp_path: Path, uninterrupted: tuple[object, ...], how: str, snapshots: tuple[int, ...]
) -> None:
    count = len(script(SEED))
    cuts = dict.fromkeys(random.Random(how).sample(range(count), 3), how)
    cuts.update(dict.fromkeys(snapshots, "snapshot"))
    recovered = play(tmp_path, SEED, cuts)
    names = ("counts", "seen", "registry", "points_written", "now", "closed", "last", "revisions",
             "points", "events")
    for name, got, expected in zip(names, recovered, uninterrupted, strict=True):
        assert got == expected, name


def test_late_readings_before_a_snapshot_are_restated_after_it(tmp_path: Path) -> None:
    write_places(tmp_path / "places.csv")
    outlet = Kept()
    line = line_of(tmp_path, outlet)
    take(line, "d1", single(1, 10.0))
    tick(line, START_MS + 2 * HOUR_MS)
    before = dict(outlet.values)
    take(line, "d1", single(2, 30.0), START_MS + 2 * HOUR_MS)
    line.snapshot()
    abandon(line)
    line = line_of(tmp_path, outlet)
    tick(line, START_MS + 2 * HOUR_MS + MINUTE_MS)
    changed = [key for key, value in outlet.values.items() if before.get(key) != value]
    assert 2 in {outlet.values[key][-1] for key in changed}
    assert [late[1] for late in outlet.late] == [1]
    line.close()


def test_a_snapshot_ahead_of_the_archive_is_not_read_past(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_places(tmp_path / "places.csv")
    line = line_of(tmp_path)
    for number in range(1, 9):
        take(line, "d1", single(number))
    line.close()
    [segment] = (tmp_path / "ingest" / "archive").glob("*.cva")
    data = segment.read_bytes()
    segment.write_bytes(data[: len(data) - 300])
    line = line_of(tmp_path)
    assert "the archive ends before the snapshot" in caplog.text
    take(line, "d2", single(1))
    expected = state(line)
    abandon(line)
    line = line_of(tmp_path)
    assert state(line) == expected
    line.close()


def test_a_segment_that_is_gone_does_not_harm_those_after_it(tmp_path: Path) -> None:
    write_places(tmp_path / "places.csv")
    line = line_of(tmp_path)
    for day in range(3):
        for device in ("d1", "d2", "d3")[: day + 1]:
            take(line, device, single(day + 1, time_ms=START_MS + day * 24 * HOUR_MS),
                 START_MS + day * 24 * HOUR_MS)
    registry = line.vitals.registry.dump()
    line.close()
    (tmp_path / "ingest" / "archive" / line.archive.segments()[1]).unlink()
    (tmp_path / "ingest" / "snapshot.cvs").unlink()
    line = line_of(tmp_path)
    assert line.vitals.registry.dump() == registry
    assert verdicts(line) == {"applied": 4}
    line.close()


# ---- what waits


def test_a_placed_device_gets_its_backlog(tmp_path: Path) -> None:
    placed = tmp_path / "places.csv"
    write_places(placed)
    line = line_of(tmp_path)
    payloads = [
        single(1), body(2, t=START_MS, m={"pm25": 3, "soot": 1, "no2": None}),
        body(3, m={"pm25": 1}), body(4, ev="fault", t=START_MS), body(5, t=START_MS, m={}),
        single(6, time_ms=START_MS + HOUR_MS), body(7),
    ]
    for payload in payloads:
        take(line, "d9", payload)
    assert verdicts(line) == {"held_unknown": 8}
    assert line.inbox.held_summary()[0]["topic"] == topic("d9")
    write_places(placed, [*ROWS, row("d9", "s9")])
    assert line.load_places(placed, (START_MS + 5) * MS)
    assert not line.load_places(placed, (START_MS + 5) * MS)
    expected = {
        "applied": 2, "conflict": 1, "refused_type": 2, "refused_quantity": 1,
        "refused_not_a_number": 1, "held_future": 1,
    }
    assert verdicts(line) == expected
    assert line.inbox.held_devices() == []
    assert isinstance(line.outlet, Kept)
    assert [event.kind for event in line.outlet.told] == ["fault"]
    for payload in payloads:
        take(line, "d9", payload)
    assert verdicts(line) == {**expected, "duplicate": 8}
    tick(line, START_MS + HOUR_MS)
    del expected["held_future"]
    assert verdicts(line) == {**expected, "applied": 3, "duplicate": 8}
    line.close()


def test_what_is_too_late_counts_nowhere_and_stays_in_the_archive(
    line: Line, tmp_path: Path
) -> None:
    take(line, "d1", single(1, 7.5, START_MS - 9 * 24 * HOUR_MS))
    assert verdicts(line) == {"too_late": 1}
    assert int(line.vitals.panes.coarse[1]["n"].sum()) == 0
    [batch] = [record.batch() for record in read(tmp_path / "ingest" / "archive")
               if record.kind == Kind.BATCH]
    assert (batch.verdict.tolist(), batch.value.tolist()) == ([Verdict.TOO_LATE], [7.5])


def test_a_future_reading_may_be_refused_when_its_time_comes(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Held until then, and judged as what comes then: here there is no room for its series."""
    ahead = START_MS + 20 * MINUTE_MS
    take(line, "d1", body(1, t=ahead, m={"pm25": 1, "no2": 2}))
    take(line, "d1", body(2, t=START_MS, m={"pm25": 1}))
    assert verdicts(line) == {"applied": 1, "held_future": 2}
    monkeypatch.setattr(registry_module, "SERIES_MAX", len(line.vitals.registry.series))
    tick(line, START_MS + 14 * MINUTE_MS)
    assert verdicts(line) == {"applied": 1, "held_future": 2}
    tick(line, START_MS + 15 * MINUTE_MS)
    assert verdicts(line) == {"applied": 2, "refused_bound": 1}


def test_future_readings_of_a_block_are_admitted_when_their_time_comes(line: Line) -> None:
    ahead = START_MS + 20 * MINUTE_MS
    take(line, "d1", body(1, t=ahead, m={"pm25": 1, "no2": 2, "o3": 3}))
    take(line, "d1", body(2, q="pm10", t0=START_MS, dt=[0, 20 * MINUTE_MS, 20 * MINUTE_MS],
                          v=[1, 2, 2]))
    assert verdicts(line) == {"applied": 1, "held_future": 5}
    tick(line, START_MS + 14 * MINUTE_MS)
    assert verdicts(line) == {"applied": 1, "held_future": 5}
    tick(line, START_MS + 15 * MINUTE_MS)
    assert verdicts(line) == {"applied": 5, "duplicate": 1}
    assert int(line.vitals.panes.coarse[0]["n"].sum()) == 5


@pytest.mark.parametrize("kind", ["unknown", "future"])
@pytest.mark.parametrize("moment", ["inbox put", "archived"])
def test_a_kill_in_a_release_counts_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, moment: str
) -> None:
    def kill(*_: object) -> None:
        raise RuntimeError

    placed = tmp_path / "places.csv"
    write_places(placed)
    line = line_of(tmp_path)
    if kind == "unknown":
        take(line, "d9", body(1, t=START_MS, m={"pm25": 1, "no2": 2}))
        write_places(placed, [*ROWS, row("d9", "s9")])
    else:
        take(line, "d1", body(1, t=START_MS + HOUR_MS, m={"pm25": 1, "no2": 2}))
    where = (Line, "_write") if moment == "inbox put" else (Merging, "apply")
    monkeypatch.setattr(*where, kill)
    if moment == "archived":
        monkeypatch.setattr(Inbox, "release", kill)
    act = line.load_places if kind == "unknown" else lambda *_: tick(line, START_MS + HOUR_MS)
    with pytest.raises(RuntimeError):
        act(placed, START_MS * MS)
    monkeypatch.undo()
    abandon(line)
    line = line_of(tmp_path)
    tick(line, START_MS + HOUR_MS)
    assert verdicts(line) == {"applied": 2}
    assert int(line.vitals.panes.coarse[0]["n"].sum()) == 2
    line.close()


@pytest.mark.parametrize("payload", [
    body(1, t=START_MS + HOUR_MS, m={"pm25": 1, "no2": 2}), body(1, t=START_MS, m={"pm25": 1e9}),
])
def test_a_kill_between_inbox_and_archive_holds_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, payload: bytes
) -> None:
    def kill(*_: object) -> None:
        raise RuntimeError

    write_places(tmp_path / "places.csv")
    line = line_of(tmp_path)
    for device in ("d1", "d9"):
        with monkeypatch.context() as patch:
            patch.setattr(Line, "add", kill)
            with pytest.raises(RuntimeError):
                take(line, device, payload)
        line.close(save=False)
        line = line_of(tmp_path)
        assert verdicts(line) == {}
        assert line.inbox.due(1 << 62) == []
        assert line.inbox.held_devices() == []
    # The broker sends it again, later: then its time may have come.
    take(line, "d1", payload, START_MS + HOUR_MS)
    tick(line, START_MS + 2 * HOUR_MS)
    assert sum(verdicts(line).values()) == line.verdicts()["applied"] + line.verdicts()[
        "refused_impossible"]
    line.close()


# ---- places


def test_wrong_places_are_refused_whole(line: Line, tmp_path: Path) -> None:
    placed = tmp_path / "places.csv"
    text = placed.read_text()
    before = line.vitals.registry.dump()
    placed.write_text(text.replace(",s2,d2,S2,41.1", ",s9,d9,S9,41.1").replace(
        "d3,S3,41.100000", "d3,S3,410"))
    with pytest.raises(PlacesError, match="lat = '410': must lie between -90 and 90"):
        line.load_places(placed, START_MS * MS)
    assert line.vitals.registry.dump() == before
    take(line, "d2", single(1))
    take(line, "d9", single(1))
    assert verdicts(line) == {"applied": 1, "held_unknown": 1}


def test_a_stranger_cannot_take_the_room_of_a_placed_device(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.registry.DEVICES_MAX", 4)
    for device in ("d7", "d8", "d9"):
        take(line, device, single(1))
    take(line, "d3", single(1))
    assert verdicts(line) == {"held_unknown": 1, "refused_bound": 2, "applied": 1}


def test_places_come_back_from_archive_and_snapshot(tmp_path: Path) -> None:
    write_places(tmp_path / "places.csv", [replace(ROWS[0], name="Café")])
    line_of(tmp_path).close()
    (tmp_path / "places.csv").unlink()
    for _ in range(2):
        line = line_of(tmp_path)
        assert line.vitals.registry.row_at("d1", 0).name == "Café"  # type: ignore[union-attr]
        abandon(line)
        (tmp_path / "ingest" / "snapshot.cvs").unlink(missing_ok=True)


# ---- counts


def test_what_the_full_queue_dropped_is_counted_and_stays_counted(tmp_path: Path) -> None:
    write_places(tmp_path / "places.csv")
    line = line_of(tmp_path)
    line.dropped(7, START_MS * MS)
    take(line, "d1", single(1))
    abandon(line)
    line = line_of(tmp_path, whole=True)
    assert verdicts(line) == {"applied": 1, "dropped_queue": 7}
    line.close()


@RELAXED
@given(st.lists(st.tuples(st.sampled_from(["d1", "d2", "d9"]), PAYLOADS), max_size=10))
def test_counts_add_up_and_recover_whatever_comes(
    tmp_path_factory: pytest.TempPathFactory, sent: list[tuple[str, bytes]]
) -> None:
    folder = tmp_path_factory.mktemp("any")
    placed = folder / "places.csv"
    write_places(placed)
    line = line_of(folder)
    for device, payload in sent:
        take(line, device, payload)
    received = sum(line.verdicts().values())
    tick(line, START_MS + MINUTE_MS)
    write_places(placed, [*ROWS, row("d9", "s9")])
    line.load_places(placed, START_MS * MS)
    tick(line, START_MS + 4 * HOUR_MS)
    counts = line.verdicts()
    assert sum(counts.values()) == received  # a release moves counts, it makes none
    assert all(count >= 0 for count in counts.values())
    assert counts["held_unknown"] == 0
    expected = state(line)
    abandon(line)
    line = line_of(folder)
    assert state(line) == expected
    line.close()
    shutil.rmtree(folder)


def test_a_deleted_store_is_built_again_from_the_archive(tmp_path: Path) -> None:
    from ingest.outlets import Outlets

    write_places(tmp_path / "places.csv")
    store = Store.create(tmp_path / "store.db")
    line = Line(tmp_path / "ingest", Outlets(store), 60)
    line.open()
    line.load_places(tmp_path / "places.csv", START_MS * MS)
    for k, act in enumerate(script(SEED)[:450]):
        act(line)
        if k in (200, 400):
            line.snapshot()
    line.close()
    before = (store.last(), store.events(1000), store.places(), store.counts())
    store.close()
    for path in tmp_path.glob("store.db*"):
        path.unlink()
    store = Store.create(tmp_path / "store.db")
    line = Line(tmp_path / "ingest", Outlets(store), 60)
    line.open(whole=True)
    after = (store.last(), store.events(1000), store.places(), store.counts())
    closed = [[row for row in rows[0] if row.state] for rows in (before, after)]
    assert sorted(row[:9] for row in closed[1]) == sorted(row[:9] for row in closed[0])
    assert after[1:3] == before[1:3]
    for name in ("points", "revisions", "events", "places", "days"):
        assert after[3][name] == before[3][name], name
    line.close()
    store.close()


def test_a_batch_of_columns_is_archived_and_applied(line: Line) -> None:
    take(line, "d1", single(1))
    [*_, record] = read(line.archive.folder)
    batch = record.batch()
    batch.time_ns += MINUTE_MS * MS
    line.add(batch)
    line.archive.sync(0)
    [*_, record] = read(line.archive.folder)
    assert pack(record.batch()) == pack(batch)
    assert verdicts(line) == {"applied": 2}
