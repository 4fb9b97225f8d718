"""Publishers that are not ours: which topics are theirs, and what their messages are as readings.

They do not number their messages, so ingest does: by the order in which they came. Such an
arrival number is an epoch below 0 with the message number 0. It tells what is held apart, says
which of two readings came later, and never runs back, also over a restart; but it is no proof that
a message is new, so readings are merged by series, time and value (`ingest.merging`).
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from edge.quantities import INDEX, QUANTITIES
from edge.topics import is_id
from edge.verdicts import Verdict
from edge.wire import PAYLOAD_BYTES_MAX, WireError, decode, decode_json
from engine.batch import Batch
from ingest import foreign_json, foreign_senml, foreign_things_stack
from ingest.foreign_found import Found, WrongError, number_of
from ingest.messages import NOT_A_NUMBER, NS_PER_MS, Received
from ingest.settings_foreign import ForeignField, ForeignSettings
from ingest.topic_template import Template, fill

ARRIVED_FROM = -(1 << 62)
"""An arrival number is this and the receive time in ns, or the next one that is free."""
UNTIMED = 2
"""The flag (QARTOD: not evaluated) of a reading whose time is when it came."""
BAD = 4
SENML_NAMES = {**{name: name for name in QUANTITIES}, "temperature": "temp", "humidity": "rh"}
"""What SenML names are without a configuration: each record tells its unit."""


class Reading(NamedTuple):
    """A row of `ingest.messages.Rows` without its message."""

    quantity: int
    channel: str
    time_ns: int
    value: float
    flag: int
    verdict: int


class Told(NamedTuple):
    """A message of another publisher, decoded. refused: why all of it is, else None."""

    device: str
    arrival: int
    readings: list[Reading]
    refused: Verdict | None = None


class Foreign:
    """The foreign topics of one ingest, and the numbers of what came on them."""

    def __init__(self, settings: Sequence[ForeignSettings] = ()) -> None:
        self._sources = [_Source(one) for one in settings]
        self.last = ARRIVED_FROM

    @property
    def filters(self) -> list[str]:
        """What to subscribe to."""
        return list(dict.fromkeys(source.template.filter for source in self._sources))

    def device_of(self, topic: str) -> str:
        """The device that a topic names, empty if it is none of these."""
        for source in self._sources:
            parts = source.template.parts(topic)
            if parts is not None:
                return source.device_of(parts)
        return ""

    def read(self, received: Received, received_ns: int) -> Told | None:
        """A message that came now, with a new number; None if its topic is none of these."""
        for source in self._sources:
            parts = source.template.parts(received.topic)
            if parts is not None:
                self.last = max(self.last + 1, ARRIVED_FROM + received_ns)
                return source.read(received, parts, received_ns, self.last)
        return None

    def read_again(
        self, device: str, arrival: int, received: Received, received_ns: int
    ) -> Told:
        """A message, or a reading of one, that was held under a number."""
        # A reading that waited for its time was written by us; nobody else knows its number.
        if received.payload.startswith(b'{"e":%d,"s":0,' % arrival):
            try:
                one = decode(received.payload)
                if one.q is not None and one.t is not None and isinstance(one.v, float):
                    return Told(device, arrival, [Reading(
                        INDEX[one.q], one.ch, one.t * NS_PER_MS, one.v, one.f or 0, Verdict.APPLIED,
                    )])
            except (msgspec.ValidationError, WireError, KeyError):
                pass
        for source in self._sources:
            parts = source.template.parts(received.topic)
            if parts is not None and source.device_of(parts) == device:
                return source.read(received, parts, received_ns, arrival)
        return Told(device, arrival, [], Verdict.REFUSED_TOPIC)

    def learn(self, batch: Batch) -> None:
        """Take note of an archived batch: what comes next is numbered behind it."""
        self.last = max(self.last, ARRIVED_FROM + batch.received_ns - 1)
        if len(batch) and int(batch.epoch.min()) < 0:
            own = (batch.epoch < 0) & (batch.seq == 0) & (batch.device >= 0)
            self.last = max(self.last, int(batch.epoch[own].max(initial=ARRIVED_FROM)))

    def knows(self, arrival: int) -> bool:
        """Whether the archive holds what came under a number; asked before anything new comes."""
        return arrival <= self.last


class _Source:
    """One table of the configuration."""

    def __init__(self, settings: ForeignSettings) -> None:
        self.template = Template(settings.topic)
        self._device = settings.device
        self._format = settings.format
        fields = settings.fields
        if settings.format == "senml":
            fields = {
                name: ForeignField(quantity=to) for name, to in SENML_NAMES.items()
            } | fields
        self._fields = fields
        self._places = foreign_json.Places(
            tuple(fields), settings.value, settings.time, settings.time_unit,
            ZoneInfo(settings.tz) if settings.tz else None,
        )

    def device_of(self, parts: Mapping[str, str]) -> str:
        """The id of the device, in lower case; empty if that cannot be an id."""
        device = fill(self._device, parts).lower()
        return device if is_id(device) else ""

    def read(
        self, received: Received, parts: Mapping[str, str], received_ns: int, arrival: int
    ) -> Told:
        """A message as readings, or why it is refused."""
        device = self.device_of(parts)
        channel = parts.get("channel", "").lower()
        if not device or (channel and not is_id(channel)):
            return Told("", arrival, [], Verdict.REFUSED_TOPIC)
        received_ms = received_ns // NS_PER_MS
        try:
            found = self._found(_json(received.payload), parts, received_ms)
        except WrongError as error:
            return Told(device, arrival, [], error.verdict)
        return Told(device, arrival, [
            self._reading(one, channel, received_ms, received.retained) for one in found
        ])

    def _found(self, tree: Any, parts: Mapping[str, str], received_ms: int) -> list[Found]:
        if self._format == "senml":
            return foreign_senml.found_in(
                tree, lambda name: name if name in self._fields else None, received_ms)
        if self._format == "things-stack":
            return foreign_things_stack.found_in(tree, self._places.names, received_ms)
        return foreign_json.found_in(tree, self._places, parts, received_ms)

    def _reading(
        self, found: Found, channel: str, received_ms: int, retained: bool
    ) -> Reading:
        field = self._fields.get(found.name)
        if field is None or found.refused is not None:
            return _refused(found.refused or Verdict.REFUSED_QUANTITY)
        value = number_of(found.value)
        if isinstance(value, Verdict):
            return _refused(value)
        convert = _conversion(field, found.unit)
        if convert is None:
            return _refused(Verdict.REFUSED_UNIT)
        untimed = found.time_ms is None or found.relative
        if untimed and retained:  # it was measured before now, and nobody knows when
            return _refused(Verdict.REFUSED_TIME)
        time_ms = received_ms if found.time_ms is None else found.time_ms
        flag = BAD if found.bad else UNTIMED if untimed else 0
        scaled = (value * field.factor + field.offset) * convert[0] + convert[1]
        return Reading(
            INDEX[field.quantity], channel or field.channel, time_ms * NS_PER_MS, scaled, flag,
            Verdict.APPLIED,
        )


def _conversion(field: ForeignField, told: str | None) -> tuple[float, float] | None:
    """Factor and offset of a field, None if its unit is refused; `told`: as of `Found.unit`."""
    if told == "" and not field.unit:  # a format that tells units, and did not
        return None
    return QUANTITIES[field.quantity].accepts(told or field.unit or None)


def _refused(verdict: Verdict) -> Reading:
    return Reading(-1, "", 0, float("nan"), 2, verdict)


def _json(payload: bytes) -> Any:
    """The payload as JSON, with null for NaN and the infinities. Raises `WrongError`."""
    if len(payload) > PAYLOAD_BYTES_MAX:
        raise WrongError(Verdict.REFUSED_OVERSIZED)
    try:
        return decode_json(payload)
    except WireError:
        repaired, found = NOT_A_NUMBER.subn(rb"\1null", payload)
    try:
        if found:
            return decode_json(repaired)
    except WireError:
        pass
    raise WrongError(Verdict.REFUSED_UNPARSABLE)
