"""What a backup is: a plain tar of files of a data folder, ended by a manifest that names them.

The manifest (`manifest.json`, the last member) holds the format number of the backup, when and by
which version it was made, the position in the archive it stands for, and each file with its size,
SHA-256 and format number. The docs page is `docs/backup.md`.
"""

import hashlib
import re
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import msgspec

FORMAT = 1
MANIFEST = "manifest.json"
MANIFEST_BYTES_MAX = 64 << 20
FILES_MAX = 100_000
CHUNK_BYTES = 1 << 20

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,199}(/[A-Za-z0-9_-][A-Za-z0-9_.-]{0,199}){0,4}")


class BackupError(Exception):
    """A backup that cannot be made, read or used; names the file and why."""


class Kept(msgspec.Struct, frozen=True):
    """One file of a backup; `format` is its own number, 0 for a file without one."""

    name: str
    bytes: int
    sha256: str
    format: int = 0


class LeftOut(msgspec.Struct, frozen=True):
    """A file that is not in the backup, and why."""

    name: str
    why: str


class Manifest(msgspec.Struct, frozen=True):
    """The last member; `position` is the segment of the archive and the byte in it."""

    format: int
    program: str
    at_ms: int
    position: tuple[str, int]
    files: list[Kept]
    left_out: list[LeftOut] = []

    @property
    def bytes(self) -> int:
        """Size of all files."""
        return sum(row.bytes for row in self.files)


class Counted:
    """A file read through its hash; `tarfile` asks for pieces."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self.head = b""

    def read(self, size: int = -1) -> bytes:
        """As of a file."""
        piece = self._file.read(size)
        self._hash.update(piece)
        if len(self.head) < 64:
            self.head += piece[:64]
        return piece

    @property
    def sha256(self) -> str:
        """Of what was read, in hex."""
        return self._hash.hexdigest()


def number_of(name: str, head: bytes) -> int:
    """The format number that the first 64 bytes of a file of ours carry; 0 if it has none."""
    if name.endswith(".cva"):
        return int.from_bytes(head[8:10], "little")
    if name.endswith(".db"):
        return int.from_bytes(head[60:64], "big")
    if found := re.match(rb'\{"format":(\d+)[,}]', head):
        return int(found[1])
    line = head.split(b"\n", 1)[0].split()
    if line[:2] == [b"#", b"cityvitals"] and line[-1:] and line[-1].isdigit():
        return int(line[-1])
    return 0


@contextmanager
def reading(source: Path) -> Iterator[None]:
    """Within: what a damaged tar raises becomes a `BackupError` that names it."""
    try:
        yield
    except (tarfile.TarError, EOFError, UnicodeError) as error:
        raise BackupError(f"{source}: is damaged, or not a backup: {error}") from None


def members(source: Path) -> Iterator[tuple[tarfile.TarInfo, IO[bytes]]]:
    """The members of a backup in order, each checked to be a plain file with a harmless name.

    Raises `BackupError` for anything else: a link, a device, a path that leads elsewhere, a name
    that comes twice, a file that is cut off or no tar.
    """
    seen: set[str] = set()
    try:
        with reading(source), tarfile.open(source, "r:") as tar:
            for member in tar:
                if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or member.issparse():
                    raise BackupError(f"{source}: {member.name!r} is not a plain file")
                if not _NAME.fullmatch(member.name):
                    raise BackupError(f"{source}: the name {member.name!r} is not one of ours")
                if member.name in seen or len(seen) > FILES_MAX:
                    raise BackupError(f"{source}: {member.name!r} is there twice, or too many are")
                seen.add(member.name)
                file = tar.extractfile(member)
                if file is not None:  # a plain file has content
                    yield member, file
    except OSError as error:
        raise BackupError(f"{source}: {error.strerror or error}") from None


def read_manifest(source: Path, body: bytes) -> Manifest:
    """Decode the manifest. Raises `BackupError` for a newer format or a wrong one."""
    try:
        number = msgspec.json.decode(body, type=dict)["format"]
        if not isinstance(number, int) or number < 1:
            raise ValueError(f"format = {number!r}")
        if number > FORMAT:
            raise BackupError(
                f"{source}: has format {number}, this program knows up to {FORMAT}"
            )
        return msgspec.json.decode(body, type=Manifest)
    except (msgspec.DecodeError, KeyError, ValueError) as error:
        raise BackupError(f"{source}: {MANIFEST} is damaged: {error}") from None
