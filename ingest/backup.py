"""`cityvitals backup`: one file of all that a data folder holds, taken while ingest runs.

The copy is of one moment: the end of the archive at that moment. Store, spool and inbox are read
as they stood then (SQLite snapshots), the snapshot is one taken before it, and the archive is
copied up to its last whole record. What ingest acknowledged before that moment is in it.

Between the inbox and the archive the moment must be exact: a message is held before it is
archived, and a release is archived before it is taken out. So the end of the archive is looked at
while the inbox provably did not change.
"""

import os
import sqlite3
import tarfile
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, NamedTuple

import msgspec

from edge.settings import SettingsError
from ingest.archive import HEADER, SUFFIX
from ingest.backup_file import (
    FORMAT,
    MANIFEST,
    BackupError,
    Counted,
    Kept,
    LeftOut,
    Manifest,
    number_of,
)
from ingest.resync import CRC_FROM, RECORD, RECORD_BYTES_MAX
from ingest.retention import FILE as REMOVED

Say = Callable[[str, int], None]
"""Told of each file: its name and size in bytes."""

ARCHIVE = "ingest/archive"
SNAPSHOT = "ingest/snapshot.cvs"
INBOX = "ingest/inbox.db"
DERIVED = ("store.db", "spool.db")
TEXTS = ("places.csv", "facts.csv", "ingest.toml")
STILL_TRIES_MAX = 1000
STILL_WAIT_S = 0.005


class _Moment(NamedTuple):
    """What stands for the moment: sizes of the segments, and what is read as it was then."""

    segments: list[tuple[str, int]]
    databases: dict[str, sqlite3.Connection]
    snapshot: IO[bytes] | None


def backup(folder: Path, target: Path, program: str, say: Say) -> Manifest:
    """Write a backup of the data folder; `program` is the version that makes it.

    `target` appears when it is whole and on the disk. Raises `SettingsError` if there is no data
    or `target` exists, `BackupError` if a file cannot be read or written.
    """
    if not (folder / ARCHIVE).is_dir():
        raise SettingsError(f"--data {folder}: holds no archive; name the folder ingest uses")
    if target.exists():
        raise SettingsError(f"{target}: is there already; a backup overwrites nothing")
    part = target.with_name(f".{target.name}.part")
    try:
        with ExitStack() as stack:
            stack.callback(part.unlink, missing_ok=True)
            file = stack.enter_context(os.fdopen(
                os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb"
            ))
            tar = stack.enter_context(tarfile.open(fileobj=file, mode="w"))
            manifest = _Writer(folder, tar, target.parent, say).write(program, stack)
            tar.close()
            file.flush()
            os.fsync(file.fileno())
            part.rename(target)
            _sync_folder(target.parent)
    except (OSError, sqlite3.Error) as error:
        raise BackupError(f"{target}: {error}") from error
    return manifest


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _reading(path: Path, stack: ExitStack) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True,
                                 isolation_level=None, timeout=5.0)
    stack.callback(connection.close)
    connection.execute("PRAGMA query_only = ON")
    return connection


def _freeze(connection: sqlite3.Connection) -> None:
    """From here on the connection sees the file as it is now."""
    connection.execute("BEGIN")
    connection.execute("SELECT count(*) FROM sqlite_master").fetchone()


def _version(connection: sqlite3.Connection) -> int:
    """A number that changes with each commit of another connection."""
    return int(connection.execute("PRAGMA data_version").fetchone()[0])


def _moment(folder: Path, stack: ExitStack) -> _Moment:
    """Fix the moment: what can be rebuilt first, then inbox and archive together."""
    databases: dict[str, sqlite3.Connection] = {}
    for name in DERIVED:
        if (folder / name).exists():
            databases[name] = _reading(folder / name, stack)
            _freeze(databases[name])
    snapshot = None
    if (folder / SNAPSHOT).exists():
        snapshot = stack.enter_context((folder / SNAPSHOT).open("rb"))
    if not (folder / INBOX).exists():
        return _Moment(_sizes(folder), databases, snapshot)
    watching = _reading(folder / INBOX, stack)
    inbox = databases[INBOX] = _reading(folder / INBOX, stack)
    for _ in range(STILL_TRIES_MAX):
        before = _version(watching)
        _freeze(inbox)
        segments = _sizes(folder)
        if _version(watching) == before:
            return _Moment(segments, databases, snapshot)
        inbox.execute("COMMIT")
        time.sleep(STILL_WAIT_S)
    raise BackupError(f"{folder / INBOX}: never stands still; try again with less traffic")


