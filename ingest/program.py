"""`cityvitals ingest CONFIG`: broker session, the one loop, engine and sinks in one process."""

import logging
import signal
import sqlite3
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from edge.connection import BrokerError, Connection
from edge.places import PlacesError
from edge.places import load as load_places
from edge.settings import SettingsError, load
from edge.stopping import StopAskedError, Stopping
from edge.topics import READINGS_FILTER
from engine.registry import private_keys
from engine.snapshot import SnapshotNewerError
from ingest import garbage, pauses
from ingest.admission import opened
from ingest.archive import ArchiveError
from ingest.arrivals import Arrivals, Arrived, unsafe_of
from ingest.facts_in_force import FactsFile
from ingest.fast_lane import FastLane
from ingest.folder_lock import held
from ingest.foreign import Foreign
from ingest.health import Health
from ingest.in_force import configure
from ingest.line import Heard, Line
from ingest.listening import after_restart
from ingest.live_settings import LiveSettings, rules_of
from ingest.many_rows import taken_as_one
from ingest.messages import Received
from ingest.open_windows import OpenWindows
from ingest.outlets import Outlets
from ingest.publish_frames import Frames, received_of
from ingest.receipts import Receipts
from ingest.recorded_clock import RecordedClock
from ingest.retention import Retention
from ingest.settings_ingest import IngestSettings
from ingest.spool import Spool
from ingest.sqlite_file import StoreError
from ingest.store import Store
from ingest.store_thread import StoreThread
from ingest.tap import Tap
from ingest.trouble import Trouble, set_aside_in

log = logging.getLogger(__name__)

WAIT_S = 0.02
QUIET_S = 0.7
SETTLE_S_MAX = 20.0
"""After a start, what the broker kept for us comes first: windows close by the wall clock only
once nothing came for `QUIET_S`, or after this long."""
FLUSH_S = 5.0
MINUTE_NS = 60_000_000_000


