"""PUBLISH frames of MQTT in the bytes of a socket: found, told apart, and their parts.

A server sends little else than PUBLISH to a subscriber, so the bytes are split by a kernel: whole
PUBLISH frames of QoS 0 and 1 move to the front, everything else is for the MQTT client that keeps
the session. Nothing here reads beyond the bytes that it was given, whatever they say.
"""

from dataclasses import dataclass
from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from edge.connection import MID_BITS
from engine.kernel import inner, kernel
from engine.raw_bytes import octet
from ingest.messages import Received

FRAME_BYTES_MAX = 1 << 17
"""A longer frame goes to the MQTT client: it may hold no payload that is taken in."""
PUBLISH = 3
FRAMES, ACKNOWLEDGED, OURS, THEIRS, USED, PASS, BROKEN = range(7)
STATE = 7
"""What `split` tells, int64: frames kept, how many of them want an acknowledgement, their bytes,
bytes for the client, bytes looked at, bytes that follow and are for the client too, and whether a
frame cannot be true."""
HEAD = 6
"""Columns of `heads_of`."""

Bytes = npt.NDArray[np.uint8]
_bytes = nb.types.Array(nb.uint8, 1, "C", readonly=True)
_mutable = nb.uint8[::1]


@inner
def varint(data: int, at: int, last: int) -> Any:
    """A length of MQTT at data[at:last]: (value, where it ends); -1 not whole yet, -2 wrong."""
    value = nb.int64(0)
    for i in range(4):
        if at + i >= last:
            return nb.int64(-1), at
        byte = nb.int64(octet(data + at + i))
        value |= (byte & 127) << (7 * i)
        if byte < 128:
            return value, at + i + 1
    return nb.int64(-2), at


@inner
def parts_of(data: int, at: int, last: int, properties: bool) -> Any:
    """The parts of a whole frame data[at:last]: (topic begins, it ends, packet id, payload begins).

    The packet id is 0 at QoS 0; `properties` says that the session is one of MQTT 5. The topic
    begins at -1 if the frame cannot be true.
    """
    wrong = (nb.int64(-1), nb.int64(-1), nb.int64(0), last)
    qos = octet(data + at) >> 1 & 3
    _, body = varint(data, at + 1, last)
    if body + 2 > last:
        return wrong
    topic = body + 2
    end = topic + (nb.int64(octet(data + body)) << 8 | nb.int64(octet(data + body + 1)))
    payload = end
    mid = nb.int64(0)
    if qos > 0:
        payload = end + 2
        if payload > last:
            return wrong
        mid = nb.int64(octet(data + end)) << 8 | nb.int64(octet(data + end + 1))
        if mid == 0:
            return wrong
    if payload > last:
        return wrong
    if properties:
        length, begin = varint(data, payload, last)
        if length < 0 or begin + length > last:
            return wrong
        payload = begin + length
    return topic, end, mid, payload


@kernel(nb.void(_mutable, nb.int64, nb.boolean, _mutable, nb.int64[::1]))
def split(data: Any, filled: int, properties: bool, theirs: Any, state: Any) -> None:
    """Part data[:filled] into PUBLISH frames, which move to its front, and what is not for us.

    theirs: uint8[n], out, at least as long as `data`. state: int64[STATE], out. What lies between
    the looked at and `filled` is a frame that is not whole yet. O(bytes).
    """
    state[:] = 0
    base = data.ctypes.data
    at = nb.int64(0)
    ours, other = nb.int64(0), nb.int64(0)
    while at < filled:
        head = data[at]
        length, body = varint(base, at + 1, filled)
        if length == -1:
            break
        if length == -2:
            state[BROKEN] = 1
            break
        end = body + length
        qos = head >> 1 & 3
        taken = head >> 4 == PUBLISH and qos < 2 and end - at <= FRAME_BYTES_MAX
        if end > filled and taken:
            break
        if not taken:
            size = min(end, filled) - at
            for i in range(size):
                theirs[other + i] = data[at + i]
            other += size
            at += size
            if end > filled:
                state[PASS] = end - filled
                break
            continue
        if parts_of(base, at, end, properties)[0] < 0:
            state[BROKEN] = 1
            break
        if ours < at:
            for i in range(end - at):
                data[ours + i] = data[at + i]
        ours += end - at
        at = end
        state[FRAMES] += 1
        state[ACKNOWLEDGED] += nb.int64(qos)
    state[OURS], state[THEIRS], state[USED] = ours, other, at


