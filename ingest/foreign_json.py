"""The format `json`: values at configured places of an object, or of each object of a list.

With it speak Zigbee2MQTT, Tasmota, ChirpStack, ThingsBoard's telemetry and most things that
somebody made himself. Where the topic names the quantity, the payload is the value or holds it at
`value`.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from edge.verdicts import Verdict
from ingest.foreign_found import ENTRIES_MAX, MISSING, Found, WrongError, at_path
from ingest.foreign_time import instant_ms


class Places(NamedTuple):
    """Where things are in a payload: the names of `fields` are paths; see `ForeignSettings`."""

    names: tuple[str, ...]
    value: str = ""
    time: str = ""
    time_unit: str = "ms"
    zone: ZoneInfo | None = None


def found_in(
    tree: Any, places: Places, parts: Mapping[str, str], received_ms: int
) -> list[Found]:
    """All configured values of a payload. Raises `WrongError`."""
    entries = tree if isinstance(tree, list) else [tree]
    if len(entries) > ENTRIES_MAX:
        raise WrongError(Verdict.REFUSED_OVERSIZED)
    out: list[Found] = []
    for entry in entries:
        time_ms = _time(entry, places, received_ms)
        if "quantity" in parts:
            told = [(parts["quantity"], at_path(entry, places.value))]
        elif isinstance(entry, dict):
            told = [(name, at_path(entry, name)) for name in places.names]
        else:
            raise WrongError(Verdict.REFUSED_TYPE)
        for name, value in told:
            if value is MISSING:
                continue
            if isinstance(time_ms, Verdict):
                out.append(Found(name, value, refused=time_ms))
            else:
                out.append(Found(name, value, time_ms))
    if not out:
        raise WrongError(Verdict.REFUSED_QUANTITY)
    return out


def _time(entry: Any, places: Places, received_ms: int) -> int | Verdict | None:
    told = at_path(entry, places.time) if places.time else MISSING
    if told is MISSING or told is None:
        return None
    return instant_ms(told, places.time_unit, places.zone, received_ms)
