"""One way to open the SQLite files of ours: owner, format number, damage.

`PRAGMA application_id` says whose file it is, `PRAGMA user_version` its format. A newer format
and a stranger's file are refused. A damaged file is renamed to `<name>.damaged-<UTC time>` and a
new, empty one takes its place: both the store and the spool can be filled again.

To look for damage means to read all of a file, minutes for a large store. So `close` notes beside
it how the file was left, and a file that is still as it was left is not read through; after a
kill, a crash or a change by others it is.
"""

import logging
import sqlite3
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

log = logging.getLogger(__name__)

BUSY_MS_MAX = 5000
PROBLEMS_MAX = 1_000_000
ASIDE_MAX = 3
DAMAGED = ".damaged-"
TAILS = ("", "-wal", "-shm")
CLOSED = "-closed"
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
ERRORS = (sqlite3.Error, UnicodeDecodeError)
"""SQLite may quote spoilt names in its error, and then Python cannot read the error."""
_PRAGMAS = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
PRAGMA cache_size = -32768;
PRAGMA wal_autocheckpoint = 4000;
"""


class StoreError(Exception):
    """A SQLite file of ours cannot be opened, read or written; names the file and why."""


class Kind(NamedTuple):
    """One kind of file: what it is called in messages, its numbers and its tables."""

    name: str
    application_id: int
    version: int
    schema: str
    migrations: tuple[str, ...] = ()
    """Statements that bring format i + 1 to format i + 2; one for each format there was."""


def is_damage(error: Exception) -> bool:
    """True if `error` means that the bytes of the file are wrong, not that it is busy or full."""
    if isinstance(error, UnicodeDecodeError):
        return True
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED


def create(path: Path, kind: Kind) -> sqlite3.Connection:
    """Open for writing in autocommit mode, with tables; a damaged file is set aside.

    Raises `StoreError` for a newer format, a stranger's file, or a path that cannot be used.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        return _open(path, kind)
    except ERRORS as error:
        if not is_damage(error):
            raise StoreError(f"{path}: {error}") from error
        aside = set_aside(path)
        log.error("%s: %s is damaged (%s); set aside as %s, starting empty",
                  path, kind.name, error,
                  aside if path.is_symlink() else aside.name)
    try:
        return _open(path, kind)
    except ERRORS as error:
        raise StoreError(f"{path}: {error}") from error


def close(connection: sqlite3.Connection, path: Path) -> None:
    """Close a file that was written without trouble; may be called twice."""
    try:
        _ = connection.total_changes
    except sqlite3.ProgrammingError:  # closed, and perhaps another's since
        return
    connection.close()
    with suppress(OSError):  # without it, the file is read through once more
        path.with_name(path.name + CLOSED).write_text(_left(path), encoding="ascii")


def _left(path: Path) -> str:
    """Sizes and times of change of a file and its log, empty if there is none."""
    path = path.resolve()  # beside the file, not beside a link to it, lies the log
    parts = [path.with_name(path.name + tail) for tail in ("", "-wal")]
    stats = [part.stat() for part in parts if part.exists()]
    return " ".join(f"{stat.st_ino}:{stat.st_size}:{stat.st_mtime_ns}" for stat in stats)


def _as_it_was_left(path: Path) -> bool:
    """True if nobody changed the file since its `close`; from now on it is in use."""
    note = path.with_name(path.name + CLOSED)
    try:
        left = note.read_text(encoding="ascii")
        note.unlink()
    except (OSError, UnicodeDecodeError):
        return False
    return left == _left(path) != ""


def reader(path: Path, kind: Kind) -> sqlite3.Connection:
    """Open without the right to write. Raises `StoreError` if absent, newer or not ours."""
    try:
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None,
            check_same_thread=False,
        )
    except ERRORS as error:
        raise StoreError(f"{path}: {error}") from error
    try:
        connection.execute(f"PRAGMA busy_timeout = {BUSY_MS_MAX}")
        connection.execute("PRAGMA query_only = ON")
        if _format(connection, path, kind) < kind.version:  # its writer migrates it
            raise StoreError(f"{path}: {kind.name} is not ready yet")
    except ERRORS as error:
        connection.close()
        raise StoreError(f"{path}: {error}") from error
    except StoreError:
        connection.close()
        raise
    return connection


