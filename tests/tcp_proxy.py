"""A TCP proxy before a real server, for what networks do: go dead, or cut on certain bytes."""

import contextlib
import socket
import threading


class TcpProxy:
    """Forwards to `port` on loopback until told otherwise.

    `frozen`: nothing is forwarded and nothing closed, as when a cable is pulled. `cut_on`: a
    connection whose client sends these bytes is closed, and they are not forwarded.
    """

    def __init__(self, port: int) -> None:
        self.frozen = threading.Event()
        self.cut_on = b""
        self.cuts = 0
        self._to = port
        self._open: list[socket.socket] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"mqtt://127.0.0.1:{self.port}"

    def cut(self) -> None:
        """End the connections there are; new ones are taken."""
        ended, self._open = self._open, []
        for one in ended:
            _end(one)

    def close(self) -> None:
        """End it with all connections."""
        for one in [self._server, *self._open]:
            _end(one)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            self._open.append(client)
            try:
                server = socket.create_connection(("127.0.0.1", self._to))
            except OSError:
                _end(client)
                continue
            self._open.append(server)
            for ends in ((client, server), (server, client)):
                threading.Thread(
                    target=self._forward, args=(*ends, ends[0] is client), daemon=True
                ).start()

    def _forward(self, source: socket.socket, sink: socket.socket, watched: bool) -> None:
        """Bytes of one direction; a frozen connection stays frozen for its life."""
        frozen = False
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                frozen = frozen or self.frozen.is_set()
                if watched and self.cut_on and self.cut_on in data:
                    self.cuts += 1
                    break
                if not frozen:
                    sink.sendall(data)
        if not frozen:
            _end(source)
            _end(sink)


def _end(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
