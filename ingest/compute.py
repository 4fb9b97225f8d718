"""`cityvitals compute`: the engine over recorded readings, without broker or database.

The same admission and the same steps of the recorded clock as a replay over MQTT, so the final
points are the same.
"""

import csv
import sys
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edge.facts import FactsError
from edge.facts import load as load_facts
from edge.places import PlaceKey, PlaceRow, PlacesError
from edge.places import load as load_places
from edge.quantities import INDEX, QUANTITIES
from edge.recorded import RecordedError, Rows, end_of_recording_ms, read
from edge.verdicts import Verdict
from engine.batch import Batch
from engine.batch import concatenate as concatenate_batches
from engine.catalogue import INDICATORS
from engine.judge import GAP_NS
from engine.points import INSUFFICIENT, Points, PointState, concatenate
from engine.repeats import Keys
from engine.vitals import HORIZON_NS, Vitals
from ingest.admission import Admission
from ingest.intervals import Seen
from ingest.judging import FUTURE_MAX_NS, judge
from ingest.merging import Merging, move_lost
from ingest.recall import Rows as Came
from ingest.recall import admitted, joined, nothing
from ingest.recorded_clock import STEP_NS, step_start_ns

COLUMNS = (
    "time", "place", "indicator", "value", "level", "category", "coverage", "n", "state", "rev",
)
RECENT_ALL = 1 << 62
"""A recording is in memory: so are all of its repeats."""
_WORDS = {PointState.OPEN: "open", PointState.CLOSED: "closed", PointState.FINAL: "final"}


class _Stations:
    """Which device stood at a station when: the active one whose row began last."""

    def __init__(self, places: Sequence[PlaceRow]) -> None:
        self._rows: dict[str, list[PlaceRow]] = {}
        for row in places:
            self._rows.setdefault(row.device, []).append(row)
        near: dict[str, set[str]] = {}
        for row in places:
            near.setdefault(f"{row.district}/{row.station}", set()).add(row.device)
        self._changes: dict[str, tuple[list[int], list[str]]] = {}
        for path, devices in near.items():
            times = sorted({row.valid_from_ms for name in devices for row in self._rows[name]})
            found = [self._at(path, sorted(devices), time) for time in times]
            self._changes[path] = (times, found)

    def _at(self, path: str, devices: list[str], time_ms: int) -> str:
        found, since = "", 0
        for device in devices:
            for row in [row for row in self._rows[device] if row.valid_from_ms <= time_ms][-1:]:
                here = f"{row.district}/{row.station}" == path and row.status == "active"
                if here and (not found or row.valid_from_ms >= since):
                    found, since = device, row.valid_from_ms
        return found

    def device(self, path: str, time_ms: int) -> str:
        """The device at a time, empty if none stood there."""
        times, devices = self._changes.get(path, ([], []))
        at = bisect_right(times, time_ms) - 1
        return devices[at] if at >= 0 else ""


