"""Messages of other publishers on the line: verdicts, merging, what is held, and after a kill."""

import json
import re
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.quantities import INDEX
from edge.settings import load
from edge.verdicts import Verdict
from engine.vitals import HORIZON_NS, Vitals
from ingest.admission import Admission
from ingest.archive import Kind, read
from ingest.foreign import ARRIVED_FROM, UNTIMED, Foreign
from ingest.intervals import Seen
from ingest.judging import FUTURE_MAX_NS
from ingest.ledger import VERDICTS, account
from ingest.line import Line
from ingest.messages import Received
from ingest.reconcile import Wanted, reconcile
from ingest.settings_foreign import ForeignSettings
from ingest.settings_ingest import IngestSettings
from tests.hostile import PAYLOADS, RELAXED
from tests.line_city import MINUTE_MS, MS, START_MS, Kept, abandon, row, verdicts, write_places

V = Verdict
FUTURE_MS = FUTURE_MAX_NS // MS
SOURCES = [msgspec.convert(one, ForeignSettings) for one in (
    {"topic": "z/{device}", "format": "json", "time": "at", "fields": {
        "power": {"quantity": "power", "unit": "W"}, "pm": {"quantity": "pm25"},
        "f": {"quantity": "temp", "factor": 5 / 9, "offset": -160 / 9},
        "l2.V": {"quantity": "voltage", "channel": "l2"}}},
    {"topic": "m/{site}/{node}/{channel}/{quantity}", "format": "json",
     "device": "{site}{node}", "fields": {"U": {"quantity": "voltage"}}},
    {"topic": "s/{device}", "format": "senml"},
    {"topic": "v3/{app}@{tenant}/devices/{device}/up", "format": "things-stack",
     "fields": {"pm25": {"quantity": "pm25"}}},
)]


def line_of(folder: Path, *devices: str, sources: list[ForeignSettings] = SOURCES) -> Line:
    """An open line with these devices placed, each at a station of its own."""
    if devices:
        write_places(folder / "places.csv", [row(name, f"s{name}") for name in devices])
    line = Line(folder / "ingest", Kept(), 60, Foreign(sources))
    line.open()
    if (folder / "places.csv").exists():
        line.load_places(folder / "places.csv", START_MS * MS)
    return line


def tell(
    line: Line, topic: str, body: Any, *, at_ms: int = START_MS, retained: bool = False
) -> list[int]:
    """The verdicts of the rows of one message."""
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()
    opened = line.admission.open(Received(topic, payload, retained=retained), at_ms * MS)
    admitted = line.admission.admit([opened], at_ms * MS)
    line.take_in(admitted, at_ms * MS)
    found: list[int] = admitted.batch.verdict[admitted.batch.verdict != 255].tolist()
    return found


def rows_of(line: Line) -> list[tuple[int, int, float, int, int]]:
    """Quantity, time in ms, value, flag, verdict of all archived readings."""
    line.archive.flush()
    out = []
    for record in read(line.archive.folder):
        if record.kind in (Kind.BATCH, Kind.RELEASE_UNKNOWN, Kind.RELEASE_FUTURE):
            batch = record.batch()
            for k in range(len(batch)):
                slot = int(batch.slot[k])
                quantity = line.vitals.registry.series[slot].quantity if slot >= 0 else -1
                out.append((quantity, int(batch.time_ns[k]) // MS, float(batch.value[k]),
                            int(batch.flag[k]), int(batch.verdict[k])))
    return out


def accounted(line: Line) -> np.ndarray[Any, Any]:
    """The counts of verdicts by the archive alone."""
    counts = np.zeros(VERDICTS, np.int64)
    for record in read(line.archive.folder):
        if record.kind in (Kind.BATCH, Kind.RELEASE_UNKNOWN, Kind.RELEASE_FUTURE):
            account(counts, record.batch(), record.kind)
    return counts


