"""A disk that fills up and has room again: a small tmpfs, or a limit on what a process may write.

Mounting needs root; without it `RLIMIT_FSIZE` of the process makes the kernel refuse every write
with EFBIG. Either way a real write of a real process fails.
"""

import contextlib
import resource
import subprocess
from pathlib import Path

BYTES = 24 << 20


class FullDisk:
    """`folder` lies on it. Call `close` at the end."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={BYTES}", "none", str(folder)],
            capture_output=True, check=False,
        )
        self.mounted = done.returncode == 0
        self._limited: int | None = None

    def fill(self, pid: int) -> None:
        """Not a byte more; `pid` is the process that writes."""
        if not self.mounted:
            # The archive cannot grow, nor what is longer; a log of few lines can.
            size = min(path.stat().st_size for path in self.folder.glob("**/*.cva"))
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
            self._limited = pid
            return
        with (self.folder / "filler").open("ab", buffering=0) as file:
            for size in (1 << 20, 1 << 12, 1):
                with contextlib.suppress(OSError):
                    while file.write(bytes(size)) == size:
                        pass

    def free(self) -> None:
        """There is room again."""
        if self._limited is not None:
            everything = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
            with contextlib.suppress(ProcessLookupError):
                resource.prlimit(self._limited, resource.RLIMIT_FSIZE, everything)
            self._limited = None
        (self.folder / "filler").unlink(missing_ok=True)

    def close(self) -> None:
        """Unmount, if it was mounted."""
        if self.mounted:
            subprocess.run(["umount", "-l", str(self.folder)], check=True)
            self.mounted = False
