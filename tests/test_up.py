"""`cityvitals up`: with dummies how it starts, refuses and ends; then everything, end to end."""

import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cityvitals import broker, plan, up
from cityvitals.status import Status
from tests.test_children import wait_for
from tests.test_plan import options

SLEEP = [sys.executable, "-c", "import time; time.sleep(300)"]
ROOT = Path(__file__).resolve().parent.parent


class Recorder:
    """A display that keeps what it was shown."""

    def __init__(self) -> None:
        self.shown: list[Status] = []
        self.closed = False

    def show(self, status: Status) -> None:
        self.shown.append(status)

    def close(self, text: str) -> None:
        self.closed = True


@pytest.fixture
def run(tmp_path: Path) -> Iterator[up.Run]:
    made = up.Run(options(tmp_path), time.monotonic(), up.Ending(None), Recorder())
    yield made
    made.children.stop(lambda: True)


def test_a_folder_is_held_by_one_up(tmp_path: Path) -> None:
    said = pytest.raises(up.UpError, match=f"in use by process {os.getpid()}")
    with up.held(tmp_path), said, up.held(tmp_path):
        pass
    with up.held(tmp_path):
        pass


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    folder = tmp_path / "file" / "data"
    with pytest.raises(up.UpError, match=r"--data .*file/data: Not a directory"), up.held(folder):
        pass


def test_a_port_in_use_is_said_with_the_way_out(tmp_path: Path) -> None:
    port = broker.free_port(19_500)
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", port))
        holder.listen()
        with pytest.raises(up.UpError, match=rf"^--port {port}: in use .* --port \d+$"):
            up.run(options(tmp_path, port=port), time.monotonic())


def test_the_end_comes_by_time_or_signal() -> None:
    assert not up.Ending(time.monotonic() + 60).due()
    assert up.Ending(time.monotonic()).due()
    ending = up.Ending(None)
    ending.ask(signal.SIGINT, None)
    assert ending.due()
    assert not ending.hurry()
    ending.ask(signal.SIGINT, None)
    assert ending.hurry()


def test_while_it_waits_it_shows_a_status_each_second_of_the_start(run: up.Run) -> None:
    started_s = time.monotonic()
    assert run.during("starting", lambda: time.monotonic() > started_s + 2.5)
    assert isinstance(run.screen, Recorder)
    times = [status.t_s for status in run.screen.shown]
    assert len(times) == 3
    assert all(t_s - round(t_s) < 0.5 for t_s in times)


def test_a_child_that_dies_is_said_and_counted(run: up.Run) -> None:
    run.start("page", [sys.executable, "-c", "print('oh no'); raise SystemExit(3)"])
    run.during("live", lambda: run.children.all[0].restarts >= 1)
    wait_for(lambda: not run.children.all[0].running or run.children.watch(time.monotonic()))
    status = run.status("live", 1.0, time.monotonic())
    assert status.restarts == 1
    assert any("page ended with status 3" in text and "oh no" in text for text in status.trouble)


def test_a_past_that_fails_ends_the_run(run: up.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    failing = [sys.executable, "-c", "print('disk full'); raise SystemExit(1)"]
    monkeypatch.setattr(plan, "past_command", lambda _: failing)
    with pytest.raises(up.UpError, match="past could not be made: disk full"):
        run.past()


def test_the_past_shows_its_progress(run: up.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    script = "import time; print('43%', flush=True); time.sleep(2.2)"
    monkeypatch.setattr(plan, "past_command", lambda _: [sys.executable, "-c", script])
    assert run.past()
    assert isinstance(run.screen, Recorder)
    assert 0.43 in [status.done for status in run.screen.shown]
    assert {status.phase for status in run.screen.shown} == {"past"}
