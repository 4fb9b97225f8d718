"""Asking a program to end, also from the handler of a signal.

A handler runs between any two steps of the main thread, so it must not take a lock that this
thread may hold: `threading.Event.set` there waited for ever when the signal came while the main
thread was inside `wait` or `clear` of the same event: seen after 5 signals to a loop that did
nothing else. A `SimpleQueue` may be filled from anywhere.
"""

from contextlib import suppress
from queue import Empty, SimpleQueue


class StopAskedError(Exception):
    """Work was given up half done, since the program was asked to end."""


class Stopping:
    """False until `set`; `wait` is for one thread at a time."""

    def __init__(self) -> None:
        self._asked = False
        self._told: SimpleQueue[None] = SimpleQueue()

    def set(self, *_signal: object) -> None:
        """Ask to end. May be the handler of a signal; may be called again."""
        self._asked = True
        self._told.put(None)

    def is_set(self) -> bool:
        """Whether somebody has asked."""
        return self._asked

    def wait(self, timeout_s: float) -> bool:
        """Wait until somebody asks, at most so long; whether somebody has."""
        if not self._asked:
            with suppress(Empty):
                self._told.get(timeout=max(timeout_s, 0.0))
        return self._asked
