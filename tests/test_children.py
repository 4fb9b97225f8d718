"""Children of `up`: restarted, refused, stopped in order, never orphaned."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cityvitals import children
from cityvitals.children import ChildRefusedError, Children

SLEEPER = [sys.executable, "-c", "import time; time.sleep(300)"]
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
time.sleep(300)
"""


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Children]:
    made = Children(tmp_path / "logs")
    yield made
    made.stop(hurry=lambda: True)


def wait_for(condition: Callable[[], object], seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def ended(tree: Children, now_s: float, name: str) -> bool:
    tree.watch(now_s)
    return not next(child for child in tree.all if child.name == name).running


def test_a_child_that_dies_is_started_again_with_growing_back_off(tree: Children) -> None:
    child = tree.start("quick", [sys.executable, "-c", "raise SystemExit(1)"], 0.0)
    for restarts, now_s in enumerate((0.0, 0.5, 1.5)):
        assert child.restarts == restarts
        wait_for(lambda now_s=now_s: ended(tree, now_s, "quick"))
        assert child.status == 1
        assert child.next_start_s == pytest.approx(now_s + 0.5 * 2**restarts)
        tree.watch(child.next_start_s - 0.01)
        assert not child.running
        tree.watch(child.next_start_s)
    assert child.restarts == 3


def test_back_off_has_a_bound_and_starts_small_again_after_a_steady_life(tree: Children) -> None:
    child = tree.start("quick", [sys.executable, "-c", "raise SystemExit(1)"], 0.0)
    child.backoff_s = children.BACKOFF_S_MAX
    wait_for(lambda: ended(tree, 1.0, "quick"))
    assert child.backoff_s == children.BACKOFF_S_MAX
    tree.watch(child.next_start_s)
    later_s = child.started_s + children.STEADY_S
    wait_for(lambda: ended(tree, later_s, "quick"))
    assert child.next_start_s == later_s + children.BACKOFF_S_MIN


def test_a_refused_configuration_is_not_tried_again(tree: Children) -> None:
    script = "import sys; print('x.toml: key a = 1: wrong', file=sys.stderr); sys.exit(2)"
    tree.start("picky", [sys.executable, "-c", script], 0.0)
    with pytest.raises(ChildRefusedError, match=r"^picky: x\.toml: key a = 1: wrong$"):
        wait_for(lambda: ended(tree, 0.0, "picky"))


def test_a_child_that_is_to_end_is_not_started_again(tree: Children) -> None:
    child = tree.start("once", [sys.executable, "-c", "print(0.5)"], 0.0, once=True)
    wait_for(lambda: ended(tree, 0.0, "once"))
    tree.watch(1000.0)
    assert not child.running
    assert child.finished
    assert children.last_line(child.log) == "0.5"


def test_a_child_that_is_to_end_but_fails_is_started_again(tree: Children) -> None:
    child = tree.start("once", [sys.executable, "-c", "raise SystemExit(1)"], 0.0, once=True)
    wait_for(lambda: ended(tree, 0.0, "once"))
    assert not child.finished
    tree.watch(1000.0)
    assert child.running


def test_stop_ends_the_last_started_first(tree: Children, tmp_path: Path) -> None:
    order = tmp_path / "order"
    script = """
import signal, sys, time
def end(*_):
    with open(sys.argv[2], "a") as file:
        file.write(sys.argv[1])
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
print("ready", flush=True)
time.sleep(300)
"""
    started = [
        tree.start(name, [sys.executable, "-c", script, name, str(order)], 0.0) for name in "abc"
    ]
    wait_for(lambda: all(children.last_line(child.log) == "ready" for child in started))
    tree.stop()
    assert order.read_text() == "cba"
    assert [child.status for child in started] == [0, 0, 0]


def test_a_deaf_child_is_killed(tree: Children, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "STOP_S_MAX", 0.2)
    child = tree.start("deaf", [sys.executable, "-c", STUBBORN], 0.0)
    wait_for(lambda: children.last_line(child.log) == "deaf")
    tree.stop()
    assert child.status == -signal.SIGKILL


def test_logs_are_bounded(tree: Children, monkeypatch: pytest.MonkeyPatch) -> None:
    child = tree.start("loud", SLEEPER, 0.0)
    child.log.write_bytes(b"x" * 11)
    monkeypatch.setattr(children, "LOG_BYTES_MAX", 11)
    tree.watch(0.0)
    assert child.log.stat().st_size == 11
    monkeypatch.setattr(children, "LOG_BYTES_MAX", 10)
    tree.watch(0.0)
    assert child.log.stat().st_size == 0
    assert child.log.with_suffix(".log.1").stat().st_size == 11


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
def test_no_orphan_is_left_when_the_parent_is_killed(tmp_path: Path) -> None:
    script = """
import sys, time
from pathlib import Path
from cityvitals.children import Children
tree = Children(Path(sys.argv[1]))
child = tree.start("sleeper", [sys.executable, "-c", "import time; time.sleep(300)"], 0.0)
print(child.process.pid, flush=True)
time.sleep(300)
"""
    parent = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)},
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert alive(pid)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    wait_for(lambda: not alive(pid))
