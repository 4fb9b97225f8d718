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
_NOT_A_NUMBER = re.compile(rb"[:,\[]\s*[+-]?(NaN|nan|Infinity|inf)\b")
_FLAGS = frozenset((None, 1, 2, 3, 4, 9))
_MS_MAX = 9_000_000_000_000
"""Beyond the year 2255 a time in nanoseconds would not fit; such a time is a wrong type."""


class Received(NamedTuple):
    """One message as it came from the broker; `receipt` is what acknowledges it there."""

    topic: str
    payload: bytes
    receipt: int = -1
    qos: int = 1


class Event(NamedTuple):
    """An event message (interruption, incident) of a device."""

    source: Source
    kind: str
    id: str
    start_ms: int
    end_ms: int | None
    customers: int | None


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


@lru_cache(maxsize=262_144)
def source_of(topic: str) -> Source | None:
    """`edge.topics.parse_source`, remembered; readings topics only."""
    return parse_source(topic) if topic.startswith("cv/1/r/") else None


def read(payload: bytes) -> Message | Verdict:
    """Decode one payload, or say why it cannot be."""
    if len(payload) > PAYLOAD_BYTES_MAX:
        return Verdict.REFUSED_OVERSIZED
    try:
        message = decode(payload)
    except msgspec.ValidationError:
        return Verdict.REFUSED_TYPE
    except WireError:
        if _NOT_A_NUMBER.search(payload):
            return Verdict.REFUSED_NOT_A_NUMBER
        return Verdict.REFUSED_UNPARSABLE
    if not (0 <= message.e < 1 << 62 and 0 < message.s < 1 << 62):
        return Verdict.REFUSED_TYPE
    return message


def readings_of(message: Message) -> int:
    """How many readings a message holds, for the counts; an event counts as one."""
    if message.m is not None:
        return len(message.m)
    if isinstance(message.v, list):
        return len(message.v)
    return 1 if message.q is not None or message.ev is not None else 0


def expand(rows: Rows, row: int, message: Message) -> None:
    """Add the readings of one message to `rows`; a shape that is not ours is refused."""
    if message.m is not None:
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
    elif message.ev is None and message.drop is None and message.r is None:
        rows.refuse(row, Verdict.REFUSED_TYPE)


def _block(
    rows: Rows, row: int, message: Message, quantity: str, values: list[float | None]
) -> None:
    if message.t0 is None or message.dt is None or len(message.dt) != len(values):
        rows.refuse(row, Verdict.REFUSED_TYPE)
        return
    for offset, value in zip(message.dt, values, strict=True):
        _reading(rows, row, message, quantity, message.t0 + offset, value)


def _well_formed(message: Message, time_ms: int) -> bool:
    channel = not message.ch or is_id(message.ch.lower())
    return channel and -_MS_MAX < time_ms < _MS_MAX and message.f in _FLAGS


def _reading(
    rows: Rows, row: int, message: Message, quantity: str, time_ms: int,
    value: float | list[float | None] | None,
) -> None:
    if quantity not in INDEX:
        rows.refuse(row, Verdict.REFUSED_QUANTITY)
    elif value is None:
        rows.refuse(row, Verdict.REFUSED_NOT_A_NUMBER)
    elif isinstance(value, list) or not _well_formed(message, time_ms):
        rows.refuse(row, Verdict.REFUSED_TYPE)
    else:
        convert = QUANTITIES[quantity].accepts(message.u)
        if convert is None:
            rows.refuse(row, Verdict.REFUSED_UNIT)
            return
        factor, offset = convert
        value = value * factor + offset if message.u else value
        rows.put(
            row, INDEX[quantity], message.ch, time_ms * NS_PER_MS, value, message.f or 0,
            Verdict.APPLIED,
        )
