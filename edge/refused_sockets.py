"""Sockets of sessions that could not begin are closed at once.

When the other side refuses the WebSocket, paho raises and leaves the socket to the garbage: open
at the other side until it is collected. With a wrong path that is one at each try.
"""

import socket
from collections.abc import Callable
from typing import Any


def close_refused(client: Any) -> None:
    """Let a client of paho close what it opened for a session that then does not begin."""
    opened: list[socket.socket] = []
    create = client._create_socket

    def noting(open_: Callable[..., socket.socket]) -> Callable[..., socket.socket]:
        def noted(*words: Any) -> socket.socket:
            opened.append(open_(*words))
            return opened[-1]

        return noted

    def creating() -> Any:
        try:
            return create()
        except BaseException:
            for one in opened:
                one.close()
            raise
        finally:
            opened.clear()

    for name in ("_create_socket_connection", "_ssl_wrap_socket"):  # plain, and over TLS
        setattr(client, name, noting(getattr(client, name)))
    client._create_socket = creating
