"""The points of a long past go into the store from a process of their own, one tick behind.

SQLite takes about a third of the time that a past needs, and its rows are Python objects, so a
thread would gain nothing; a forked process uses the second core. It owns the store alone until
`close`, and ends by itself when its parent is gone.
"""

import os
import socket
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import msgspec
import numpy as np

from edge.places import PlaceKey
from engine.points import DTYPES, Points
from engine.vitals import Vitals
from ingest.messages import Event
from ingest.outlet import Known
from ingest.store import Store, StoreError

_LENGTH = struct.Struct("<q")


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

    def points(self, points: Points, vitals: Vitals, known_ms: Known) -> None:
        """Hand the points on. Raises `StoreError` if they cannot be kept."""
        known = np.broadcast_to(np.asarray(known_ms, np.int64), len(points))
        for at_ms in np.unique(known).tolist():
            self._send(points.take(known == at_ms), vitals, at_ms)

    def _send(self, points: Points, vitals: Vitals, known_ms: int) -> None:
        keys = vitals.registry.keys
        head = Head(len(points), known_ms, list(keys[self._told :]))
        self._told = len(keys)
        text = msgspec.json.encode(head)
        try:
            self._socket.sendall(_LENGTH.pack(len(text)) + text)
            for name in DTYPES:
                self._socket.sendall(np.ascontiguousarray(getattr(points, name)).data)
        except OSError as error:
            raise StoreError(f"the store of the past: {error}") from error

    def restated(self, vitals: Vitals) -> None:
        """A past in order restates nothing."""

    def events(self, events: Sequence[Event], vitals: Vitals) -> None:
        """Nobody reports events of a past."""

    def places(self, vitals: Vitals) -> None:
        """The store learns of them when all is lived."""

    def close(self) -> None:
        """Wait until all is kept. Raises `StoreError` if it was not."""
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
