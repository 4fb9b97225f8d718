"""MQTT frames as a server writes them, and the slow obvious reading of them, for tests."""

from dataclasses import dataclass

import numpy as np

from edge.connection import MID_BITS
from ingest.messages import Received
from ingest.publish_frames import Frames, topic_text


def length(value: int) -> bytes:
    """A length of MQTT, 7 bits a byte."""
    out = b""
    while True:
        value, low = value >> 7, value & 127
        out += bytes([low | (128 if value else 0)])
        if not value:
            return out


def publish(
    topic: bytes | str, payload: bytes, *, mid: int = 0, dup: bool = False, retain: bool = False,
    properties: bytes | None = None,
) -> bytes:
    """A PUBLISH frame; of QoS 1 with a `mid`, of MQTT 5 with `properties`."""
    name = topic.encode() if isinstance(topic, str) else topic
    body = len(name).to_bytes(2, "big") + name
    body += mid.to_bytes(2, "big") if mid else b""
    body += b"" if properties is None else length(len(properties)) + properties
    head = 0x30 | dup << 3 | (mid > 0) << 1 | retain
    return bytes([head]) + length(len(body) + len(payload)) + body + payload


def frames(*parts: bytes, session: int = 1, properties: bool = False) -> Frames:
    """Whole frames as the tap gives them."""
    data = np.frombuffer(b"".join(parts), np.uint8)
    qos_1 = sum(part[0] >> 1 & 3 for part in parts)
    return Frames(data, len(parts), qos_1, session, properties)


def received(frame: bytes, session: int = 1, *, properties: bool = False) -> Received:
    """One frame as the general path takes it, read byte by byte."""
    at = 1
    while frame[at] & 128:
        at += 1
    at += 1
    end = at + 2 + int.from_bytes(frame[at : at + 2], "big")
    topic, qos, mid = frame[at + 2 : end], frame[0] >> 1 & 3, 0
    if qos:
        mid, end = int.from_bytes(frame[end : end + 2], "big"), end + 2
    if properties:
        size, shift = 0, 0
        while True:
            size |= (frame[end] & 127) << shift
            shift += 7
            end += 1
            if frame[end - 1] < 128:
                break
        end += size
    return Received(topic_text(topic), frame[end:], session << MID_BITS | mid, qos,
                    bool(frame[0] & 1))


@dataclass
class Parted:
    """What a server's bytes are parted into."""

    ours: bytes = b""
    theirs: bytes = b""
    frames: int = 0
    acknowledged: int = 0
    used: int = 0
    passed: int = 0
    broken: bool = False


def _length_at(data: bytes, at: int) -> tuple[int, int] | None:
    """Value and end of a length; None if it is not whole; -1 if it is wrong."""
    value = 0
    for i in range(4):
        if at + i >= len(data):
            return None
        value |= (data[at + i] & 127) << (7 * i)
        if data[at + i] < 128:
            return value, at + i + 1
    return -1, at


def _true(frame: bytes, body: int, *, properties: bool) -> bool:
    """Whether the inside of a PUBLISH frame can be as it says."""
    rest = frame[body:]
    if len(rest) < 2 or len(rest) < 2 + int.from_bytes(rest[:2], "big"):
        return False
    rest = rest[2 + int.from_bytes(rest[:2], "big") :]
    if frame[0] >> 1 & 3:
        if len(rest) < 2 or rest[:2] == b"\0\0":
            return False
        rest = rest[2:]
    if properties:
        found = _length_at(rest, 0)
        return found is not None and found[0] >= 0 and found[1] + found[0] <= len(rest)
    return True


def part(data: bytes, *, properties: bool, frame_bytes_max: int) -> Parted:
    """The slow twin of `ingest.publish_frames.split`."""
    out = Parted()
    while out.used < len(data):
        head, found = data[out.used], _length_at(data, out.used + 1)
        if found is None:
            break
        size, body = found
        if size < 0:
            out.broken = True
            break
        end = body + size
        ours = head >> 4 == 3 and head >> 1 & 3 < 2 and end - out.used <= frame_bytes_max
        if not ours:
            out.theirs += data[out.used : end]
            out.passed = max(end - len(data), 0)
            out.used = min(end, len(data))
            continue
        if end > len(data):
            break
        frame = data[out.used : end]
        if not _true(frame, body - out.used, properties=properties):
            out.broken = True
            break
        out.ours += frame
        out.frames += 1
        out.acknowledged += head >> 1 & 3
        out.used = end
    return out
