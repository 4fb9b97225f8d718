"""A packet of our own against the test's own encoder of MQTT."""

import pytest

from edge.publish_packet import publish_packet
from tests.mqtt_frames import publish


@pytest.mark.parametrize("size", [0, 1, 120, 127, 128, 20_000, 2_100_000])
@pytest.mark.parametrize("five", [False, True])
def test_a_packet_of_our_own_is_one_of_mqtt(size: int, five: bool) -> None:
    payload = b"x" * size
    packet = publish(
        "cv/1/a/d", payload, properties=b"" if five else None)
    assert publish_packet("cv/1/a/d", payload, five) == packet
    assert publish_packet("cv/1/a/d", payload, five, True) == b"\x31" + packet[1:]