class Computed:
    """A recording run through the engine: its points, and what became of its readings."""

    def __init__(self, places: list[PlaceRow], grace_s: int = 60) -> None:
        self.vitals = Vitals(grace_s)
        self.vitals.load_places(places)
        self.admission = Admission(self.vitals, Seen())
        self.counts = np.zeros(256, np.int64)
        self._parts: list[Points] = []
        self._stations = _Stations(places)
        self._merging = Merging(self.vitals, self._past, RECENT_ALL)
        self._came: list[Came] = [nothing()]
        self._numbered = 0
        self._repeats = Keys(np.zeros(0, np.int32), np.zeros(0, np.int64))
        self._watched = np.zeros(1, np.bool_)
        self._now_ns = 0
        self._held: list[Batch] = []

    def batch(self, rows: Rows, file: str) -> tuple[Batch, npt.NDArray[np.int64]]:
        """Judge one chunk of a recording; returns it with the receive time of each reading.

        Raises `RecordedError` for a place where no device stood or a unit that is refused.
        """
        count = len(rows)
        device = np.zeros(count, np.int32)
        value = np.array(rows.value, np.float64)
        for k in range(count):
            name = self._stations.device(rows.place[k], rows.time_ms[k])
            if not name:
                raise RecordedError(
                    f"{file}: line {rows.line[k]}: place = {rows.place[k]!r}: "
                    "no active device stands there at that time in the places file"
                )
            device[k] = self.vitals.registry.device(name)
            if rows.unit[k]:
                value[k] = _canonical(rows, k, file)
        quantity = np.array([INDEX[name] for name in rows.quantity], np.int64)
        received = np.array(rows.received_ms, np.int64) * 1_000_000
        zero = np.zeros(count, np.int64)
        batch = Batch(
            np.full(count, -1, np.int32), np.array(rows.time_ms, np.int64) * 1_000_000, value,
            np.array(rows.flag, np.uint8), device, zero, zero, np.zeros(count, np.uint8), 0,
        )
        judge(quantity, value, batch.time_ns, received, batch.flag, batch.verdict)
        waits = (batch.verdict == Verdict.APPLIED) | (batch.verdict == Verdict.HELD_FUTURE)
        for k in np.nonzero(waits)[0].tolist():
            batch.slot[k] = self.admission.slot(
                int(device[k]), int(quantity[k]), rows.channel[k], int(batch.time_ns[k])
            )
        batch.verdict[waits & (batch.slot < 0)] = Verdict.REFUSED_BOUND
        return batch, received

    def feed(self, batch: Batch, received_ns: npt.NDArray[np.int64]) -> None:
        """Apply readings in the order of their receive time, in steps of the recorded clock.

        That order numbers them: of two readings of one series and time the later one stands.
        """
        order = np.argsort(received_ns, kind="stable")
        batch, received_ns = batch.take(order), received_ns[order]
        batch.seq[:] = np.arange(self._numbered, self._numbered + len(batch)) + 1
        self._numbered += len(batch)
        self._note_repeats(batch, received_ns)
        steps = received_ns // STEP_NS
        for part in np.split(np.arange(len(batch)), np.nonzero(np.diff(steps))[0] + 1):
            if len(part):
                self.tick(step_start_ns(int(received_ns[part[0]])))
                self._apply(batch.take(part))

    def _note_repeats(self, batch: Batch, received_ns: npt.NDArray[np.int64]) -> None:
        """Find the readings of which there are two of one series and time, and the series whose
        readings came out of order or late, so that the past may be asked for; others cost nothing.
        """
        came = np.nonzero(batch.slot >= 0)[0]
        came = came[np.argsort(batch.slot[came], kind="stable")]
        back = batch.slot[came[1:]] == batch.slot[came[:-1]]
        back &= batch.time_ns[came[1:]] < batch.time_ns[came[:-1]]
        row = np.nonzero(batch.slot >= 0)[0]
        row = row[np.lexsort((batch.time_ns[row], batch.slot[row]))]
        slot, time_ns = batch.slot[row], batch.time_ns[row]
        again = np.nonzero((slot[1:] == slot[:-1]) & (time_ns[1:] == time_ns[:-1]))[0]
        self._repeats = Keys(slot[again], time_ns[again])
        self._watched = np.zeros(len(self.vitals.registry.series) + 1, np.bool_)
        self._watched[slot[again]] = True
        self._watched[batch.slot[came[1:]][back]] = True
        late = received_ns - batch.time_ns > GAP_NS
        self._watched[batch.slot[late & (batch.slot >= 0)]] = True

    def _past(self, slots: npt.NDArray[np.int32], first_ns: int, end_ns: int) -> Came:
        """As `ingest.recall.Past`."""
        self._came = [joined(self._came)]
        batch = self._came[0].batch
        here = np.isin(batch.slot, slots)
        return self._came[0].take(here & (batch.time_ns >= first_ns) & (batch.time_ns < end_ns))

    def _apply(self, batch: Batch) -> None:
        self.admission.mark_late(batch)
        if self._watched.any():
            batch = self._settle(batch)
        self.counts += np.bincount(batch.verdict, minlength=256)
        move_lost(self.counts, batch)
        self._merging.fold(batch)
        self._merging.refold(self._past)
        ahead = batch.verdict == Verdict.HELD_FUTURE
        if ahead.any():
            self._held.append(batch.take(ahead))

    def _settle(self, batch: Batch) -> Batch:
        rows, _ = self._repeats.match(batch.slot, batch.time_ns)
        batch = self._merging.settle(batch, rows[batch.verdict[rows] <= Verdict.LATE])
        rows, _ = self._repeats.match(batch.slot, batch.time_ns)
        self._merging.recall.remember(admitted(batch.take(rows.astype(np.intp))))
        self._came.append(admitted(batch.take(self._watched[batch.slot])))
        return batch

    def tick(self, now_ns: int) -> None:
        """Move the clock; readings whose time has come are admitted first."""
        if now_ns <= self._now_ns:
            return
        self._now_ns = now_ns
        if self._held:
            held = concatenate_batches(self._held)
            due = held.time_ns - FUTURE_MAX_NS <= now_ns
            self._held = [held.take(~due)] if not due.all() else []
            released = held.take(due)
            self.counts[Verdict.HELD_FUTURE] -= len(released)
            released.verdict[:] = Verdict.APPLIED
            self._apply(released)
        points = self.vitals.tick(self._now_ns, with_open=False)
        if len(points):
            self._parts.append(points)

    @property
    def now_ns(self) -> int:
        """Where the clock stands, Unix ns."""
        return self._now_ns

    def points(self) -> Points:
        """The last word on every window, by place, indicator and time; closed or final."""
        every = concatenate(self._parts)
        order = np.lexsort((np.arange(len(every)), every.end_s, every.indicator, every.place))
        every = every.take(order)
        keys = np.stack([every.place, every.indicator, every.end_s])
        last = np.ones(len(every), np.bool_)
        if len(every):
            last[:-1] = np.any(keys[:, 1:] != keys[:, :-1], axis=0)
        every = every.take(last)
        every.state[every.end_s * 1_000_000_000 + HORIZON_NS < self._now_ns] = PointState.FINAL
        return every


