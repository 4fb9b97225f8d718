"""From messages to columns: topics and payloads of our wire format, the general path.

One message yields one row for each reading, or one row with the verdict that refused it whole.
No verdict on values is made here: `ingest.admission` judges columns.
"""

import math
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import msgspec

from edge.quantities import INDEX, QUANTITIES
from edge.topics import Source, is_id, parse_source
from edge.verdicts import Verdict
from edge.wire import PAYLOAD_BYTES_MAX, Message, WireError, decode

NS_PER_MS = 1_000_000
TOPIC_CHARS_MAX = 300
"""`cv/1/r/` and four ids of 64 have 266; a longer topic is none of ours and not remembered."""
TOPICS_REMEMBERED_MAX = 262_144
"""Topics that need not be parsed again, those heard of last; 150 MB."""
EVENT_ID_CHARS_MAX = 200
NUMBER_MAX = 1 << 62
"""Epochs and message numbers are kept in 64 bits with a sign."""
DROPPED_MAX = 1 << 40
"""The largest number that a report of dropped messages may name."""
NOT_A_NUMBER = re.compile(rb"([:,\[]\s*)[+-]?(?:NaN|nan|Infinity|inf)\b")
_FLAGS = frozenset((None, 1, 2, 3, 4, 9))
MS_MAX = 9_000_000_000_000
"""Beyond the year 2255 a time in nanoseconds would not fit; such a time is a wrong type."""


_YEAR_1_MS = -62_135_596_800_000
_YEARS_30_MS = 946_684_800_000


def from_1970(time_ms: int) -> int:
    """A time as it is; of a clock that began in year 1 as if that had been 1970.

    Some clocks that are not set begin there, which does not fit; they are placed as others are.
    """
    if _YEAR_1_MS <= time_ms < _YEAR_1_MS + _YEARS_30_MS:
        return time_ms - _YEAR_1_MS
    return time_ms


class Received(NamedTuple):
    """One message as it came from the broker; `receipt` is what acknowledges it there. `retained`:
    the broker had kept it from before we subscribed."""

    topic: str
    payload: bytes
    receipt: int = -1
    qos: int = 1
    retained: bool = False


class Refused(NamedTuple):
    """A payload that cannot be read; with its epoch and number if those can (else number 0)."""

    verdict: Verdict
    epoch: int = 0
    number: int = 0


class Event(NamedTuple):
    """An event message (interruption, incident) of a device."""

    source: Source
    kind: str
    id: str
    start_ms: int
    end_ms: int | None
    customers: int | None
    step: int = 0
    again: bool = False


@dataclass(slots=True)
class Rows:
    """Columns of readings; `message` is the row of the message each came from.

    quantity: row of the quantities, -1 where the verdict is already known. verdict: a
    `Verdict`, APPLIED where it is still open.
    """

    message: list[int] = field(default_factory=list)
    quantity: list[int] = field(default_factory=list)
    channel: list[str] = field(default_factory=list)
    time_ns: list[int] = field(default_factory=list)
    value: list[float] = field(default_factory=list)
    flag: list[int] = field(default_factory=list)
    verdict: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.message)

    def refuse(self, message: int, verdict: Verdict) -> None:
        """One row for a message, or a reading, that is refused."""
        self.put(message, -1, "", 0, math.nan, 2, verdict)

    def put(
        self, message: int, quantity: int, channel: str, time_ns: int, value: float, flag: int,
        verdict: int,
    ) -> None:
        """One row."""
        self.message.append(message)
        self.quantity.append(quantity)
        self.channel.append(channel)
        self.time_ns.append(time_ns)
        self.value.append(value)
        self.flag.append(flag)
        self.verdict.append(verdict)

    def settle(self, first: int, verdict: Verdict) -> None:
        """Give all rows from `first` on one verdict that nothing will change."""
        for row in range(first, len(self.message)):
            self.quantity[row] = -1
            self.verdict[row] = verdict


class _Numbered(msgspec.Struct):
    """The two keys that every message of ours has."""

    e: int
    s: int


_numbered = msgspec.json.Decoder(_Numbered)


def source_of(topic: str) -> Source | None:
    """`edge.topics.parse_source`, remembered; readings topics only."""
    return _source_of(topic) if len(topic) <= TOPIC_CHARS_MAX else None


@lru_cache(maxsize=TOPICS_REMEMBERED_MAX)
def _source_of(topic: str) -> Source | None:
    return parse_source(topic) if topic.startswith("cv/1/r/") else None


def read(payload: bytes) -> Message | Refused:
    """Decode one payload, or say why it cannot be.

    NaN and the infinities are no JSON, but what common programs write: their values are refused
    and the rest of the message is read.
    """
    if len(payload) > PAYLOAD_BYTES_MAX:
        return Refused(Verdict.REFUSED_OVERSIZED)
    message = _decode(payload)
    if isinstance(message, Refused):
        return message
    if not (0 <= message.e < NUMBER_MAX and 0 < message.s < NUMBER_MAX):
        return Refused(Verdict.REFUSED_TYPE)
    if message.r is not None and not 0 <= message.r < MS_MAX:
        return Refused(Verdict.REFUSED_TYPE, message.e, message.s)
    if message.n is not None and not -1 <= message.n < MS_MAX:
        return Refused(Verdict.REFUSED_TYPE, message.e, message.s)
    return message


