"""The one trip of a batch: admission, archive, panes, points, outlets.

`take` admits messages and makes them durable, and only then says what may be acknowledged;
`tick` moves the clock and hands points on. Opening a line loads the last snapshot and replays
the archive after it, so that state and outlets are as if nothing had happened.

The archive is the truth: what the inbox holds is brought in line with it at each opening. A
release is archived first and taken out of the inbox then; what was held first and not archived
was not acknowledged, and is forgotten.
"""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from edge.places import PlaceRow, load, parse, render
from edge.stopping import StopAskedError
from edge.verdicts import Verdict
from edge.wire import Ack
from engine.batch import Batch
from engine.points import Points
from engine.snapshot import SnapshotError
from engine.snapshot import load as load_snapshot
from engine.vitals import Vitals
from ingest import facts_in_force
from ingest.admission import Admission, Admitted, Opened
from ingest.archive import Archive, Kind, Position, Record
from ingest.clocks import Clocks
from ingest.foreign import ARRIVED_FROM, Foreign
from ingest.in_force import Rules, rules_of
from ingest.inbox import Held, Inbox, Waiting, key_of
from ingest.interrupted import interrupt
from ingest.intervals import Seen
from ingest.late_rows import LateRows
from ingest.ledger import RELEASES, VERDICTS, account
from ingest.merging import Merging
from ingest.messages import Event
from ingest.outlet import Gathering, Outlet
from ingest.overflow import dropped, missing, released
from ingest.readable import Readable, lost_with
from ingest.recall import Past, Rows, archived
from ingest.recovery import Marker, joined
from ingest.retention import finish
from ingest.snapshots import Snapshots
from ingest.sqlite_file import set_aside

log = logging.getLogger(__name__)

_MINUTE_NS = 60_000_000_000


Heard = set[tuple[int, int]]
"""Devices, by the registry's row, and epochs of which QoS 1 messages were taken in."""


