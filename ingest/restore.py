"""`cityvitals restore`: a data folder from a backup, checked whole before anything is changed."""

import os
import shutil
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from edge import facts, places
from edge.outbox_file import FORMAT as OUTBOX_FORMAT
from edge.settings import SettingsError
from ingest import archive, retention
from ingest.backup_file import (
    CHUNK_BYTES,
    MANIFEST,
    MANIFEST_BYTES_MAX,
    BackupError,
    Counted,
    Kept,
    Manifest,
    members,
    number_of,
    read_manifest,
    reading,
)
from ingest.folder_lock import held
from ingest.inbox import INBOX
from ingest.spool import SPOOL
from ingest.store_schema import STORE

KNOWN = {
    "ingest/archive/removed.json": retention.FORMAT,
    "ingest/inbox.db": INBOX.version, "store.db": STORE.version, "spool.db": SPOOL.version,
    "places.csv": int(places.HEADING.split()[-1]), "facts.csv": int(facts.HEADING.split()[-1]),
}
"""The newest format that this program reads of each file."""


def restore(
    source: Path, folder: Path, say: Callable[[str, int], None], *, replace: bool = False
) -> Manifest:
    """Make `folder` what it was when the backup was taken.

    Everything is verified first; then it is unpacked beside `folder` and put in place by renaming.
    A folder that holds something is refused, or, with `replace`, kept as
    `<name>.before-<time>`. Raises `SettingsError` for a folder that cannot be used, `BackupError`
    for a backup that is damaged, tampered with or newer than this program.
    """
    folder = folder.absolute()
    if folder.exists() and not folder.is_dir():
        raise SettingsError(f"--data {folder}: is not a folder")
    full = folder.is_dir() and any(folder.iterdir())
    if full and not replace:
        raise SettingsError(
            f"--data {folder}: is not empty; name another folder, or add --replace, which keeps "
            "the present one beside it"
        )
    manifest = verify(source)
    fresh = folder.with_name(f".{folder.name}.restoring-{os.getpid()}")
    try:
        with ExitStack() as stack:
            stack.callback(shutil.rmtree, fresh, ignore_errors=True)
            fresh.mkdir(mode=0o700, parents=True)
            with reading(source):
                _unpack(source, fresh, {row.name: row for row in manifest.files}, say)
            if full:
                stack.enter_context(held(folder / "ingest"))
                stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
                folder.rename(folder.with_name(f"{folder.name}.before-{stamp}"))
            fresh.rename(folder)
    except OSError as error:
        raise BackupError(f"{folder}: {error.strerror or error}") from error
    return manifest


def verify(source: Path) -> Manifest:
    """Read all of a backup and compare it with its manifest. Raises `BackupError`."""
    with reading(source):
        manifest, found = _contents(source)
    named = {row.name: row for row in manifest.files}
    for name in sorted(found.keys() | named.keys()):
        if found.get(name) != named.get(name):
            raise BackupError(f"{source}: {name} is not what the manifest says")
        known = _known(name)
        if found[name].format > known > 0:
            raise BackupError(
                f"{source}: {name} has format {found[name].format}, this program knows up to "
                f"{known}"
            )
    return manifest


def _contents(source: Path) -> tuple[Manifest, dict[str, Kept]]:
    """The manifest, and each member as it is."""
    found: dict[str, Kept] = {}
    manifest = None
    for member, file in members(source):
        if manifest is not None:
            raise BackupError(f"{source}: {member.name!r} comes after the manifest")
        if member.name == MANIFEST:
            if member.size > MANIFEST_BYTES_MAX:
                raise BackupError(f"{source}: {MANIFEST} is damaged: {member.size} bytes")
            manifest = read_manifest(source, file.read())
            continue
        counted = Counted(file)
        while counted.read(CHUNK_BYTES):
            pass
        found[member.name] = Kept(
            member.name, member.size, counted.sha256, number_of(member.name, counted.head)
        )
    if manifest is None:
        raise BackupError(f"{source}: has no manifest; it is cut off, or not a backup")
    return manifest, found


def _known(name: str) -> int:
    if name.endswith(archive.SUFFIX):
        return archive.FORMAT
    return OUTBOX_FORMAT if name.startswith("agents/") else KNOWN.get(name, 0)


def _unpack(
    source: Path, folder: Path, named: dict[str, Kept], say: Callable[[str, int], None]
) -> None:
    for member, file in members(source):
        if member.name == MANIFEST:
            continue
        path = folder / member.name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if _write(path, file) != named[member.name].sha256:
            raise BackupError(f"{source}: {member.name} changed while it was read")
        say(member.name, member.size)


def _write(path: Path, file: IO[bytes]) -> str:
    """Write a new file, durable; returns the SHA-256 of what was written."""
    counted = Counted(file)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        while piece := counted.read(CHUNK_BYTES):
            out.write(piece)
        out.flush()
        os.fsync(out.fileno())
    return counted.sha256