def test_units_factors_and_channels(tmp_path: Path) -> None:
    line = line_of(tmp_path, "d1", "ab")
    told = {"at": START_MS, "power": 42, "f": 50, "l2": {"V": "230.5"}, "linkquality": 87}
    assert tell(line, "z/D1", told) == [V.APPLIED] * 3
    assert tell(line, "m/a/b/L1/U", 231, at_ms=START_MS + 5) == [V.APPLIED]
    found = {quantity: (time, value, flag) for quantity, time, value, flag, _ in rows_of(line)[:3]}
    assert found == {
        INDEX["power"]: (START_MS, 42 * 0.001, 1),
        INDEX["temp"]: (START_MS, pytest.approx(10), 1),
        INDEX["voltage"]: (START_MS, 230.5, 1),
    }
    assert rows_of(line)[3] == (INDEX["voltage"], START_MS + 5, 231.0, UNTIMED, V.APPLIED)
    registry = line.vitals.registry
    assert [(registry.devices[one.device], one.channel) for one in registry.series] == [
        ("d1", ""), ("d1", ""), ("d1", "l2"), ("ab", "l1"),
    ]
    line.close()


def test_all_formats_reach_their_series(tmp_path: Path) -> None:
    line = line_of(tmp_path, "d1")
    pack = [{"bn": "urn:x:", "n": "pm25", "u": "ug/m3", "v": 7}, {"n": "temp", "u": "K", "v": 300}]
    assert tell(line, "s/d1", pack) == [V.APPLIED] * 2
    uplink = {"uplink_message": {"received_at": "2026-09-21T14:00:00.5Z",
                                 "decoded_payload": {"pm25": 9}}, "simulated": True}
    assert tell(line, "v3/city@ttn/devices/d1/up", uplink) == [V.APPLIED]
    assert [(one[2], one[3]) for one in rows_of(line)] == [
        (7.0, UNTIMED), (pytest.approx(26.85), UNTIMED), (9.0, 4),
    ]
    line.close()


