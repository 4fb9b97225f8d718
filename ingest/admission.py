"""Admission: every reading gets its one verdict, and what is not admitted is kept aside.

Messages become columns (`ingest.messages`); columns are judged together: not a number,
impossible, untrue time, future, too late, late, applied. Readings of recordings and backfill
enter as columns and meet the same judge.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from edge.places import PlaceKey
from edge.quantities import QUANTITIES
from edge.topics import Source
from edge.verdicts import Verdict
from edge.wire import Message, encode_single
from engine.batch import Batch
from engine.registry import Series
from engine.vitals import HORIZON_NS, Vitals
from ingest.clocks import EARLIEST_NS, NO_READING, NOTHING, SET, Clocks, Placed, with_said
from ingest.inbox import DeadLetter, Held
from ingest.intervals import Seen
from ingest.known import ALWAYS_NS, Known
from ingest.messages import (
    NS_PER_MS,
    Event,
    Received,
    Refused,
    Rows,
    drops_of,
    event_of,
    expand,
    read,
    source_of,
)
from ingest.shares import Shares

FUTURE_MAX_NS = 300 * 1_000_000_000
"""A reading may lie this far ahead of its receive time; beyond, it waits."""
REFUSALS = frozenset(v for v in Verdict if v.label.startswith("refused_"))

_NOBODY = (-1, 0, 0)
_NAMES = list(QUANTITIES)
_LOW = np.array([row.impossible[0] for row in QUANTITIES.values()], np.float64)
_HIGH = np.array([row.impossible[1] for row in QUANTITIES.values()], np.float64)
_LIKELY_LOW = np.array([row.implausible[0] for row in QUANTITIES.values()], np.float64)
_LIKELY_HIGH = np.array([row.implausible[1] for row in QUANTITIES.values()], np.float64)


class Opened(NamedTuple):
    """A message with what decoding it gave, and when it was received (Unix ns)."""

    received: Received
    content: Message | Refused
    received_ns: int


class Drop(NamedTuple):
    """A range of messages that an agent reports as dropped, and the row that counts it."""

    row: int
    epoch: int
    first: int
    last: int


class Raw(NamedTuple):
    """Columns of readings before they are judged; a row each, in the order of messages.

    batch: verdict APPLIED where it is open, slot -1 where it is not known. quantity: int64, -1
    where the verdict is known. message: int64, which message. received_ns: int64, Unix ns.
    sent_ms: int64, what a clock that is not set showed, else `SET`. opened: the message at a row.
    """

    batch: Batch
    quantity: npt.NDArray[np.int64]
    message: npt.NDArray[np.int64]
    received_ns: npt.NDArray[np.int64]
    sent_ms: npt.NDArray[np.int64]
    opened: Callable[[int], Opened]


@dataclass(slots=True)
class Admitted:
    """The outcome of one batch of messages."""

    batch: Batch
    held: list[Held] = field(default_factory=list)
    dead: list[DeadLetter] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    acks: set[tuple[int, int]] = field(default_factory=set)
    drops: list[Drop] = field(default_factory=list)
    placed: Placed = NOTHING


def judge(
    quantity: npt.NDArray[np.int64], value: npt.NDArray[np.float64],
    time_ns: npt.NDArray[np.int64], received_ns: npt.NDArray[np.int64],
    flag: npt.NDArray[np.uint8], verdict: npt.NDArray[np.uint8],
) -> None:
    """Judge columns of readings in place: `verdict` where it is APPLIED, and `flag`.

    quantity: int64[n], row of the quantities. value: float64[n], canonical unit. time_ns,
    received_ns: int64[n], Unix ns. flag: uint8[n], 0 unknown. Implausible values are flagged 3.
    """
    open_ = verdict == Verdict.APPLIED
    row = np.where(open_, quantity, 0)
    impossible = (value < _LOW[row]) | (value > _HIGH[row])
    tests = (
        (~np.isfinite(value), Verdict.REFUSED_NOT_A_NUMBER),
        (impossible, Verdict.REFUSED_IMPOSSIBLE),
        (time_ns < EARLIEST_NS, Verdict.REFUSED_TIME),
        (time_ns > received_ns + FUTURE_MAX_NS, Verdict.HELD_FUTURE),
        (time_ns < received_ns - HORIZON_NS, Verdict.TOO_LATE),
    )
    for failed, outcome in tests:
        verdict[(verdict == Verdict.APPLIED) & failed & open_] = outcome
    suspect = (value < _LIKELY_LOW[row]) | (value > _LIKELY_HIGH[row])
    flag[(flag == 0) & open_] = 1
    flag[suspect & (flag <= 2) & open_] = 3


class Admission:
    """The gate of one city; knows which messages were seen and which devices are placed."""

    def __init__(self, vitals: Vitals, seen: Seen, clocks: Clocks | None = None) -> None:
        self.vitals = vitals
        self.seen = seen
        self.clocks = clocks or Clocks()
        self.shares = Shares(vitals.registry)
        self.known = Known()
        self._slots: dict[tuple[int, int, str, int], int] = {}

    def forget_slots(self) -> None:
        """After a change of the places file: resolve series anew."""
        self._slots.clear()
        self.known.forget()
        self.shares.begin_anew()

    def admit(
        self, messages: Sequence[Opened], received_ns: int, *, again: bool = False
    ) -> Admitted:
        """Give every reading of `messages` its verdict; nothing is applied or written yet.

        `again` is for what was held: its messages have been seen, and their numbers counted.
        """
        rows = Rows()
        meta: list[tuple[int, int, int]] = []
        out = Admitted(_blank(received_ns))
        for i, opened in enumerate(messages):
            meta.append(self.take(rows, i, opened, out, again))
        ids = np.array(meta, np.int64).reshape(-1, 3)
        received = np.array([opened.received_ns for opened in messages], np.int64)
        sent = np.array([sent_ms(opened.content) for opened in messages], np.int64)
        message = np.array(rows.message, np.int64)
        self.finish(Raw(
            columns(rows, ids[message], out, received_ns), np.array(rows.quantity, np.int64),
            message, received[message], sent[message], messages.__getitem__,
        ), out, again)
        return out

    def take(
        self, rows: Rows, i: int, opened: Opened, out: Admitted, again: bool
    ) -> tuple[int, int, int]:
        """Expand one message; returns (device row, epoch, number)."""
        content = opened.content
        source = source_of(opened.received.topic)
        epoch, number = _numbers(content)
        if source is None:
            rows.refuse(i, Verdict.REFUSED_TOPIC)
            return _NOBODY
        if isinstance(content, Refused) and not number:
            rows.refuse(i, content.verdict)
            return _NOBODY
        device = self.shares.device(source.device)
        if device < 0:
            rows.refuse(i, Verdict.REFUSED_BOUND)
            return _NOBODY
        if opened.received.qos:  # at QoS 0 nobody waits for a word
            out.acks.add((device, epoch))
        first = len(rows)
        if isinstance(content, Refused):
            rows.refuse(i, content.verdict)
        else:
            expand(rows, i, content)
        if not again and self.seen.has(device, epoch, number):
            rows.settle(first, Verdict.DUPLICATE)
        elif isinstance(content, Message):
            if source.device in self.vitals.registry.rows_of:
                self._note_event(rows, first, content, source, out)
                self.known.learn_topic(opened.received.topic, device)
            elif len(rows) > first:
                rows.settle(first, Verdict.HELD_UNKNOWN)
                out.held.append(Held(
                    source.device, epoch, number, opened.received.topic,
                    opened.received.payload, len(rows) - first, opened.received_ns, 0,
                ))
            if content.drop is not None and not again:
                self._drop(rows, i, device, content, out)
        self.seen.add(device, epoch, number, number)
        if len(rows) == first or (out.drops and out.drops[-1].row >= first):
            rows.put(i, -1, "", 0, math.nan, 2, NO_READING)
        return (device, epoch, number)

    def _note_event(
        self, rows: Rows, first: int, content: Message, source: Source, out: Admitted
    ) -> None:
        event = event_of(content, source)
        if event is not None and rows.verdict[first] == Verdict.APPLIED:
            out.events.append(event)

    def _drop(
        self, rows: Rows, i: int, device: int, content: Message, out: Admitted
    ) -> None:
        """Take note of what the agent dropped: numbers that will not come.

        The row of a range has its epoch and first number, in `time_ns` how many numbers it has,
        and in `value` how many of them had not been taken in: those are counted as dropped.
        """
        ranges = drops_of(content)
        if ranges is None:
            rows.refuse(i, Verdict.REFUSED_TYPE)
            return
        for epoch, first, last in ranges:
            fresh = self.seen.add(device, epoch, first, last)
            out.acks.add((device, epoch))
            out.drops.append(Drop(len(rows), epoch, first, last))
            rows.put(i, -1, "", last - first + 1, fresh, 2, Verdict.DROPPED_OUTBOX)

    def finish(self, raw: Raw, out: Admitted, again: bool) -> None:
        """Judge columns; what is not admitted is kept aside in `out`."""
        batch = out.batch = raw.batch
        known = np.nonzero(raw.quantity >= 0)[0]
        out.placed = self.clocks.place(batch, known, raw.received_ns, raw.sent_ms)
        verdict, flag = batch.verdict[known], batch.flag[known]
        judge(
            raw.quantity[known], batch.value[known], batch.time_ns[known], raw.received_ns[known],
            flag, verdict,
        )
        batch.verdict[known], batch.flag[known] = verdict, flag
        batch.slot[batch.verdict != Verdict.APPLIED] = -1
        for k in known[(verdict == Verdict.APPLIED) & (batch.slot[known] < 0)].tolist():
            content = raw.opened(int(raw.message[k])).content
            batch.slot[k] = self.slot(
                int(batch.device[k]), int(raw.quantity[k]), content.ch, int(batch.time_ns[k])
            ) if isinstance(content, Message) else -1
            if batch.slot[k] < 0:
                batch.verdict[k] = Verdict.REFUSED_BOUND
        self.mark_late(batch)
        self.set_aside(raw, out)
        if not again:
            told = (raw.quantity >= 0) & _TOLD[batch.verdict]
            told[out.placed.rows] = False
            self.clocks.watch(batch.device, batch.time_ns, raw.received_ns, told)
        out.batch = with_said(out.batch, out.placed)

    def mark_late(self, batch: Batch) -> None:
        """Turn APPLIED into LATE for readings whose windows have closed."""
        closed = self.vitals.series.closed_ns
        inside = (batch.verdict == Verdict.APPLIED) & (batch.slot >= 0)
        inside &= np.less(batch.slot, len(closed))
        at = np.nonzero(inside)[0]
        late = at[batch.time_ns[at] < closed[batch.slot[at]]]
        batch.verdict[late] = Verdict.LATE

    def slot(self, device: int, quantity: int, channel: str, time_ns: int) -> int:
        """Slot of a series at a time, by the dated row of its device; -1 at the bound."""
        registry = self.vitals.registry
        row = registry.row_at(registry.devices[device], time_ns // 1_000_000)
        if row is None:
            return -1
        key = (device, quantity, channel, row.valid_from_ms)
        slot = self._slots.get(key, -1)
        if slot < 0:
            place = registry.place(PlaceKey(row.city, row.district, row.station))
            series = Series(place, device, quantity, channel)
            if not self.shares.has_room(series):
                return -1
            slot = registry.slot(series, self.vitals.panes)
            if slot >= 0:
                self._slots[key] = slot
                span_ns = self._span_ns(device, row.valid_from_ms)
                self.known.learn_series(device, quantity, channel, span_ns, slot)
        return slot

    def _span_ns(self, device: int, valid_from_ms: int) -> tuple[int, int]:
        """From and before which times a dated row of a device holds, Unix ns."""
        registry = self.vitals.registry
        starts_ms = [row.valid_from_ms for row in registry.rows_of[registry.devices[device]]]
        from_ns = -ALWAYS_NS if valid_from_ms == starts_ms[0] else valid_from_ms * NS_PER_MS
        later = [start_ms for start_ms in starts_ms if start_ms > valid_from_ms]
        return from_ns, min(later) * NS_PER_MS if later else ALWAYS_NS

    def set_aside(self, raw: Raw, out: Admitted) -> None:
        """Dead letters of refused readings (one a message and reason) and future readings."""
        batch = raw.batch
        told = set()
        for k in np.nonzero(_ASIDE[batch.verdict])[0].tolist():
            verdict, i = Verdict(int(batch.verdict[k])), int(raw.message[k])
            opened = raw.opened(i)
            if verdict == Verdict.HELD_FUTURE:
                out.held.append(self._future(k, raw, opened))
            elif (i, verdict) not in told:
                told.add((i, verdict))
                out.dead.append(DeadLetter(
                    opened.received_ns // 1_000_000, verdict.label, opened.received.topic,
                    opened.received.payload,
                ))

    def _future(self, k: int, raw: Raw, opened: Opened) -> Held:
        batch, time_ns = raw.batch, int(raw.batch.time_ns[k])
        channel = opened.content.ch if isinstance(opened.content, Message) else ""
        single = encode_single(
            int(batch.epoch[k]), int(batch.seq[k]), _NAMES[int(raw.quantity[k])],
            time_ns // NS_PER_MS, float(batch.value[k]),
            channel=channel or None, flag=int(batch.flag[k]),
        )
        device = self.vitals.registry.devices[int(batch.device[k])]
        return Held(
            device, int(batch.epoch[k]), int(batch.seq[k]), opened.received.topic, single, 1,
            opened.received_ns, time_ns - FUTURE_MAX_NS,
        )


def columns(
    rows: Rows, ids: npt.NDArray[np.int64], out: Admitted, received_ns: int
) -> Batch:
    """The rows of messages as columns; `ids`: int64[n, 3], device, epoch and number of each."""
    for drop in out.drops:
        ids[drop.row, 1:] = drop.epoch, drop.first
    return Batch(
        np.full(len(rows), -1, np.int32), np.array(rows.time_ns, np.int64),
        np.array(rows.value, np.float64), np.array(rows.flag, np.uint8),
        ids[:, 0].astype(np.int32), ids[:, 1].copy(), ids[:, 2].copy(),
        np.array(rows.verdict, np.uint8), received_ns,
    )


def _marked(*verdicts: Verdict) -> npt.NDArray[np.bool_]:
    """bool[256]: which verdicts are among these."""
    out = np.zeros(256, np.bool_)
    out[list(verdicts)] = True
    return out


_TOLD = _marked(Verdict.APPLIED, Verdict.LATE, Verdict.TOO_LATE, Verdict.HELD_FUTURE)
"""Verdicts of readings whose time is that of a clock that is set."""
_ASIDE = _marked(*REFUSALS, Verdict.HELD_FUTURE)


def _numbers(content: Message | Refused) -> tuple[int, int]:
    """Epoch and number of a message; number 0 if they cannot be read."""
    if isinstance(content, Refused):
        return content.epoch, content.number
    return content.e, content.s


def sent_ms(content: Message | Refused) -> int:
    """What a clock that is not set showed when the message was sent; `SET` of all others."""
    if isinstance(content, Refused) or content.n is None:
        return SET
    return content.n


def _blank(received_ns: int) -> Batch:
    none: Any = np.zeros(0)
    return Batch(none, none, none, none, none, none, none, none, received_ns)


def opened(received: Received, now_ns: int) -> Opened:
    """Decode a message that came now."""
    return Opened(received, read(received.payload), now_ns)


def recorded_ns(message: Opened) -> int:
    """Receive time that a message of a recording carries, Unix ns; 0 if it carries none."""
    content = message.content
    return content.r * 1_000_000 if isinstance(content, Message) and content.r else 0
