"""A recorded city over MQTT: its readings with their own times, at any speed.

One agent for each device, all on one virtual clock, the receive times of the recording. Ingest's
clock is the earliest of all devices, so a device that has nothing to say sends clock messages.
"""

import hashlib
import json
import logging
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from edge.agent import Agent, AgentSettings
from edge.driver import Sample
from edge.grouping import clock
from edge.outbox_file import OutboxError
from edge.places import PlaceRow
from edge.places import load as load_places
from edge.recorded import HOUR_MS, end_of_recording_ms
from edge.settings import SettingsError
from edge.stopping import Stopping
from simulators.fleet import outbox_path, start_all, stop_all, stop_on_signals
from simulators.recording import Table, load
from simulators.signals import Times

TICK_S = 0.25
BUSY_S = 0.01
"""Between two steps while messages wait for acknowledgements."""
CLOCK_MS = 60_000
"""A device is silent for at most this virtual time (or one tick, if that is longer)."""
QUEUED_MAX = 500
"""The virtual clock waits while an agent has more messages that ingest has not acknowledged."""
SPEED_MAX = 1e6
SHOW_S = 10.0
SAVE_S = 5.0
FINGERPRINT_BYTES = 1 << 20
FORMAT = 1

log = logging.getLogger(__name__)


class ReplayDriver:
    """The rows of one device of a recording, as `edge.driver.Driver` on its virtual clock."""

    def __init__(self, table: Table, device: int, after_ms: int | None = None) -> None:
        """Rows received until `after_ms` count as given."""
        rows = np.flatnonzero(table.device == device)
        if after_ms is not None:
            rows = rows[table.received_ms[rows] > after_ms]
        self._table = table
        self._rows = rows
        self._received_ms: Times = table.received_ms[rows]
        self._next = 0
        self.last_ms: int | None = None

    @property
    def given(self) -> int:
        """How many rows were given."""
        return self._next

    def samples(self, now_ms: int) -> list[Sample]:
        """The rows received until `now_ms` that were not given before."""
        end = int(np.searchsorted(self._received_ms, now_ms, side="right"))
        rows = self._rows[self._next : end]
        self._next = max(self._next, end)
        if not len(rows):
            return []
        table = self._table
        self.last_ms = int(table.received_ms[rows[-1]])
        columns = (
            table.quantity, table.time_ms, table.value, table.unit, table.channel, table.flag,
            table.received_ms,
        )
        word = table.words
        return [
            Sample(word[quantity], at, value, word[unit] or None, word[channel] or None,
                   flag or None, received)
            for quantity, at, value, unit, channel, flag, received in zip(
                *(column[rows].tolist() for column in columns), strict=True
            )
        ]

    def close(self) -> None:
        """Nothing to release."""


@dataclass(slots=True)
class Device:
    """One device of the recording: `clock_ms` is the latest receive time that it has told."""

    agent: Agent
    driver: ReplayDriver
    clock_ms: int

    def advance(self, at_ms: int) -> None:
        """Send what was received until `at_ms`, and the clock if that was nothing for long."""
        self.agent.step(at_ms)
        if self.driver.last_ms is not None:
            self.clock_ms = max(self.clock_ms, self.driver.last_ms)
        if at_ms - self.clock_ms >= CLOCK_MS:
            self.agent.put(clock(at_ms))
            self.clock_ms = at_ms


def devices_of(
    table: Table, broker_url: str, data_dir: Path, after_ms: int | None
) -> list[Device]:
    """A device for each that is ever active in the places file; agents not yet started."""
    found = []
    for row, place in enumerate(table.devices):
        driver = ReplayDriver(table, row, after_ms)
        agent = Agent(_settings(place, broker_url, data_dir), driver)
        found.append(Device(agent, driver, int(table.received_ms[0]) - CLOCK_MS))
    return found


def _settings(place: PlaceRow, broker_url: str, data_dir: Path) -> AgentSettings:
    return AgentSettings(
        city=place.city, district=place.district, station=place.station, device=place.device,
        broker=broker_url, outbox=str(outbox_path(data_dir, place.device)),
    )


