"""The points of a long past go into the store from a process of their own, some ticks behind.

SQLite takes about a third of the time that a past needs, and its rows are Python objects, so a
thread would gain nothing; a forked process uses the second core. It owns the store alone until
`close`, and ends by itself when its parent is gone.
"""

import os
import queue
import socket
import struct
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import numpy as np

from edge.places import PlaceKey
from engine.points import DTYPES, Points
from engine.vitals import Vitals
from ingest.late_rows import Told
from ingest.messages import Event
from ingest.outlet import Known
from ingest.store import Store, StoreError

_LENGTH = struct.Struct("<q")
TICKS_WAITING_MAX = 8
"""A day of the simulated city has 6 MB of points."""


class Head(msgspec.Struct, array_like=True):
    """What comes before the columns: how many points, when they are known, and places new since
    the last head."""

    count: int
    known_ms: int
    places: list[PlaceKey]


class PastPoints:
    """The outlet of a past: points, and nothing of the present."""

    def __init__(self, path: Path) -> None:
        self._socket, other = socket.socketpair()
        self._told = 0
        self._waiting: queue.Queue[list[Any]] = queue.Queue(TICKS_WAITING_MAX)
        self._broken: OSError | None = None
        self._child = os.fork()
        if self._child == 0:
            status = 1
            try:
                self._socket.close()
                keep(path, other.makefile("rb"))
                status = 0
            finally:
                os._exit(status)  # the parent's files and handlers are not this process's
        other.close()
        # A tick has more bytes than a socket holds: without this each side waits for the other.
        self._sender = threading.Thread(target=self._deliver, daemon=True)
        self._sender.start()

    def points(self, points: Points, vitals: Vitals, known_ms: Known) -> None:
        """Hand the points on. Raises `StoreError` if they cannot be kept."""
        if isinstance(known_ms, int):  # a tick of the past; the others are of a replay
            self._send(points, vitals, known_ms)
            return
        for at_ms in np.unique(known_ms).tolist():
            self._send(points.take(known_ms == at_ms), vitals, at_ms)

    def _send(self, points: Points, vitals: Vitals, known_ms: int) -> None:
        keys = vitals.registry.keys
        head = Head(len(points), known_ms, list(keys[self._told :]))
        self._told = len(keys)
        text = msgspec.json.encode(head)
        columns = [np.ascontiguousarray(getattr(points, name)).data for name in DTYPES]
        self._waiting.put([_LENGTH.pack(len(text)) + text, *columns])
        if self._broken is not None:
            raise StoreError(f"the store of the past: {self._broken}") from self._broken

    def _deliver(self) -> None:
        """Send what waits until the end; what comes after an error goes nowhere."""
        while parts := self._waiting.get():
            try:
                for part in parts if self._broken is None else ():
                    self._socket.sendall(part)
            except OSError as error:
                self._broken = error

    def restated(self, vitals: Vitals) -> None:
        """A past in order restates nothing."""

    def events(self, events: Sequence[Event], vitals: Vitals) -> None:
        """Nobody reports events of a past."""

    def placed_anew(self, told: Told, vitals: Vitals) -> None:
        """A past goes by one places file; what another would change is sent like all else."""
        self.points(told.points, vitals, vitals.now_ns // 1_000_000)

    def places(self, vitals: Vitals) -> None:
        """The store learns of them when all is lived."""

    def close(self) -> None:
        """Wait until all is kept. Raises `StoreError` if it was not."""
        self._waiting.put([])
        self._sender.join()
        self._socket.close()
        _, status = os.waitpid(self._child, 0)
        if status != 0:
            raise StoreError(f"the store of the past: its process ended with {status}")


def keep(path: Path, source: BinaryIO) -> None:
    """Write what comes from `source` until its end."""
    store = Store.create(path)
    keys: list[PlaceKey] = []
    while length := source.read(_LENGTH.size):
        head = msgspec.json.decode(source.read(*_LENGTH.unpack(length)), type=Head)
        keys += head.places
        columns = [
            np.frombuffer(source.read(head.count * np.dtype(dtype).itemsize), dtype)
            for dtype in DTYPES.values()
        ]
        store.write(Points(*columns), keys, head.known_ms)
    store.close()