class Line:
    """One city's line in its data folder."""

    def __init__(
        self, folder: Path, outlet: Outlet, grace_s: int, foreign: Foreign | None = None
    ) -> None:
        self.folder = folder
        self.outlet = outlet
        self.foreign = foreign or Foreign()
        folder.mkdir(parents=True, exist_ok=True)
        self.snapshots = Snapshots(folder / "snapshot.cvs")
        self.rules = Rules(grace_s)
        self.vitals = Vitals(grace_s)
        self.seen = Seen()
        self.clocks = Clocks()
        self.counts = np.zeros(VERDICTS, np.int64)
        self.points_written = 0
        self.removed, self.late_rows = finish(folder / "archive"), LateRows()
        self.archive = Archive(folder / "archive", self._preamble)
        self.inbox = Inbox(folder / "inbox.db")
        self.recovered = 0
        self.losses: list[str] = []
        self._known = (0, 0, 0)
        self._version, self._minute, self._places = -1, 0, ""
        self.admission = Admission(self.vitals, self.seen, self.clocks, self.foreign)
        self.merging = Merging(self.vitals, self._past)

    def open(self, *, whole: bool = False, stop: Callable[[], bool] = lambda: False) -> None:
        """Load the last snapshot (unless `whole`) and replay the archive after it, until `stop`:
        then `StopAskedError` is raised, but not while a store is filled anew."""
        after = None
        if self.snapshots.path.exists() and not whole:
            after = self.snapshots.covered = self._load_snapshot()
        if after is None:
            self.counts[: len(self.removed.counts)] = self.removed.counts
            self.seen.restore(self.removed.seen)
        self.admission = Admission(self.vitals, self.seen, self.clocks, self.foreign)
        self.merging = Merging(self.vitals, self._past)
        readable = Readable(self.archive.folder, self._registered)
        marker = Marker(self.seen)
        self.rules.put(self.vitals)
        outlet, gathering = self.outlet, Gathering(self.outlet)
        self.outlet = gathering
        for record in joined(readable.records(after), self.clocks.learn):
            if stop() and not whole:
                raise StopAskedError
            self._replay(record, marker)
        gathering.hand_on(self.vitals)
        self.outlet = outlet
        marker.close()
        self.losses += readable.losses
        self.merging.resume()
        self._minute = self.vitals.now_ns // _MINUTE_NS
        if after is not None and after > self.archive.position:
            log.error("the archive ends before the snapshot: what lies between is only counted")
            for kind, body in self._preamble():
                self.archive.append(kind, self.vitals.now_ns, body)
            self.snapshot()
        self.inbox.keep_only(self._knows)
        self.losses += lost_with(self.inbox, self.counts)
        self._drop_overflow(self.vitals.now_ns, missing(self.folder, self.counts))
        self.outlet.places(self.vitals)

    def _knows(self, device: str, epoch: int, number: int) -> bool:
        if epoch < 0:
            return self.foreign.knows(epoch)
        row = self.vitals.registry.device_of.get(device, -1)
        return row >= 0 and self.seen.has(row, epoch, number)

    def _load_snapshot(self) -> Position | None:
        veiled = self.vitals.registry.veiled
        try:
            self.vitals, extra = load_snapshot(self.snapshots.path, self.rules.grace_s)
        except SnapshotError as error:
            log.error("%s", error)
            set_aside(self.snapshots.path)
            return None
        self.vitals.registry.hide(veiled)
        self.seen.restore(extra["seen"])
        self.clocks.restore(extra.get("clocks", []))
        self.foreign.last = extra.get("foreign", ARRIVED_FROM)
        self.counts[: len(extra["counts"])] = extra["counts"]
        self.points_written, self._places = extra["points"], extra["places"]
        self.late_rows.restore(extra.get("late_rows", {}))
        self.rules = Rules(**extra.get("rules", {"grace_s": self.rules.grace_s}))
        self._version, self._known = self.vitals.registry.version, self._registered()
        return Position(*extra["position"])

    def _replay(self, record: Record | Batch, marker: Marker) -> None:
        if isinstance(record, Record):
            past = partial(archived, self.archive.folder, before=record.end)
            self.merging.refold(self.late_rows.past(past))
        if isinstance(record, Batch):
            account(self.counts, record, Kind.BATCH)
            marker.mark(record)
            self.foreign.learn(record)
            self.merging.fold(record)
            self.recovered += len(record)
        elif record.kind in RELEASES:
            batch = record.batch()
            account(self.counts, batch, record.kind)
            self.clocks.learn(batch)
            self.foreign.learn(batch)
            self.inbox.release(released(batch, record.kind, self.vitals.registry.devices))
            self.merging.fold(batch)
            self.recovered += len(batch)
        elif record.kind == Kind.TICK:
            later = record.received_ns // _MINUTE_NS > self._minute
            self._minute = max(self._minute, record.received_ns // _MINUTE_NS)
            self._version = self.vitals.registry.version
            self._emit(record.received_ns, with_open=False, minute=later)
        elif record.kind == Kind.REGISTRY:
            self.vitals.registry.restore_more(record.json(), self.vitals.panes)
            self._known = self._registered()
        elif record.kind == Kind.PLACES:
            self._use_places(record.body.decode(), record.received_ns, past)
        elif record.kind == Kind.CONFIGURATION:
            self.rules = rules_of(record.body, self.vitals)
        elif record.kind == Kind.FACTS:
            facts_in_force.use(record.body, self.vitals)
        elif record.kind == Kind.EVENTS:
            self._tell_events(msgspec.convert(record.json(), list[Event]))

    def load_places(self, path: Path, now_ns: int) -> bool:
        """Take the places file if its content changed; archived before it takes effect.

        Raises `PlacesError` and keeps the present places if the file is wrong.
        """
        rows = load(path)
        text = render(rows)
        if text == self._places:
            self._release_known(now_ns)  # a kill may have come between a change and its releases
            return False
        self.archive.append(Kind.PLACES, now_ns, text.encode())
        self.archive.flush()
        self._use_places(text, now_ns, self._archived, rows)
        self._remember_registry(now_ns)
        self._release_known(now_ns)
        self.archive.sync(now_ns // 1_000_000)
        self.outlet.places(self.vitals)
        return True

    def _use_places(
        self, text: str, now_ns: int, past: Past, rows: list[PlaceRow] | None = None
    ) -> None:
        if text == self._places:
            return
        self._places = text
        rows = parse(text) if rows is None else rows
        told = self.late_rows.use(self.vitals, rows, now_ns, past, self.merging)
        for device in self.vitals.registry.rows_of:
            # Before a stranger can take the last room there is for devices.
            self.vitals.registry.device(device)
        self.admission.forget_slots()
        if len(told.points):
            self.points_written += len(told.points)
            self.outlet.placed_anew(told, self.vitals)

    def _release_known(self, now_ns: int) -> None:
        """Admit what waited for devices that are placed now."""
        for device in self.inbox.held_devices():
            if device in self.vitals.registry.rows_of:
                while rows := self.inbox.waiting(device):
                    self._release(rows, Kind.RELEASE_UNKNOWN, now_ns)

    def _release(self, rows: Sequence[Held], kind: Kind, now_ns: int) -> None:
        messages = []
        for row in rows:
            received_ns = row.received_ns if kind == Kind.RELEASE_UNKNOWN else now_ns
            messages.append(self.admission.open_again(row, received_ns))
        admitted = self.admission.admit(messages, now_ns, again=True)
        admitted.batch = self.merging.settle(admitted.batch)
        self.inbox.put(admitted.held, admitted.dead)
        self._write(admitted.batch, kind)
        self._write_events(admitted.events, now_ns)
        self.archive.sync(now_ns // 1_000_000)
        self.inbox.release(map(key_of, rows))
        self._drop_overflow(now_ns)
        self.merging.apply(admitted.batch)
        self._tell_events(admitted.events)

    def _drop_overflow(self, now_ns: int, lost: Sequence[Waiting] = ()) -> None:
        """Give what is lost, or waits beyond the bounds, its last verdict; archived first."""
        while rows := lost or self.inbox.overflow():
            for kind, batch in dropped(rows, self.vitals.registry.device_of, now_ns):
                self._write(batch, kind)
            self.archive.sync(now_ns // 1_000_000)
            self.inbox.release(row.key for row in rows)
            lost = ()

    def take(self, messages: Sequence[Opened], received_ns: int) -> Heard:
        """Admit messages, archive them durably, apply them; returns whom to acknowledge."""
        return self.take_in(self.admission.admit(messages, received_ns), received_ns)

    def take_in(self, admitted: Admitted, received_ns: int, *, durable: bool = True) -> Heard:
        """As `take`, what was admitted; not `durable`: on the disk within a second, not now."""
        admitted.batch = self.merging.settle(admitted.batch)
        self.inbox.put(admitted.held, admitted.dead)
        self._write_events(admitted.events, received_ns)
        self.add(admitted.batch)
        if durable:
            self.archive.sync(received_ns // 1_000_000)
        else:
            self.archive.flush()
        if admitted.held:
            self._drop_overflow(received_ns)
        self._tell_events(admitted.events)
        return admitted.acks

    def acks(self, heard: Heard) -> list[tuple[str, Ack]]:
        """What those devices may be told now, of all that was taken in; durable by then."""
        self.archive.sync(self.vitals.now_ns // 1_000_000)
        devices = self.vitals.registry.devices
        return [
            (devices[device], self.seen.ack(device, epoch)) for device, epoch in sorted(heard)
        ]

    def dropped(self, count: int, now_ns: int) -> None:
        """Count messages that the full queue could not take."""
        none = np.zeros(1, np.int64)
        self._write(Batch(
            np.full(1, -1, np.int32), none, np.full(1, float(count)), np.full(1, 2, np.uint8),
            np.full(1, -1, np.int32), none, none, np.full(1, Verdict.DROPPED_QUEUE, np.uint8),
            now_ns,
        ), Kind.BATCH)

    def add(self, batch: Batch) -> None:
        """Archive a judged batch (durable after the next sync) and apply it."""
        if len(batch):
            self._write(batch, Kind.BATCH)
            self.merging.apply(batch)

    def _write(self, batch: Batch, kind: Kind) -> None:
        self._remember_registry(batch.received_ns)
        self.archive.append_batch(kind, batch)
        account(self.counts, batch, kind)
        self.clocks.learn(batch)
        self.foreign.learn(batch)

    def _write_events(self, events: Sequence[Event], now_ns: int) -> None:
        if events:
            self.archive.append_json(Kind.EVENTS, now_ns, events)

    def _tell_events(self, events: Sequence[Event]) -> None:
        if events:
            interrupt(events, self.vitals)
            self.outlet.events(events, self.vitals)

    def _archived(self, slots: npt.NDArray[np.int32], first_ns: int, end_ns: int) -> Rows:
        self.archive.flush()
        return archived(self.archive.folder, slots, first_ns, end_ns)

    def _past(self, slots: npt.NDArray[np.int32], first_ns: int, end_ns: int) -> Rows:
        return self.late_rows.past(self._archived)(slots, first_ns, end_ns)

    def tick(self, now_ns: int, *, with_open: bool) -> Points:
        """Move the clock.

        A tick that may close windows, or that enrols new series, is an archive record.
        """
        minute = now_ns // _MINUTE_NS
        later = minute > self._minute
        if later:
            self._minute = minute
            while due := self.inbox.due(now_ns):
                self._release(due, Kind.RELEASE_FUTURE, now_ns)
        if later or self._version != self.vitals.registry.version:
            self._remember_registry(now_ns)
            self._version = self.vitals.registry.version
            self.archive.append(Kind.TICK, max(now_ns, self.vitals.now_ns), b"")
            self.archive.flush()  # before its points go out: after a kill they are said alike
        return self._emit(now_ns, with_open=with_open, minute=later)

    def _emit(self, now_ns: int, *, with_open: bool, minute: bool) -> Points:
        points = self.vitals.tick(now_ns, with_open=with_open)
        if len(points):
            self.points_written += int((points.rev > 0).sum())
            self.outlet.points(points, self.vitals, self.vitals.now_ns // 1_000_000)
        if minute:
            self.outlet.restated(self.vitals)
        return points

    def _preamble(self) -> list[tuple[Kind, bytes]]:
        """What a new segment begins with: all that its batches refer to, and the rules."""
        keys, devices, series = self._known = self._registered()
        return [
            self.rules.record(),
            (Kind.REGISTRY, msgspec.json.encode(self._registry_from(0, 0, series))),
            *([(Kind.PLACES, self._places.encode())] if self._places else []),
            *facts_in_force.records(self.vitals),
            (Kind.REGISTRY, msgspec.json.encode(self._registry_from(keys, devices, 0))),
        ]

    def _remember_registry(self, now_ns: int) -> None:
        """Archive what the registry gained since the last call, before batches that use it."""
        if (now := self._registered()) != self._known:
            self.archive.append_json(Kind.REGISTRY, now_ns, self._registry_from(*self._known))
        self._known = now

    def _registry_from(self, keys: int, devices: int, series: int) -> dict[str, object]:
        registry = self.vitals.registry
        return {
            "from": (keys, devices, series), "keys": registry.keys[keys:],
            "devices": registry.devices[devices:], "series": registry.series[series:],
        }

    def _registered(self) -> tuple[int, int, int]:
        registry = self.vitals.registry
        return (len(registry.keys), len(registry.devices), len(registry.series))

    def snapshot(self, *, beside: bool = False) -> None:
        """Save the state with the archive position it stands for; `beside`, in a thread."""
        if beside and self.snapshots.writing:
            return
        self.tick(self.vitals.now_ns, with_open=False)
        self.archive.sync(self.archive.synced_ms)
        used = int(np.nonzero(self.counts)[0].max(initial=0)) + 1
        self.snapshots.save(self.vitals, {
            "position": list(self.archive.position), "seen": self.seen.dump(),
            "counts": self.counts[:used].tolist(), "points": self.points_written,
            "places": self._places, "clocks": self.clocks.dump(),
            "rules": msgspec.to_builtins(self.rules), "foreign": self.foreign.last,
            "late_rows": self.late_rows.dump(),
        }, self.archive.position, beside=beside)

    def close(self, *, save: bool = True) -> None:
        """Save and close; after an error do not save: what was admitted but not archived was
        not acknowledged, and a snapshot that knows of it would take its repetition for a duplicate.
        """
        self.snapshots.end()
        if save:
            self.snapshot()
        self.archive.close()
        self.inbox.close()

    def verdicts(self) -> dict[str, int]:
        """Counts of the closed list; they add up to the readings received."""
        return {verdict.label: int(self.counts[verdict]) for verdict in Verdict}
