"""Writes into the store that the loop does not wait for: latest readings and open windows.

In a city of 1,000 stations the windows in progress are 19,000 points. They go into the store in
pieces, from a thread of their own, and the latest readings in between: while the loop wrote them,
no reading was taken in. Both are only news, said again by what comes next: a kill may lose them.
Closed points are not written here. The health object goes the same way: for each the loop waited
13 ms, and up to 80, until a piece was written.
"""

import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np

from edge.places import PlaceKey
from engine.points import Points
from ingest.store import Store, StoreError
from ingest.store_now import LatestReadings

PIECE_ROWS = 2_000
"""Points of one transaction, some 3 ms: so long at most the latest readings wait for them."""


class StoreThread:
    """Takes one round of readings at a time, and open points in parts; `stop` ends the thread.

    What went wrong in the thread is raised to the loop by its next call, as `StoreError`.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._changed = threading.Condition()
        self._readings: LatestReadings | None = None
        self._points: deque[Points] = deque()
        self._pieces: deque[Points] = deque()
        self._keys: Sequence[PlaceKey] = ()
        self._known_ms = 0
        self._health: dict[str, Any] | None = None
        self._writing = False
        self._stopping = False
        self._error: StoreError | None = None
        self._thread: threading.Thread | None = None
        self.readings_s = self.points_s = 0.0
        """Processor time that the last readings took, and all open points until now."""

    @property
    def takes_readings(self) -> bool:
        """True when the readings given before are in the store."""
        self._check()
        return self._readings is None

    @property
    def takes_points(self) -> bool:
        """True when the open points given before are in the store."""
        self._check()
        return not self._points

    def put_readings(self, latest: LatestReadings) -> None:
        """Keep latest readings soon; those given before must be in the store."""
        with self._changed:
            self._begin()
            self._readings = latest
            self._changed.notify_all()

    def put_points(self, points: Points, keys: Sequence[PlaceKey], known_ms: int) -> None:
        """Keep open points soon, behind those given before."""
        with self._changed:
            self._begin()
            self._points.append(points)
            self._keys, self._known_ms = keys, known_ms
            self._changed.notify_all()

    def put_health(self, health: dict[str, Any]) -> None:
        """Keep the health object soon, instead of one that still waits."""
        with self._changed:
            self._begin()
            self._health = health
            self._changed.notify_all()

    def drain(self) -> None:
        """Wait until the store has all of it."""
        with self._changed:
            self._changed.wait_for(lambda: self._error is not None or not self._waits())
            self._check()

    def stop(self) -> None:
        """Write what waits, if that can be, and end the thread."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()

    def _begin(self) -> None:
        self._check()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="store", daemon=True)
            self._thread.start()

    def _check(self) -> None:
        if self._error is not None:
            raise self._error

    def _waits(self) -> bool:
        return self._writing or bool(self._points) or any(
            waits is not None for waits in (self._readings, self._health))

    def _run(self) -> None:
        error = StoreError("the thread that writes into the store has ended; see the log")
        try:
            while self._wait():
                self._step()
                with self._changed:
                    self._writing = False
                    self._changed.notify_all()
        except StoreError as found:
            error = found
        finally:
            with self._changed:
                self._error = error
                self._changed.notify_all()

    def _wait(self) -> bool:
        """Wait for something to write; False at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopping or self._waits())
            self._writing = self._waits()
            return self._writing

    def _step(self) -> None:
        """The readings that wait, then the health object, then one piece of the points."""
        with self._changed:
            readings, points = self._readings, self._points[0] if self._points else None
            keys, known_ms = self._keys, self._known_ms
            health, self._health = self._health, None
        begun = time.thread_time()
        if readings is not None:
            self._store.write_latest(readings)
            self.readings_s = time.thread_time() - begun
            self._readings = None
        if health is not None:
            self._store.write_health(health)
        begun = time.thread_time()
        if points is not None:
            self._pieces = self._pieces or pieces_of(points)
            self._store.write(self._pieces.popleft(), keys, known_ms)
            self.points_s += time.thread_time() - begun
            if not self._pieces:
                self._points.popleft()


def pieces_of(points: Points) -> deque[Points]:
    """Points by series, so that each block of the store is in one piece, in pieces."""
    points = points.take(np.lexsort((points.indicator, points.place)))
    return deque(points.take(np.arange(first, min(first + PIECE_ROWS, len(points))))
                 for first in range(0, len(points), PIECE_ROWS))
