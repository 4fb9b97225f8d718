"""Explanations for the page: from the archive, off the event loop, few at once, not for ever."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ingest.store import StoreError

AT_ONCE_MAX = 2
SECONDS_MAX = 30.0


class BusyError(Exception):
    """`AT_ONCE_MAX` explanations are being made already; try later."""

    code = "busy"


class TooLongError(Exception):
    """The archive is so long that it takes more than `SECONDS_MAX`; ask the command."""


class UnexplainedError(Exception):
    """There is nothing to explain; `field` names the parameter at fault."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field = field


class Explanations:
    """Answers questions about the points of one data folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pool = ThreadPoolExecutor(AT_ONCE_MAX, thread_name_prefix="explain")
        self._stops: set[threading.Event] = set()

    async def ask(self, place: str, indicator: str, time_ms: int | None) -> dict[str, Any]:
        """How a point came about.

        Raises `UnexplainedError`, `BusyError` or `TooLongError`.
        """
        if len(self._stops) >= AT_ONCE_MAX:
            raise BusyError
        stop = threading.Event()
        self._stops.add(stop)
        loop = asyncio.get_running_loop()
        work = loop.run_in_executor(self._pool, self._make, place, indicator, time_ms, stop)
        # It counts until the thread is free again, also when nobody waits for it any more.
        work.add_done_callback(lambda done: self._stops.discard(stop))
        try:
            return await asyncio.wait_for(asyncio.shield(work), SECONDS_MAX)
        except TimeoutError:
            raise TooLongError from None
        finally:
            stop.set()

    def _make(
        self, place: str, indicator: str, time_ms: int | None, stop: threading.Event
    ) -> dict[str, Any]:
        # The engine and its kernels are loaded when somebody first asks.
        from ingest.archive import ArchiveError
        from ingest.explain import ExplainError, Question, explain
        from ingest.reconstruct import StoppedError

        try:
            return explain(self._folder, Question(place, indicator, time_ms), stop.is_set)
        except ExplainError as error:
            raise UnexplainedError(error.field, str(error)) from None
        except (ArchiveError, StoreError) as error:
            raise UnexplainedError("", str(error)) from None
        except StoppedError:
            raise TooLongError from None

    def close(self) -> None:
        """Stop what is being made."""
        for stop in list(self._stops):
            stop.set()
        self._pool.shutdown(cancel_futures=True)