def _open(path: Path, kind: Kind) -> sqlite3.Connection:
    sound = _as_it_was_left(path)
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        connection.execute(f"PRAGMA busy_timeout = {BUSY_MS_MAX}")
        found = _format(connection, path, kind)  # before anything is changed
        connection.executescript(_PRAGMAS)
        if found == 0:
            connection.executescript(
                f"BEGIN; {kind.schema} PRAGMA application_id = {kind.application_id};"
                f"PRAGMA user_version = {kind.version}; COMMIT;"
            )
        else:
            verdict = "ok" if sound else _check(connection)
            if verdict != "ok":
                damage = sqlite3.DatabaseError(verdict)
                damage.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
                raise damage
            if found < kind.version:
                _migrate(connection, path, kind, found)
    except BaseException:
        connection.close()
        raise
    return connection


def _migrate(connection: sqlite3.Connection, path: Path, kind: Kind, found: int) -> None:
    """Bring an older format to the present one, all or nothing, with a copy of it kept."""
    copy = path.with_name(f"{path.name}.v{found}")
    kept = sqlite3.connect(copy)
    try:
        connection.backup(kept)
    finally:
        kept.close()
    steps = "".join(kind.migrations[found - 1 :])
    try:
        connection.executescript(
            f"BEGIN IMMEDIATE; {steps} PRAGMA user_version = {kind.version}; COMMIT;"
        )
    except sqlite3.Error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    log.info("%s: %s is of format %d from now on; as it was it is kept as %s",
             path, kind.name, kind.version, copy.name)


def _check(connection: sqlite3.Connection) -> str:
    """The first thing that is wrong with a file, or `ok`.

    SQLite 3.40 finds NULL where there is none, in tables WITHOUT ROWID that have a column between
    those of their key: what it says of NULL is no damage.
    """
    for (verdict,) in connection.execute(f"PRAGMA quick_check({PROBLEMS_MAX})"):
        if not verdict.startswith("NULL value in "):
            return str(verdict)
    return "ok"


def _format(connection: sqlite3.Connection, path: Path, kind: Kind) -> int:
    """The format number of the file, 0 for an empty one. Raises `StoreError` if refused."""
    connection.execute("BEGIN")  # all of one moment: its writer may be making it
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    (owner,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    connection.execute("COMMIT")
    if tables == 0 and owner == 0:
        return 0
    if owner != kind.application_id:
        raise StoreError(f"{path}: is a SQLite file, but not {kind.name} of Cityvitals")
    if version > kind.version:
        raise StoreError(
            f"{path}: {kind.name} has format {version}, this program knows up to {kind.version}"
        )
    return int(version)


def inode(path: Path) -> int:
    """Which file lies at a path; another number: it was replaced. Raises `StoreError`."""
    try:
        return path.stat().st_ino
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}") from None


def set_aside(path: Path) -> Path:
    """Rename the file and what SQLite keeps beside it; returns the new name.

    A link stays one: a new file goes to where it leads, and there SQLite keeps its others.
    Of each file the newest `ASIDE_MAX` are kept.
    """
    path = path.resolve()
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    aside = path.with_name(f"{path.name}{DAMAGED}{stamp}")
    for tail in TAILS:
        part = path.with_name(path.name + tail)
        if part.exists():
            part.replace(aside.with_name(aside.name + tail))
    kept = sorted(file for file in path.parent.glob(f"{path.name}{DAMAGED}*")
                  if not file.name.endswith(TAILS[1:]))
    for old in kept[:-ASIDE_MAX]:
        for tail in TAILS:
            old.with_name(old.name + tail).unlink(missing_ok=True)
    return aside
