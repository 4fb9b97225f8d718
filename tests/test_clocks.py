"""Clocks of devices: what is not set is placed, what is off is told, and harms only itself."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.verdicts import Verdict
from engine.batch import Batch
from engine.vitals import Vitals
from ingest import clocks
from ingest.admission import Admission, Admitted
from ingest.archive import Kind, read
from ingest.clocks import NO_READING, SET, Clocks, Offset, with_said
from ingest.intervals import Seen
from ingest.line import Line
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
    verdicts,
    write_places,
)

DAY_MS = 1440 * MINUTE_MS
YEAR_1_MS = -62_135_596_800_000


def admission_of() -> Admission:
    vitals = Vitals()
    vitals.load_places(ROWS)
    return Admission(vitals, Seen())


def admit(admission: Admission, payloads: list[bytes], received_ms: int = START_MS) -> Admitted:
    """Admit messages of d1 as one batch, and take note of them as the line does."""
    got = admission.admit([message("d1", p, received_ms) for p in payloads], received_ms * MS)
    admission.clocks.learn(got.batch)
    return got


def times(admitted: Admitted) -> list[int]:
    """Times of the readings, in ms after START."""
    batch = admitted.batch
    return [
        round(ns / MS) - START_MS
        for ns in batch.time_ns[batch.verdict != NO_READING].tolist()
    ]


def unset(number: int, time_ms: int, **keys: int) -> bytes:
    return body(number, q="pm25", t=time_ms, v=12.5, **keys)


@pytest.mark.parametrize("begins_ms", [0, YEAR_1_MS, -4_000_000_000_000, 86_400_000 * 10_000])
def test_a_backlog_of_a_clock_that_is_not_set_keeps_its_spacing(begins_ms: int) -> None:
    got = admit(admission_of(), [
        unset(number, begins_ms + at_ms) for number, at_ms in enumerate([0, 60_000, 180_000], 1)
    ])
    assert times(got) == [-180_000, -120_000, 0]
    readings = got.batch.verdict != NO_READING
    assert got.batch.verdict[readings].tolist() == [Verdict.APPLIED] * 3
    assert got.batch.flag[readings].tolist() == [3, 3, 3]


def test_the_archive_says_what_the_clock_had_shown() -> None:
    batch = admit(admission_of(), [single(1), unset(2, 5_000), unset(3, 65_000)]).batch
    assert batch.verdict.tolist() == [0, 0, 0, NO_READING, NO_READING]
    assert batch.slot.tolist()[3:] == [-2 - 1, -2 - 2]
    assert batch.time_ns.tolist()[3:] == [5_000 * MS, 65_000 * MS]
    assert batch.value.tolist()[3:] == [START_MS - 65_000] * 2
    assert batch.seq.tolist() == [1, 2, 3, 2, 3]


def test_it_is_placed_by_what_the_clock_showed_when_the_message_was_sent() -> None:
    """So a long backlog is placed right before its newest message has come."""
    admission = admission_of()
    got = admit(admission, [unset(1, 1000, n=100_000), unset(2, 2000, n=100_000)])
    assert times(got) == [-99_000, -98_000]
    # The network held this one up for 20 s: the offset is the least that was seen.
    late = admit(admission, [unset(3, 101_000, n=101_000)], START_MS + 21_000)
    assert times(late) == [1_000]
    # A time that looks true is not believed either, if the message says so.
    fake = admit(admission_of(), [unset(1, START_MS - DAY_MS, n=START_MS - DAY_MS + 500)])
    assert times(fake) == [-500]
    unknown = admit(admission_of(), [unset(1, START_MS - DAY_MS, n=-1)])
    assert times(unknown) == [0]


def test_a_restart_of_the_clock_begins_a_new_stretch() -> None:
    got = admit(admission_of(), [
        unset(1, 500_000), unset(2, 560_000), unset(3, 1_000), unset(4, 61_000),
    ])
    assert times(got) == [-120_001, -60_001, -60_000, 0]


def test_what_comes_after_the_clock_was_set_bounds_what_was_before() -> None:
    """Three readings without a clock, then NTP, and the network an hour later."""
    set_ms = START_MS - 60 * MINUTE_MS
    got = admit(admission_of(), [
        unset(1, 10_000), unset(2, 20_000), unset(3, 30_000), single(4, time_ms=set_ms),
    ])
    assert times(got) == [-3_620_000, -3_610_000, -3_600_000, -3_600_000]
    fast = admit(admission_of(), [unset(1, 10_000), single(2, time_ms=START_MS + DAY_MS)])
    assert times(fast)[0] == 0  # a clock that is ahead bounds nothing


def test_numbers_keep_their_order_over_batches() -> None:
    admission = admission_of()
    assert times(admit(admission, [unset(2, 60_000)])) == [0]
    # A minute older by its clock, and late: it stays before its successor.
    assert times(admit(admission, [unset(1, 0)], START_MS + 500_000)) == [-60_000]
    assert times(admit(admission, [unset(3, 90_000)], START_MS + 600_000)) == [30_000]
    # It turns out that all travelled for a while: what was said stays, what comes fits.
    assert times(admit(admission, [unset(4, 700_000)], START_MS + 610_000)) == [610_000]
    assert times(admit(admission, [unset(5, 700_000)], START_MS + 620_000)) == [610_000]


def test_a_clock_that_stands_still_gives_each_message_a_time_of_its_own() -> None:
    admission = admission_of()
    got = admit(admission, [unset(number, 0) for number in range(1, 6)])
    readings = got.batch.time_ns[got.batch.verdict != NO_READING]
    assert (readings - START_MS * MS).tolist() == [-4000, -3000, -2000, -1000, 0]


stretches = st.lists(st.tuples(st.integers(0, 400_000), st.integers(1, 4)), min_size=1, max_size=12)


@given(stretches, st.integers(-10**12, 10**11), st.lists(st.integers(0, 10**6), max_size=12))
def test_never_later_than_received_and_in_the_order_of_numbers(
    steps: list[tuple[int, int]], begins_ms: int, delays: list[int]
) -> None:
    admission = admission_of()
    number, clock_ms, received_ms, before_ms = 0, begins_ms, START_MS, -(1 << 62)
    for i, (step_ms, count) in enumerate(steps):
        received_ms += step_ms + (delays[i] if i < len(delays) else 0)
        payloads = []
        for _ in range(count):
            number, clock_ms = number + 1, clock_ms + step_ms
            payloads.append(unset(number, clock_ms))
        got = [START_MS + at for at in times(admit(admission, payloads, received_ms))]
        assert got == sorted(got)
        assert before_ms <= got[0]
        assert got[-1] <= received_ms
        before_ms = got[-1]


def test_times_at_the_limits_of_what_a_payload_may_say() -> None:
    for time_ms in (-8_999_999_999_999, -1, 946_684_799_999):
        assert times(admit(admission_of(), [unset(1, time_ms)])) == [0]
    assert times(admit(admission_of(), [unset(1, 946_684_800_000)])) == [946_684_800_000 - START_MS]
    # A receive time that is itself not true (a recording before its first) places nothing.
    got = admit(admission_of(), [unset(1, 0)], 0)
    assert got.batch.verdict.tolist() == [Verdict.REFUSED_TIME]


def test_a_replay_places_as_the_run_did_and_goes_on_so(tmp_path: Path) -> None:
    lines = []
    for name in ("whole", "cut"):
        (tmp_path / name).mkdir()
        write_places(tmp_path / name / "places.csv")
        line = line_of(tmp_path / name)
        for step in range(1, 9):
            if name == "cut" and step in (3, 5):
                if step == 3:
                    line.snapshot()
                abandon(line)
                line = line_of(tmp_path / name, whole=step == 5)
            at_ms = START_MS + step * 60_000 + (7_000 if step % 2 else 0)
            line.take([
                message("d1", unset(step, step * 60_000), at_ms),
                message("d2", single(step, time_ms=at_ms), at_ms),
                message("d9", unset(step, step * 60_000), at_ms),
            ], at_ms * MS)
            line.tick(at_ms * MS, with_open=False)
        write_places(tmp_path / name / "places.csv", [*ROWS, row("d9", "s9")])
        line.load_places(tmp_path / name / "places.csv", START_MS * MS)
        lines.append(line)
    whole, cut = lines
    assert whole.clocks.dump() == cut.clocks.dump()
    assert len(whole.clocks.dump()) == 2
    assert _rows(whole, tmp_path / "whole") == _rows(cut, tmp_path / "cut")
    np.testing.assert_array_equal(
        whole.vitals.panes.coarse[0][: len(whole.vitals.registry.series)],
        cut.vitals.panes.coarse[0][: len(cut.vitals.registry.series)],
    )
    for line in lines:
        line.close()


def _rows(line: Line, folder: Path) -> list[tuple[int, ...]]:
    kinds = (Kind.BATCH, Kind.RELEASE_UNKNOWN)
    line.archive.sync(0)
    batches = [r.batch() for r in read(folder / "ingest" / "archive") if r.kind in kinds]
    return [
        (int(b.device[k]), int(b.seq[k]), int(b.time_ns[k]), int(b.flag[k]), int(b.verdict[k]))
        for b in batches for k in range(len(b))
    ]


# ---- offsets


def watch(known: Clocks, device: int, delay_s: float, at_s: float) -> None:
    at_ns = round(at_s * 1e9) + START_MS * MS
    known.watch(
        np.array([device], np.int32), np.array([at_ns - round(delay_s * 1e9)], np.int64),
        np.array([at_ns], np.int64), np.ones(1, np.bool_),
    )


def test_the_offset_is_the_least_delay_and_a_backlog_does_not_move_it() -> None:
    known = Clocks()
    for second in range(10):
        watch(known, 3, 0.2, second)
        watch(known, 3, 7200 - second, second)
        watch(known, 1, -400.0, second)
    watch(known, 7, 90.0, 1)
    assert known.offsets() == [
        Offset(1, 400.0, "sure", 0), Offset(7, -90.0, "unsure", 0), Offset(3, -0.2, "sure", 0),
    ]


def test_the_offset_follows_a_clock_that_was_corrected() -> None:
    known = Clocks()
    for second in range(5):
        watch(known, 0, -400.0, second)
    for second in range(600, 1800, 200):
        watch(known, 0, 0.5, second)
    assert known.offsets() == [Offset(0, -0.5, "fair", 0)]


class Slow:
    """What is kept of one clock, written as it is said: the least delay of this window of ten
    minutes and of the one before, and how many arrivals were near each."""

    def __init__(self) -> None:
        self.rows: dict[int, dict[str, int]] = {}

    def take(self, heard: list[tuple[int, int]], now_ns: int) -> None:
        window = now_ns // clocks.WINDOW_NS
        for device in {device for device, _ in heard}:
            low = min(delay for other, delay in heard if other == device)
            row = self.rows.get(device, {})
            if row.get("window") != window:
                before = row if row.get("window") == window - 1 else {}
                row = {
                    "window": window, "low_ns": low, "near": 0,
                    "before_ns": before.get("low_ns", clocks.NEVER_NS),
                    "near_before": before.get("near", 0),
                }
            elif low < row["low_ns"] - clocks.NEAR_NS:
                row |= {"low_ns": low, "near": 0}
            row["low_ns"] = min(row["low_ns"], low)
            row["near"] += low <= row["low_ns"] + clocks.NEAR_NS
            self.rows[device] = row | {"heard_ns": now_ns}


@given(batches=st.lists(st.tuples(
    st.sampled_from([0, 1, 30, 599, 600, 1300]),
    st.lists(st.tuples(
        st.integers(0, 3), st.sampled_from([-90.0, -2.5, -2.0, -0.1, 0.0, 0.1, 1.9, 2.0, 7200.0]),
        st.booleans(),
    ), max_size=6),
), max_size=12))
def test_delays_are_kept_as_a_slow_reading_of_the_rule_keeps_them(
    batches: list[tuple[int, list[tuple[int, float, bool]]]],
) -> None:
    known, slow, now_ns = Clocks(), Slow(), START_MS * MS
    for after_s, heard in batches:
        now_ns += after_s * 1_000_000_000
        delays = [round(delay_s * 1e9) for _, delay_s, _ in heard]
        known.watch(
            np.array([device for device, _, _ in heard], np.int32),
            np.array([now_ns - delay for delay in delays], np.int64),
            np.full(len(heard), now_ns), np.array([told for _, _, told in heard], np.bool_),
        )
        slow.take([
            (device, delay)
            for (device, _, told), delay in zip(heard, delays, strict=True) if told
        ], now_ns)
        for device, kept in slow.rows.items():
            assert {name: int(known._table[device][name]) for name in kept} == kept
        assert (known._low_ns == clocks.NEVER_NS).all()


def test_a_clock_that_is_not_set_is_said_to_be_so_until_it_is_set() -> None:
    admission = admission_of()
    admit(admission, [unset(1, 0), unset(2, 1_000)])
    assert admission.clocks.offsets() == [
        Offset(0, -(START_MS - 1_000) / 1e3, "unset", 2)
    ]
    admit(admission, [single(3, time_ms=START_MS + 1_000)], START_MS + 1_000)
    assert admission.clocks.offsets() == [Offset(0, 0.0, "unsure", 2)]


def test_the_table_costs_forty_bytes_a_device() -> None:
    assert clocks.CLOCK.itemsize == 40


def test_without_placed_readings_a_batch_is_as_it_was() -> None:
    batch = admit(admission_of(), [single(1)]).batch
    nobody = Clocks().place(
        batch, np.zeros(1, np.int64), np.array([START_MS * MS]), np.array([SET])
    )
    same: Batch = with_said(batch, nobody)
    assert same is batch


# ---- a fleet


FLEET = 100
FAST, SLOW, UNSET = 7, 8, 9
MINUTES_SENT = 80


def _run_fleet(folder: Path, strange: bool) -> tuple[Line, Kept]:
    """An hour and more of a hundred devices, one reading a minute; three strange clocks, or not."""
    folder.mkdir()
    write_places(folder / "places.csv", [row(f"d{k}", f"s{k}") for k in range(FLEET)])
    kept = Kept()
    line = line_of(folder, kept)
    off_ms = {FAST: DAY_MS, SLOW: -DAY_MS, UNSET: -START_MS} if strange else {}
    for minute in range(MINUTES_SENT):
        at_ms = START_MS + minute * MINUTE_MS + 500
        line.take([
            message(
                f"d{k}", single(minute + 1, 5.0 + (k * 7 + minute) % 60,
                                at_ms - 400 + off_ms.get(k, 0)), at_ms
            )
            for k in range(FLEET) if strange or k not in (FAST, SLOW, UNSET)
        ], at_ms * MS)
        line.tick(at_ms * MS, with_open=False)
    return line, kept


def test_three_strange_clocks_harm_nobody_else(tmp_path: Path) -> None:
    quiet, plain = _run_fleet(tmp_path / "plain", strange=False)
    line, kept = _run_fleet(tmp_path / "strange", strange=True)
    others = {f"s{k}" for k in range(FLEET)} - {f"s{k}" for k in (FAST, SLOW, UNSET)}

    def of_others(outlet: Kept) -> dict[object, object]:
        return {key: said for key, said in outlet.values.items() if key[0].station in others}

    assert len(of_others(plain)) > 2 * len(others)
    assert of_others(kept) == of_others(plain)
    # The one that is a day ahead: held, listed, counted.
    assert verdicts(line)["held_future"] == MINUTES_SENT
    assert sum(line.verdicts().values()) == FLEET * MINUTES_SENT
    [ahead] = line.inbox.ahead_summary()
    assert (ahead["device"], ahead["readings"]) == (f"d{FAST}", MINUTES_SENT)
    assert ahead["next_ms"] == START_MS + 100 + DAY_MS - 300_000
    first, second, third = line.clocks.offsets()[:3]
    name = line.vitals.registry.devices
    assert (name[first.device], first.trust, first.placed) == (f"d{UNSET}", "unset", MINUTES_SENT)
    assert {(name[row.device], round(row.ahead_s), row.trust) for row in (second, third)} == {
        (f"d{FAST}", 86_400, "sure"), (f"d{SLOW}", -86_400, "sure"),
    }
    # The one at 1970 has all its hours; what it measured is flagged.
    hours = [key for key in kept.values if key[0].station == f"s{UNSET}"]
    assert len(hours) == len([key for key in kept.values if key[0].station == "s1"])
    # A kill, and a day later its readings are admitted when their time comes.
    abandon(line)
    line = line_of(tmp_path / "strange", kept)
    assert verdicts(line)["held_future"] == MINUTES_SENT
    before = verdicts(line)["applied"] + verdicts(line)["late"]
    due_ms = START_MS + 100 + DAY_MS - 300_000
    line.tick((due_ms - 1) // MINUTE_MS * MINUTE_MS * MS, with_open=False)
    assert verdicts(line)["held_future"] == MINUTES_SENT
    line.tick((due_ms + 10 * MINUTE_MS) * MS, with_open=False)
    assert verdicts(line)["held_future"] == MINUTES_SENT - 11
    line.tick((due_ms + MINUTES_SENT * MINUTE_MS) * MS, with_open=False)
    assert "held_future" not in verdicts(line)
    assert verdicts(line)["applied"] + verdicts(line)["late"] == before + MINUTES_SENT
    assert line.inbox.ahead_summary() == []
    quiet.close()
    line.close()
