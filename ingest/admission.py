"""Admission: every reading gets its one verdict, and what is not admitted is kept aside.

Messages become columns (`ingest.messages`); columns are judged together: not a number,
impossible, untrue time, future, too late, late, applied. Readings of recordings and backfill
enter as columns and meet the same judge.
"""

import math
from collections.abc import Sequence
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
from ingest.inbox import DeadLetter, Held
from ingest.intervals import Seen
from ingest.messages import Event, Received, Rows, expand, readings_of, source_of

FUTURE_MAX_NS = 300 * 1_000_000_000
"""A reading may lie this far ahead of its receive time; beyond, it waits."""
EARLIEST_NS = 946_684_800 * 1_000_000_000
"""2000-01-01: clocks that have not met NTP show 1970 or year 1."""
NO_READING = 255
"""Verdict of an archive row that only says a message was taken in; it is not counted."""
REFUSALS = frozenset(v for v in Verdict if v.label.startswith("refused_"))

_NAMES = list(QUANTITIES)
_LOW = np.array([row.impossible[0] for row in QUANTITIES.values()], np.float64)
_HIGH = np.array([row.impossible[1] for row in QUANTITIES.values()], np.float64)
_LIKELY_LOW = np.array([row.implausible[0] for row in QUANTITIES.values()], np.float64)
_LIKELY_HIGH = np.array([row.implausible[1] for row in QUANTITIES.values()], np.float64)


class Opened(NamedTuple):
    """A message with what decoding it gave, and when it was received (Unix ns)."""

    received: Received
    content: Message | Verdict
    received_ns: int


