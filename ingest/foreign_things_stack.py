"""The format `things-stack`: uplinks of The Things Stack, version 3, decoded there.

Values are those of `decoded_payload`, which a payload formatter of the application makes. The
time is when the network received the uplink: that of a gateway may be wrong. An uplink that was
simulated is kept and does not count.
"""

from typing import Any

from edge.verdicts import Verdict
from ingest.foreign_found import MISSING, Found, WrongError, at_path
from ingest.foreign_time import instant_ms


def found_in(tree: Any, names: tuple[str, ...], received_ms: int) -> list[Found]:
    """All configured values of an uplink. Raises `WrongError`."""
    uplink = at_path(tree, "uplink_message") if isinstance(tree, dict) else MISSING
    if not isinstance(uplink, dict):
        raise WrongError(Verdict.REFUSED_TYPE)
    time_ms = _time(uplink.get("received_at") or tree.get("received_at"), received_ms)
    bad = tree.get("simulated") is True
    decoded = uplink.get("decoded_payload")
    values = [(name, at_path(decoded, name)) for name in names]
    out = [
        Found(name, value, refused=time_ms) if isinstance(time_ms, Verdict)
        else Found(name, value, time_ms, bad=bad)
        for name, value in values if value is not MISSING
    ]
    if not out:
        raise WrongError(Verdict.REFUSED_QUANTITY)
    return out


def _time(told: Any, received_ms: int) -> int | Verdict | None:
    """Unix ms of a text; None where there is none."""
    if told is None:
        return None
    if not isinstance(told, str):
        return Verdict.REFUSED_TYPE
    return instant_ms(told, "", None, received_ms)
