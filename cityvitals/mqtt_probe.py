"""A plain MQTT client on one socket, for `doctor`: it sees and decides every single packet.

Blocking, one thread, every wait bounded. MQTT 3.1.1 (OASIS, 2014) and, for the broker's own
limits in its CONNACK, MQTT 5.0 (OASIS, 2019); section numbers below are of these. What runs for
long belongs to `edge.connection` instead.
"""

import socket
import ssl
import time
from typing import NamedTuple

from edge.broker_settings import Address

V311 = 4
V5 = 5
WAIT_S = 5.0
"""The longest wait for an answer that the standard demands."""
WINDOW = 500
"""Messages published before the confirmations are read, so that no socket buffer fills up."""
PACKET_BYTES_MAX = 1 << 20

CONNACK, PUBLISH, PUBACK, SUBACK = 2, 3, 4, 9
_PROPERTY_BYTES = {0x24: 1, 0x25: 1, 0x28: 1, 0x29: 1, 0x2A: 1, 0x13: 2, 0x21: 2, 0x22: 2,
                   0x11: 4, 0x27: 4}
"""Properties of a CONNACK with a fixed size (5.0, 2.2.2.2); the others are strings."""
_PROPERTY_PAIR = 0x26
SESSION_EXPIRY, QOS_MAX, RETAIN_AVAILABLE, PACKET_MAX = 0x11, 0x24, 0x25, 0x27
EXPIRY_NEVER = 0xFFFFFFFF


class ProbeError(Exception):
    """The broker closed the connection, did not answer, or answered something else than MQTT."""


class Welcome(NamedTuple):
    """A CONNACK: return or reason code, session present, and the properties of MQTT 5."""

    code: int
    present: bool
    properties: dict[int, int]


class Arrived(NamedTuple):
    """A PUBLISH from the broker; `mid` is 0 at QoS 0."""

    topic: str
    payload: bytes
    mid: int
    retain: bool


class Packet(NamedTuple):
    """Any packet: type and flags of the fixed header (3.1.1, 2.2), and what follows."""

    kind: int
    flags: int
    body: bytes


def _text(text: str | bytes) -> bytes:
    raw = text.encode() if isinstance(text, str) else text
    return len(raw).to_bytes(2, "big") + raw


def _packet(head: int, body: bytes) -> bytes:
    size = len(body)
    length = bytearray()
    while True:
        size, digit = divmod(size, 128)
        length.append(digit | (0x80 if size else 0))
        if not size:
            return bytes([head]) + bytes(length) + body


def _number(raw: bytes, at: int) -> tuple[int, int]:
    """A variable byte integer (2.2.3) and where it ends; (-1, at) while bytes are missing."""
    value = 0
    for k in range(4):
        if at + k >= len(raw):
            return -1, at
        value |= (raw[at + k] & 0x7F) << (7 * k)
        if raw[at + k] < 0x80:
            return value, at + k + 1
    raise ProbeError("the answer is not MQTT")


def _properties(raw: bytes) -> dict[int, int]:
    """The numbers among the properties of a CONNACK (5.0, 3.2.2.3)."""
    found: dict[int, int] = {}
    length, at = _number(raw, 0) if raw else (0, 0)
    end = at + length
    while at < min(end, len(raw)):
        key = raw[at]
        size = _PROPERTY_BYTES.get(key)
        at += 1
        if size is None:
            for _ in range(2 if key == _PROPERTY_PAIR else 1):
                at += 2 + int.from_bytes(raw[at:at + 2], "big")
        else:
            found[key] = int.from_bytes(raw[at:at + size], "big")
            at += size
    return found


