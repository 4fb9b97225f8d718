"""The agent's clock: what a message says of it, through waits, steps and restarts."""

import json
from pathlib import Path

import pytest

from edge import clock as clock_module
from edge import wire
from edge.clock import UNKNOWN, DeviceClock, boot_id, kernel_says_set


class Computer:
    """A computer whose clock is not set: what it shows, and seconds since its start."""

    def __init__(self) -> None:
        self.now_ms = 5_000
        self.steady_s = 5.0
        self.synchronised = False

    def wait(self, seconds: float) -> None:
        self.now_ms += round(seconds * 1000)
        self.steady_s += seconds

    def clock(self, mark: Path | None = None, boot: str = "b1") -> DeviceClock:
        return DeviceClock(
            mark, is_set=lambda: self.synchronised, steady=lambda: self.steady_s, boot=boot
        )


def stored(clock: DeviceClock, now_ms: int) -> bytes:
    return clock.stamped(
        lambda epoch, number: wire.encode_single(epoch, number, "pm25", now_ms, 12.5), now_ms
    )(7, 1)


def test_a_message_says_what_the_clock_shows_when_it_is_sent() -> None:
    computer = Computer()
    clock = computer.clock()
    payload = stored(clock, computer.now_ms)
    assert wire.decode(clock.sent(payload)).n == 5_000
    computer.wait(3600)
    assert json.loads(clock.sent(payload)) == {
        "e": 7, "s": 1, "q": "pm25", "t": 5_000, "v": 12.5, "n": 3_605_000,
    }
    # NTP moves the clock; what was stored before still tells how long it has waited.
    computer.now_ms += 10**12
    computer.wait(1)
    assert wire.decode(clock.sent(payload)).n == 3_606_000
    # Another process of the same start of the computer knows it too; after a new start nobody.
    assert wire.decode(computer.clock().sent(payload)).n == 3_606_000
    assert wire.decode(computer.clock(boot="b2").sent(payload)).n == UNKNOWN
    assert wire.decode(computer.clock(boot="").sent(stored(computer.clock(boot=""), 1))).n == -1


def test_other_payloads_go_as_they_are() -> None:
    payload = wire.encode_single(1, 1, "pm25", 5, 1.0)
    assert Computer().clock().sent(payload) is payload


def test_a_clock_once_set_is_believed_until_the_computer_starts_anew(tmp_path: Path) -> None:
    computer, mark = Computer(), tmp_path / "outbox.db.clock"
    clock = computer.clock(mark)
    assert not clock.believed()
    computer.synchronised = True
    assert clock.believed()
    computer.synchronised = False
    assert clock.believed()
    assert computer.clock(mark).believed()
    assert not computer.clock(mark, "b2").believed()
    assert not computer.clock(mark, "").believed()
    mark.write_bytes(b"\xff\xfe")
    assert not computer.clock(mark).believed()


def test_a_folder_that_cannot_be_written_is_no_reason_not_to_believe(tmp_path: Path) -> None:
    computer = Computer()
    computer.synchronised = True
    assert computer.clock(tmp_path / "none" / "outbox.db.clock").believed()


def test_a_clock_that_is_moved_by_hand_begins_another_stretch() -> None:
    computer = Computer()
    clock = computer.clock()
    assert clock.moved(computer.now_ms)
    computer.wait(100)
    assert not clock.moved(computer.now_ms + 1000)
    assert clock.moved(computer.now_ms + 2001)
    assert not clock.moved(computer.now_ms + 2001)


def test_this_computer_can_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    assert kernel_says_set() in (True, False)
    assert boot_id() == boot_id()
    monkeypatch.setattr(clock_module.ctypes, "CDLL", lambda _name: object())
    assert kernel_says_set()
    monkeypatch.setattr(clock_module, "_BOOT", Path("/nowhere"))
    assert boot_id() == ""
