"""Turns: had in the order in which they were asked for, also beside one that asks again at once."""

import threading
import time

from ingest.turns import Turns

WAIT_S_MAX = 10.0


def test_one_at_a_time_and_given_back_after_an_error() -> None:
    turns, inside = Turns(), []

    def work() -> None:
        for _ in range(200):
            with turns:
                inside.append(1)
                assert len(inside) == 1
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_S_MAX)
        assert not thread.is_alive()
    try:
        with turns:
            raise ValueError
    except ValueError:
        pass
    with turns:
        pass


def test_who_waits_is_not_passed_by_one_that_asks_again_at_once() -> None:
    turns, held, ended = Turns(), 0, threading.Event()
    begun = threading.Event()

    def greedy() -> None:
        nonlocal held
        while not ended.is_set():
            with turns:
                held += 1
                begun.set()
                time.sleep(0.005)

    thread = threading.Thread(target=greedy)
    thread.start()
    begun.wait(WAIT_S_MAX)
    passed = []
    for _ in range(20):
        before = held
        with turns:
            passed.append(held - before)
    ended.set()
    thread.join(WAIT_S_MAX)
    assert max(passed) <= 1  # the turn that was being had, or was asked for first
