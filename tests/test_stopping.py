"""Asking to end from the handler of a signal that comes at any moment."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from edge.stopping import StopAskedError, Stopping
from ingest.line import Line
from tests.line_city import (
    MINUTE_MS,
    MS,
    START_MS,
    Kept,
    abandon,
    line_of,
    message,
    single,
    write_places,
)

STORM = """
import os, random, signal, sys, threading, time
from edge.stopping import Stopping

made, handled = [Stopping()], 0

def stop(*_):
    global handled
    made[0].set()
    handled += 1

def storm():
    for k in range(60):
        os.kill(os.getpid(), signal.SIGTERM)
        until = time.monotonic() + 5
        while handled <= k:
            time.sleep(0.0005)
            if time.monotonic() > until:
                os._exit(1)
    os._exit(0)

signal.signal(signal.SIGTERM, stop)
threading.Thread(target=storm).start()
while True:
    made[0].wait(0)
    made[0] = Stopping()
"""


def test_a_signal_at_any_moment_of_a_wait_is_taken() -> None:
    """As a loop with an event it waited for itself after some signals."""
    done = subprocess.run([sys.executable, "-c", STORM], timeout=60, check=False)
    assert done.returncode == 0


def test_it_waits_for_its_time_or_until_asked() -> None:
    stopping = Stopping()
    begun = time.monotonic()
    assert not stopping.wait(0.05)
    assert time.monotonic() - begun >= 0.05
    threading.Timer(0.05, stopping.set).start()
    assert stopping.wait(30.0)
    assert stopping.is_set()
    stopping.set()
    assert stopping.wait(30.0), "at once"
    assert time.monotonic() - begun < 20.0
    assert not Stopping().wait(-1.0)


def test_it_may_be_the_handler_itself() -> None:
    stopping = Stopping()
    before = signal.signal(signal.SIGUSR2, stopping.set)
    try:
        os.kill(os.getpid(), signal.SIGUSR2)
        assert stopping.wait(30.0)
    finally:
        signal.signal(signal.SIGUSR2, before)

def test_a_start_that_is_asked_to_end_gives_up_and_the_next_one_reads_all(tmp_path: Path) -> None:
    """A store that is filled anew is filled: half of it would be taken for the whole."""
    write_places(tmp_path / "places.csv")
    opened = line_of(tmp_path)
    opened.take([message("d1", single(1))], START_MS * MS)
    opened.tick((START_MS + MINUTE_MS) * MS, with_open=False)
    wanted = opened.verdicts()
    opened.archive.sync(0)
    abandon(opened)
    given_up = Line(tmp_path / "ingest", Kept(), 60)
    with pytest.raises(StopAskedError):
        given_up.open(stop=lambda: True)
    given_up.close(save=False)
    again = line_of(tmp_path)
    assert again.verdicts() == wanted
    again.close()
    whole = Line(tmp_path / "ingest", Kept(), 60)
    whole.open(whole=True, stop=lambda: True)
    assert whole.verdicts() == wanted
    whole.close()