@dataclass(frozen=True, slots=True)
class Frames:
    """Whole PUBLISH frames, one after the other, that came in one session of the connection.

    count: how many, of which `acknowledged` are of QoS 1. properties: they are of MQTT 5.
    """

    data: Bytes
    count: int
    acknowledged: int
    session: int
    properties: bool


def join(parts: list[Frames]) -> Frames:
    """All frames of one session, one after the other."""
    if len(parts) == 1:
        return parts[0]
    return Frames(
        np.concatenate([part.data for part in parts]), sum(part.count for part in parts),
        sum(part.acknowledged for part in parts), parts[0].session, parts[0].properties,
    )


def only_acknowledged(frames: Frames) -> Frames:
    """The frames of QoS 1 alone."""
    heads = np.empty((frames.acknowledged, HEAD), np.int64)
    found = heads_of(frames.data, frames.properties, True, heads, 0)
    parts = [frames.data[head[0] : head[5]] for head in heads[:found]]
    return Frames(np.concatenate(parts), found, found, frames.session, frames.properties)


@kernel(nb.int64(_bytes, nb.boolean, nb.boolean, nb.int64[:, ::1], nb.int64))
def heads_of(data: Any, properties: bool, acknowledged: bool, out: Any, first: int) -> int:
    """Where the frames of `data` from byte `first` on are, as many as `out` has room for.

    out: int64[n, HEAD], out: frame begins, topic begins, topic ends, packet id, payload begins,
    frame ends.
    With `acknowledged` only frames of QoS 1. Returns how many were found.
    """
    base = data.ctypes.data
    at = first
    found = 0
    while at < data.shape[0] and found < out.shape[0]:
        length, body = varint(base, at + 1, data.shape[0])
        end = body + length
        if length < 0 or end > data.shape[0]:
            break
        if not acknowledged or data[at] >> 1 & 3:
            topic, topic_end, mid, payload = parts_of(base, at, end, properties)
            if topic < 0:
                break
            out[found, 0] = at
            out[found, 1] = topic
            out[found, 2] = topic_end
            out[found, 3] = mid
            out[found, 4] = payload
            out[found, 5] = end
            found += 1
        at = end
    return found


def acknowledgements(frames: Frames) -> bytes:
    """A PUBACK for each frame that wants one, in order."""
    heads = np.empty((frames.acknowledged, HEAD), np.int64)
    found = heads_of(frames.data, frames.properties, True, heads, 0)
    packets = np.empty((found, 4), np.uint8)
    packets[:, 0], packets[:, 1] = 0x40, 2
    packets[:, 2], packets[:, 3] = heads[:found, 3] >> 8, heads[:found, 3] & 255
    return packets.tobytes()


def topic_text(raw: bytes) -> str:
    """A topic as text; empty, so none of ours, if it is not UTF-8."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return ""


def is_retained(data: Bytes, topic: int) -> bool:
    """Whether the frame whose topic begins at `topic` is a retained one.

    Before the topic stand its length in two bytes, the length of the frame, of which all bytes but
    the last are above 127, and the head, which is below.
    """
    at = topic - 4
    while data[at] > 127:
        at -= 1
    return bool(data[at] & 1)


def received_of(frames: Frames) -> list[Received]:
    """The messages one by one, as the general path takes them."""
    heads = np.empty((frames.count, HEAD), np.int64)
    found = heads_of(frames.data, frames.properties, False, heads, 0)
    return [
        Received(
            topic_text(frames.data[topic:topic_end].tobytes()), frames.data[payload:end].tobytes(),
            frames.session << MID_BITS | mid, int(mid > 0), bool(frames.data[begin] & 1),
        )
        for begin, topic, topic_end, mid, payload, end in heads[:found].tolist()
    ]
