"""What the processes of one measurement tell each other: counters in a shared file."""

import mmap
from pathlib import Path

FIELDS = ("readings", "sent", "ready", "stop", "ended")
_SIZE = 8 * len(FIELDS)


class Progress:
    """Counters of 64 bits that several processes map; each is written by one of them alone.

    readings: what the reader has taken in, in readings. sent: messages that the publisher has
    handed to its socket. ready: the reader holds its subscription. stop: the time is over.
    ended: the publisher has nothing more to send.
    """

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), _SIZE)
        self._cells = memoryview(self._map).cast("q")

    @classmethod
    def create(cls, path: Path) -> "Progress":
        """A new file with all counters at 0."""
        path.write_bytes(bytes(_SIZE))
        return cls(path)

    def get(self, field: str) -> int:
        """The value of a counter."""
        return self._cells[FIELDS.index(field)]

    def put(self, field: str, value: int) -> None:
        """Set a counter."""
        self._cells[FIELDS.index(field)] = value

    def cell(self, field: str) -> memoryview:
        """The counter as a view of one number, for loops in which every call counts."""
        at = FIELDS.index(field)
        return self._cells[at : at + 1]
