"""The publisher of a measurement, a process: frames from a file into a socket.

It sends slices of the mapped file, so it takes less of the processor than any reader, and keeps
at most a window ahead of the reader: no broker has to drop, or to cut a slow reader off.
"""

import argparse
import mmap
import socket
import time
from pathlib import Path

from benchmarks.frames import Load
from benchmarks.progress import Progress

WINDOW_MESSAGES_MAX = 50_000
WINDOW_BYTES_MAX = 8 << 20
"""How far the publisher is ahead of the reader; ingest reads up to 20,000 messages at once."""
UNCONFIRMED_MAX = 10_000
CHUNK_BYTES = 64 << 10
PAUSE_S = 0.0002
WAIT_S_MAX = 60.0
KEEP_ALIVE_S = 600


def connect_packet(client_id: str) -> bytes:
    """CONNECT of MQTT 3.1.1 with a clean session."""
    name = client_id.encode()
    body = b"\x00\x04MQTT\x04\x02" + KEEP_ALIVE_S.to_bytes(2, "big")
    body += len(name).to_bytes(2, "big") + name
    return bytes([0x10, len(body)]) + body


def opened(port: int, client_id: str) -> socket.socket:
    """A session on a raw socket of the loopback address."""
    sock = socket.create_connection(("127.0.0.1", port), WAIT_S_MAX)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.sendall(connect_packet(client_id))
    if received(sock, 4)[:2] != b"\x20\x02":
        raise SystemExit("the broker did not answer CONNECT")
    sock.settimeout(None)  # with a timeout, Python waits before it reads without waiting
    return sock


def received(sock: socket.socket, count: int) -> bytes:
    """Exactly `count` bytes; ends the process if the broker closes."""
    data = b""
    while len(data) < count:
        more = sock.recv(count - len(data))
        if not more:
            raise SystemExit("the broker closed the connection")
        data += more
    return data


def send(load: Load, port: int, progress: Progress, pace: float = 0.0) -> None:
    """Send the load until it is sent or `stop`; `pace`: at most so many messages a second."""
    sock = opened(port, "bench-publisher")
    offsets = load.offsets()
    per_message = load.bytes / load.messages
    most = UNCONFIRMED_MAX if load.qos else WINDOW_MESSAGES_MAX
    window = int(min(most, max(WINDOW_BYTES_MAX / per_message, 1)))
    chunk = int(max(CHUNK_BYTES / per_message, 1))
    sent = confirmed_bytes = 0
    begun = time.monotonic()
    with load.path.open("rb") as file, mmap.mmap(
        file.fileno(), 0, access=mmap.ACCESS_READ
    ) as frames, memoryview(frames) as view:
        while sent < load.messages and not progress.get("stop"):
            room = window - (sent - progress.get("readings") // load.block)
            if load.qos:
                confirmed_bytes += _confirmations(sock)
                room = min(room, UNCONFIRMED_MAX - (sent - confirmed_bytes // 4))
            if pace:
                room = min(room, int((time.monotonic() - begun) * pace) - sent)
            count = min(room, chunk, load.messages - sent)
            if count < 1:
                time.sleep(PAUSE_S)
                continue
            sock.sendall(view[offsets[sent] : offsets[sent + count]])
            sent += count
            progress.put("sent", sent)
        deadline = time.monotonic() + WAIT_S_MAX
        while load.qos and confirmed_bytes < 4 * sent and time.monotonic() < deadline:
            confirmed_bytes += _confirmations(sock)
            time.sleep(PAUSE_S)
    progress.put("ended", 1)
    sock.sendall(b"\xe0\x00")
    sock.close()


def _confirmations(sock: socket.socket) -> int:
    """Bytes of PUBACKs that have arrived; each has 4."""
    try:
        return len(sock.recv(1 << 16, socket.MSG_DONTWAIT))
    except BlockingIOError:
        return 0


def main() -> None:
    """Send what the arguments name."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--progress", type=Path, required=True)
    parser.add_argument("--load", type=Path, required=True)
    parser.add_argument("--pace", type=float, default=0.0)
    for name in ("messages", "block", "qos", "devices", "bytes"):
        parser.add_argument(f"--{name}", type=int, required=True)
    asked = parser.parse_args()
    load = Load(
        asked.load, asked.messages, asked.block, asked.qos, asked.devices, asked.bytes
    )
    send(load, asked.port, Progress(asked.progress), asked.pace)


if __name__ == "__main__":
    main()
