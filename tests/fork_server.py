"""Real ingest processes without the seconds that importing takes: a server, itself a process with
everything imported and no thread, forks them on demand.

What is forked is a process like any other: it has its own memory, files and signals, and can be
killed. Requests and answers are JSON, a line each, on the server's standard input and output.
"""

import faulthandler
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import traceback
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
POLL_S = 0.01
STACKS = signal.SIGUSR1
"""An ingest that gets it writes into its log what each of its threads is at."""


def serve() -> None:
    """The server: `{"config", "log"}` begins an ingest and answers its pid; `{"poll"}` answers
    the exit status of a pid, None while it runs."""
    from engine.kernel import load
    from ingest.program import run

    load()  # here, and not in each that is forked

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of the terminal, meant for the tests
    for line in sys.stdin:
        asked: dict[str, Any] = json.loads(line)
        if "poll" in asked:
            pid, status = os.waitpid(asked["poll"], os.WNOHANG)
            answer = os.waitstatus_to_exitcode(status) if pid else None
        else:
            answer = os.fork()
            if answer == 0:
                status = 1
                try:
                    _begin(asked["log"])
                    status = run(Path(asked["config"]))
                except BaseException:
                    traceback.print_exc()
                finally:
                    sys.stderr.flush()
                    os._exit(status)  # what else the server has is not this process's to close
        print(json.dumps(answer), flush=True)


def _begin(log: str) -> None:
    """Let go of what is the server's."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    random.seed()
    faulthandler.register(STACKS, all_threads=True)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number in (1, 2):
        os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644), number)


class _Server:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-c", "from tests.fork_server import serve; serve()"], cwd=ROOT,
            env={**os.environ, "TZ": "UTC"}, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )

    def ask(self, **asked: Any) -> Any:
        """The answer to a request."""
        with self._lock:
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            self._process.stdin.write(json.dumps(asked).encode() + b"\n")
            self._process.stdin.flush()
            return json.loads(self._process.stdout.readline())


@cache
def _server() -> _Server:
    return _Server()


class ForkedIngest:
    """An ingest that runs; used as a `subprocess.Popen` is."""

    def __init__(self, config: Path, log: Path) -> None:
        self.pid: int = _server().ask(config=str(config), log=str(log))
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Exit status, negative for a signal; None while it runs."""
        if self.returncode is None:
            self.returncode = _server().ask(poll=self.pid)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end. Raises `subprocess.TimeoutExpired`."""
        deadline_s = time.monotonic() + (timeout or float("inf"))
        while (status := self.poll()) is None:
            if time.monotonic() > deadline_s:
                raise subprocess.TimeoutExpired("ingest", timeout or 0.0)
            time.sleep(POLL_S)
        return status

    def send_signal(self, number: int) -> None:
        """Send a signal, if it still runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """`kill -9`."""
        self.send_signal(signal.SIGKILL)
