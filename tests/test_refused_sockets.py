"""A WebSocket that is refused leaves no socket behind."""

import gc
import socket
import threading
import warnings

import pytest

from edge.broker_settings import BrokerSettings
from edge.connection import Connection


def test_a_refused_websocket_is_closed_at_once() -> None:
    ended = threading.Event()

    def refuse(server: socket.socket) -> None:
        other, _ = server.accept()
        with other:
            other.recv(4096)
            other.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            other.settimeout(10)
            if other.recv(1) == b"":  # closed by the client, not by the garbage collector
                ended.set()

    gc.disable()
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            thread = threading.Thread(target=refuse, args=(server,))
            thread.start()
            settings = BrokerSettings(url=f"ws://127.0.0.1:{server.getsockname()[1]}/mqtt")
            client = Connection(settings, "device")._client
            with pytest.raises(ConnectionError) as caught:
                client.reconnect()
            assert ended.wait(5), "while the error, and with it paho's frames, is still held"
            thread.join(5)
        del caught
    finally:
        gc.enable()
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        gc.collect()


def test_a_port_where_nobody_listens_is_the_same_error_as_ever() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    client = Connection(BrokerSettings(url=f"mqtt://127.0.0.1:{port}"), "device")._client
    with pytest.raises(ConnectionRefusedError):
        client.reconnect()
