"""Load from columns: every frame is a message of ours, and says what the city measures."""

import json
import socket
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from edge import wire
from edge.places import parse
from edge.settings import SettingsError
from edge.stopping import Stopping
from edge.topics import parse_source
from simulators.city import City
from simulators.crowd import SERIES_MAX, Crowd, connect, decimals, digits, run
from tests.stand_in_ingest import Broker

START_MS = 1_784_505_600_000


def opened(frame: bytes) -> tuple[str, bytes]:
    """Topic and payload of a PUBLISH of QoS 0."""
    assert frame[0] == 0x30
    length, at, shift = 0, 1, 0
    while True:
        length |= (frame[at] & 127) << shift
        shift, at = shift + 7, at + 1
        if frame[at - 1] < 128:
            break
    assert len(frame) == at + length
    size = int.from_bytes(frame[at : at + 2], "big")
    return frame[at + 2 : at + 2 + size].decode(), frame[at + 2 + size :]


def test_digits_and_decimals() -> None:
    assert digits(np.array([42, 7]), 3).tobytes() == b"042007"
    values = np.array([0.0, 5.1, -3.25, 9999.99, 12345.0, -0.001, 100.0, -9999.0])
    texts = [bytes(row).decode() for row in decimals(values)]
    assert all(len(text) == 8 for text in texts)
    assert [json.loads(text) for text in texts] == [
        0.0, 5.1, -3.25, 9999.99, 9999.99, 0.0, 100.0, -9999.0
    ]


@pytest.mark.parametrize("wanted", [1000, 100_000])
def test_every_frame_is_a_device_block_of_its_place(wanted: int) -> None:
    crowd = Crowd(City(1), wanted)
    assert wanted <= crowd.series < 1.3 * wanted
    seen, series = set(), 0
    for frames in crowd.messages(START_MS, 5, 1.0):
        for row in frames:
            topic, payload = opened(row.tobytes())
            message = wire.decode(payload)
            source = parse_source(topic)
            assert source is not None
            seen.add(source.device)
            assert (message.e, message.s, message.t) == (1, 1_000_000_005, START_MS)
            assert message.m
            series += len(message.m)
    assert series == crowd.series
    placed = parse(crowd.places(START_MS, 1.0))
    assert {row.device for row in placed} == seen


def test_the_same_seed_gives_the_same_bytes_and_another_one_others() -> None:
    one, two, other = (
        b"".join(f.tobytes() for f in Crowd(City(seed), 500).messages(START_MS, 0, 1.0))
        for seed in (1, 1, 2)
    )
    assert one == two != other


@pytest.mark.parametrize("series", [0, SERIES_MAX + 1])
def test_sizes_are_bounded(series: int) -> None:
    with pytest.raises(SettingsError, match=f"--series {series}: must lie between 1 and"):
        Crowd(City(1), series)


def test_what_it_cannot_reach_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    with pytest.raises(SettingsError, match=f"--broker mqtt://127.0.0.1:{port}: "):
        connect(f"mqtt://127.0.0.1:{port}", "c")
    with pytest.raises(SettingsError, match="with --series write mqtt://host:port"):
        connect("mqtts://127.0.0.1:1", "c")


def test_a_real_broker_takes_it(tmp_path: Path) -> None:
    broker = Broker(tmp_path / "broker")
    stopping = Stopping()
    done: list[int] = []
    thread = threading.Thread(target=lambda: done.append(run(
        broker.url, tmp_path / "places.csv", Crowd(City(1), 300), 0.2, stopping
    )))
    thread.start()
    time.sleep(1.5)
    stopping.set()
    thread.join(20)
    broker.close()
    assert done == [0]
    assert (tmp_path / "places.csv").exists()
