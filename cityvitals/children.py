"""Child processes of `up`: started, watched, restarted with back-off, and never left behind.

Time is an argument: `now_s` is any clock that only grows.
"""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

BACKOFF_S_MIN = 0.5
BACKOFF_S_MAX = 30.0
STEADY_S = 60.0
"""A child that lived this long is healthy: its next back-off starts small again."""
STOP_S_MAX = 8.0
"""How long a child may take to end after SIGTERM before it is killed."""
LOG_BYTES_MAX = 10_000_000
REFUSED = 2
"""Exit status of a program whose configuration is wrong: starting it again cannot help."""
_PR_SET_PDEATHSIG = 1
_POLL_S = 0.02


class ChildRefusedError(Exception):
    """A child ended with status 2 in its first life; the text is the last line of its log."""


@dataclass(slots=True)
class Child:
    """One program: how it is started, and how its present life goes."""

    name: str
    argv: list[str]
    log: Path
    once: bool = False
    process: "subprocess.Popen[bytes] | None" = None
    started_s: float = 0.0
    restarts: int = 0
    backoff_s: float = BACKOFF_S_MIN
    next_start_s: float = 0.0
    status: int | None = None

    @property
    def finished(self) -> bool:
        """True once it ended with status 0 and was meant to end by itself."""
        return self.once and self.status == 0

    @property
    def running(self) -> bool:
        """True while its process lives (as far as the last `watch` saw)."""
        return self.process is not None


def python_command(*arguments: str) -> list[str]:
    """The command that runs `cityvitals ARGUMENTS` with this interpreter, wherever we stand."""
    # -P: a folder named `engine` in the current directory must not shadow ours.
    return [sys.executable, "-P", "-m", "cityvitals", *arguments]


def _environment() -> dict[str, str]:
    root = str(Path(__file__).resolve().parent.parent)
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1"}


def _die_with_parent(libc: ctypes.CDLL, parent: int) -> None:
    """Run in the child before its program: SIGKILL it as soon as `up` is gone (Linux)."""
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def last_line(path: Path) -> str:
    """The last line of a log that says something, empty if there is none."""
    try:
        lines = path.read_bytes()[-4096:].decode("utf-8", "replace").split("\n")
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


@dataclass(slots=True)
class Children:
    """The process tree below `up`; stopped in the reverse order of starting."""

    log_dir: Path
    all: list[Child] = field(default_factory=list)

    def start(self, name: str, argv: list[str], now_s: float, *, once: bool = False) -> Child:
        """Start a program with a log of this run; `once`: status 0 ends it for good."""
        self.log_dir.mkdir(parents=True, exist_ok=True)
        child = Child(name, argv, self.log_dir / f"{name}.log", once)
        if child.log.exists():
            child.log.replace(_older(child.log))
        self.all.append(child)
        self._spawn(child, now_s)
        return child

    def _spawn(self, child: Child, now_s: float) -> None:
        hook = None
        if sys.platform == "linux":
            # A function of the C library, found before the fork: the child must not search.
            hook = partial(_die_with_parent, ctypes.CDLL(None), os.getpid())
        with child.log.open("ab") as log:
            # A session of its own: Ctrl-C reaches `up` alone, which stops the others in order.
            child.process = subprocess.Popen(
                child.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=_environment(), start_new_session=True,
                preexec_fn=hook,  # noqa: PLW1509 - `up` starts children before any thread
            )
        child.started_s = now_s
        child.status = None

    def watch(self, now_s: float) -> None:
        """Notice who ended, start again whose time has come, keep logs bounded.

        Raises `ChildRefusedError` when a child refuses its configuration in its first life.
        """
        for child in self.all:
            _bound_log(child.log)
            if child.process is not None:
                status = child.process.poll()
                if status is not None:
                    self._ended(child, status, now_s)
            elif not child.finished and now_s >= child.next_start_s:
                child.restarts += 1
                self._spawn(child, now_s)

    def _ended(self, child: Child, status: int, now_s: float) -> None:
        child.status = status
        child.process = None
        if status == REFUSED and child.restarts == 0:
            raise ChildRefusedError(f"{child.name}: {last_line(child.log)}")
        if now_s - child.started_s >= STEADY_S:
            child.backoff_s = BACKOFF_S_MIN
        child.next_start_s = now_s + child.backoff_s
        child.backoff_s = min(child.backoff_s * 2, BACKOFF_S_MAX)

    def stop(self, hurry: Callable[[], bool] = lambda: False, first: str = "") -> None:
        """End every child: `first`, then last started first. SIGKILL after `STOP_S_MAX`.

        `hurry` is asked while waiting; once it is true, SIGKILL follows at once.
        """
        order = [child for child in self.all if child.name != first]
        order += [child for child in self.all if child.name == first]
        for child in reversed(order):
            process = child.process
            if process is None:
                continue
            process.terminate()
            deadline_s = time.monotonic() + STOP_S_MAX
            while process.poll() is None and time.monotonic() < deadline_s and not hurry():
                time.sleep(_POLL_S)
            if process.poll() is None:
                process.kill()
            child.status = process.wait()
            child.process = None


def _bound_log(path: Path) -> None:
    """Keep at most `LOG_BYTES_MAX` and one older copy; writers append, so truncation is safe."""
    if path.exists() and path.stat().st_size > LOG_BYTES_MAX:
        shutil.copyfile(path, _older(path))
        os.truncate(path, 0)


def _older(log: Path) -> Path:
    return log.with_suffix(".log.1")
