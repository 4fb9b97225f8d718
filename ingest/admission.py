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
from engine.vitals import Vitals
from ingest.clocks import NO_READING, NOTHING, Clocks, Placed, sent_ms, with_said
from ingest.foreign import UNTIMED, Foreign, Told
from ingest.inbox import DeadLetter, Held
from ingest.intervals import Seen
from ingest.judging import FUTURE_MAX_NS, judge
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

REFUSALS = frozenset(v for v in Verdict if v.label.startswith("refused_"))

_NOBODY = (-1, 0, 0)
_NAMES = list(QUANTITIES)


class Opened(NamedTuple):
    """A message with what decoding it gave, and when it was received (Unix ns)."""

    received: Received
    content: Message | Refused | Told
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
    sent_ms: int64, what a clock that is not set showed, else `SET`. channel: text, of publishers
    that are not ours, a row each. opened: the message at a row.
    """

    batch: Batch
    quantity: npt.NDArray[np.int64]
    message: npt.NDArray[np.int64]
    received_ns: npt.NDArray[np.int64]
    sent_ms: npt.NDArray[np.int64]
    channel: npt.NDArray[np.object_]
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


class Admission:
    """The gate of one city; knows which messages were seen and which devices are placed."""

    def __init__(
        self, vitals: Vitals, seen: Seen, clocks: Clocks | None = None,
        foreign: Foreign | None = None,
    ) -> None:
        self.vitals = vitals
        self.seen = seen
        self.clocks = clocks or Clocks()
        self.foreign = foreign or Foreign()
        self.shares = Shares(vitals.registry)
        self.known = Known()
        self._slots: dict[tuple[int, int, str, int], int] = {}

    def forget_slots(self) -> None:
        """After a change of the places file: resolve series anew."""
        self._slots.clear()
        self.known.forget()
        self.shares.begin_anew()

    def open(self, received: Received, now_ns: int) -> Opened:
        """Decode a message that came now, of ours or of another publisher."""
        told = self.foreign.read(received, now_ns)
        return opened(received, now_ns) if told is None else Opened(received, told, now_ns)

    def open_again(self, row: Held, received_ns: int) -> Opened:
        """A message, or a reading of one, that was held."""
        received = Received(row.topic, row.payload)
        if row.epoch >= 0:
            return opened(received, received_ns)
        told = self.foreign.read_again(row.device, row.epoch, received, received_ns)
        return Opened(received, told, received_ns)

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
            message, received[message], sent[message], np.array(rows.channel, object),
            messages.__getitem__,
        ), out, again)
        return out

    def take(
        self, rows: Rows, i: int, opened: Opened, out: Admitted, again: bool
    ) -> tuple[int, int, int]:
        """Expand one message; returns (device row, epoch, number)."""
        if isinstance(opened.content, Told):
            return self._take_foreign(rows, i, opened, opened.content, out)
        return self._take_ours(rows, i, opened, opened.content, out, again)

    def _take_ours(
        self, rows: Rows, i: int, opened: Opened, content: Message | Refused, out: Admitted,
        again: bool,
    ) -> tuple[int, int, int]:
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
                out.held.append(_hold(rows, first, opened, source.device, (epoch, number)))
            if content.drop is not None and not again:
                self._drop(rows, i, device, content, out)
        self.seen.add(device, epoch, number, number)
        if len(rows) == first or (out.drops and out.drops[-1].row >= first):
            rows.put(i, -1, "", 0, math.nan, 2, NO_READING)
        return (device, epoch, number)

    def _take_foreign(
        self, rows: Rows, i: int, opened: Opened, told: Told, out: Admitted
    ) -> tuple[int, int, int]:
        """As `take`, a message of another publisher; nobody waits for a word of it."""
        registry = self.vitals.registry
        if told.refused is not None:
            rows.refuse(i, told.refused)
            return (registry.device_of.get(told.device, -1), told.arrival, 0)
        device = self.shares.device(told.device)
        if device < 0:
            rows.refuse(i, Verdict.REFUSED_BOUND)
            return _NOBODY
        first = len(rows)
        for reading in told.readings:
            rows.put(i, *reading)
        if told.device not in registry.rows_of:
            out.held.append(_hold(rows, first, opened, told.device, (told.arrival, 0)))
        return (device, told.arrival, 0)

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
        untimed = (batch.epoch < 0) & (batch.flag == UNTIMED)
        out.placed = self.clocks.place(batch, known, raw.received_ns, raw.sent_ms)
        verdict, flag = batch.verdict[known], batch.flag[known]
        judge(
            raw.quantity[known], batch.value[known], batch.time_ns[known], raw.received_ns[known],
            flag, verdict,
        )
        batch.verdict[known], batch.flag[known] = verdict, flag
        batch.slot[batch.verdict != Verdict.APPLIED] = -1
        for k in known[(verdict == Verdict.APPLIED) & (batch.slot[known] < 0)].tolist():
            batch.slot[k] = self.slot(
                int(batch.device[k]), int(raw.quantity[k]), _channel(raw, k), int(batch.time_ns[k])
            )
            if batch.slot[k] < 0:
                batch.verdict[k] = Verdict.REFUSED_BOUND
        self.mark_late(batch)
        self.set_aside(raw, out)
        if not again:
            told = (raw.quantity >= 0) & _TOLD[batch.verdict] & ~untimed
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
        single = encode_single(
            int(batch.epoch[k]), int(batch.seq[k]), _NAMES[int(raw.quantity[k])],
            time_ns // NS_PER_MS, float(batch.value[k]),
            channel=_channel(raw, k) or None, flag=int(batch.flag[k]),
        )
        device = self.vitals.registry.devices[int(batch.device[k])]
        return Held(
            device, int(batch.epoch[k]), int(batch.seq[k]), opened.received.topic, single, 1,
            opened.received_ns, time_ns - FUTURE_MAX_NS,
        )


def _hold(
    rows: Rows, first: int, opened: Opened, device: str, number: tuple[int, int]
) -> Held:
    """Hold the message whose rows begin at `first`: its device is not placed."""
    rows.settle(first, Verdict.HELD_UNKNOWN)
    return Held(
        device, *number, opened.received.topic, opened.received.payload, len(rows) - first,
        opened.received_ns, 0,
    )


def _channel(raw: Raw, k: int) -> str:
    """The channel of a row."""
    content = raw.opened(int(raw.message[k])).content
    return content.ch if isinstance(content, Message) else str(raw.channel[k])


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


def _blank(received_ns: int) -> Batch:
    none: Any = np.zeros(0)
    return Batch(none, none, none, none, none, none, none, none, received_ns)


def opened(received: Received, now_ns: int) -> Opened:
    """Decode a message of ours that came now."""
    return Opened(received, read(received.payload), now_ns)
