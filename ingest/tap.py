"""A tap on the broker's socket: PUBLISH frames go to ingest, everything else to the MQTT client.

The client reads through `recv`, so it keeps the session as ever; of a frame that was diverted it
sees nothing. Dense traffic is read after a short pause, so that a read brings much and costs
little; sparse traffic is read as it comes.
"""

import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np

from ingest.publish_frames import (
    ACKNOWLEDGED,
    BROKEN,
    FRAME_BYTES_MAX,
    FRAMES,
    OURS,
    PASS,
    STATE,
    THEIRS,
    USED,
    Frames,
    split,
)

READ_BYTES_MAX = 4 * FRAME_BYTES_MAX
"""Bytes read at once, half a megabyte; a frame that is not whole yet stays for the next read."""
PAUSE_S, FULL_PAUSE_S = 0.005, 0.010
DENSE_BYTES, FULL_BYTES = 4_096, 65_536
"""If a pause brings as much as this, the next read waits for one too, or for a longer one: a thread
that wakes beside four busy programs finds nothing of its own in the processor's caches."""
LINGER_S_MAX = 0.5
"""As long a broker has to end its side of a session that ends."""

Give = Callable[[Frames], None]


class TapError(OSError):
    """The broker sent what MQTT does not allow; the connection is made anew."""


class Tap:
    """Stands in for the socket of one session. `give` gets frames, in the network thread."""

    def __init__(
        self, below: Any, give: Give, session: int, properties: bool = False,
        clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._socket = below
        self._give = give
        self._session = session
        self._properties = properties
        self._clock, self._sleep = clock, sleep
        self._data = np.zeros(READ_BYTES_MAX, np.uint8)
        self._theirs = np.zeros(READ_BYTES_MAX, np.uint8)
        self._state = np.zeros(STATE, np.int64)
        self._filled = 0
        self._pass = 0
        self._kept = b""
        self._error: Exception | None = None
        self._ended = False
        self._read_s = 0.0
        self._pause_s = 0.0
        self.reads = 0

    def recv(self, size: int) -> bytes:
        """What is for the client: up to `size` bytes, b"" at the end, BlockingIOError if none."""
        if not self._kept and not self._ended:
            self._read()
        if self._kept:
            out, self._kept = self._kept[:size], self._kept[size:]
            return out
        if self._error is not None:
            raise self._error
        if self._ended:
            return b""
        raise BlockingIOError

    def send(self, data: bytes) -> int:
        """Write, as the socket does."""
        return int(self._socket.send(data))

    def pending(self) -> int:
        """Bytes that are here already, so that the client need not wait for the socket."""
        more = self._socket.pending() if hasattr(self._socket, "pending") else 0
        return len(self._kept) + int(more)

    def fileno(self) -> int:
        """The socket's descriptor, to wait on."""
        return int(self._socket.fileno())

    def setblocking(self, blocking: bool) -> None:
        """As the socket's."""
        self._socket.setblocking(blocking)

    def close(self) -> None:
        """Close the socket; frames that are not whole are forgotten.

        What came meanwhile is read first: with it unread, the system would reset the connection,
        and the broker would lose the acknowledgements that it has not read.
        """
        self._ended = True
        if isinstance(self._socket, socket.socket):
            deadline_s = self._clock() + LINGER_S_MAX
            with suppress(OSError):
                self._socket.settimeout(LINGER_S_MAX)
                self._socket.shutdown(socket.SHUT_WR)
                while self._clock() < deadline_s and self._socket.recv(1 << 16):
                    continue
        self._socket.close()

    def _read(self) -> None:
        """Read once, give what are frames, and keep what is for the client."""
        if self._pause_s:
            left_s = self._read_s + self._pause_s - self._clock()
            if left_s > 0:
                self._sleep(min(left_s, self._pause_s))
        try:
            got = self._fill()
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            self._pause_s = 0.0
            return
        now_s = self._clock()
        # So much would come in a pause, going by the time since the last read.
        since_s = max(now_s - self._read_s, 1e-6)
        comes = got * min(1.0, PAUSE_S / since_s)
        if self._filled + got == READ_BYTES_MAX or comes < DENSE_BYTES:
            self._pause_s = 0.0
        else:
            self._pause_s = PAUSE_S if comes < FULL_BYTES else FULL_PAUSE_S
        self._read_s = now_s
        self.reads += 1
        if got == 0:
            self._ended = True
            return
        self._filled += got
        if self._pass:
            self._pass_on()
        if self._filled:
            self._split()

    def _fill(self) -> int:
        room = self._data[self._filled :].data
        if hasattr(self._socket, "recv_into"):
            return int(self._socket.recv_into(room))
        data = self._socket.recv(len(room))
        room[: len(data)] = data
        return len(data)

    def _pass_on(self) -> None:
        """The rest of a frame that is the client's, from the front of the buffer."""
        size = min(self._pass, self._filled)
        self._kept += self._data[:size].tobytes()
        self._pass -= size
        self._keep(size)

    def _keep(self, first: int) -> None:
        """Move what was not looked at yet to the front."""
        rest = self._filled - first
        self._data[:rest] = self._data[first : self._filled].copy()
        self._filled = rest

    def _split(self) -> None:
        state = self._state
        split(self._data, self._filled, self._properties, self._theirs, state)
        if state[THEIRS]:
            self._kept += self._theirs[: state[THEIRS]].tobytes()
        if state[FRAMES]:
            self._give(Frames(
                self._data[: state[OURS]].copy(), int(state[FRAMES]), int(state[ACKNOWLEDGED]),
                self._session, self._properties,
            ))
        self._pass = int(state[PASS])
        self._keep(int(state[USED]))
        if state[BROKEN]:
            self._ended = True
            self._error = TapError("the broker sent a frame that MQTT does not allow")