def compute(readings: Path, places: Path, facts: Path | None = None) -> Computed:
    """Run a whole recording. Raises `RecordedError`, `PlacesError` or `FactsError`.

    The recording is put in the order of its receive times, as a replay does.
    """
    computed = Computed(load_places(places))
    if facts is not None:
        computed.vitals.load_facts(load_facts(facts))
    batches, times = [], []
    for rows in read(readings):
        batch, received = computed.batch(rows, str(readings))
        batches.append(batch)
        times.append(received)
    if batches:
        received = np.concatenate(times)
        computed.feed(concatenate_batches(batches), received)
        computed.tick(end_of_recording_ms(int(received.max()) // 1_000_000) * 1_000_000)
    return computed


def _canonical(rows: Rows, k: int, file: str) -> float:
    """Value of row `k` in the canonical unit. Raises `RecordedError`."""
    quantity = QUANTITIES[rows.quantity[k]]
    convert = quantity.accepts(rows.unit[k])
    if convert is None:
        raise RecordedError(
            f"{file}: line {rows.line[k]}: unit = {rows.unit[k]!r}: "
            f"use {', '.join([quantity.unit, *quantity.units])}"
        )
    return rows.value[k] * convert[0] + convert[1]


def rows_of(points: Points, keys: list[PlaceKey]) -> Iterator[tuple[object, ...]]:
    """Rows of the output table; an insufficient value is left empty."""
    for k in range(len(points)):
        entry = INDICATORS[int(points.indicator[k])]
        level = int(points.level[k])
        sufficient = level != INSUFFICIENT
        yield (
            datetime.fromtimestamp(int(points.end_s[k]), UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            keys[int(points.place[k])].path, entry.key,
            repr(float(points.value[k])) if sufficient else "", level,
            entry.levels[level].word if sufficient else "insufficient",
            f"{float(points.cov[k]):.6g}", int(points.n[k]),
            _WORDS[PointState(int(points.state[k]))], int(points.rev[k]),
        )


def run(readings: Path, places: Path, out: Path, facts: Path | None = None) -> int:
    """Compute the indicators of a recording into a CSV; returns the exit status."""
    try:
        computed = compute(readings, places, facts)
    except (RecordedError, PlacesError, FactsError) as error:
        print(error, file=sys.stderr)
        return 2
    points = computed.points()
    try:
        with out.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(COLUMNS)
            writer.writerows(rows_of(points, computed.vitals.registry.keys))
    except OSError as error:
        print(f"{out}: {error.strerror}", file=sys.stderr)
        return 2
    refused = {
        verdict.label: int(computed.counts[verdict])
        for verdict in Verdict if computed.counts[verdict]
    }
    counted = ", ".join(f"{name} {count}" for name, count in refused.items())
    print(f"{out}: {len(points)} points of {int(computed.counts.sum())} readings ({counted})")
    return 0
