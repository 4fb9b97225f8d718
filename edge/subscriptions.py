"""The filters that a persistent session shall hold, and those that it may still hold from before.

A broker keeps the subscriptions of a persistent session for ever: a client that asks for other
topics than in its last life goes on receiving the old ones. Which these were is remembered in a
small file, so that they can be ended. Losing the file costs no messages.
"""

import contextlib
import json
import logging
import os
from collections.abc import Sequence
from pathlib import Path

FORMAT = 1
STALE_MAX = 100
"""Old filters that are ended; the log counts those beyond, which the session keeps."""

log = logging.getLogger(__name__)


class Subscriptions:
    """`wanted` are (filter, QoS); `path` is where filters are remembered, or None for never.

    `begin`, once a session stands, gives the filters to end; `done`, once the broker has
    confirmed all, forgets them.
    """

    def __init__(self, wanted: Sequence[tuple[str, int]], path: Path | None) -> None:
        self.wanted = list(wanted)
        self._path = path
        self._known: list[str] | None = None

    def begin(self, session_present: bool) -> list[str]:
        """Filters that the session holds and should not; those asked for are noted on disk."""
        if self._path is None:
            return []
        if self._known is None:
            self._known = self._read(self._path)
        wanted = [topic for topic, _ in self.wanted]
        stale = [topic for topic in self._known if topic not in wanted]
        if not session_present:
            stale = []
        elif len(stale) > STALE_MAX:
            log.warning("the session keeps %d old subscriptions: no more than %d are ended",
                        len(stale) - STALE_MAX, STALE_MAX)
            stale = stale[-STALE_MAX:]
        self._note(wanted + stale)
        return stale

    def done(self) -> None:
        """The broker has granted what is wanted and ended the rest."""
        if self._path is not None:
            self._note([topic for topic, _ in self.wanted])

    def _read(self, path: Path) -> list[str]:
        try:
            body = json.loads(path.read_text(encoding="utf-8"))
            if body["format"] != FORMAT:
                log.warning("%s: format %s is not known; old subscriptions stay", path,
                            body["format"])
                return []
            return [str(topic) for topic in body["filters"]]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.warning("%s: %s; old subscriptions stay", path, error)
            return []

    def _note(self, filters: list[str]) -> None:
        if filters == self._known or self._path is None:
            return
        self._known = filters
        fresh = self._path.with_suffix(".new")
        body = json.dumps({"format": FORMAT, "filters": filters}, ensure_ascii=False)
        try:
            fresh.write_text(body + "\n", encoding="utf-8")
            os.replace(fresh, self._path)
        except OSError as error:
            log.warning("%s: %s", self._path, error)
            with contextlib.suppress(OSError):
                fresh.unlink(missing_ok=True)
