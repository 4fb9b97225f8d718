"""The one trip of a batch: admission, archive, panes, points, outlets.

`take` admits messages and makes them durable, and only then says what may be acknowledged;
`tick` moves the clock and hands points on. Opening a line loads the last snapshot and replays
the archive after it, so that state and outlets are as if nothing had happened.
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from edge.places import load, parse, render
from edge.verdicts import Verdict
from edge.wire import Message
from engine.batch import Batch
from engine.points import Points
from engine.snapshot import SnapshotError
from engine.snapshot import load as load_snapshot
from engine.snapshot import save as save_snapshot
from engine.vitals import Vitals
from ingest.admission import NO_READING, Admission, Opened
from ingest.archive import Archive, Kind, Position, Record, pack, read
from ingest.inbox import Held, Inbox
from ingest.intervals import Seen
from ingest.messages import Event, Received
from ingest.messages import read as decode

log = logging.getLogger(__name__)

_RELEASES = {
    Kind.RELEASE_UNKNOWN: Verdict.HELD_UNKNOWN, Kind.RELEASE_FUTURE: Verdict.HELD_FUTURE,
}


class Outlet(Protocol):
    """Where points go; calls come in the order of time."""

    def points(self, points: Points, vitals: Vitals) -> None:
        """Points of one tick; rewriting the same is harmless."""

    def events(self, events: Sequence[Event], vitals: Vitals) -> None:
        """Events that devices reported."""

    def places(self, vitals: Vitals) -> None:
        """The places file changed."""


class Taken(NamedTuple):
    """What may be acknowledged: (device, epoch, contiguous number)."""

    acks: list[tuple[str, int, int]]


class Line:
    """One city's line in its data folder."""

    def __init__(self, folder: Path, outlet: Outlet, grace_s: int) -> None:
        self.folder = folder
        self.outlet = outlet
        folder.mkdir(parents=True, exist_ok=True)
        self._snapshot = folder / "snapshot.cvs"
        self._grace_s = grace_s
        self.vitals = Vitals(grace_s)
        self.seen = Seen()
        self.counts = np.zeros(256, np.int64)
        self.points_written = 0
        self.archive = Archive(folder / "archive")
        self.inbox = Inbox(folder / "inbox.db")
        self.recovered = 0
        self._known = (0, 0, 0)
        self._places = ""
        self._minute = 0
        self.admission = Admission(self.vitals, self.seen)

    def open(self, *, whole: bool = False) -> None:
        """Load the last snapshot (unless `whole`) and replay the archive after it."""
        after = None
        if self._snapshot.exists() and not whole:
            after = self._load_snapshot()
        self.admission = Admission(self.vitals, self.seen)
        for record in read(self.archive.folder, after):
            self._replay(record)
        self._known = self._registered()
        self.outlet.places(self.vitals)

    def _load_snapshot(self) -> Position | None:
        try:
            self.vitals, extra = load_snapshot(self._snapshot, self._grace_s)
        except SnapshotError as error:
            log.error("%s", error)
            self._snapshot.replace(self._snapshot.with_suffix(".damaged"))
            return None
        self.seen.restore(extra["seen"])
        self.counts[: len(extra["counts"])] = extra["counts"]
        self.points_written = extra["points"]
        self._places = extra["places"]
        self._minute = self.vitals.now_ns // 60_000_000_000
        return Position(*extra["position"])

    def _replay(self, record: Record) -> None:
        if record.kind in (Kind.BATCH, *_RELEASES):
            batch = record.batch()
            self._account(batch, _RELEASES.get(record.kind))
            if record.kind == Kind.BATCH:
                self._mark_seen(batch)
            self._apply(batch)
            self.recovered += len(batch)
        elif record.kind == Kind.TICK:
            self._emit(record.received_ns, with_open=False)
        elif record.kind == Kind.REGISTRY:
            self.vitals.registry.restore_more(record.json(), self.vitals.panes)
        elif record.kind == Kind.PLACES:
            self._use_places(record.body.decode())

    def _mark_seen(self, batch: Batch) -> None:
        order = np.lexsort((batch.seq, batch.epoch, batch.device))
        keys = np.stack([batch.device[order], batch.epoch[order], batch.seq[order]], axis=1)
        keys = keys[keys[:, 0] >= 0]
        if not len(keys):
            return
        step = np.diff(keys, axis=0)
        breaks = np.nonzero(step[:, 0].astype(bool) | step[:, 1].astype(bool) | (step[:, 2] > 1))
        first = np.concatenate([[0], breaks[0] + 1])
        last = np.concatenate([breaks[0], [len(keys) - 1]])
        for a, b in zip(keys[first].tolist(), keys[last].tolist(), strict=True):
            self.seen.add(a[0], a[1], a[2], b[2])

    def load_places(self, path: Path, now_ns: int) -> bool:
        """Take the places file if its content changed; archived before it takes effect.

        Raises `PlacesError` and keeps the present places if the file is wrong.
        """
        text = render(load(path))
        if text == self._places:
            return False
        self.archive.append(Kind.PLACES, now_ns, text.encode())
        self._use_places(text)
        self._remember_registry()
        self._release_known(now_ns)
        self.archive.sync(now_ns // 1_000_000)
        self.outlet.places(self.vitals)
        return True

    def _use_places(self, text: str) -> None:
        self._places = text
        self.vitals.load_places(parse(text))
        self.admission.forget_slots()

    def _release_known(self, now_ns: int) -> None:
        """Admit what waited for devices that are placed now."""
        for device in self.inbox.held_devices():
            if self.vitals.registry.row_at(device, 0) is not None:
                while rows := self.inbox.waiting(device):
                    self._release(rows, Kind.RELEASE_UNKNOWN, now_ns)

    def _release(self, rows: Sequence[Held], kind: Kind, now_ns: int) -> None:
        messages = []
        for row in rows:
            content = decode(row.payload)
            received_ns = row.received_ns if kind == Kind.RELEASE_UNKNOWN else now_ns
            messages.append(Opened(Received(row.topic, row.payload), content, received_ns))
        admission = Admission(self.vitals, Seen())
        admitted = admission.admit(messages, now_ns)
        self.inbox.put(admitted.held, admitted.dead)
        self._write(admitted.batch, kind)
        self.archive.sync(now_ns // 1_000_000)
        self.inbox.release(rows)
        self._apply(admitted.batch)

    def take(self, messages: Sequence[Opened], received_ns: int) -> Taken:
        """Admit messages, archive them durably, apply them; returns what to acknowledge."""
        admitted = self.admission.admit(messages, received_ns)
        self.inbox.put(admitted.held, admitted.dead)
        self.add(admitted.batch)
        self.archive.sync(received_ns // 1_000_000)
        if admitted.events:
            self.outlet.events(admitted.events, self.vitals)
        registry = self.vitals.registry
        return Taken([
            (registry.devices[device], epoch, self.seen.contiguous(device, epoch))
            for device, epoch in sorted(admitted.acks)
        ])

    def add(self, batch: Batch) -> None:
        """Archive a judged batch (durable after the next sync) and apply it."""
        if len(batch):
            self._write(batch, Kind.BATCH)
            self._apply(batch)

    def _write(self, batch: Batch, kind: Kind) -> None:
        self._remember_registry()
        self.archive.append(kind, batch.received_ns, pack(batch), len(batch))
        self._account(batch, _RELEASES.get(kind))

    def _account(self, batch: Batch, released_from: Verdict | None) -> None:
        self.counts += np.bincount(batch.verdict, minlength=256)
        dropped = batch.verdict == Verdict.DROPPED_OUTBOX
        if dropped.any():
            self.counts[Verdict.DROPPED_OUTBOX] += int(batch.value[dropped].sum()) - dropped.sum()
        if released_from is not None:
            self.counts[released_from] -= int((batch.verdict != NO_READING).sum())

    def _apply(self, batch: Batch) -> None:
        counted = (batch.slot >= 0) & (batch.verdict <= Verdict.LATE)
        self.vitals.apply(batch.take(counted))

    def tick(self, now_ns: int, *, with_open: bool) -> Points:
        """Move the clock; a tick that may close windows is an archive record."""
        minute = now_ns // 60_000_000_000
        if minute > self._minute:
            self._minute = minute
            due = self.inbox.due(now_ns)
            if due:
                self._release(due, Kind.RELEASE_FUTURE, now_ns)
            self.archive.append(Kind.TICK, now_ns, b"")
        return self._emit(now_ns, with_open=with_open)

    def _emit(self, now_ns: int, *, with_open: bool) -> Points:
        points = self.vitals.tick(now_ns, with_open=with_open)
        if len(points):
            self.points_written += int((points.rev > 0).sum())
            self.outlet.points(points, self.vitals)
        return points

    def _remember_registry(self) -> None:
        """Archive what the registry gained since the last call, before batches that use it."""
        registry = self.vitals.registry
        now = self._registered()
        if now != self._known:
            keys, devices, series = self._known
            self.archive.append_json(Kind.REGISTRY, self.vitals.now_ns, {
                "keys": registry.keys[keys:], "devices": registry.devices[devices:],
                "series": registry.series[series:],
            })
        self._known = now

    def _registered(self) -> tuple[int, int, int]:
        registry = self.vitals.registry
        return (len(registry.keys), len(registry.devices), len(registry.series))

    def snapshot(self) -> None:
        """Save the state with the archive position it stands for."""
        self.archive.sync(self.archive.synced_ms)
        used = int(np.nonzero(self.counts)[0].max(initial=0)) + 1
        save_snapshot(self.vitals, self._snapshot, {
            "position": list(self.archive.position), "seen": self.seen.dump(),
            "counts": self.counts[:used].tolist(), "points": self.points_written,
            "places": self._places,
        })

    def close(self) -> None:
        """Save and close."""
        self.snapshot()
        self.archive.close()
        self.inbox.close()

    def verdicts(self) -> dict[str, int]:
        """Counts of the closed list; they add up to the readings received."""
        return {verdict.label: int(self.counts[verdict]) for verdict in Verdict}


def opened(received: Received, now_ns: int) -> Opened:
    """Decode a message that came now."""
    return Opened(received, decode(received.payload), now_ns)


def recorded_ns(message: Opened) -> int:
    """Receive time that a message of a recording carries, Unix ns; 0 if it carries none."""
    content: Any = message.content
    return content.r * 1_000_000 if isinstance(content, Message) and content.r else 0