class Probe:
    """One connection. Raises `ProbeError` if the broker cannot be reached within `WAIT_S`."""

    def __init__(self, address: Address, context: ssl.SSLContext | None) -> None:
        self._mid = 0
        self._buffer = bytearray()
        self.arrived: list[Arrived] = []
        try:
            sock = socket.create_connection((address.host, address.port), WAIT_S)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if context is not None:
                sock = context.wrap_socket(sock, server_hostname=address.host)
        except OSError as error:
            raise ProbeError(str(error.strerror or error)) from None
        self._socket = sock

    def connect(
        self, client_id: str, *, clean: bool, user: str = "", password: str | None = None,
        level: int = V311,
    ) -> Welcome:
        """Open a session (3.1); in MQTT 5 one that never expires, unless `clean`."""
        flags = (2 if clean else 0) | (0x80 if user else 0) | (0 if password is None else 0x40)
        body = _text("MQTT") + bytes([level, flags]) + (60).to_bytes(2, "big")
        if level == V5:
            expiry = 0 if clean else EXPIRY_NEVER
            body += bytes([5, SESSION_EXPIRY]) + expiry.to_bytes(4, "big")
        body += _text(client_id)
        if user:
            body += _text(user)
        if password is not None:
            body += _text(password)
        self._send(_packet(0x10, body))
        answer = self._expect(CONNACK)
        if len(answer.body) < 2:
            raise ProbeError("the answer is not MQTT")
        properties = _properties(answer.body[2:]) if level == V5 else {}
        return Welcome(answer.body[1], bool(answer.body[0] & 1), properties)

    def subscribe(self, topic: str, qos: int) -> int:
        """Ask for a filter; returns the QoS granted, or 128 for a refusal (3.9.3)."""
        self._mid = self._mid % 0xFFFF + 1
        body = self._mid.to_bytes(2, "big") + _text(topic) + bytes([qos])
        self._send(_packet(0x82, body))
        answer = self._expect(SUBACK)
        if len(answer.body) < 3:
            raise ProbeError("the answer is not MQTT")
        return answer.body[-1]

    def publish(self, topic: str, payloads: list[bytes], *, retain: bool = False) -> int:
        """Publish at QoS 1; returns how many of the messages were confirmed within `WAIT_S`."""
        confirmed = 0
        for begin in range(0, len(payloads), WINDOW):
            window = payloads[begin:begin + WINDOW]
            out = bytearray()
            for payload in window:
                self._mid = self._mid % 0xFFFF + 1
                body = _text(topic) + self._mid.to_bytes(2, "big") + payload
                out += _packet(0x33 if retain else 0x32, body)
            self._send(bytes(out))
            deadline = time.monotonic() + WAIT_S
            for _ in window:
                packet = self._read(deadline)
                while packet is not None and packet.kind != PUBACK:
                    packet = self._read(deadline)
                if packet is None:
                    return confirmed
                confirmed += 1
        return confirmed

    def receive(self, count: int, quiet_s: float, *, acknowledge: bool) -> list[Arrived]:
        """Up to `count` messages, fewer once none came for `quiet_s`."""
        while len(self.arrived) < count:
            if self._read(time.monotonic() + quiet_s) is None:
                break
        taken, self.arrived = self.arrived[:count], self.arrived[count:]
        if acknowledge:
            self.acknowledge(taken)
        return taken

    def acknowledge(self, messages: list[Arrived]) -> None:
        """PUBACK for each message of QoS 1 (3.4)."""
        mids = [message.mid for message in messages if message.mid]
        self._send(b"".join(_packet(0x40, mid.to_bytes(2, "big")) for mid in mids))

    def close(self) -> None:
        """Say goodbye (3.14), as far as the broker still listens."""
        try:
            self._send(b"\xe0\x00")
        except ProbeError:
            pass
        finally:
            self._socket.close()

    def _expect(self, kind: int) -> Packet:
        deadline = time.monotonic() + WAIT_S
        while True:
            packet = self._read(deadline)
            if packet is None:
                raise ProbeError(f"no answer within {WAIT_S:.0f} s")
            if packet.kind == kind:
                return packet

    def _send(self, raw: bytes) -> None:
        try:
            self._socket.settimeout(WAIT_S)
            self._socket.sendall(raw)
        except OSError as error:
            raise ProbeError(f"the connection was closed ({error})") from None

    def _read(self, deadline: float) -> Packet | None:
        """The next packet, None at `deadline`; what was published to us is kept in `arrived`."""
        while True:
            packet = self._parse()
            if packet is not None:
                if packet.kind == PUBLISH:
                    self._keep(packet)
                return packet
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                return None
            try:
                self._socket.settimeout(left_s)
                raw = self._socket.recv(1 << 16)
            except TimeoutError:
                return None
            except OSError as error:
                raise ProbeError(f"the connection was closed ({error})") from None
            if not raw:
                raise ProbeError("the connection was closed by the broker")
            self._buffer += raw

    def _parse(self) -> Packet | None:
        head = bytes(self._buffer[:5])
        if len(head) < 2:
            return None
        size, at = _number(head, 1)
        if size > PACKET_BYTES_MAX:
            raise ProbeError("the answer is not MQTT")
        if size < 0 or len(self._buffer) < at + size:
            return None
        body = bytes(self._buffer[at:at + size])
        del self._buffer[:at + size]
        return Packet(head[0] >> 4, head[0] & 15, body)

    def _keep(self, packet: Packet) -> None:
        size = int.from_bytes(packet.body[:2], "big")
        at = 2 + size
        mid = 0
        if packet.flags & 6:
            mid = int.from_bytes(packet.body[at:at + 2], "big")
            at += 2
        topic = packet.body[2:2 + size].decode("utf-8", "replace")
        self.arrived.append(Arrived(topic, packet.body[at:], mid, bool(packet.flags & 1)))
