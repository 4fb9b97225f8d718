"""One PUBLISH of QoS 0 as bytes: many of them leave in one write."""


def publish_packet(
    topic: str, payload: bytes, five: bool = False, retain: bool = False
) -> bytes:
    """A PUBLISH of QoS 0, of MQTT 3.1.1 or `five`."""
    name = topic.encode()
    left = 2 + len(name) + five + len(payload)
    length = bytearray()
    while left > 127:
        length.append(left & 127 | 128)
        left >>= 7
    length.append(left)
    head = b"\x31" if retain else b"\x30"
    return b"".join((head, length, len(name).to_bytes(2), name, bytes(five), payload))
