"""What devices say of themselves, through a real broker."""

import asyncio
import contextlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from paho.mqtt import publish

from dashboards import devices
from dashboards.devices import Devices
from edge import topics, wire
from edge.broker_settings import parse_url
from tests.brokers import Mosquitto, free_port
from tests.page_site import WAIT_S_MAX

TOPIC = topics.state("city", "centre", "s1", "dev1")
BROKER = parse_url("mqtt://127.0.0.1:1883")


def state(**changes: Any) -> bytes:
    return wire.encode_state(wire.State(**({"online": True, "t": 5, "e": 1} | changes)))


def test_the_latest_state_is_kept_and_the_same_again_is_no_news() -> None:
    known = Devices(BROKER)
    assert known.take(TOPIC, state(queued=3)) == ["centre/s1", "dev1", True, 5, 3, 0, ""]
    assert known.take(TOPIC, state(queued=3)) is None
    assert known.take(TOPIC, state(online=False)) == ["centre/s1", "dev1", False, 5, 0, 0, ""]
    assert list(known.rows()) == [["centre/s1", "dev1", False, 5, 0, 0, ""]]
    assert known.take(TOPIC, b"") is None
    assert list(known.rows()) == []


def test_what_is_no_state_is_counted_and_left_out() -> None:
    known = Devices(BROKER)
    for topic, payload in ((TOPIC, b"{"), (TOPIC, b'{"online":3}'), ("cv/1/s/x", state()),
                           (TOPIC, b"x" * 70_000)):
        assert known.take(topic, payload) is None
    assert known.refused == 4
    assert list(known.rows()) == []


def test_no_more_devices_than_the_bound(monkeypatch: Any) -> None:
    monkeypatch.setattr(devices, "DEVICES_MAX", 1)
    known = Devices(BROKER)
    assert known.take(TOPIC, state()) is not None
    assert known.take(topics.state("city", "centre", "s1", "dev2"), state()) is None
    assert known.take(TOPIC, state(t=6)) is not None
    assert known.refused == 1


def test_retained_states_come_from_the_broker_and_again_after_it_was_killed(
    tmp_path: Path, monkeypatch: Any,
) -> None:
    monkeypatch.setattr(devices, "RETRY_S_MAX", 0.2)
    broker = Mosquitto(tmp_path)
    broker.start()
    try:
        publish.single(TOPIC, state(), qos=1, retain=True, port=broker.port)
        asyncio.run(_follow(broker))
    finally:
        broker.kill()


async def _follow(broker: Mosquitto) -> None:
    known = Devices(parse_url(broker.url))
    rows: asyncio.Queue[list[Any]] = asyncio.Queue()
    task = asyncio.create_task(known.run(rows.put_nowait))
    try:
        first = await asyncio.wait_for(rows.get(), WAIT_S_MAX)
        assert first[:3] == ["centre/s1", "dev1", True]
        broker.kill()
        async with asyncio.timeout(WAIT_S_MAX):
            while known.connected:
                await asyncio.sleep(0.02)
        broker.start()
        await asyncio.to_thread(publish.single, TOPIC, state(online=False), 1, True,
                                "127.0.0.1", broker.port)
        second = await asyncio.wait_for(rows.get(), WAIT_S_MAX)
        assert second[:3] == ["centre/s1", "dev1", False]
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def test_pages_that_lost_the_broker_come_back_spread_and_within_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def waits() -> list[float]:
        noted: list[float] = []

        async def note(seconds: float) -> None:
            noted.append(seconds)
            if len(noted) == 10:
                raise asyncio.CancelledError

        monkeypatch.setattr(devices, "asyncio", SimpleNamespace(sleep=note))
        with contextlib.suppress(asyncio.CancelledError):
            await Devices(parse_url(f"mqtt://127.0.0.1:{free_port()}")).run(lambda row: None)
        return noted

    every = [asyncio.run(waits()) for _ in range(10)]
    for attempt, delays in enumerate(zip(*every, strict=True)):
        limit_s = min(devices.RETRY_S_MIN * 2**attempt, devices.RETRY_S_MAX)
        assert max(delays) <= limit_s <= 10.0
        assert len(set(delays)) == len(delays)