@pytest.mark.parametrize(("topic", "body", "verdict"), [
    ("z/d 1", {"pm": 1}, V.REFUSED_TOPIC),
    ("z/" + "d" * 65, {"pm": 1}, V.REFUSED_TOPIC),
    ("m/a/b/L 1/U", 231, V.REFUSED_TOPIC),
    ("q/d1", {"pm": 1}, V.REFUSED_TOPIC),
    ("z/d1", b"{nonsense", V.REFUSED_UNPARSABLE),
    ("z/d1", b"\xff", V.REFUSED_UNPARSABLE),
    ("z/d1", b"[" * 40 + b"]" * 40, V.REFUSED_UNPARSABLE),
    ("z/d1", b'{"pm":1' + b" " * 65_536 + b"}", V.REFUSED_OVERSIZED),
    ("z/d1", {"action": "single"}, V.REFUSED_QUANTITY),
    ("z/d1", {"pm": "ON"}, V.REFUSED_TYPE),
    ("z/d1", {"pm": None}, V.REFUSED_NOT_A_NUMBER),
    ("z/d1", b'{"pm":NaN}', V.REFUSED_NOT_A_NUMBER),
    ("z/d1", b'{"pm":1' + b"0" * 400 + b"}", V.REFUSED_NOT_A_NUMBER),
    ("z/d1", {"pm": 5000}, V.REFUSED_IMPOSSIBLE),
    ("z/d1", {"pm": 1, "at": "x"}, V.REFUSED_TYPE),
    ("z/d1", {"pm": 1, "at": START_MS - HORIZON_NS // MS - 1}, V.TOO_LATE),
    ("z/d1", {"pm": 1, "at": START_MS + FUTURE_MS + 1}, V.HELD_FUTURE),
    ("m/d/1/l1/I", 3, V.REFUSED_QUANTITY),
    ("s/d1", [{"n": "temp", "v": 20}], V.REFUSED_UNIT),
    ("s/d1", [{"n": "no2", "u": "ug/m3", "v": 20}], V.REFUSED_UNIT),
    ("s/d1", {"n": "temp"}, V.REFUSED_TYPE),
])
def test_each_that_does_not_fit_has_its_verdict(
    tmp_path: Path, topic: str, body: Any, verdict: int
) -> None:
    line = line_of(tmp_path, "d1")
    assert tell(line, topic, body) == [verdict]
    letters = line.inbox.dead_summary()
    refused = Verdict(verdict).label.startswith("refused")
    assert [letter["reason"] for letter in letters] == [Verdict(verdict).label] * refused
    assert verdicts(line) == {Verdict(verdict).label: 1}
    line.close()


def test_a_retained_message_counts_only_with_its_own_time(tmp_path: Path) -> None:
    line = line_of(tmp_path, "d1")
    assert tell(line, "z/d1", {"pm": 1}, retained=True) == [V.REFUSED_TIME]
    pack = [{"n": "temp", "u": "Cel", "v": 1, "t": -5}]
    assert tell(line, "s/d1", pack, retained=True) == [V.REFUSED_TIME]
    assert tell(line, "z/d1", {"pm": 1, "at": START_MS}, retained=True) == [V.APPLIED]
    line.close()


def test_a_clock_of_1970_is_placed_by_when_it_came(tmp_path: Path) -> None:
    line = line_of(tmp_path, "d1")
    assert tell(line, "z/d1", {"pm": 1, "at": 5000}) == [V.APPLIED]
    assert tell(line, "z/d1", {"pm": 2, "at": 15_000}, at_ms=START_MS + 10_000) == [V.APPLIED]
    assert [one[1:4] for one in rows_of(line) if one[4] == V.APPLIED] == [
        (START_MS, 1.0, 3), (START_MS + 10_000, 2.0, 3),
    ]
    line.close()


def test_times_of_receipt_say_nothing_of_a_clock(tmp_path: Path) -> None:
    line = line_of(tmp_path, "d1")
    tell(line, "z/d1", {"pm": 1})
    assert line.clocks.offsets() == []
    tell(line, "z/d1", {"pm": 1, "at": START_MS - 3000})
    assert [one.ahead_s for one in line.clocks.offsets()] == [-3.0]
    line.close()


def test_the_same_again_is_merged_and_another_value_is_a_conflict(tmp_path: Path) -> None:
    line = line_of(tmp_path, "d1")
    one, other = {"pm": 10, "at": START_MS}, {"pm": 20, "at": START_MS}
    given_ = [tell(line, "z/d1", body) for body in (one, one, other, one, other)]
    assert given_ == [[V.APPLIED], [V.DUPLICATE], [V.APPLIED], [V.DUPLICATE], [V.DUPLICATE]]
    assert verdicts(line) == {"applied": 1, "duplicate": 3, "conflict": 1}
    twice = [{"pm": 1, "at": START_MS + 1}, {"pm": 2, "at": START_MS + 1}]
    assert tell(line, "z/d1", twice) == [V.CONFLICT, V.APPLIED]
    abandon(line)
    line = line_of(tmp_path)
    assert [tell(line, "z/d1", body) for body in (one, other)] == [[V.DUPLICATE]] * 2
    line.close()


def test_what_a_stranger_sends_is_held_and_admitted_when_it_is_placed(tmp_path: Path) -> None:
    line = line_of(tmp_path, "d1")
    for k in range(3):
        assert tell(line, "z/D9", {"pm": k, "f": None}, at_ms=START_MS + k) == [V.HELD_UNKNOWN] * 2
    assert tell(line, "z/d9", {"nothing": 1}) == [V.REFUSED_QUANTITY]
    [held] = line.inbox.held_summary()
    assert (held["device"], held["topic"], held["readings"]) == ("d9", "z/D9", 6)
    abandon(line)
    line = line_of(tmp_path, "d1", "d9")
    assert verdicts(line) == {"applied": 3, "refused_not_a_number": 3, "refused_quantity": 1}
    times = [one[1] for one in rows_of(line) if one[4] == V.APPLIED]
    assert times == [START_MS, START_MS + 1, START_MS + 2]
    assert line.inbox.is_empty
    assert accounted(line).tolist() == line.counts.tolist()
    line.close()


def test_what_was_held_and_not_archived_comes_again_and_is_held_once(tmp_path: Path) -> None:
    line = line_of(tmp_path, "d1")
    tell(line, "z/d9", {"pm": 1, "at": START_MS})
    opened = line.admission.open(Received("z/d9", b'{"pm":2}'), (START_MS + 9) * MS)
    admitted = line.admission.admit([opened], (START_MS + 9) * MS)
    line.inbox.put(admitted.held, admitted.dead)
    abandon(line)  # before the archive had it, so the broker was not told
    line = line_of(tmp_path)
    assert [row_["readings"] for row_ in line.inbox.held_summary()] == [1]
    line.snapshot()
    tell(line, "z/d9", {"pm": 2}, at_ms=START_MS + 20)
    abandon(line)
    line = line_of(tmp_path)
    assert [row_["readings"] for row_ in line.inbox.held_summary()] == [2]
    line.close()


def test_the_future_is_admitted_when_it_comes_whatever_the_configuration_says_then(
    tmp_path: Path
) -> None:
    line = line_of(tmp_path, "d1")
    ahead_ms = START_MS + FUTURE_MS + MINUTE_MS
    assert tell(line, "z/d1", {"l2": {"V": 230}, "at": ahead_ms}) == [V.HELD_FUTURE]
    assert tell(line, "z/d1", {"l2": {"V": 231}, "at": ahead_ms}) == [V.HELD_FUTURE]
    line.close()
    line = line_of(tmp_path, sources=[])
    line.tick((ahead_ms + MINUTE_MS) * MS, with_open=False)
    assert verdicts(line) == {"conflict": 1, "applied": 1}
    assert [(one[1], one[2]) for one in rows_of(line) if one[4] == V.APPLIED] == [(ahead_ms, 231.0)]
    assert [one.channel for one in line.vitals.registry.series] == ["l2"]
    line.close()


def test_reconcile_finds_that_all_adds_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also with what was held beyond the bound and dropped, and what lost to a later one."""
    monkeypatch.setattr("ingest.inbox.HELD_DEVICE_ROWS_MAX", 4)
    monkeypatch.setattr("ingest.inbox.DROP_SHARE", 1)
    line = line_of(tmp_path, "d1")
    for k in range(6):
        tell(line, "z/d9", {"pm": k, "at": START_MS + k}, at_ms=START_MS + k)
        tell(line, "z/d1", {"pm": k, "at": START_MS}, at_ms=START_MS + k)
    tell(line, "z/d1", {"pm": 1, "at": START_MS + FUTURE_MS + MINUTE_MS})
    line.close()
    done = reconcile(tmp_path / "ingest", tmp_path / "store.db", Wanted())
    assert done.differences == []
    counts = verdicts(line)
    assert counts["dropped_held"] + counts["held_unknown"] == 6
    assert (counts["applied"], counts["conflict"], counts["held_future"]) == (1, 5, 1)
    abandoned = line_of(tmp_path, "d1", "d9")
    assert verdicts(abandoned)["dropped_held"] == counts["dropped_held"]
    assert sum(verdicts(abandoned).values()) == 13
    abandoned.close()
    assert reconcile(tmp_path / "ingest", tmp_path / "store.db", Wanted()).differences == []


def test_held_under_a_template_that_is_gone_is_refused(tmp_path: Path) -> None:
    line = line_of(tmp_path, "d1")
    tell(line, "z/d9", {"pm": 1})
    line.close()
    write_places(tmp_path / "places.csv", [row("d9", "s9")])
    line = line_of(tmp_path, sources=[])
    assert verdicts(line) == {"refused_topic": 1}
    line.close()


def test_arrival_numbers_never_run_back(tmp_path: Path) -> None:
    line = line_of(tmp_path, "d1")
    tell(line, "z/d1", {"pm": 1})
    first = line.foreign.last
    assert first >= ARRIVED_FROM + START_MS * MS
    tell(line, "z/d1", {"pm": 2}, at_ms=START_MS - 60_000)
    assert line.foreign.last > first
    last = line.foreign.last
    abandon(line)
    line = line_of(tmp_path)
    assert line.foreign.last >= last
    line.close()


def test_strangers_at_their_limit_and_hostile_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.shares.STRANGERS_MAX", 1)
    line = line_of(tmp_path, "d1")
    assert tell(line, "z/x1", {"pm": 1}) == [V.HELD_UNKNOWN]
    assert tell(line, "z/x2", {"pm": 1}) == [V.REFUSED_BOUND]
    line.close()


@RELAXED
@given(st.lists(st.tuples(st.sampled_from(("z/d1", "s/d1", "m/d/1/l1/U", "v3/a@b/devices/d1/up")),
                          PAYLOADS), max_size=5))
def test_nothing_that_anybody_sends_stops_it(sent: list[tuple[str, bytes]]) -> None:
    vitals = Vitals()
    vitals.load_places([row("d1", "s1")])
    admission = Admission(vitals, Seen(), foreign=Foreign(SOURCES))
    opened = [admission.open(Received(*one), START_MS * MS) for one in sent]
    admitted = admission.admit(opened, START_MS * MS)
    assert len(admitted.batch) >= len(sent)
    assert np.isin(admitted.batch.verdict, [int(verdict) for verdict in Verdict]).all()


class Twin:
    """Merging, slowly: of each series and time the value that was told last for the first time."""

    def __init__(self) -> None:
        self.told: dict[tuple[str, int], list[float]] = {}
        self.counts: Counter[str] = Counter()

    def take(self, device: str, minute: int, value: float) -> None:
        values = self.told.setdefault((device, minute), [])
        if value in values:
            self.counts["duplicate"] += 1
            return
        self.counts["conflict"] += bool(values)
        self.counts["counted"] += not values
        values.append(value)


@settings(max_examples=10, deadline=None)
@given(
    st.lists(st.tuples(
        st.sampled_from(("d1", "d2")), st.sampled_from((0, 1, 2, 90, 1500, 11_000)),
        st.sampled_from((1.0, 2.0, 3.0)),
    ), min_size=1, max_size=40),
    st.sets(st.integers(0, 40), max_size=4), st.integers(1, 5),
)
def test_merging_is_that_of_the_slow_twin_over_batches_and_kills(
    sent: list[tuple[str, int, float]], kills: set[int], size: int
) -> None:
    twin = Twin()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        line = line_of(folder, "d1", "d2")
        for first in range(0, len(sent), size):
            now_ms = START_MS + first
            opened = []
            for device, minute, value in sent[first : first + size]:
                twin.take(device, minute, value)
                body = json.dumps({"pm": value, "at": START_MS - minute * MINUTE_MS}).encode()
                opened.append(line.admission.open(Received(f"z/{device}", body), now_ms * MS))
            line.take(opened, now_ms * MS)
            if first in kills:
                abandon(line)
                line = line_of(folder)
        counts = line.verdicts()
        assert counts["applied"] + counts["late"] == twin.counts["counted"]
        assert counts["duplicate"] == twin.counts["duplicate"]
        assert counts["conflict"] == twin.counts["conflict"]
        assert sum(counts.values()) == len(sent)
        assert accounted(line).tolist() == line.counts.tolist()
        registry = line.vitals.registry
        stands = {(registry.devices[registry.series[slot].device], minute): value
                  for slot, minute, value in last_values(line)}
        assert stands == {key: values[-1] for key, values in twin.told.items()}
        line.close()


def last_values(line: Line) -> list[tuple[int, int, float]]:
    """Slot, minutes before the start, and value of what stands, by the archive."""
    line.archive.flush()
    found: dict[tuple[int, int], float] = {}
    for record in read(line.archive.folder):
        if record.kind == Kind.BATCH:
            batch = record.batch()
            for k in np.nonzero(batch.verdict <= Verdict.LATE)[0].tolist():
                minute = (START_MS - int(batch.time_ns[k]) // MS) // MINUTE_MS
                found[int(batch.slot[k]), minute] = float(batch.value[k])
    return [(*key, value) for key, value in found.items()]


PAGE = (Path(__file__).parents[1] / "docs" / "foreign.md").read_text()
RECIPES = re.findall(r"```toml\n(.*?)```\n\n```text\n(\S+) (.*?)\n```", PAGE, re.DOTALL)


@pytest.mark.parametrize(("table", "topic", "payload"), RECIPES, ids=[one[1] for one in RECIPES])
def test_the_recipes_of_the_page_read_what_stands_below_them(
    tmp_path: Path, table: str, topic: str, payload: str
) -> None:
    (tmp_path / "ingest.toml").write_text(table)
    foreign = Foreign(load(tmp_path / "ingest.toml", IngestSettings).foreign)
    told = foreign.read(Received(topic, payload.encode()), START_MS * MS)
    assert told is not None
    assert told.refused is None
    assert told.readings
    assert {one.verdict for one in told.readings} == {V.APPLIED}


def test_every_recipe_is_tried() -> None:
    assert len(RECIPES) == PAGE.count("[[foreign]]\n") >= 7