@dataclass(slots=True)
class Admitted:
    """The outcome of one batch of messages."""

    batch: Batch
    held: list[Held] = field(default_factory=list)
    dead: list[DeadLetter] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    acks: set[tuple[int, int]] = field(default_factory=set)


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

    def __init__(self, vitals: Vitals, seen: Seen) -> None:
        self.vitals = vitals
        self.seen = seen
        self._slots: dict[tuple[int, int, str, int], int] = {}

    def forget_slots(self) -> None:
        """After a change of the places file: resolve series anew."""
        self._slots.clear()

    def admit(self, messages: Sequence[Opened], received_ns: int) -> Admitted:
        """Give every reading of `messages` its verdict; nothing is applied or written yet."""
        rows = Rows()
        meta: list[tuple[int, int, int]] = []
        out = Admitted(_blank(received_ns))
        for i, opened in enumerate(messages):
            meta.append(self._take(rows, i, opened, out))
        out.batch = self._columns(rows, meta, messages, received_ns)
        self._set_aside(rows, messages, out)
        return out

    def _take(
        self, rows: Rows, i: int, opened: Opened, out: Admitted
    ) -> tuple[int, int, int]:
        """Expand one message; returns (device row, epoch, number)."""
        content = opened.content
        source = source_of(opened.received.topic)
        if source is None:
            rows.refuse(i, Verdict.REFUSED_TOPIC)
            return (-1, 0, 0)
        if isinstance(content, Verdict):
            rows.refuse(i, content)
            return (-1, 0, 0)
        device = self.vitals.registry.device(source.device)
        if device < 0:
            rows.refuse(i, Verdict.REFUSED_BOUND)
            return (-1, 0, 0)
        out.acks.add((device, content.e))
        before = len(rows.message)
        if self.seen.has(device, content.e, content.s):
            for _ in range(readings_of(content)):
                rows.refuse(i, Verdict.DUPLICATE)
        elif self.vitals.registry.row_at(source.device, 0) is None:
            for _ in range(readings_of(content)):
                rows.refuse(i, Verdict.HELD_UNKNOWN)
            out.held.append(Held(
                source.device, content.e, content.s, opened.received.topic,
                opened.received.payload, readings_of(content), opened.received_ns, 0,
            ))
        else:
            self._open(rows, i, device, source, content, out)
        self.seen.add(device, content.e, content.s, content.s)
        if len(rows.message) == before:
            rows.put(i, -1, "", 0, math.nan, 2, NO_READING)
        return (device, content.e, content.s)

    def _open(
        self, rows: Rows, i: int, device: int, source: Source, content: Message, out: Admitted
    ) -> None:
        if content.ev is not None:
            out.events.append(Event(
                source, content.ev, content.id or "", content.t or 0, content.end,
                content.customers,
            ))
            rows.put(i, -1, "", (content.t or 0) * 1_000_000, math.nan, 1, Verdict.APPLIED)
        for epoch, first, last in content.drop or ():
            if 0 < first <= last < 1 << 40:
                self.seen.add(device, epoch, first, last)
                out.acks.add((device, epoch))
        expand(rows, i, content)

    def _columns(
        self, rows: Rows, meta: list[tuple[int, int, int]], messages: Sequence[Opened],
        received_ns: int,
    ) -> Batch:
        message = np.array(rows.message, np.int64)
        ids = np.array(meta, np.int64).reshape(-1, 3)[message]
        quantity = np.array(rows.quantity, np.int64)
        verdict = np.array(rows.verdict, np.uint8)
        received = np.array([opened.received_ns for opened in messages], np.int64)[message]
        batch = Batch(
            np.full(len(message), -1, np.int32), np.array(rows.time_ns, np.int64),
            np.array(rows.value, np.float64), np.array(rows.flag, np.uint8),
            ids[:, 0].astype(np.int32), ids[:, 1].copy(), ids[:, 2].copy(), verdict, received_ns,
        )
        known = quantity >= 0
        inner = verdict[known]
        flag = batch.flag[known]
        judge(
            quantity[known], batch.value[known], batch.time_ns[known], received[known], flag,
            inner,
        )
        verdict[known] = inner
        batch.flag[known] = flag
        for k in np.nonzero(known & (verdict == Verdict.APPLIED))[0].tolist():
            batch.slot[k] = self.slot(
                int(ids[k, 0]), rows.quantity[k], rows.channel[k], rows.time_ns[k]
            )
        verdict[(batch.slot < 0) & known & (verdict == Verdict.APPLIED)] = Verdict.REFUSED_BOUND
        self.mark_late(batch)
        self._drops(batch, messages, message)
        return batch

    def _drops(
        self, batch: Batch, messages: Sequence[Opened], message: npt.NDArray[np.int64]
    ) -> None:
        """Turn the row of a drop report into one that carries the count in `value`."""
        for k in np.nonzero(batch.verdict == NO_READING)[0].tolist():
            content = messages[int(message[k])].content
            if isinstance(content, Message) and content.drop:
                total = sum(last - first + 1 for _, first, last in content.drop if last >= first)
                batch.verdict[k] = Verdict.DROPPED_OUTBOX
                batch.value[k] = total

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
            slot = registry.slot(Series(place, device, quantity, channel), self.vitals.panes)
            self._slots[key] = slot
        return slot

    def _set_aside(self, rows: Rows, messages: Sequence[Opened], out: Admitted) -> None:
        """Dead letters of refused readings (one a message and reason) and future readings."""
        batch = out.batch
        told = set()
        for k in np.nonzero(np.isin(batch.verdict, _ASIDE))[0].tolist():
            verdict = Verdict(int(batch.verdict[k]))
            received = messages[rows.message[k]]
            if verdict == Verdict.HELD_FUTURE:
                out.held.append(self._future(rows, k, received, batch))
            elif (rows.message[k], verdict) not in told:
                told.add((rows.message[k], verdict))
                out.dead.append(DeadLetter(
                    received.received_ns // 1_000_000, verdict.label, received.received.topic,
                    received.received.payload,
                ))

    def _future(self, rows: Rows, k: int, opened: Opened, batch: Batch) -> Held:
        single = encode_single(
            int(batch.epoch[k]), int(batch.seq[k]), _NAMES[rows.quantity[k]],
            rows.time_ns[k] // 1_000_000, float(batch.value[k]),
            channel=rows.channel[k] or None, flag=int(batch.flag[k]),
        )
        device = self.vitals.registry.devices[int(batch.device[k])]
        return Held(
            device, int(batch.epoch[k]), int(batch.seq[k]), opened.received.topic, single, 1,
            opened.received_ns, int(rows.time_ns[k]) - FUTURE_MAX_NS,
        )


_ASIDE = np.array([*REFUSALS, Verdict.HELD_FUTURE], np.uint8)


def _blank(received_ns: int) -> Batch:
    none: Any = np.zeros(0)
    return Batch(none, none, none, none, none, none, none, none, received_ns)
