"""Every reading gets its one verdict; what is not admitted is kept aside with its bytes."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge import wire
from edge.places import PlaceKey
from edge.verdicts import Verdict
from engine import registry
from engine.batch import Batch
from engine.vitals import HORIZON_NS, Vitals
from ingest.admission import NO_READING, Admission, Admitted, Opened, opened
from ingest.intervals import Seen
from ingest.judging import FUTURE_MAX_NS
from ingest.messages import Received
from tests.hostile import PAYLOADS, RELAXED, TOPICS
from tests.line_city import MINUTE_MS, MS, ROWS, START_MS, body, labels, message, single, topic

V = Verdict
FUTURE_MS = FUTURE_MAX_NS // MS
HORIZON_MS = HORIZON_NS // MS


@pytest.fixture
def admission() -> Admission:
    vitals = Vitals()
    vitals.load_places(ROWS)
    return Admission(vitals, Seen())


def admit(admission: Admission, *messages: Opened) -> Admitted:
    return admission.admit(messages, START_MS * MS)


def given_to(admission: Admission, payload: bytes, device: str = "d1") -> list[int]:
    """The verdicts of the rows of one message."""
    verdicts: list[int] = admit(admission, message(device, payload)).batch.verdict.tolist()
    return verdicts


@pytest.mark.parametrize(("payload", "verdict"), [
    (single(1), V.APPLIED),
    (b"{nonsense", V.REFUSED_UNPARSABLE),
    (b"x" * 65_537, V.REFUSED_OVERSIZED),
    (body(q="pm25", t=START_MS, v="12"), V.REFUSED_TYPE),
    (body(q="pm25", t=START_MS, v=None), V.REFUSED_NOT_A_NUMBER),
    (body(q="pm25", t=START_MS, v=math.nan), V.REFUSED_NOT_A_NUMBER),
    (body(q="no2", t=START_MS, v=1e308, u="ppm"), V.REFUSED_NOT_A_NUMBER),
    (body(q="pm25", t=START_MS, v=1000.5), V.REFUSED_IMPOSSIBLE),
    (body(q="pm25", t=START_MS, v=-15.5), V.REFUSED_IMPOSSIBLE),
    (body(q="soot", t=START_MS, v=1), V.REFUSED_QUANTITY),
    (body(q="pm25", t=START_MS, v=1, u="ppb"), V.REFUSED_UNIT),
    (body(q="pm25", t=START_MS, v=1, n="x"), V.REFUSED_TYPE),
    (body(q="pm25", t=START_MS, v=1, n=-2), V.REFUSED_TYPE),
    (body(q="pm25", t=946_684_800_000, v=1), V.TOO_LATE),
    (body(q="pm25", t=START_MS + FUTURE_MS, v=1), V.APPLIED),
    (body(q="pm25", t=START_MS + FUTURE_MS + 1, v=1), V.HELD_FUTURE),
    (body(q="pm25", t=START_MS - HORIZON_MS, v=1), V.APPLIED),
    (body(q="pm25", t=START_MS - HORIZON_MS - 1, v=1), V.TOO_LATE),
    (body(ev="interruption", t=START_MS), V.APPLIED),
    (body(r=START_MS), NO_READING),
])
def test_each_kind_of_reading_has_its_verdict(
    admission: Admission, payload: bytes, verdict: int
) -> None:
    admitted = admit(admission, message("d1", payload))
    assert admitted.batch.verdict.tolist() == [verdict]
    refused = verdict != NO_READING and Verdict(verdict).label.startswith("refused")
    letters = [(row.reason, row.topic, row.payload, row.at_ms) for row in admitted.dead]
    expected = [(Verdict(verdict).label, topic("d1"), payload, START_MS)] if refused else []
    assert letters == expected
    assert len(admitted.held) == (verdict == V.HELD_FUTURE)


def test_a_topic_that_is_not_ours(admission: Admission) -> None:
    for name in ("cv/1/r/porto/centre/s1", "cv/1/r/porto/centre/s1/d1/x", "cv/1/r/p o/c/s/d", ""):
        strange = opened(Received(name, single(1)), START_MS * MS)
        admitted = admit(admission, strange)
        assert admitted.batch.verdict.tolist() == [V.REFUSED_TOPIC]
        assert (admitted.dead[0].topic, admitted.dead[0].payload) == (name, single(1))
        assert not admitted.acks


def test_an_unknown_device_is_held_whole_with_its_bytes(admission: Admission) -> None:
    payload = body(t=START_MS, m={"pm25": 1, "soot": 2, "no2": None})
    admitted = admit(admission, message("d9", payload))
    assert admitted.batch.verdict.tolist() == [V.HELD_UNKNOWN] * 3
    assert not admitted.dead
    [held] = admitted.held
    assert held == ("d9", 1, 1, topic("d9"), payload, 3, START_MS * MS, 0)
    assert given_to(admission, payload, "d9") == [V.DUPLICATE] * 3
    # What cannot be read is not held: it would not be read later either.
    assert given_to(admission, body(2, q="pm25", t="x"), "d9") == [V.REFUSED_TYPE]


def test_good_readings_of_a_device_block_are_applied(admission: Admission) -> None:
    values = {"pm25": 12.5, "no2": None, "o3": 5000, "soot": 1, "temp": 20}
    admitted = admit(admission, message("d1", body(t=START_MS, m=values)))
    assert admitted.batch.verdict.tolist() == [
        V.APPLIED, V.REFUSED_NOT_A_NUMBER, V.REFUSED_IMPOSSIBLE, V.REFUSED_QUANTITY, V.APPLIED,
    ]
    assert (admitted.batch.slot >= 0).tolist() == [True, False, False, False, True]
    assert [row.reason for row in admitted.dead] == [
        "refused_not_a_number", "refused_impossible", "refused_quantity",
    ]


def test_one_dead_letter_a_message_and_reason(admission: Admission) -> None:
    block = body(q="pm25", t0=START_MS, dt=[0, 1, 2, 3], v=[5000, 5000, None, None])
    assert [row.reason for row in admit(admission, message("d1", block)).dead] == [
        "refused_impossible", "refused_not_a_number",
    ]


def test_flags_of_implausible_values(admission: Admission) -> None:
    values = {"pm25": 501, "pm10": 10}
    batch = admit(admission, message("d1", body(t=START_MS, m=values))).batch
    assert batch.flag.tolist() == [3, 1]
    for number, (given_flag, kept) in enumerate([(2, 3), (1, 3), (3, 3), (4, 4), (9, 9)], 2):
        payload = body(number, q="pm25", t=START_MS, v=501, f=given_flag)
        assert admit(admission, message("d1", payload)).batch.flag.tolist() == [kept]
    plain = body(9, q="pm25", t=START_MS, v=5, f=2)
    assert admit(admission, message("d1", plain)).batch.flag.tolist() == [2]


def test_late_is_what_comes_after_its_window_closed(admission: Admission) -> None:
    vitals = admission.vitals
    vitals.apply(admit(admission, message("d1", single(1))).batch)
    closed_ms = START_MS + 60 * MINUTE_MS
    vitals.tick((closed_ms + 2 * MINUTE_MS) * MS, with_open=False)
    assert vitals.series.closed_ns[0] == closed_ms * MS
    for number, (time_ms, verdict) in enumerate([
        (closed_ms - 1, V.LATE), (closed_ms, V.APPLIED), (closed_ms + 1, V.APPLIED),
    ], 2):
        later = message("d1", single(number, time_ms=time_ms), closed_ms + 2 * MINUTE_MS)
        assert admit(admission, later).batch.verdict.tolist() == [verdict]


def test_duplicates_are_told_by_device_epoch_and_number(admission: Admission) -> None:
    assert given_to(admission, single(1)) == [V.APPLIED]
    assert given_to(admission, single(1)) == [V.DUPLICATE]
    assert given_to(admission, single(1, epoch=2)) == [V.APPLIED]
    assert given_to(admission, single(1), "d2") == [V.APPLIED]
    assert given_to(admission, single(2)) == [V.APPLIED]
    both = [message("d3", single(1)), message("d3", single(1))]
    assert admit(admission, *both).batch.verdict.tolist() == [V.APPLIED, V.DUPLICATE]


def test_acknowledges_duplicates_refusals_and_clocks(admission: Admission) -> None:
    for number, payload in enumerate([
        single(1), single(1), body(1, q="pm25", t="x", v=1), body(1, r=5), body(1, t=1, m={}),
    ]):
        assert admit(admission, message("d1", payload)).acks == {(0, 1)}, number
    assert not admit(admission, message("d1", b"nonsense")).acks
    assert given_to(admission, body(2, q="pm25", t="x", v=1)) == [V.REFUSED_TYPE]
    assert given_to(admission, body(3, r=START_MS)) == [NO_READING]
    assert admission.seen.contiguous(0, 1) == 3


def test_dropped_ranges_are_seen_and_counted_once(admission: Admission) -> None:
    assert given_to(admission, single(3)) == [V.APPLIED]
    report = wire.encode_drop(1, 9, [(1, 1, 5), (7, 2, 2)])
    admitted = admit(admission, message("d1", report))
    assert admitted.batch.verdict.tolist() == [V.DROPPED_OUTBOX, V.DROPPED_OUTBOX, NO_READING]
    assert admitted.batch.value.tolist()[:2] == [4, 1]
    assert admitted.batch.epoch.tolist() == [1, 7, 1]
    assert admitted.batch.seq.tolist() == [1, 2, 9]
    assert admitted.acks == {(0, 1), (0, 7)}
    assert admission.seen.contiguous(0, 1) == 5
    again = admit(admission, message("d1", wire.encode_drop(1, 10, [(1, 1, 5)])))
    assert again.batch.value.tolist()[:1] == [0]
    assert given_to(admission, body(11, drop=[[1, 5, 2]])) == [V.REFUSED_TYPE]
    # An unknown device that drops must not wait for its acknowledgement until it is placed.
    held = admit(admission, message("d9", wire.encode_drop(1, 2, [(1, 1, 1)])))
    assert not held.held
    assert admission.seen.contiguous(int(held.batch.device[0]), 1) == 2


def test_future_readings_of_a_device_block_are_held_one_by_one(admission: Admission) -> None:
    ahead = START_MS + 3_600_000
    payload = body(q="temp", t0=START_MS, dt=[0, ahead - START_MS, ahead - START_MS],
                   v=[300, 301, 301], u="K", ch="a")
    admitted = admit(admission, message("d1", payload))
    assert admitted.batch.verdict.tolist() == [V.APPLIED, V.HELD_FUTURE, V.HELD_FUTURE]
    assert len(admitted.held) == 2
    for held in admitted.held:
        assert held.due_ns == (ahead - FUTURE_MS) * MS
        again = wire.decode(held.payload)
        assert (again.e, again.s, again.q, again.t, again.ch) == (1, 1, "temp", ahead, "a")
        assert again.v == pytest.approx(27.85)
    released = admission.admit(
        [Opened(Received(h.topic, h.payload), wire.decode(h.payload), ahead * MS)
         for h in admitted.held], ahead * MS, again=True,
    )
    assert released.batch.verdict.tolist() == [V.APPLIED, V.APPLIED]
    assert released.batch.value.tolist() == [pytest.approx(27.85)] * 2


def test_devices_at_their_limit(admission: Admission, monkeypatch: pytest.MonkeyPatch) -> None:
    assert given_to(admission, single(1)) == [V.APPLIED]
    monkeypatch.setattr(registry, "DEVICES_MAX", 1)
    assert given_to(admission, single(1), "d2") == [V.REFUSED_BOUND]
    assert given_to(admission, single(2)) == [V.APPLIED]


def test_series_at_their_limit(admission: Admission, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "SERIES_MAX", 2)
    values = {"pm25": 1, "no2": 1, "o3": 1}
    assert given_to(admission, body(t=START_MS, m=values)) == [
        V.APPLIED, V.APPLIED, V.REFUSED_BOUND,
    ]
    assert given_to(admission, single(2)) == [V.APPLIED]


def test_a_dated_row_decides_the_series(admission: Admission) -> None:
    moved_ms = START_MS - 10 * MINUTE_MS
    rows = [*ROWS, ROWS[0].__class__(**{
        **{name: getattr(ROWS[0], name) for name in ROWS[0].__slots__},
        "valid_from_ms": moved_ms, "station": "s8",
    })]
    admission.vitals.load_places(sorted(rows, key=lambda row: row.valid_from_ms))
    admission.forget_slots()
    batch = admit(
        admission, message("d1", single(1, time_ms=moved_ms - 1)),
        message("d1", single(2, time_ms=moved_ms)), message("d1", single(3, time_ms=START_MS)),
    ).batch
    keys = [admission.vitals.registry.keys[admission.vitals.registry.series[slot].place]
            for slot in batch.slot.tolist()]
    assert keys == [PlaceKey("porto", "centre", name) for name in ("s1", "s8", "s8")]


@RELAXED
@given(st.lists(st.tuples(TOPICS, PAYLOADS), max_size=12))
def test_every_message_ends_in_verdicts_whatever_it_holds(
    sent: list[tuple[str, bytes]]
) -> None:
    vitals = Vitals()
    vitals.load_places(ROWS[:2])
    admission = Admission(vitals, Seen())
    messages = [opened(Received(name, payload), START_MS * MS) for name, payload in sent]
    batch: Batch = admission.admit(messages, START_MS * MS).batch
    known = {*map(int, Verdict), NO_READING}
    assert set(batch.verdict.tolist()) <= known
    assert len(batch) >= len(sent)
    vitals.apply(batch.take((batch.slot >= 0) & (batch.verdict <= V.LATE)))
    assert np.isfinite(batch.value[batch.verdict == V.LATE]).all()
    again = admission.admit(messages, START_MS * MS).batch
    counted = Counter(again.verdict[again.device >= 0].tolist())
    # What showed its number is taken in: the second time nothing of it is applied.
    assert not counted[V.APPLIED], labels({V(k): n for k, n in counted.items() if k in set(V)})
