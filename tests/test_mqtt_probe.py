"""The plain client of `doctor` against a server that answers anything; brokers that are real are
in test_broker_doctor.py."""

import socket
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityvitals import mqtt_probe
from cityvitals.mqtt_probe import Arrived, Probe, ProbeError, Welcome
from edge.broker_settings import Address


@pytest.fixture(autouse=True)
def _quick() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mqtt_probe, "WAIT_S", 0.3)
        yield


def answering(*answers: bytes) -> Probe:
    """A probe whose server sends one of `answers` for each thing it reads, then closes."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        client, _ = server.accept()
        with client, server:
            for answer in answers:
                client.recv(1 << 16)
                client.sendall(answer)
            client.settimeout(2)
            while client.recv(1 << 16):
                continue

    threading.Thread(target=serve, daemon=True).start()
    return Probe(Address("127.0.0.1", server.getsockname()[1], False, ""), None)


def test_limits_in_the_connack_of_mqtt_5() -> None:
    properties = (b"\x11\x00\x00\x00\x3c" b"\x12\x00\x03abc" b"\x26\x00\x01a\x00\x01b"
                  b"\x24\x01" b"\x27\x00\x00\x40\x00")
    body = b"\x01\x00" + bytes([len(properties)]) + properties
    probe = answering(b"\x20" + bytes([len(body)]) + body)
    welcome = probe.connect("x", clean=False, level=mqtt_probe.V5)
    assert welcome == Welcome(0, True, {0x11: 60, 0x24: 1, 0x27: 0x4000})
    probe.close()


def test_messages_are_kept_while_something_else_is_awaited() -> None:
    published = b"\x33\x08\x00\x01t\x00\x07abc"
    probe = answering(b"\x20\x02\x00\x00", published + b"\x90\x03\x00\x01\x01")
    assert probe.connect("x", clean=True).code == 0
    assert probe.subscribe("t", 1) == 1
    assert probe.receive(1, 0.1, acknowledge=True) == [Arrived("t", b"abc", 7, True)]
    assert probe.receive(1, 0.01, acknowledge=False) == []
    probe.close()


@pytest.mark.parametrize(("answers", "what"), [
    ((b"",), "no answer"),
    ((b"HTTP/1.1 400 Bad Request",), "not MQTT|no answer"),
    ((b"\x20\xff\xff\xff\xff\xff",), "not MQTT"),
    ((b"\x20\xff\xff\xff\x7f",), "not MQTT"),
    ((b"\x20\x00",), "not MQTT"),
])
def test_what_is_not_mqtt_is_said(answers: tuple[bytes, ...], what: str) -> None:
    probe = answering(*answers)
    with pytest.raises(ProbeError, match=what):
        probe.connect("x", clean=True)
    probe.close()


def test_unconfirmed_messages_are_not_counted() -> None:
    probe = answering(b"\x20\x02\x00\x00", b"\x40\x02\x00\x01")
    probe.connect("x", clean=True)
    assert probe.publish("t", [b"a", b"b"]) == 1
    probe.close()


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60))
def test_any_answer_ends_in_an_answer_or_an_error(raw: bytes) -> None:
    probe = Probe.__new__(Probe)
    probe._buffer = bytearray(raw)
    probe.arrived = []
    try:
        while (packet := probe._parse()) is not None:
            mqtt_probe._properties(packet.body)
            if packet.kind == mqtt_probe.PUBLISH:
                probe._keep(packet)
    except ProbeError:
        return
