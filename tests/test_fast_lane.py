"""The fast lane says of every message what the general path says, column by column, bit by bit."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.quantities import QUANTITIES
from edge.verdicts import Verdict
from engine.batch import DTYPES
from engine.vitals import Vitals
from ingest import admission as admission_module
from ingest import fast_lane
from ingest.admission import Admission, Admitted, Opened
from ingest.fast_lane import FastLane, judge_rows, number_messages
from ingest.intervals import Seen
from ingest.messages import read
from ingest.scan import MESSAGE, Scanner
from tests.line_city import MS, START_MS, row, topic
from tests.mqtt_frames import frames, publish, received

NOW_NS = START_MS * MS
DEVICES = ["d1", "d2", "d3", "d8", "d9"]  # the last two are strangers


class Two:
    """Two cities that are told the same: one on the general path, one on the fast lane."""

    def __init__(self, *, session: int = 1) -> None:
        self.general, self.fast = (self._made() for _ in range(2))
        self.lane = FastLane(self.fast)
        self.scanner = Scanner(self.fast.known)
        self.session = session
        self.quick = 0

    @staticmethod
    def _made() -> Admission:
        vitals = Vitals(60)
        vitals.load_places([
            row("d1", "s1"), row("d2", "s2"), row("d3", "s3"),
            row("d3", "s4", since_ms=START_MS - 50_000),
        ])
        return Admission(vitals, Seen())

    def tell(self, parts: Sequence[bytes], now_ns: int = NOW_NS) -> tuple[Admitted, Admitted]:
        """Both outcomes of one batch of frames, after all of state was compared."""
        opened = [received(part, self.session) for part in parts]
        slow = self.general.admit(
            [Opened(one, read(one.payload), now_ns) for one in opened], now_ns)
        scanned, at = self.scanner.scan(frames(*parts, session=self.session))
        assert at == len(b"".join(parts))
        assert [scanned.received(k) for k in range(len(parts))] == opened
        self.quick += int((scanned.messages["rows"] > 0).sum())
        quick = self.lane.admit(scanned, now_ns)
        self.compare(slow, quick)
        return slow, quick

    def compare(self, slow: Admitted, quick: Admitted) -> None:
        for name in DTYPES:
            a, b = getattr(slow.batch, name), getattr(quick.batch, name)
            assert a.tobytes() == b.astype(a.dtype).tobytes(), (name, a, b)
            assert b.dtype == DTYPES[name]
        assert (slow.held, slow.dead, slow.events) == (quick.held, quick.dead, quick.events)
        assert slow.acks == quick.acks
        assert [d[1:] for d in slow.drops] == [d[1:] for d in quick.drops]
        assert self.general.seen.dump() == self.fast.seen.dump()
        for admission in (self.general, self.fast):
            assert admission.vitals.registry.dump() == self.general.vitals.registry.dump()
        assert self.general.clocks.offsets() == self.fast.clocks.offsets()


VALUES = st.one_of(
    st.floats(-20, 1200).map(lambda x: f"{x:.3f}"),
    st.integers(-10**15, 10**15).map(str),
    st.tuples(st.integers(0, 10**8), st.integers(0, 10**7)).map(lambda t: f"{t[0]}.{t[1]}"),
    st.sampled_from(["0", "-0", "0.0", "-0.0", "1e2", "1E-3", "12.", ".5", "01", "+1", "null",
                     "NaN", "true", '"1"', "1.7976931348623157e308", "1e999", "[]", "{}",
                     "0.30000000000000004", "123456789012345", "1234567890123456",
                     "12345678.1234567", "0.000000000000001", "9007199254740993"]),
)
TIMES = st.one_of(
    st.integers(START_MS - 100_000, START_MS),
    st.sampled_from([START_MS + 300_000, START_MS + 300_001, START_MS - 8 * 86_400_000,
                     START_MS - 8 * 86_400_000 - 1, 0, -5, 946_684_799_999, 946_684_800_000,
                     -62_135_596_800_000, 9_000_000_000_000, 8_999_999_999_999]),
).map(str)
KEYS = {
    "q": st.sampled_from(['"pm25"', '"no2"', '"energy"', '"speed"', '"nope"', '"pm\\u0032"',
                          '"occupancy"', "7", "null"]),
    "t": TIMES, "v": VALUES,
    "u": st.sampled_from(['"ug/m3"', '"µg/m3"', '"mg/m3"', '"ppm"', '"K"', '"mph"', '"x"', "null"]),
    "ch": st.sampled_from(['"l1"', '"L1"', '""', '"' + "a" * 16 + '"', '"' + "a" * 17 + '"',
                           '"é"', '"a b"', "null"]),
    "f": st.sampled_from(["1", "2", "3", "4", "9", "0", "5", "1.0", "null"]),
    "r": st.sampled_from(["1", "-1", "9000000000000", "null"]),
    "x": st.sampled_from(['"free"', "[1,2]", '{"a":1}', "true", "nul", "null", "-1.5", '"é"',
                          '"\\n"']),
    "n": TIMES, "ev": st.just('"interruption"'), "id": st.just('"7"'), "end": TIMES,
    "customers": st.just("120"), "drop": st.just("[[1,5,6]]"),
}
BLANKS = st.sampled_from(["", "", "", " ", "\n\t"])


PLAIN = {
    "q": st.sampled_from(['"pm25"', '"no2"', '"energy"', '"occupancy"']),
    "t": st.integers(START_MS - 100_000, START_MS + 299_999).map(str),
    "v": st.tuples(st.integers(-99, 10**6), st.integers(0, 10**6)).map(lambda t: f"{t[0]}.{t[1]}"),
    "u": st.sampled_from(['"ug/m3"', '"ppb"', '"kWh"', '"1"']),
    "ch": st.just('"l1"'), "f": st.sampled_from("12349"), "r": st.just("5"), "x": st.just('"y"'),
}


@st.composite
def payloads(draw: st.DrawFn, number: int) -> bytes:
    """A payload near our format: mostly right, sometimes with whatever JSON can do wrong."""
    odd = draw(st.integers(0, 2)) == 0
    of = KEYS if odd else PLAIN
    numbers = [str(number)] * 6 + ([str(number + 3), "1", "0", "1.0"] if odd else [])
    keys = {"e": draw(st.sampled_from(["1"] * 5 + (["2", "-1"] if odd else []))),
            "s": draw(st.sampled_from(numbers))}
    shape = draw(st.sampled_from(["single", "single", "block", "device"] + ["other"] * odd))
    for name in {"single": "qtv", "block": "q", "device": "t", "other": ""}[shape]:
        keys[name] = draw(of[name])
    if shape == "block":
        count = draw(st.integers(1 - odd, 5))
        offsets = ["0", "-7", "9", "1.5"] if odd else ["-3", "1", "0"]
        offsets = [draw(st.sampled_from(offsets)) for _ in range(count)]
        values = [draw(of["v"]) for _ in range(count + odd * draw(st.integers(0, 9)) // 9)]
        keys |= {"t0": draw(of["t"]), "dt": f"[{','.join(offsets)}]", "v": f"[{', '.join(values)}]"}
    if shape == "device":
        names = draw(st.lists(st.sampled_from([*QUANTITIES, *(["nope", "pm25"] * odd)]),
                              max_size=4, unique=not odd))
        keys["m"] = "{" + ",".join(f'"{name}":{draw(of["v"])}' for name in names) + "}"
    extra = sorted(KEYS) if odd else ["u", "x", "r", "f", "ch"]
    for name in draw(st.lists(st.sampled_from(extra), max_size=2)):
        keys.setdefault(name, draw(of[name]))
    items = draw(st.permutations(list(keys.items())))
    if odd and draw(st.integers(0, 9)) == 0:
        items = [*items, items[0]]
    space = draw(BLANKS)
    text = f"{space},{space}".join(f'"{name}"{space}:{space}{value}' for name, value in items)
    raw = f"{space}{{{space}{text}{space}}}{space}".encode()
    return raw[: draw(st.integers(0, 40))] if odd and draw(st.integers(0, 9)) == 0 else raw


@st.composite
def batches(draw: st.DrawFn) -> list[list[bytes]]:
    """Some batches of frames of some devices."""
    numbers: dict[str, int] = {}
    out = []
    for _ in range(draw(st.integers(1, 4))):
        batch = []
        for _ in range(draw(st.integers(1, 8))):
            device = draw(st.sampled_from(DEVICES))
            numbers[device] = numbers.get(device, 0) + 1
            name = draw(st.sampled_from([topic(device)] * 12 + ["cv/1/r/a", "cv/1/r/a/b/c/d1"]))
            batch.append(publish(
                name, draw(payloads(numbers[device])), mid=draw(st.integers(0, 3)),
                dup=draw(st.booleans()), retain=draw(st.booleans())))
        out.append(batch)
    return out


@given(batches())
@settings(max_examples=60, deadline=None)
def test_both_paths_agree_on_every_input(told: list[list[bytes]]) -> None:
    two = Two()
    two.tell(warm())
    for batch in told:
        two.tell(batch)


def warm() -> list[bytes]:
    """Messages of another epoch, which make topics and series known."""
    out = []
    for device in DEVICES[:3]:
        for n, name in enumerate(QUANTITIES, 1):
            out.append(publish(topic(device), single(n, q=name, e=9)))
            out.append(publish(topic(device), single(n + 50, q=name, e=9, t=START_MS - 99_000)))
        out.append(publish(topic(device), single(90, ch="l1", e=9)))
    return out


def single(number: int, *, e: int = 1, q: str = "pm25", t: int = START_MS, v: Any = 12.5,
           **keys: Any) -> bytes:
    return json.dumps({"e": e, "s": number, "q": q, "t": t, "v": v, **keys}).encode()


def test_the_three_shapes_are_fast_once_their_series_are_known() -> None:
    two = Two()
    two.tell(warm())
    before = two.quick
    block = {"e": 1, "s": 2, "q": "no2", "t0": START_MS - 5000, "dt": [0, 1000], "v": [1, 2.5]}
    parts = [
        publish(topic("d1"), single(1, u="mg/m3", v=0.0125)),
        publish(topic("d1"), json.dumps(block).encode(), mid=7),
        publish(topic("d1"), json.dumps(
            {"m": {"pm25": 1.5, "temp": -3}, "t": START_MS, "s": 3, "e": 1, "f": 2}).encode()),
        publish(topic("d3"), single(1, t=START_MS - 60_000)),  # while it was at its first station
        publish(topic("d3"), single(2, ch="l1")),
        publish(topic("d1"), single(3)),  # its number was told by the device block
    ]
    _, quick = two.tell(parts)
    assert two.quick == before + 6
    assert quick.batch.value.tolist() == [12.5, 1, 2.5, 1.5, -3, 12.5, 12.5, 12.5]
    assert quick.batch.verdict.tolist() == [0] * 7 + [Verdict.DUPLICATE]
    assert quick.acks == {(0, 1)}
    keys = two.fast.vitals.registry.series
    assert keys[quick.batch.slot[5]].place != keys[quick.batch.slot[6]].place


@pytest.mark.parametrize("text", [
    "0.1", "0.3", "2.675", "1.005", "123456.789012345", "99999999999999.9", "4.35", "0.000001",
    "999999999999999", "8.41", "1024.0000000001",
])
def test_numbers_are_equal_to_the_last_bit(text: str) -> None:
    two = Two()
    two.tell(warm())
    before = two.quick
    raw = f'{{"e":1,"s":1,"q":"power","t":{START_MS},"v":{text}}}'.encode()
    _, quick = two.tell([publish(topic("d1"), raw)])
    assert two.quick == before + 1
    assert float(quick.batch.value[0]).hex() == float(text).hex()


def test_numbers_that_are_not_next_are_asked_for_and_remembered() -> None:
    two = Two()
    two.tell(warm())
    order = [5, 6, 7, 6, 1, 2, 3, 4, 8, 7, 20, 21, 8, 22, 19]
    parts = [publish(topic("d1"), single(n, t=START_MS - k), mid=1) for k, n in enumerate(order)]
    _, quick = two.tell(parts)
    known: set[int] = set()
    for k, number in enumerate(order):
        assert (quick.batch.verdict[k] == Verdict.DUPLICATE) == (number in known)
        known.add(number)
    assert two.fast.seen.contiguous(0, 1) == 8
    assert two.fast.seen.add(0, 1, 9, 18) == 10
    assert two.fast.seen.contiguous(0, 1) == 22


def test_places_that_change_make_the_tables_begin_anew() -> None:
    two = Two()
    two.tell(warm())
    moved = [row("d1", "s7"), row("d2", "s2")]
    for admission in (two.general, two.fast):
        admission.vitals.load_places(moved)
        admission.forget_slots()
    before = two.quick
    for number in (1, 2):
        _, quick = two.tell([publish(topic(d), single(number)) for d in ("d1", "d2", "d3")])
    assert two.quick == before + 2  # d3 is no longer placed, the others are known again
    series = two.fast.vitals.registry.series[quick.batch.slot[0]]
    assert two.fast.vitals.registry.keys[series.place].station == "s7"
    assert quick.batch.verdict.tolist() == [0, 0, Verdict.HELD_UNKNOWN]


def test_late_readings_are_told_as_on_the_general_path() -> None:
    two = Two()
    two.tell(warm())
    for admission in (two.general, two.fast):
        admission.vitals.fit()
        admission.vitals.series.closed_ns[:] = NOW_NS - 10 * MS
    _, quick = two.tell([publish(topic("d1"), single(k, t=START_MS - 12 + k)) for k in (1, 2, 3)])
    assert quick.batch.verdict.tolist() == [Verdict.LATE, Verdict.APPLIED, Verdict.APPLIED]


def test_kernels_are_what_the_lane_calls() -> None:
    assert fast_lane.number_messages is number_messages
    none = np.zeros(0, MESSAGE)
    empty = np.zeros(0, np.int64)
    assert number_messages(
        none, 0, np.zeros((0, 4), np.int64), np.zeros(0, np.bool_), np.zeros((1, 2), np.int64),
        np.zeros(0, np.int32)) == 0
    assert judge_rows(
        none, np.zeros(0, np.bool_), 0, empty.astype(np.int32), empty.astype(np.int32), empty,
        empty.astype(np.float64), Vitals().series.table, empty.astype(np.int32),
        empty.astype(np.uint8), empty.astype(np.int32), empty, empty, empty.astype(np.uint8),
        empty.astype(np.bool_)) == 0


def test_what_is_not_known_yet_is_learned_from_few_messages(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    two, slow = Two(), list[bytes]()

    def counted(payload: bytes) -> Any:
        slow.append(payload)
        return read(payload)

    monkeypatch.setattr(admission_module, "read", counted)
    parts = [
        publish(topic(device), json.dumps(
            {"e": 1, "s": n, "q": "pm25", "t": START_MS + n, "v": n / 10}).encode())
        for n in range(1, 1001) for device in ("d1", "d2", "d3")
    ]
    given = list(two.lane.batches(frames(*parts), NOW_NS))
    assert len(slow) == fast_lane.LEARN_MESSAGES
    lengths = [len(admitted.batch) for admitted in given]
    assert (lengths[:4], sum(lengths)) == ([256, 256, 512, 1024], 3000)
    opened = [received(part, 1) for part in parts]
    wanted = two.general.admit([Opened(one, read(one.payload), NOW_NS) for one in opened], NOW_NS)
    for name in DTYPES:
        found = np.concatenate([getattr(admitted.batch, name) for admitted in given])
        assert found.tobytes() == getattr(wanted.batch, name).tobytes(), name
