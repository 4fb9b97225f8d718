"""One owner a data folder: two programs that wrote the same archive would ruin it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge.settings import SettingsError


class FolderInUseError(SettingsError):
    """The folder cannot be used, or another process holds it; the text names it."""


def in_use(folder: Path) -> bool:
    """True if a process holds `folder` now; changes nothing there."""
    try:
        lock = os.open(folder / "lock", os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


@contextmanager
def held(folder: Path, *, wait: bool = False) -> Iterator[None]:
    """Hold `folder` until the block ends; the lock goes with the process, however it ends.

    Raises `FolderInUseError` if another process holds it, or waits for that to end.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise FolderInUseError(f"{folder}: {error.strerror}") from None
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            owner = os.read(lock, 32).decode("ascii", "replace").strip()
            raise FolderInUseError(
                f"{folder}: in use by process {owner}; end that one, or use another folder"
            ) from None
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(lock)
