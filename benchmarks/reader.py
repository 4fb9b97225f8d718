"""The readers of a measurement, each a process of its own: `python -m benchmarks.reader KIND …`.

count-bytes   only counts what arrives (at QoS 1 it confirms each message as well): the ceiling.
paho          paho's own loop, msgspec, rolling means in dicts.
aiomqtt       `async for message in client.messages`, msgspec, rolling means in dicts.
cityvitals    the program that `cityvitals ingest` runs, with its archive, store and page data.

All subscribe to the same filter at QoS 1, so messages arrive with the QoS they were sent with.
"""

import argparse
import asyncio
import contextlib
import signal
import threading
import time
from pathlib import Path

from benchmarks.progress import Progress
from benchmarks.publisher import opened, received
from benchmarks.rolling import RollingMeans
from edge.topics import READINGS_FILTER

LOOK_S = 0.002
"""Between two looks at what ingest has taken in."""
READ_BYTES = 1 << 20
RECEIVED_MAX = 1_000_000
"""Messages that aiomqtt may hold; the publisher's window is far below."""


def count_bytes(port: int, progress: Progress, readings_a_byte: float, qos: int) -> None:
    """Read all that comes and count its bytes; split it only to confirm QoS 1."""
    sock = opened(port, "bench-reader")
    name = READINGS_FILTER.encode()
    body = b"\x00\x01" + len(name).to_bytes(2, "big") + name + b"\x01"
    sock.sendall(bytes([0x82, len(body)]) + body)
    received(sock, 5)
    progress.put("ready", 1)
    readings = progress.cell("readings")
    buffer = bytearray(READ_BYTES)
    view = memoryview(buffer)
    total = kept = 0
    while count := sock.recv_into(view[kept:]):
        total += count
        if qos:
            end = kept + count
            used, confirmations = _confirm(buffer, end)
            if confirmations:
                sock.sendall(confirmations)
            kept = end - used
            buffer[:kept] = buffer[used:end]
        readings[0] = int(total * readings_a_byte + 0.5)


def _confirm(buffer: bytearray, end: int) -> tuple[int, bytes]:
    """How many bytes of whole packets there are, and the PUBACKs of those of QoS 1."""
    at = 0
    out = bytearray()
    while at + 5 <= end:
        size, shift, head = 0, 0, at + 1
        while True:
            digit = buffer[head]
            size |= (digit & 127) << shift
            head += 1
            if digit < 128:
                break
            shift += 7
        if head + size > end:
            break
        if buffer[at] & 0xF6 == 0x32:
            mid = head + 2 + (buffer[head] << 8 | buffer[head + 1])
            out += b"\x40\x02" + buffer[mid : mid + 2]
        at = head + size
    return at, bytes(out)


def paho(port: int, progress: Progress) -> None:
    """paho's loop."""
    from paho.mqtt.client import Client
    from paho.mqtt.enums import CallbackAPIVersion

    means = RollingMeans()
    readings = progress.cell("readings")
    client = Client(CallbackAPIVersion.VERSION2, client_id="bench-reader")

    def on_message(_client: object, _data: object, message: object) -> None:
        readings[0] = means.take(message.topic, message.payload)  # type: ignore[attr-defined]

    def on_connect(*_: object) -> None:
        client.subscribe(READINGS_FILTER, 1)

    client.on_message = on_message
    client.on_connect = on_connect
    client.on_subscribe = lambda *_: progress.put("ready", 1)
    client.connect("127.0.0.1", port, 600)
    client.loop_forever()


async def aiomqtt(port: int, progress: Progress) -> None:
    """The message loop that aiomqtt's documentation shows."""
    from aiomqtt import Client

    means = RollingMeans()
    readings = progress.cell("readings")
    async with Client(
        "127.0.0.1", port, identifier="bench-reader", keepalive=600,
        max_queued_incoming_messages=RECEIVED_MAX,
    ) as client:
        await client.subscribe(READINGS_FILTER, 1)
        progress.put("ready", 1)
        async for message in client.messages:
            payload = message.payload
            if isinstance(payload, bytes):
                readings[0] = means.take(message.topic.value, payload)


def cityvitals(config: Path, progress: Progress) -> None:
    """Run the ingest that ships, and tell how far it is."""
    from edge.settings import load
    from edge.verdicts import Verdict
    from ingest.program import Program
    from ingest.settings_ingest import IngestSettings

    program = Program(load(config, IngestSettings), config.parent)
    signal.signal(signal.SIGTERM, lambda *_: program.stop())

    def watch() -> None:
        while True:
            counts = program.line.counts
            progress.put("readings", int(counts[Verdict.APPLIED]) + int(counts[Verdict.LATE]))
            time.sleep(LOOK_S)

    threading.Thread(target=watch, daemon=True).start()
    program.run()


def main() -> None:
    """Be the reader that the arguments name."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--progress", type=Path, required=True)
    parser.add_argument("--config", type=Path)
    parser.add_argument("--readings-a-byte", type=float, default=0.0)
    parser.add_argument("--qos", type=int, default=0)
    asked = parser.parse_args()
    progress = Progress(asked.progress)
    if asked.kind == "count-bytes":
        with contextlib.suppress(KeyboardInterrupt):
            count_bytes(asked.port, progress, asked.readings_a_byte, asked.qos)
    elif asked.kind == "paho":
        paho(asked.port, progress)
    elif asked.kind == "aiomqtt":
        asyncio.run(aiomqtt(asked.port, progress))
    else:
        cityvitals(asked.config, progress)


if __name__ == "__main__":
    main()
