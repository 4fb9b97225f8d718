"""The latest state that each device says of itself, from its retained state topic.

The only file that imports aiomqtt. State is advice: whether a station is silent is judged by
the age of its readings, never by this.
"""

import asyncio
import logging
import os
import random
from collections.abc import Callable, Iterator
from typing import Any

import aiomqtt
import msgspec

from edge import topics, wire
from edge.broker_settings import Address

log = logging.getLogger(__name__)

DEVICES_MAX = 200_000
RETRY_S_MIN = 0.5
RETRY_S_MAX = 10.0
"""The wait before an attempt to connect is drawn evenly from 0 to a bound that doubles between
these two; a session sets it back."""


class Devices:
    """Latest state by (path, device), filled by `run` until it is cancelled."""

    def __init__(self, broker: Address, password: str | None = None) -> None:
        self._broker = broker
        self._password = password
        self._states: dict[tuple[str, str], wire.State] = {}
        self.connected = False
        self.refused = 0

    def rows(self) -> Iterator[list[Any]]:
        """`[path, device, online, time_ms, queued, dropped, version]` of each device."""
        for (path, device), state in self._states.items():
            yield [path, device, state.online, state.t, state.queued, state.dropped, state.version]

    def take(self, topic: str, payload: bytes) -> list[Any] | None:
        """Keep one state message; the changed row, or None if there is nothing new in it."""
        source = topics.parse_source(topic)
        if source is None:
            self.refused += 1
            return None
        key = (f"{source.district}/{source.station}", source.device)
        if not payload:  # an emptied retained topic: the device is gone
            self._states.pop(key, None)
            return None
        try:
            state = wire.decode_state(payload)
        except (wire.WireError, msgspec.ValidationError):
            self.refused += 1
            return None
        if self._states.get(key) == state:
            return None
        if key not in self._states and len(self._states) >= DEVICES_MAX:
            self.refused += 1
            return None
        self._states[key] = state
        return [*key, state.online, state.t, state.queued, state.dropped, state.version]

    async def run(self, changed: Callable[[list[Any]], None]) -> None:
        """Listen for ever, calling `changed` with each changed row; reconnects alone."""
        host, port = self._broker.host, self._broker.port
        tls = aiomqtt.TLSParameters() if self._broker.tls else None
        delay_s = RETRY_S_MIN
        while True:
            client = aiomqtt.Client(
                host, port, username=self._broker.user or None, password=self._password,
                tls_params=tls, identifier=f"cityvitals-page-{os.getpid()}",
                transport="websockets" if self._broker.path else "tcp",
                websocket_path=self._broker.path or None,
            )
            try:
                async with client:
                    await client.subscribe(topics.STATE_FILTER, qos=1)
                    self.connected = True
                    log.info("device states from %s:%d", host, port)
                    await self._listen(client, changed)
            except aiomqtt.MqttError as error:
                if self.connected:
                    log.warning("device states lost: %s", error)
                    delay_s = RETRY_S_MIN
                self.connected = False
            await asyncio.sleep(random.uniform(0, delay_s))  # noqa: S311 - spreads, hides nothing
            delay_s = min(delay_s * 2, RETRY_S_MAX)

    async def _listen(
        self, client: aiomqtt.Client, changed: Callable[[list[Any]], None]
    ) -> None:
        async for message in client.messages:
            payload = message.payload
            row = self.take(message.topic.value, payload if isinstance(payload, bytes) else b"")
            if row is not None:
                changed(row)
