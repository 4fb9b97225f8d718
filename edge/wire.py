"""The payload of Cityvitals, version 1: JSON in three shapes, events, drops and clock messages.

Every message carries `e`, the epoch (new after each unclean start of the agent), and `s`, the
message number in the epoch (from 1, without gaps). Times are Unix milliseconds UTC. `r` is the
receive time of a recording: ingest uses it only when it is told to run on recorded time. `n` says
that the device's clock is not set, and what it showed when the message was sent (-1: not known).
Unknown keys are ignored, wrong types refused with the key's name.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

PAYLOAD_BYTES_MAX = 65_536
DEPTH_MAX = 32


class Message(msgspec.Struct):
    """Any message of ours, decoded. Which keys are set tells its shape."""

    e: int
    s: int
    q: str | None = None
    t: int | None = None
    v: float | list[float | None] | None = None
    t0: int | None = None
    dt: list[int] | None = None
    m: dict[str, float | None] | None = None
    u: str | None = None
    ch: str = ""
    f: int | None = None
    ev: str | None = None
    id: str | None = None
    end: int | None = None
    customers: int | None = None
    step: int | None = None
    again: bool = False
    drop: list[tuple[int, int, int]] | None = None
    r: int | None = None
    n: int | None = None


class Ack(msgspec.Struct, omit_defaults=True):
    """What ingest tells a device: all messages of epoch `e` up to number `s` are archived.

    `h`: the highest number of them that is archived, where that lies beyond a gap.
    `again`: the broker has forgotten ingest's session, and what was sent meanwhile may be lost;
    the device sends everything again that is not acknowledged.
    """

    e: int
    s: int
    again: bool = False
    h: int = 0


class State(msgspec.Struct):
    """A device's retained state: advice only, liveness is judged by the age of readings."""

    online: bool
    t: int = 0
    e: int = 0
    queued: int = 0
    dropped: int = 0
    aside: int = 0
    clock: str = "set"
    version: str = ""


_decoder = msgspec.json.Decoder(Message)
_ack_decoder = msgspec.json.Decoder(Ack)
_state_decoder = msgspec.json.Decoder(State)
_any_decoder = msgspec.json.Decoder(Any)
_encode = msgspec.json.encode


class WireError(ValueError):
    """A payload that is not of our wire format; the text names the key and what is wrong."""


def _depth(payload: bytes) -> int:
    """Upper bound of the nesting, so that hostile nesting never reaches the JSON parser."""
    return payload.count(b"[") + payload.count(b"{")


def _guarded(decoder: "msgspec.json.Decoder[Any]", payload: bytes) -> Any:
    if len(payload) > PAYLOAD_BYTES_MAX:
        raise WireError(f"payload has {len(payload)} bytes, at most {PAYLOAD_BYTES_MAX}")
    if _depth(payload) > DEPTH_MAX and _nesting(payload) > DEPTH_MAX:
        raise WireError(f"payload is nested deeper than {DEPTH_MAX}")
    try:
        return decoder.decode(payload)
    except msgspec.ValidationError:
        raise
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise WireError(f"not JSON of our wire format: {error}") from error


def _nesting(payload: bytes) -> int:
    depth = deepest = 0
    inside = escaped = False
    for byte in payload:
        if escaped:
            escaped = False
        elif byte == 0x22:
            inside = not inside
        elif inside:
            escaped = byte == 0x5C
        elif byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"]}":
            depth -= 1
    return deepest


def decode(payload: bytes) -> Message:
    """Read one message.

    Raises `WireError` for what is not JSON, too large or too deep, and
    `msgspec.ValidationError` for a wrong type or a missing key (its text names the key).
    """
    message: Message = _guarded(_decoder, payload)
    return message


def decode_json(payload: bytes) -> Any:
    """Read any JSON within our bounds of size and depth; raises `WireError`."""
    return _guarded(_any_decoder, payload)


def decode_ack(payload: bytes) -> Ack:
    """Read an acknowledgement; errors as `decode`."""
    ack: Ack = _guarded(_ack_decoder, payload)
    return ack


def decode_state(payload: bytes) -> State:
    """Read a device state; errors as `decode`."""
    state: State = _guarded(_state_decoder, payload)
    return state


def _put(body: dict[str, Any], **optional: Any) -> bytes:
    body.update((key, value) for key, value in optional.items() if value is not None)
    return _encode(body)


def encode_single(
    epoch: int, number: int, quantity: str, time_ms: int, value: float, *,
    unit: str | None = None, channel: str | None = None, flag: int | None = None,
    received_ms: int | None = None,
) -> bytes:
    """One reading: `{"e":7,"s":41,"q":"pm25","t":1763836000000,"v":12.5}`."""
    body = {"e": epoch, "s": number, "q": quantity, "t": time_ms, "v": value}
    return _put(body, u=unit, ch=channel, f=flag, r=received_ms)


def encode_block(
    epoch: int, number: int, quantity: str, start_ms: int, *,
    offsets_ms: Sequence[int], values: Sequence[float],
    unit: str | None = None, channel: str | None = None, received_ms: int | None = None,
) -> bytes:
    """A block of one quantity: `{…,"q":"pm25","t0":…,"dt":[0,1000],"v":[12.5,12.6]}`.

    `offsets_ms` are milliseconds after `start_ms`, one for each value.
    """
    body: dict[str, Any] = {"e": epoch, "s": number, "q": quantity, "t0": start_ms}
    body["dt"] = list(offsets_ms)
    body["v"] = list(values)
    return _put(body, u=unit, ch=channel, r=received_ms)


def encode_device_block(
    epoch: int, number: int, time_ms: int, values: dict[str, float], *,
    received_ms: int | None = None,
) -> bytes:
    """All quantities of a device at one time: `{…,"t":…,"m":{"pm25":12.5,"no2":18.1}}`."""
    return _put({"e": epoch, "s": number, "t": time_ms, "m": values}, r=received_ms)


def encode_event(
    epoch: int, number: int, kind: str, event_id: str, start_ms: int, *,
    end_ms: int | None = None, customers: int | None = None, step: int | None = None,
    again: bool | None = None, received_ms: int | None = None,
) -> bytes:
    """An event: `{…,"ev":"interruption","id":"…","t":…,"end":…,"customers":120}`.

    `step` tells the steps of one interruption apart; `again`: its customers are counted in another.
    """
    body = {"e": epoch, "s": number, "ev": kind, "id": event_id, "t": start_ms}
    return _put(body, end=end_ms, customers=customers, step=step, again=again, r=received_ms)


def encode_drop(epoch: int, number: int, ranges: Sequence[tuple[int, int, int]]) -> bytes:
    """What the agent's policy dropped: (epoch, first number, last number) of each range."""
    return _put({"e": epoch, "s": number, "drop": [list(row) for row in ranges]})


def encode_clock(epoch: int, number: int, received_ms: int) -> bytes:
    """A message without readings: it only moves the clock of a recording."""
    return _put({"e": epoch, "s": number, "r": received_ms})


def encode_ack(ack: Ack) -> bytes:
    """An acknowledgement: `{"e":7,"s":41}`."""
    return _encode(ack)


def encode_state(state: State) -> bytes:
    """A device state, retained; the last will is one with `online` false."""
    return _encode(state)
