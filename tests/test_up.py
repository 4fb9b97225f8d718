"""`cityvitals up`: with dummies how it starts, refuses and ends; then everything, end to end."""

import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cityvitals import broker, plan, up
from cityvitals.status import Status
from tests.brokers import free_port
from tests.test_children import alive, wait_for
from tests.test_plan import options

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
        run.past(run.begin_past())


def test_the_past_shows_its_progress(run: up.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    script = (
        "import time; print('43%', flush=True); time.sleep(2.2);"
        "print('100%\\nserving', flush=True); time.sleep(60)"
    )
    run.children.log_dir.mkdir()
    (run.children.log_dir / "ingest.log").write_text("100%\n")  # of an earlier run
    monkeypatch.setattr(plan, "past_command", lambda _: [sys.executable, "-c", script])
    assert run.past(run.begin_past())
    (child,) = run.children.all
    assert (child.name, child.argv) == ("ingest", plan.ingest_command(run.options))
    assert isinstance(run.screen, Recorder)
    assert 0.43 in [status.done for status in run.screen.shown]
    assert {status.phase for status in run.screen.shown} == {"past"}


class Started:
    """A real `cityvitals up --json`, its objects, and its processes."""

    def __init__(self, data: Path, *arguments: str) -> None:
        self.port = free_port()
        number = len(list(data.parent.glob("*.jsonl")))
        self._out = data.parent / f"{number}.jsonl"
        self._errors = data.parent / f"{number}.errors"
        with self._out.open("wb") as out, self._errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "cityvitals", "up", "--json", "--data", str(data),
                 "--port", str(self.port), *arguments],
                cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out, stderr=errors,
                start_new_session=True,
            )

    @property
    def objects(self) -> list[dict[str, Any]]:
        lines = self._out.read_text(encoding="utf-8").split("\n")[:-1]
        return [json.loads(line) for line in lines]

    @property
    def errors(self) -> str:
        return self._errors.read_text(encoding="utf-8")

    def until(
        self, condition: Callable[[dict[str, Any]], object], seconds: float = 150.0
    ) -> dict[str, Any]:
        """Wait for an object that meets `condition`."""
        deadline_s = time.monotonic() + seconds
        while time.monotonic() < deadline_s:
            for row in self.objects:
                if condition(row):
                    return row
            assert self.process.poll() is None, self.errors
            time.sleep(0.2)
        raise AssertionError(f"waited too long; last: {self.objects[-1:]}")

    def children(self) -> dict[str, int]:
        """Process ids below `up`, by the word of the command that tells them apart."""
        found = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                parent = int(stat.read_text().rsplit(")", 1)[1].split()[1])
                words = (stat.parent / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if parent == self.process.pid:
                word = words[4] if len(words) > 4 and words[4] else Path(os.fsdecode(words[0])).name
                found[os.fsdecode(word)] = int(stat.parent.name)
        return found

    def get(self, path: str) -> Any:
        """JSON from the page's server."""
        url = f"http://127.0.0.1:{self.port}{path}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)

    def kill(self) -> None:
        """End it, whatever became of the test."""
        self.process.kill()
        self.process.wait()


@pytest.fixture
def start() -> Iterator[Callable[..., Started]]:
    runs: list[Started] = []

    def begin(data: Path, *arguments: str) -> Started:
        runs.append(Started(data, *arguments))
        return runs[-1]

    yield begin
    for one in runs:
        one.kill()


def _live(row: dict[str, Any]) -> bool:
    return bool(row["phase"] == "live" and row["readings_per_s"] > 100 and row["points"] > 0)


def test_everything_end_to_end(tmp_path: Path, start: Callable[..., Started]) -> None:
    data = tmp_path / "data"
    first = start(data)
    first.until(lambda row: row["phase"] == "past" and row["done"] > 0)
    at = first.get("/api/now")["clock"]
    assert not at["moving"]
    assert 0 <= at["past"] <= 1, "the page says how far the past is"
    seen = first.until(_live)
    assert first.get("/api/now")["clock"]["past"] is None
    assert seen["places"] == 72
    assert seen["url"] == f"http://127.0.0.1:{first.port}"
    later = first.until(lambda row: row["t_s"] >= seen["t_s"] + 3)
    assert later["readings"] > seen["readings"]
    assert later["oldest_s"] is not None
    assert first.get("/api/health")
    assert len(first.get("/api/now")["places"]) >= 72

    refused = start(data)
    assert refused.process.wait(30) == 2
    assert f"in use by process {first.process.pid}" in refused.errors
    assert len(refused.errors.splitlines()) == 1

    processes = first.children()
    assert set(processes) == {"nats-server", "dashboards", "ingest", "simulate"}
    os.kill(processes["ingest"], signal.SIGKILL)
    again = first.until(
        lambda row: row["restarts"] == 1 and not row["trouble"] and _live(row)
        and row["readings"] > later["readings"]
    )

    processes = first.children()
    first.process.send_signal(signal.SIGINT)
    assert first.process.wait(60) == 0, first.errors
    assert not [name for name, pid in processes.items() if alive(pid)]
    assert broker.is_free(first.port)

    second = start(data)
    seen = second.until(_live)
    assert seen["points"] >= again["points"]
    assert seen["readings"] > again["readings"]
    warm_s = next(row["t_s"] for row in second.objects if row["phase"] == "live")
    cold_s = next(row["t_s"] for row in first.objects if row["phase"] == "live")
    assert warm_s < cold_s

    processes = second.children()
    second.kill()
    wait_for(lambda: not any(alive(pid) for pid in processes.values()))


def test_it_ends_by_itself_even_while_the_past_is_made(
    tmp_path: Path, start: Callable[..., Started]
) -> None:
    run = start(tmp_path / "data", "--for", "4s")
    assert run.process.wait(60) == 0, run.errors
    told_s = [row["t_s"] for row in run.objects]
    # One a second; a busy machine may say one late, or skip one, but never two in one second.
    assert told_s[-1] >= 2.5
    assert 2 <= len(told_s) <= 5
    assert all(later - earlier > 0.1 for earlier, later in itertools.pairwise(told_s))
    assert all(row.keys() >= {"readings", "points", "oldest_s"} for row in run.objects)
    wait_for(lambda: not run.children())


def test_a_recording_is_shown_as_of_its_own_time(
    tmp_path: Path, start: Callable[..., Started]
) -> None:
    run = start(tmp_path / "data", "--replay", "sample", "--speed", "20000")
    row = run.until(lambda row: row["clock"].startswith("2014-08-0") and row["points"] > 100)
    assert row["places"] == 3
    assert run.get("/api/health")
    run.process.send_signal(signal.SIGTERM)
    assert run.process.wait(60) == 0, run.errors
    assert (tmp_path / "data" / "replay-sample" / "store.db").exists()
