"""A real ingest in a process of its own, and publishers for it, for tests with real brokers."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from edge.broker_settings import BrokerSettings
from edge.connection import Connection
from ingest.sqlite_file import StoreError
from ingest.store import Store
from tests.fork_server import STACKS, ForkedIngest

ROOT = Path(__file__).parent.parent
RUN = (
    "import sys, pathlib; from ingest.program import run; "
    "sys.exit(run(pathlib.Path(sys.argv[1])))"
)
WAIT_S_MAX = 60.0
STOP_S_MAX = 20.0


def begun_ms() -> int:
    """When the present test began, Unix ms. Since the suite began, an hour may have closed."""
    return _begun(os.environ["PYTEST_CURRENT_TEST"].rpartition(" ")[0])


@lru_cache(maxsize=1)
def _begun(_test: str) -> int:
    return time.time_ns() // 1_000_000


def until(true: Callable[[], bool], what: str, timeout_s: float = WAIT_S_MAX) -> None:
    """Poll until `true()`; fails naming `what` after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline, f"not within {timeout_s:.0f} s: {what}"
        time.sleep(0.02)


class LiveIngest:
    """`ingest.program` in a process; `program` is what runs instead, if given."""

    def __init__(self, folder: Path, broker_url: str, program: str = RUN, **keys: Any) -> None:
        self.folder = folder
        self.data = folder / keys.get("data", ".")
        self.config = folder / "ingest.toml"
        lines = [f"{key} = {json.dumps(value)}" for key, value in keys.items()]
        lines += ["[broker]", f'url = "{broker_url}"']
        self.config.write_text("\n".join(lines) + "\n")
        self._program = program
        self._process: subprocess.Popen[bytes] | ForkedIngest | None = None
        self._store: Store | None = None
        self._since_ms = 0

    def start(self) -> None:
        """Start the process."""
        self._since_ms = time.time_ns() // 1_000_000
        if self._program == RUN:
            self._process = ForkedIngest(self.config, self.folder / "ingest.log")
            return
        with (self.folder / "ingest.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", self._program, str(self.config)], cwd=ROOT, stdout=log,
                stderr=log, env={**os.environ, "TZ": "UTC"},
            )

    def start_and_wait(self) -> None:
        """Start, and wait until it is connected."""
        self.start()
        until(lambda: self.connected, f"ingest is connected: {self.log()}")

    @property
    def connected(self) -> bool:
        """True once the process that runs has said that it is connected."""
        health = self.health()
        return bool(health and health["started_ms"] >= self._since_ms
                    and health["broker"]["connected"])

    @property
    def pid(self) -> int:
        """Of the process that runs."""
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        """True until it is killed or ends by itself."""
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """`kill -9`, if it runs."""
        self._close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ask it to end; returns the exit status."""
        self._close()
        assert self._process is not None
        self._process.send_signal(number)
        try:
            status = self._process.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            self._process.send_signal(STACKS)
            time.sleep(1.0)
            raise AssertionError(f"no end within {STOP_S_MAX} s: {self.log()}") from None
        self._process = None
        return status

    def _close(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None

    @property
    def store(self) -> Store:
        """The embedded store, for reading."""
        if self._store is None:
            self._store = Store.reader(self.data / "store.db")
        return self._store

    def health(self) -> dict[str, Any] | None:
        """The current health object; None before the first."""
        try:
            return self.store.health()
        except StoreError:
            return None

    def verdicts(self) -> dict[str, int]:
        """The verdicts given."""
        health = self.health() or {"verdicts": {}}
        return {name: count for name, count in health["verdicts"].items() if count}

    def taken(self) -> int:
        """Readings that count."""
        given = self.verdicts()
        return given.get("applied", 0) + given.get("late", 0)

    def log(self) -> str:
        """What it wrote to the terminal."""
        path = self.folder / "ingest.log"
        return path.read_text() if path.exists() else ""


def publish(url: str, messages: Sequence[tuple[str, bytes]], qos: int = 1) -> None:
    """Publish messages and wait for the broker's word on all of them."""
    confirmed: list[int] = []
    sender = Connection(
        BrokerSettings(url=url), "test-sender", on_published=confirmed.append,
    )
    sender.start()
    assert sender.wait_ready(10)
    for topic, payload in messages:
        sender.publish(topic, payload, qos=qos)
    until(lambda: len(confirmed) == len(messages), "the broker has all messages")
    sender.stop()
