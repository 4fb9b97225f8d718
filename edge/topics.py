"""Where messages travel: the topics of Cityvitals, version 1.

Ids are `[a-z0-9_-]{1,64}`: some brokers cut the connection on a space or a dot.
"""

import re
from typing import NamedTuple

_ID = re.compile(r"[a-z0-9_-]{1,64}")
READINGS_FILTER = "cv/1/r/#"
STATE_FILTER = "cv/1/s/#"


class Source(NamedTuple):
    """The place and device that a readings or state topic names."""

    city: str
    district: str
    station: str
    device: str


def is_id(text: str) -> bool:
    """True if `text` may stand in a topic as city, district, station, device or indicator."""
    return _ID.fullmatch(text) is not None


def _join(*parts: str) -> str:
    for part in parts:
        if not is_id(part):
            raise ValueError(f"id {part!r}: use 1 to 64 of a-z, 0-9, _ and -")
    return "/".join(parts)


def readings(city: str, district: str, station: str, device: str) -> str:
    """Topic of a device's readings: `cv/1/r/{city}/{district}/{station}/{device}`."""
    return "cv/1/r/" + _join(city, district, station, device)


def state(city: str, district: str, station: str, device: str) -> str:
    """Topic of a device's retained state and last will."""
    return "cv/1/s/" + _join(city, district, station, device)


def acks(device: str) -> str:
    """Topic on which ingest tells a device what the archive holds."""
    return "cv/1/a/" + _join(device)


def configuration(device: str) -> str:
    """Topic on which a device is told its configuration."""
    return "cv/1/c/" + _join(device)


def indicator(city: str, district: str, station: str, domain: str, name: str) -> str:
    """Topic of a retained indicator; an area uses `_` for the parts it spans."""
    return "cv/1/i/" + _join(city, district, station, domain, name)


def parse_source(topic: str) -> Source | None:
    """The source that a readings (`r`) or state (`s`) topic names, or None if not ours."""
    parts = topic.split("/")
    if len(parts) != 7 or parts[0] != "cv" or parts[1] != "1" or parts[2] not in ("r", "s"):
        return None
    if not all(map(is_id, parts[3:])):
        return None
    return Source(*parts[3:])