class Progress:
    """How far the recording was given to the outboxes; survives a clean end, and, up to
    `SAVE_S`, a kill: rows of that time are then sent twice, with the same values."""

    def __init__(self, data_dir: Path, recording: Path) -> None:
        self.path = data_dir / "agents" / "replay.json"
        with recording.open("rb") as file:
            digest = hashlib.sha256(file.read(FINGERPRINT_BYTES)).hexdigest()
        self._recording = f"{recording.stat().st_size}:{digest}"

    def load(self) -> int | None:
        """The virtual time reached by an earlier run of the same recording, if there is one."""
        try:
            saved = json.loads(self.path.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return None
        if saved.get("format") != FORMAT or saved.get("recording") != self._recording:
            return None
        at_ms = saved.get("at_ms")
        return at_ms if isinstance(at_ms, int) else None

    def save(self, at_ms: int) -> None:
        """Note `at_ms`; the file is replaced whole."""
        saved = {"format": FORMAT, "recording": self._recording, "at_ms": at_ms}
        draft = self.path.with_suffix(".new")
        draft.write_text(json.dumps(saved), encoding="utf-8")
        draft.replace(self.path)


class Course:
    """Plays `devices` on one virtual clock from `at_ms` to the end of `table`."""

    def __init__(
        self, table: Table, devices: list[Device], speed: float, progress: Progress, at_ms: int
    ) -> None:
        self.at_ms = at_ms
        self._devices = devices
        self._speed = speed
        self._progress = progress
        self._table = table
        self._first_ms = at_ms
        self._last_ms = int(table.received_ms[-1])
        self._begun_s = self._shown_s = self._saved_s = time.monotonic()

    @property
    def waiting(self) -> int:
        """Messages of all devices that ingest has not acknowledged."""
        return sum(device.agent.queued for device in self._devices)

    def play(self, stopping: Stopping) -> bool:
        """Play to the end and wait until ingest has everything; False if stopped before."""
        before_s = time.monotonic()
        while self.at_ms < self._last_ms and not stopping.is_set():
            now_s = time.monotonic()
            if max(device.agent.queued for device in self._devices) <= QUEUED_MAX:
                self.at_ms = min(self._next_ms(now_s - before_s), self._last_ms)
            before_s = now_s
            for device in self._devices:
                device.advance(self.at_ms)
            self._note(now_s)
            stopping.wait(BUSY_S if self.waiting or not self._speed else TICK_S)
        self._progress.save(self.at_ms)
        if self.at_ms >= self._last_ms and not stopping.is_set():
            self._finish(stopping)
        return not stopping.is_set()

    def _next_ms(self, elapsed_s: float) -> int:
        if self._speed:
            return self.at_ms + max(1, round(elapsed_s * self._speed * 1000))
        return (self.at_ms // HOUR_MS + 1) * HOUR_MS

    def _finish(self, stopping: Stopping) -> None:
        """Move ingest's clock past the last windows, then wait for its acknowledgements."""
        end_ms = end_of_recording_ms(self._last_ms)
        for device in self._devices:
            device.agent.put(clock(end_ms))
        self.at_ms = end_ms
        self._progress.save(end_ms)
        while not stopping.is_set() and not all(d.agent.drained for d in self._devices):
            for device in self._devices:
                device.agent.step(end_ms)
            self._note(time.monotonic())
            stopping.wait(BUSY_S)

    def _note(self, now_s: float) -> None:
        if now_s - self._saved_s >= SAVE_S:
            self._saved_s = now_s
            self._progress.save(self.at_ms)
        if now_s - self._shown_s >= (1.0 if sys.stderr.isatty() else SHOW_S):
            self._shown_s = now_s
            end = "\r" if sys.stderr.isatty() else "\n"
            print(f"{self.status(now_s):<100}", end=end, file=sys.stderr, flush=True)

    def status(self, now_s: float) -> str:
        """One line: where the recording is, what waits, and how long it will still take."""
        moment = datetime.fromtimestamp(min(self.at_ms, self._last_ms) / 1000, UTC)
        rows = int(np.searchsorted(self._table.received_ms, self.at_ms, side="right"))
        done = self.at_ms - self._first_ms
        left_ms = max(self._last_ms - self.at_ms, 0)
        if self._speed:
            left_s = left_ms / 1000 / self._speed
        else:
            left_s = (now_s - self._begun_s) * left_ms / max(done, 1)
        return (
            f"{moment:%Y-%m-%d %H:%M} UTC  {100 * rows / len(self._table):.0f} %  "
            f"{rows:,} of {len(self._table):,} readings  {self.waiting:,} messages wait  "
            f"{int(left_s // 60)}:{int(left_s % 60):02} left"
        )


def run(
    recording: Path, places: Path, broker_url: str, data_dir: Path, speed: float = 60.0
) -> int:
    """Replay until ingest has acknowledged everything; the exit status of `cityvitals replay`.

    `speed` 1 is real time, 3600 an hour a second, 0 as fast as it goes. A run that ended before
    is picked up. Raises `RecordedError`, `PlacesError`, and `SettingsError` for a broker URL or
    a speed that cannot be. 0: everything is acknowledged. 1: an outbox cannot be opened, or
    SIGINT or SIGTERM came first.
    """
    if not 0 <= speed <= SPEED_MAX:
        raise SettingsError(f"--speed {speed:g}: must lie between 0 and {SPEED_MAX:g}")
    table = load(recording, load_places(places))
    progress = Progress(data_dir, recording)
    after_ms = progress.load()
    try:
        devices = devices_of(table, broker_url, data_dir, after_ms)
    except ValueError as error:
        raise SettingsError(f"--broker {broker_url}: {error}") from None
    stopping = stop_on_signals()
    started: list[Agent] = []
    try:
        start_all([device.agent for device in devices], stopping, started)
        if stopping.is_set():
            return 1
        first_ms = int(table.received_ms[0]) - 1 if after_ms is None else after_ms
        course = Course(table, devices, speed, progress, first_ms)
        log.info("%s: %d readings of %d devices", recording.name, len(table), len(devices))
        done = course.play(stopping)
        log.info("%s: %s", recording.name, course.status(time.monotonic()))
    except OutboxError as error:
        log.error("%s", error)
        return 1
    finally:
        stop_all(started)
    return 0 if done else 1