def _sizes(folder: Path) -> list[tuple[str, int]]:
    names = sorted(path.name for path in (folder / ARCHIVE).glob(f"*{SUFFIX}"))
    return [(name, (folder / ARCHIVE / name).stat().st_size) for name in names]


def whole_bytes(path: Path, size: int) -> int:
    """Where the last whole record of a segment ends within its first `size` bytes.

    All of them if it is damaged in between: that is for the reader to pass over.
    """
    at = HEADER.size
    with path.open("rb") as file:
        file.seek(at)
        while at + RECORD.size <= size:
            head = file.read(RECORD.size)
            length, crc = RECORD.unpack(head)[:2]
            if length > RECORD_BYTES_MAX:
                return size
            if at + RECORD.size + length > size:
                break
            if zlib.crc32(file.read(length), zlib.crc32(head[CRC_FROM:])) != crc:
                return size
            at += RECORD.size + length
    return min(at, size)


class _Writer:
    """Puts files into the tar and remembers them."""

    def __init__(self, folder: Path, tar: tarfile.TarFile, room: Path, say: Say) -> None:
        self._folder = folder
        self._tar = tar
        self._room = room
        self._say = say
        self._files: list[Kept] = []
        self._left_out: list[LeftOut] = []

    def write(self, program: str, stack: ExitStack) -> Manifest:
        """All of the folder, the manifest last."""
        at_ms = time.time_ns() // 1_000_000
        moment = _moment(self._folder, stack)
        position = ("", 0)
        for name, size in moment.segments:
            path = self._folder / ARCHIVE / name
            position = (name, size)
            if name == moment.segments[-1][0]:
                position = (name, whole_bytes(path, size))
            # One that retention removes meanwhile is counted in the file that comes after all.
            with suppress(FileNotFoundError), path.open("rb") as file:
                self._add(f"{ARCHIVE}/{name}", file, position[1])
        self._plain(f"{ARCHIVE}/{REMOVED}")
        if moment.snapshot is not None:
            self._add(SNAPSHOT, moment.snapshot, os.fstat(moment.snapshot.fileno()).st_size)
        for name, database in moment.databases.items():
            self._add_database(name, database)
        self._outboxes()
        for name in TEXTS:
            self._plain(name)
        self._left_out.append(LeftOut(
            "broker/", "what it holds unacknowledged is with the agents, who send it again"
        ))
        manifest = Manifest(FORMAT, program, at_ms, position, self._files, self._left_out)
        body = msgspec.json.encode(manifest)
        with tempfile.TemporaryFile(dir=self._room) as file:
            file.write(body)
            file.seek(0)
            self._put(MANIFEST, Counted(file), len(body))
        return manifest

    def _plain(self, name: str) -> None:
        """A file that is replaced as a whole when it changes, if there is one."""
        with suppress(FileNotFoundError), (self._folder / name).open("rb") as file:
            self._add(name, file, os.fstat(file.fileno()).st_size)

    def _add(self, name: str, file: IO[bytes], size: int) -> None:
        counted = Counted(file)
        self._put(name, counted, size)
        self._files.append(Kept(name, size, counted.sha256, number_of(name, counted.head)))
        self._say(name, size)

    def _put(self, name: str, file: Counted, size: int) -> None:
        info = tarfile.TarInfo(name)
        info.size, info.mode, info.mtime = size, 0o600, int(time.time())
        self._tar.addfile(info, file)

    def _add_database(self, name: str, database: sqlite3.Connection) -> None:
        """SQLite's online backup of the file as the connection sees it."""
        with _scratch(self._room) as path:
            copy = sqlite3.connect(path)
            try:
                database.backup(copy)
                copy.execute("PRAGMA journal_mode = DELETE")
            finally:
                copy.close()
            with path.open("rb") as file:
                self._add(name, file, path.stat().st_size)

    def _outboxes(self) -> None:
        """Outboxes of agents that do not run; a running one keeps its file to itself."""
        for path in sorted((self._folder / "agents").glob("*.db")):
            name = f"agents/{path.name}"
            with ExitStack() as stack:
                try:
                    outbox = _reading(path, stack)
                    outbox.execute("PRAGMA busy_timeout = 100")
                    _freeze(outbox)
                except sqlite3.Error as error:
                    self._left_out.append(LeftOut(name, f"its agent keeps it: {error}"))
                    continue
                self._add_database(name, outbox)


@contextmanager
def _scratch(room: Path) -> Iterator[Path]:
    handle, name = tempfile.mkstemp(".part", ".backup-", room)
    os.close(handle)
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)