def _decode(payload: bytes) -> Message | Refused:
    try:
        return decode(payload)
    except msgspec.ValidationError:
        return _refused(payload, Verdict.REFUSED_TYPE)
    except WireError:
        repaired, found = NOT_A_NUMBER.subn(rb"\1null", payload)
    if not found:
        return Refused(Verdict.REFUSED_UNPARSABLE)
    try:
        return decode(repaired)
    except (msgspec.ValidationError, WireError):
        return _refused(repaired, Verdict.REFUSED_NOT_A_NUMBER)


def _refused(payload: bytes, verdict: Verdict) -> Refused:
    """With epoch and number if they can be read, so that the message counts as taken in.

    Otherwise an agent would send it again for ever, and what it sends later would wait behind it.
    """
    try:
        found = _numbered.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Refused(verdict)
    if 0 <= found.e < NUMBER_MAX and 0 < found.s < NUMBER_MAX:
        return Refused(verdict, found.e, found.s)
    return Refused(verdict)


def expand(rows: Rows, row: int, message: Message) -> None:
    """Add the readings, or the event, of one message to `rows`; a wrong shape is refused."""
    if message.ev is not None:
        if _is_event(message):
            rows.put(row, -1, "", (message.t or 0) * NS_PER_MS, math.nan, 1, Verdict.APPLIED)
        else:
            rows.refuse(row, Verdict.REFUSED_TYPE)
    elif message.m is not None:
        if message.t is None:
            rows.refuse(row, Verdict.REFUSED_TYPE)
            return
        for quantity, value in message.m.items():
            _reading(rows, row, message, quantity, message.t, value)
    elif message.q is not None:
        if isinstance(message.v, list):
            _block(rows, row, message, message.q, message.v)
        elif message.t is None:
            rows.refuse(row, Verdict.REFUSED_TYPE)
        else:
            _reading(rows, row, message, message.q, message.t, message.v)
    elif message.drop is None and message.r is None:
        rows.refuse(row, Verdict.REFUSED_TYPE)


def event_of(message: Message, source: Source) -> Event | None:
    """The event of a message, if it holds one that is whole."""
    if message.ev is None or message.t is None or not _is_event(message):
        return None
    return Event(
        source, message.ev, message.id or "", message.t, message.end, message.customers,
        message.step or 0, message.again,
    )


def drops_of(message: Message) -> list[tuple[int, int, int]] | None:
    """The ranges (epoch, first, last) that a message reports as dropped; None if they are wrong."""
    ranges = message.drop or []
    for epoch, first, last in ranges:
        if not (0 <= epoch < NUMBER_MAX and 0 < first <= last < DROPPED_MAX):
            return None
    return ranges


def _is_event(message: Message) -> bool:
    times = [message.t, message.t if message.end is None else message.end]
    return (
        is_id(message.ev or "") and len(message.id or "") <= EVENT_ID_CHARS_MAX
        and all(time is not None and -MS_MAX < time < MS_MAX for time in times)
        and 0 <= (message.customers or 0) < NUMBER_MAX
        and 0 <= (message.step or 0) < NUMBER_MAX
    )


def _block(
    rows: Rows, row: int, message: Message, quantity: str, values: list[float | None]
) -> None:
    if message.t0 is None or message.dt is None or len(message.dt) != len(values):
        rows.refuse(row, Verdict.REFUSED_TYPE)
        return
    for offset, value in zip(message.dt, values, strict=True):
        _reading(rows, row, message, quantity, message.t0 + offset, value)


def _well_formed(message: Message, time_ms: int) -> bool:
    channel = not message.ch or (message.ch.isascii() and is_id(message.ch.lower()))
    return channel and -MS_MAX < time_ms < MS_MAX and message.f in _FLAGS


def _reading(
    rows: Rows, row: int, message: Message, quantity: str, time_ms: int,
    value: float | list[float | None] | None,
) -> None:
    known = QUANTITIES.get(quantity)
    time_ms = from_1970(time_ms)
    if known is None:
        rows.refuse(row, Verdict.REFUSED_QUANTITY)
    elif value is None:
        rows.refuse(row, Verdict.REFUSED_NOT_A_NUMBER)
    elif isinstance(value, list) or not _well_formed(message, time_ms):
        rows.refuse(row, Verdict.REFUSED_TYPE)
    elif message.u is None:
        rows.put(
            row, INDEX[quantity], message.ch, time_ms * NS_PER_MS, value, message.f or 0,
            Verdict.APPLIED,
        )
    else:
        convert = known.accepts(message.u)
        if convert is None:
            rows.refuse(row, Verdict.REFUSED_UNIT)
            return
        factor, offset = convert
        rows.put(
            row, INDEX[quantity], message.ch, time_ms * NS_PER_MS, value * factor + offset,
            message.f or 0, Verdict.APPLIED,
        )