class Program:
    """The running ingest of one city."""

    def __init__(
        self, settings: IngestSettings, base: Path, trouble: Trouble | None = None,
        live: LiveSettings | None = None, stopping: Stopping | None = None,
    ) -> None:
        self.settings = settings
        self._live = live or LiveSettings(settings)
        folder = base / settings.data
        self._trouble = trouble or Trouble(folder)
        self.places = base / settings.places
        self._store = Store.create(folder / "store.db")
        self._spool: Spool | None = None
        influx = None
        if settings.influx is not None:
            from ingest.influx import InfluxSink

            self._spool = Spool.create(folder / "spool.db")
            influx = InfluxSink(settings.influx, self._spool)
        self._beside = StoreThread(self._store)
        self._outlets = Outlets(
            self._store, influx, self._announce if settings.publish_indicators else None,
            self._beside,
        )
        self.line = Line(
            folder / "ingest", self._outlets, settings.grace_s, Foreign(settings.foreign))
        self._wake = threading.Event()
        self._stopping = stopping or Stopping()
        self._arrived = Arrivals(self._wake)
        self._unsafe = 0
        self._fast: FastLane | None = None
        self._connection = Connection(
            settings.broker, settings.client_id, on_message=self._on_message,
            on_ready=self._on_ready, manual_ack=True, remembered=folder / "subscriptions.json",
            subscriptions=[(name, 1) for name in (READINGS_FILTER, *self.line.foreign.filters)],
            tap=lambda socket, session: Tap(
                socket, self._arrived.put_frames, session, settings.broker.properties
            ),
        )
        self._receipts = Receipts(self._connection, self.line)
        self._retention = Retention(
            self.line.archive, self.line.removed, settings.archive_days, settings.archive_bytes_max
        )
        self._since_ms = 0
        self._told_ready = threading.Event()
        self._facts = FactsFile(folder)
        self._places_seen: tuple[int, int, int] | None = None
        self._quiet_s = 0.0
        self._open = OpenWindows(self.line, self._outlets)
        self._minute = 0
        self._taken_s = self._per_s = 0.0
        self._set_aside: list[str] = []

    def _on_message(
        self, topic: str, payload: bytes, qos: int, receipt: int, retain: bool
    ) -> None:
        self._arrived.put_message(Received(topic, payload, receipt, qos, retain))

    def _on_ready(self, ready: bool) -> None:
        self._since_ms = time.time_ns() // 1_000_000
        self._told_ready.set()  # health tells it at once
        self._wake.set()

    def _announce(self, messages: list[tuple[str, bytes]]) -> None:
        """Indicators, retained; while the broker is away the next windows replace them."""
        with suppress(BrokerError):
            self._connection.publish_all(messages, retain=True)

    def stop(self) -> None:
        """Ask the loop to end; it looks each `WAIT_S`."""
        self._stopping.set()

    def run(self) -> None:
        """Recover, serve until `stop`, save. Raises `PlacesError` if there are no places."""
        clean = sound = False
        whole = self._store.counts()["points"] == 0
        try:
            self._hide_private()
            self.line.open(whole=whole, stop=self._stopping.is_set)
            self._minute = self.line.vitals.now_ns // MINUTE_NS
            log.info("recovered %d readings from the archive", self.line.recovered)
            vitals = self.line.vitals
            recorded = RecordedClock(vitals.registry, self.line.seen, vitals.now_ns)
            configure(self.line, rules_of(self.settings), self._now_ns(recorded))
            self._read_places(self._now_ns(recorded))
            self._facts.look(self.line, self._now_ns(recorded))
            if self._outlets.influx is not None:
                self._outlets.influx.start()
            clock = self.settings.clock
            self._health = Health(self.line, clock, after_restart(vitals.now_ns, clock))
            self._trouble.over()
            self._set_aside = set_aside_in(self.line.folder.parent)
            lost, self._trouble.dropped = self._trouble.dropped, 0
            if lost:
                self.line.dropped(lost, self._now_ns(recorded))
            self._write_health(self._now_ns(recorded), 0)
            self._connection.start()
            garbage.settled()
            self._loop(recorded)
            self._receipts.flush()
            clean = True
        except StopAskedError:
            sound = True
            log.info("asked to end before all was read; the next start reads it again")
        finally:
            garbage.ended()
            self._close(save=clean, sound=sound)
            if not clean:  # what nobody sends again
                self._trouble.dropped += self._unsafe + self._arrived.unsafe()

    def _loop(self, recorded: RecordedClock) -> None:
        started = self._quiet_s = time.monotonic()
        second = snapshot = readings = started
        settled = self.settings.clock == "recorded"
        while not self._stopping.is_set():
            self._wake.wait(WAIT_S)
            self._wake.clear()
            if self.settings.clock == "recorded":
                self._take_recorded(recorded)
            else:
                self._take_wall()
            self._receipts.step()
            now = time.monotonic()
            if settled and self._open.is_due(now):
                self._tick(recorded)
                self._open.begin(self.settings.open_every_s, self._per_s)
            self._open.step(now)
            if now >= readings:
                took_s = self._outlets.readings(self.line.vitals)
                readings = now + pauses.readings_s(took_s, self._per_s)
            if not settled:
                quiet = self._connection.ready and now > self._quiet_s + QUIET_S
                settled = quiet or now > started + SETTLE_S_MAX
            if self._told_ready.is_set():
                self._told_ready.clear()
                second = now
            elif now < second + 1.0:
                continue
            else:
                second = max(second + 1.0, now - 1.0)
            self._each_second(recorded, settled)
            if now >= snapshot + self.settings.snapshot_every_s:
                snapshot = now
                self.line.snapshot(beside=True)
                self._outlets.prune(
                    self.settings.keep_points_days, self._now_ns(recorded) // 1_000_000
                )

    def _arrivals(self, now_ns: int) -> Arrived:
        """What came since the last call, up to the bounds of a batch."""
        taken, dropped = self._arrived.take()
        self._unsafe = dropped + unsafe_of(taken)
        if dropped:
            self.line.dropped(dropped, now_ns)
        if taken:
            self._quiet_s = time.monotonic()
        return taken

    def _take_wall(self) -> None:
        now_ns = time.time_ns()
        arrived = self._arrivals(now_ns)
        if isinstance(arrived, Frames):
            self._take_frames(arrived, now_ns)
        elif arrived:
            come = [self.line.admission.open(message, now_ns) for message in arrived]
            self._receipts.give(arrived, self.line.take(come, now_ns))

    def _take_frames(self, frames: Frames, now_ns: int) -> None:
        if self._fast is None:
            self._fast = FastLane(self.line.admission)
        before_s, self._taken_s = self._taken_s, time.monotonic()
        heard: Heard = set()
        for admitted in self._fast.batches(frames, now_ns):
            heard |= self.line.take_in(admitted, now_ns, durable=frames.acknowledged > 0)
        self._receipts.give_frames(frames, heard)
        since_s = self._taken_s - before_s
        pause_s = pauses.batch_s(frames.count, frames.acknowledged, since_s)
        self._stopping.wait(self._taken_s + pause_s - time.monotonic())

    def _take_recorded(self, recorded: RecordedClock) -> None:
        arrived = self._arrivals(recorded.now_ns)
        for message in received_of(arrived) if isinstance(arrived, Frames) else arrived:
            recorded.put(opened(message, 0))
        for tick_ns, messages in recorded.steps():
            if tick_ns > self.line.vitals.now_ns:
                self.line.tick(tick_ns, with_open=False)
            if messages:
                heard = self.line.take(messages, messages[-1].received_ns)
                self._receipts.give([message.received for message in messages], heard)
            if self._stopping.is_set():
                break
        self._arrived.held_back = len(recorded)

    def _tick(self, recorded: RecordedClock) -> None:
        """Fold what came, close what is due; only steps of a recorded clock close windows."""
        is_recorded = self.settings.clock == "recorded"
        now_ns = self.line.vitals.now_ns if is_recorded else self._now_ns(recorded)
        self.line.tick(now_ns, with_open=False)

    def _now_ns(self, recorded: RecordedClock) -> int:
        return recorded.now_ns if self.settings.clock == "recorded" else time.time_ns()

    def _each_second(self, recorded: RecordedClock, settled: bool) -> None:
        now_ns = self._now_ns(recorded)
        if self._live.look():
            self.settings = self._live.settings
            configure(self.line, rules_of(self.settings), now_ns)
        self._read_places(now_ns)
        self._facts.look(self.line, now_ns)
        if self._connection.ready:
            self._outlets.clear_retained()
        if settled:
            self._tick(recorded)
        self.line.archive.sync(now_ns // 1_000_000)  # of QoS 0, which no receipt waits for
        self._retention.step(now_ns, self.line.snapshots.covered)
        minute = self.line.vitals.now_ns // MINUTE_NS
        if minute > self._minute:
            self._minute = minute
            self._outlets.station_states(self.line.vitals, self._health.ages(now_ns))
            self._outlets.rollups(self.line.vitals)
            self._outlets.pipeline(self._write_health(now_ns, len(recorded)))
        else:
            self._write_health(now_ns, len(recorded))

    def _write_health(self, now_ns: int, waiting: int) -> dict[str, Any]:
        influx = self._outlets.influx
        error = self._connection.error
        health = self._health.build(
            now_ns=now_ns, queue=len(self._arrived) + waiting,
            broker={
                "url": self.settings.broker.url, "connected": self._connection.ready,
                "since_ms": self._since_ms, "error": str(error) if error else "",
            },
            sinks=[] if influx is None else [influx.status()],
        )
        health |= {"disk": self._trouble.health(), "losses": self.line.losses,
                   "set_aside": self._set_aside, "configuration": self._live.status()}
        self._per_s = health["readings_per_s"]
        self._beside.put_health(health)
        return health

    def _hide_private(self) -> None:
        """A replay of older rows must not tell of stations that are private by now."""
        with suppress(PlacesError):
            self.line.vitals.registry.hide(private_keys(load_places(self.places)))

    def _read_places(self, now_ns: int) -> None:
        """Take a changed places file whole, or refuse it whole and say so once.

        Raises `PlacesError` for a wrong file if there are no places to go on with.
        """
        try:
            stat = self.places.stat()
            seen = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        except OSError as error:
            seen = (0, 0, 0)
            if seen != self._places_seen:
                log.warning("places: %s: %s; devices are held until they are placed there",
                            self.places, error.strerror)
        if seen == self._places_seen:
            return
        self._places_seen = seen
        if not any(seen):
            return
        try:
            if self.line.load_places(self.places, now_ns):
                log.info("places: %s is in force", self.places)
                for line in taken_as_one(self.line.vitals.registry):
                    log.warning("places: %s: %s", self.places, line)
                self._open.drop()
        except PlacesError as error:
            if not self.line.vitals.registry.rows_of:
                raise
            log.error("places are unchanged: %s", error)

    def _close(self, *, save: bool, sound: bool = False) -> None:
        self._connection.stop()
        if save:
            self._open.finish()
        if self._outlets.influx is not None:
            self._outlets.influx.stop(FLUSH_S)
        self._beside.stop()
        self.line.close(save=save)
        self._store.close(sound=save or sound)
        if self._spool is not None:
            self._spool.close(sound=save or sound)


def run(config: Path, *, wait: bool = False) -> int:
    """Run ingest until SIGINT or SIGTERM; returns the exit status, 2 for a wrong file.

    `wait`: if another program holds the data folder, wait for its end.
    """
    try:
        settings = load(config, IngestSettings)
        with held(config.parent / settings.data / "ingest", wait=wait):
            try:
                _serve(LiveSettings(settings, config), config.parent)
            except SettingsError as error:  # of a secret that the file names
                raise SettingsError(f"{config}: {error}") from None
    except (SettingsError, PlacesError, SnapshotNewerError) as error:
        print(error, file=sys.stderr)
        return 2
    except (StoreError, ArchiveError, OSError, sqlite3.Error) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _serve(live: LiveSettings, base: Path) -> None:
    """Run until a signal, beginning anew when the disk had not taken what was written."""
    stopping = Stopping()
    before: dict[int, Any] = {
        number: signal.signal(number, stopping.set) for number in (signal.SIGINT, signal.SIGTERM)
    }
    before[signal.SIGHUP] = signal.signal(signal.SIGHUP, lambda *_: live.ask())
    trouble = Trouble(base / live.settings.data)
    try:
        while not stopping.is_set():
            try:
                Program(live.settings, base, trouble, live, stopping).run()
                return
            except (StoreError, ArchiveError, OSError, sqlite3.Error) as error:
                trouble.note(error)
            trouble.wait(stopping)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
