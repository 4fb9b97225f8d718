"""The agent's clock: what a message says of it, through waits, steps and restarts."""

import json
import time
from pathlib import Path

import pytest

from edge import clock as clock_module
from edge import wire
from edge.agent import Agent, AgentSettings
from edge.clock import (
    EPOCHS_UNSET,
    UNKNOWN,
    WRITTEN_S,
    DeviceClock,
    battery_says_set,
    boot_id,
    kernel_says_set,
)
from edge.driver import Sample
from edge.outbox import Outbox
from tests.brokers import Nats, free_port
from tests.test_agent import DEVICE, Ingest, ListDriver, T


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
    monkeypatch.setattr("ctypes.CDLL", lambda _name: object())
    assert kernel_says_set()
    monkeypatch.setattr(clock_module, "_BOOT", Path("/nowhere"))
    assert boot_id() == ""


@pytest.mark.parametrize(("told", "now_s", "set_"), [
    ("1", WRITTEN_S, True), ("1", WRITTEN_S - 1, False), ("0", WRITTEN_S, False),
    ("", WRITTEN_S, False), ("\xff", WRITTEN_S, False),
])
def test_a_battery_clock_that_runs_vouches_for_the_time(
    tmp_path: Path, told: str, now_s: int, set_: bool
) -> None:
    (tmp_path / "rtc0").mkdir()
    (tmp_path / "rtc0" / "hctosys").write_bytes(told.encode("latin-1") + b"\n")
    assert battery_says_set(tmp_path, lambda: now_s) is set_


def test_without_a_battery_clock_nothing_vouches(tmp_path: Path) -> None:
    assert not battery_says_set(tmp_path, lambda: 2e9)


def test_a_lost_outbox_under_an_unset_clock_takes_no_epoch_again(tmp_path: Path) -> None:
    """One image on two cards: the same second, and other epochs; ingest tells them apart."""
    seen = set()
    for card in range(20):
        clock = Computer().clock()
        box = Outbox(tmp_path / f"{card}.db", bytes_max=1 << 20, sync_s=0, clock=clock.epoch)
        seen.add(box.counts.epoch)
        box.begin_epoch()
        assert box.counts.epoch not in seen
        box.close()
    assert len(seen) == 20
    assert max(seen) < EPOCHS_UNSET
    computer = Computer()
    computer.synchronised = True
    assert abs(computer.clock().epoch() - time.time()) < 5


def test_readings_before_the_clock_is_set_say_so(tmp_path: Path) -> None:
    """Offline with a clock of 1970; NTP sets it; then the broker is reached."""
    nats = Nats(tmp_path / "broker")
    nats.start()
    seen = {"now_ms": 60_000, "steady_s": 60.0, "set": False}

    def wait(seconds: float) -> None:
        seen["now_ms"] += round(seconds * 1000)
        seen["steady_s"] += seconds

    clock = DeviceClock(
        tmp_path / "mark", is_set=lambda: bool(seen["set"]), boot="b1",
        steady=lambda: float(seen["steady_s"]),
    )
    port = free_port()
    settings = AgentSettings(
        city="porto", district="centre", station="s1", device=DEVICE,
        broker=f"mqtt://127.0.0.1:{port}", outbox=str(tmp_path / "outbox.db"),
    )
    driver = ListDriver(*[[Sample("pm25", 60_000 + n * 1000, float(n))] for n in range(3)])
    agent = Agent(settings, driver, clock=clock)
    agent.start()
    epoch = agent._box.counts.epoch
    for _ in range(3):
        agent.step(int(seen["now_ms"]))
        wait(1)
    assert agent._box.counts.epoch == epoch + 1  # each stretch is an epoch
    agent.stop()
    wait(3600)
    seen["set"] = True
    seen["now_ms"] = T
    ingest = Ingest(nats.url)
    agent = Agent(
        AgentSettings(
            city="porto", district="centre", station="s1", device=DEVICE, broker=nats.url,
            outbox=str(tmp_path / "outbox.db"),
        ), ListDriver([Sample("pm25", T, 3.0)]), clock=clock,
    )
    agent.start()
    deadline = time.monotonic() + 20
    while not agent.drained or len(ingest.values()) < 4:
        assert time.monotonic() < deadline
        agent.step(T)
        ingest.acknowledge()
        time.sleep(0.01)
    agent.stop()
    told = {m.v: (m.t, m.n) for m in ingest.seen.values()}
    shows = 60_000 + 3603 * 1000
    assert told == {
        0.0: (60_000, shows), 1.0: (61_000, shows), 2.0: (62_000, shows), 3.0: (T, None),
    }
    assert ingest.states[-1][0].clock == "set"
    ingest.stop()
    nats.kill()
