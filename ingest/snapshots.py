"""Snapshots of a line: taken between two batches, written by a thread of their own.

To write one of 1,000 stations takes a second or more, in which nothing was taken in. Now the loop
copies what it is made of and goes on; the file says the archive position at which it was copied. A
kill leaves the snapshot before, since the new one takes its place when it is whole and on the disk.
"""

import logging
from collections.abc import Callable
from concurrent import futures
from pathlib import Path
from threading import Event
from typing import Any

from engine.snapshot import Frozen, SnapshotError, freeze, write
from engine.vitals import Vitals
from ingest.archive import Position

COPIED_BYTES_MAX = 512 << 20
"""Larger states are written by the loop itself, rather than kept in memory twice."""

log = logging.getLogger(__name__)


class Snapshots:
    """Writes one at a time. covered: the archive position of the last that is on the disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.covered: Position | None = None
        self._beside = futures.ThreadPoolExecutor(1, thread_name_prefix="snapshot")
        self._task: futures.Future[None] | None = None
        self._ending = Event()

    @property
    def writing(self) -> bool:
        """True while the thread writes one."""
        return self._task is not None and not self._task.done()

    def save(
        self, vitals: Vitals, extra: dict[str, Any], position: Position, *, beside: bool
    ) -> None:
        """Save the state of now, which stands for the archive up to `position`.

        beside: return when it is copied. What cannot be saved is logged; the one before stays.
        """
        self.wait()
        frozen = freeze(vitals, extra, COPIED_BYTES_MAX if beside else -1)
        if frozen.copied:
            self._task = self._beside.submit(self._write, frozen, position, self._ending.is_set)
        else:
            self._write(frozen, position)

    def wait(self) -> None:
        """Wait for the thread. Raises what it stopped at, other than a disk that is full."""
        task, self._task = self._task, None
        if task is not None:
            task.result()

    def end(self) -> None:
        """Give up what the thread writes, which ends with the array that it is at."""
        self._ending.set()
        self._beside.shutdown()

    def _write(
        self, frozen: Frozen, position: Position, given_up: Callable[[], bool] = lambda: False
    ) -> None:
        try:
            write(frozen, self.path, given_up)
        except SnapshotError as error:
            if not given_up():
                log.error("%s; the next start reads more of the archive", error)
            return
        self.covered = position
