"""The file under the outbox: SQLite in WAL mode, one process, syncs counted.

A commit survives `kill -9` at once and a power cut after the next sync, at most `sync_s` later:
that is the loss window. A sync writes the log alone; every few megabytes a checkpoint costs two
more. A corrupt file is set aside and a new one begun with what could be read of it.
"""

import contextlib
import logging
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from edge.outbox_salvage import ERRORS, NOTHING, salvage

# The errors, by what the caller must do:
#
# OutboxError                  correct the path, or end the other agent
# ├── OutboxWriteError         count the readings as lost and go on (disk full, card read-only)
# └── OutboxReplacedError      try again: the file was corrupt and a new one has been begun

FORMAT = 1
WAL_BYTES_MAX = 4 << 20
CORRUPT_FILES_MAX = 3

_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE message (key INTEGER PRIMARY KEY, payload BLOB NOT NULL);
CREATE TABLE report (key INTEGER PRIMARY KEY, payload BLOB NOT NULL);
CREATE TABLE gap (first INTEGER PRIMARY KEY, last INTEGER NOT NULL);
CREATE TABLE aside (key INTEGER PRIMARY KEY, payload BLOB NOT NULL);
"""
Result = TypeVar("Result")
log = logging.getLogger(__name__)


class OutboxError(Exception):
    """An outbox that cannot be opened; the text says what would be right."""


class OutboxWriteError(OutboxError):
    """The disk did not take a write or give a page; nothing of it was kept."""


class OutboxReplacedError(OutboxError):
    """The file was corrupt; it is set aside and a new one is open."""


class OutboxFile:
    """The open file. `loaded` runs after each opening, before anything else uses `db`."""

    def __init__(
        self, path: Path, *, sync_s: float, monotonic: Callable[[], float],
        loaded: Callable[[sqlite3.Connection], None],
    ) -> None:
        """Open or begin the file. Raises `OutboxError` if it is in use, newer or unreachable."""
        self.path = path
        self.corrupt = 0
        self.db: sqlite3.Connection
        self._sync_s = sync_s
        self._monotonic = monotonic
        self._loaded = loaded
        self._dirty = False
        self._synced_s = monotonic()
        self._wal = -1
        self._salvaged = NOTHING
        try:
            self.path = path.resolve()  # SQLite keeps its log beside the file, not beside a link
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._open()
        except (OSError, *ERRORS) as error:
            raise OutboxError(f"{path}: {error}") from None

    def _open(self) -> None:
        self.db = sqlite3.connect(
            self.path, timeout=0.2, isolation_level=None, check_same_thread=False
        )
        try:
            self._prepare()
        except ERRORS as error:
            self._shut()
            if "locked" in str(error):
                raise OutboxError(f"{self.path}: in use by another agent") from None
            if not _is_corrupt(error):
                raise
            self._set_aside(error)
            self._open()

    def _prepare(self) -> None:
        run = self.db.execute
        run("PRAGMA locking_mode=EXCLUSIVE")
        # Each commit writes whole pages to the log. With 2 KB a message of 270 bytes costs the
        # card 2.7 KB and 295 bytes of space; 1 KB pages write 1.8 KB but take 346 bytes.
        run("PRAGMA page_size=2048")
        run("PRAGMA journal_mode=WAL")
        run("PRAGMA synchronous=NORMAL")
        run("PRAGMA wal_autocheckpoint=0")
        found = run("PRAGMA user_version").fetchone()[0]
        if found > FORMAT:
            self._shut()
            raise OutboxError(f"{self.path}: format {found} is newer than this program's {FORMAT}")
        if found == 0:
            self.db.executescript(f"BEGIN;{_SCHEMA}PRAGMA user_version={FORMAT};")
            self._put_salvaged()
            run("COMMIT")
        self._loaded(self.db)
        self._wal = os.open(f"{self.path}-wal", os.O_RDWR)
        self._checkpoint()
        folder = os.open(self.path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)

    def _put_salvaged(self) -> None:
        """What could be read of the damaged file waits in the new one."""
        kept, self._salvaged = self._salvaged, NOTHING
        for table, rows in (("message", kept.messages), ("report", kept.reports)):
            self.db.executemany(f"REPLACE INTO {table} VALUES (?, ?)", rows)  # noqa: S608
        self.db.executemany("REPLACE INTO gap VALUES (?, ?)", kept.gaps)
        self.db.execute("REPLACE INTO meta VALUES ('epoch', ?)", (kept.epoch,))

    def transact(self, act: Callable[[], Result]) -> Result:
        """Run `act` in one transaction. Raises `OutboxWriteError` or `OutboxReplacedError`."""
        try:
            self.db.execute("BEGIN IMMEDIATE")
            result = act()
            self.db.execute("COMMIT")
        except ERRORS as error:
            self._roll_back()
            raise self._translate(error) from None
        except BaseException:
            self._roll_back()
            raise
        self._dirty = True
        return result

    def _roll_back(self) -> None:
        if self.db.in_transaction:
            self.db.execute("ROLLBACK")

    def read(self, sql: str, *values: int) -> list[tuple[int, bytes]]:
        """All rows of a query; errors as `transact`."""
        try:
            return self.db.execute(sql, values).fetchall()
        except ERRORS as error:
            raise self._translate(error) from None

    def _translate(self, error: Exception) -> OutboxError:
        if not _is_corrupt(error):
            # On a full disk the log may have room once it is in the main file.
            with contextlib.suppress(*ERRORS):
                self._checkpoint()
            return OutboxWriteError(f"{self.path}: {error}")
        self._shut()
        try:
            self._set_aside(error)
            self._open()
        except (OSError, *ERRORS) as again:
            return OutboxWriteError(f"{self.path}: {again}")
        return OutboxReplacedError(f"{self.path}: {error}")

    def sync_if_due(self) -> None:
        """Sync if something was committed and `sync_s` have passed since the last sync."""
        if self._dirty and self._monotonic() - self._synced_s >= self._sync_s:
            self.sync()

    def sync(self) -> None:
        """Bring all commits to the disk itself; a failing disk is told by the next write."""
        try:
            if os.fstat(self._wal).st_size > WAL_BYTES_MAX:
                self._checkpoint()
            else:
                os.fsync(self._wal)
        except (OSError, *ERRORS) as error:
            log.warning("%s: not synced: %s", self.path, error)
        self._dirty = False
        self._synced_s = self._monotonic()

    def _checkpoint(self) -> None:
        self.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Bring everything into the main file and close it."""
        try:
            self._checkpoint()
        except ERRORS as error:
            log.warning("%s: not closed cleanly: %s", self.path, error)
        self._shut()

    def _shut(self) -> None:
        self.db.close()
        if self._wal >= 0:
            os.close(self._wal)
            self._wal = -1

    def _set_aside(self, error: Exception) -> None:
        self.corrupt += 1
        for n in range(1, CORRUPT_FILES_MAX + 1):
            target = self.path.with_name(f"{self.path.name}.corrupt-{n}")
            if not target.exists():
                break
        self.path.replace(target)
        for ending in ("-wal", "-shm"):
            if Path(f"{self.path}{ending}").exists():
                Path(f"{self.path}{ending}").replace(f"{target}{ending}")
        self._salvaged = salvage(target)
        log.error("%s is corrupt (%s); set aside as %s; %s",
                  self.path, error, target.name, self._salvaged)


def _is_corrupt(error: Exception) -> bool:
    if isinstance(error, UnicodeDecodeError):
        return True
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
