"""The tables `[[foreign]]` of ingest's configuration: topics of publishers that are not ours."""

import difflib
import math
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from edge.quantities import QUANTITIES
from edge.settings import Section
from edge.topics import is_id
from ingest.topic_template import Template, names_in

SOURCES_MAX = 32
FIELDS_MAX = 100
"""Tables of one configuration, and fields of one of them: each is looked for in each message."""
ONLY_JSON = {"time": "", "time_unit": "ms", "tz": "", "value": ""}
"""Keys for the format `json`, with their defaults: the other formats say these themselves."""


class ForeignField(Section):
    """What a name in a payload is: a quantity, in a unit, on a channel.

    unit: that of the payload, empty for the canonical one. value * factor + offset is in it.
    """

    quantity: str
    unit: str = ""
    channel: str = ""
    factor: float = 1.0
    offset: float = 0.0

    def __post_init__(self) -> None:
        """Check what can be checked without I/O. Raises ValueError."""
        known = QUANTITIES.get(self.quantity)
        if known is None:
            near = difflib.get_close_matches(self.quantity, QUANTITIES, n=1, cutoff=0.0)
            raise ValueError(f"quantity = {self.quantity!r}: not known; the nearest is {near[0]!r}")
        if self.unit and known.accepts(self.unit) is None:
            units = ", ".join((known.unit, *known.units))
            raise ValueError(f"unit = {self.unit!r}: {self.quantity} accepts {units}")
        if self.channel and not is_id(self.channel):
            raise ValueError(f"channel = {self.channel!r}: use 1 to 64 of a-z, 0-9, _ and -")
        if not (math.isfinite(self.factor) and self.factor and math.isfinite(self.offset)):
            raise ValueError(f"factor = {self.factor}, offset = {self.offset}: "
                             "must be numbers, the factor not 0")


class ForeignSettings(Section):
    """One kind of topic that is not ours.

    topic: a template with named parts. format: how its payloads are read. device: the id of the
    device, of parts of the topic. fields: what names in the payload are. Of the format `json`,
    value: where the value is if the topic names the quantity; time, time_unit, tz: where its time
    is, in what unit if it is a number, and in which zone if it is a text without one.
    """

    topic: str
    format: Literal["json", "senml", "things-stack"]
    device: str = "{device}"
    value: str = ""
    time: str = ""
    time_unit: Literal["s", "ms", "us", "ns"] = "ms"
    tz: str = ""
    fields: dict[str, ForeignField] = msgspec.field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check what can be checked without I/O. Raises ValueError."""
        try:
            names = Template(self.topic).names
        except ValueError as error:
            raise ValueError(f"topic = {self.topic!r}: {error}") from None
        _check_device(self.device, names)
        if len(self.fields) > FIELDS_MAX:
            raise ValueError(f"fields: {len(self.fields)}, at most {FIELDS_MAX}")
        if not self.fields and self.format != "senml":
            raise ValueError(f"fields: format {self.format!r} needs at least one")
        for key, default in ONLY_JSON.items():
            given = getattr(self, key)
            if given != default and self.format != "json":
                raise ValueError(f"{key} = {given!r}: format {self.format!r} says this itself")
        if self.format != "json" and "quantity" in names:
            raise ValueError(f"topic = {self.topic!r}: {{quantity}} is for format 'json'")
        if self.value and "quantity" not in names:
            raise ValueError(f"value = {self.value!r}: is for topics with a part {{quantity}}; "
                             "say where values are in fields")
        if self.tz:
            _check_zone(self.tz)


def _check_device(device: str, names: tuple[str, ...]) -> None:
    try:
        used = names_in(device)
    except ValueError as error:
        raise ValueError(f"device = {device!r}: {error}") from None
    strange = set(used) - set(names)
    if strange or not used:
        parts = ", ".join(f"{{{name}}}" for name in names)
        raise ValueError(f"device = {device!r}: must be made of parts of the topic, {parts}")


def _check_zone(zone: str) -> None:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(
            f"tz = {zone!r}: must be an IANA time zone such as Europe/Berlin") from None


def check_all(sources: list[ForeignSettings], clock: str) -> None:
    """What no table can check alone. Raises ValueError."""
    if len(sources) > SOURCES_MAX:
        raise ValueError(f"foreign: {len(sources)} tables, at most {SOURCES_MAX}")
    if sources and clock != "wall":
        raise ValueError(f"clock = {clock!r}: recorded messages say when they came, those of "
                         "[[foreign]] cannot")
    topics = [source.topic for source in sources]
    for topic in topics:
        if topics.count(topic) > 1:
            raise ValueError(f"foreign: topic = {topic!r} stands in two tables")
