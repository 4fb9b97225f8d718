"""A disk that does not take what ingest writes: stop, say so, and go on when it does again.

Nothing is acknowledged that is not in the archive, so ingest may drop everything it has in hand,
wait, and begin anew from snapshot and archive: brokers and agents send again what they were not
told of. A file that turns out damaged on the way is set aside by the same new beginning.
"""

import contextlib
import errno
import logging
import os
import sqlite3
import time
from pathlib import Path
from typing import Any

from edge.stopping import Stopping
from ingest.sqlite_file import DAMAGED, TAILS, StoreError, is_damage
from ingest.store import Store

log = logging.getLogger(__name__)

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
SQLITE_FULL = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR})
GONE = frozenset({errno.EROFS, errno.ENOENT, errno.ENODEV, errno.ESTALE})
SQLITE_GONE = frozenset({sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN})
"""What is a wrong path at a start is a disk that went away later."""
RESERVE_BYTES = 1 << 20
"""Kept free for what is to be said on a full disk."""
PROBE_BYTES = 2 << 20
"""The disk takes writes again when it takes this many bytes."""
BACKOFF_S, BACKOFF_S_MAX = 0.5, 10.0
ASIDE_SHOWN = 20


def may_pass(error: BaseException | None, *, had_run: bool) -> bool:
    """True if `error` is of the disk, or of a file that a new beginning sets aside.

    `had_run`: everything could be opened before.
    """
    while error is not None:
        if isinstance(error, OSError):
            return error.errno in FULL or (had_run and error.errno in GONE)
        if isinstance(error, sqlite3.Error):
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            return code in SQLITE_FULL or is_damage(error) or (had_run and code in SQLITE_GONE)
        error = error.__cause__
    return False


def set_aside_in(folder: Path) -> list[str]:
    """What lies set aside below a data folder, and where its links lead, the newest first."""
    found = [path for pattern in (f"*{DAMAGED}*", f"ingest/*{DAMAGED}*", "ingest/archive/*.tail-*")
             for path in folder.glob(pattern)]
    for link in (*folder.glob("*.*"), *folder.glob("ingest/*.*")):
        if link.is_symlink():
            there = link.resolve()
            found += there.parent.glob(f"{there.name}{DAMAGED}*")
    found = [path for path in found if not path.name.endswith(TAILS[1:])]
    found.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    return [
        str(path.relative_to(folder) if path.is_relative_to(folder) else path)
        for path in found[:ASIDE_SHOWN]
    ]


class Trouble:
    """What the disk has refused since the program began; for one data folder."""

    def __init__(self, folder: Path) -> None:
        self.failures = 0
        self.had_run = False
        self.error = ""
        self.since_ms = 0
        self.dropped = 0
        """Messages of QoS 0 that went with a failure and are not counted yet."""
        self._folder = folder
        self._reserve = folder / "reserve"

    def health(self) -> dict[str, Any]:
        """The entry `disk` of the health object; `error` is empty while all is well."""
        return {"error": self.error, "since_ms": self.since_ms, "failures": self.failures}

    def note(self, error: Exception) -> None:
        """Count a failure. Raises `error` again if it is none of the disk."""
        if not may_pass(error, had_run=self.had_run):
            raise error
        self.failures += 1
        if not self.error:
            log.error("nothing is taken in until the disk takes it: %s", error)
            self.since_ms = time.time_ns() // 1_000_000
        self.error = str(error)

    def over(self) -> None:
        """All is open and well."""
        self.had_run = True
        if self.error:
            log.info("the disk takes writes again")
        self.error = ""
        with contextlib.suppress(OSError):
            if not self._reserve.exists():
                self._reserve.write_bytes(bytes(RESERVE_BYTES))

    def wait(self, stopping: Stopping) -> None:
        """Return when the disk takes writes, or when told to stop; health says why we wait."""
        delay_s = BACKOFF_S
        self._reserve.unlink(missing_ok=True)
        while not stopping.is_set():
            self._say()
            if stopping.wait(delay_s) or self._takes_writes():
                return
            delay_s = min(delay_s * 2, BACKOFF_S_MAX)

    def _takes_writes(self) -> bool:
        probe = self._folder / "probe"
        try:
            with probe.open("wb") as file:
                file.write(bytes(PROBE_BYTES))
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            return False
        finally:
            _remove(probe)
        return True

    def _say(self) -> None:
        """Bring the last health object up to date, if the disk takes as little as that."""
        try:
            store = Store.create(self._folder / "store.db")
        except StoreError:
            return
        try:
            health = store.health()
            if health is not None:
                health["at_ms"] = time.time_ns() // 1_000_000
                health["disk"] = self.health()
                health["broker"]["connected"] = False
                store.write_health(health)
        except StoreError:
            pass  # the log has said it
        finally:
            store.close()


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)
