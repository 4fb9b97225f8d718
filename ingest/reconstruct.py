"""The state that a point came from, built again from the archive for a few series only.

The very engine is used, with room for what is asked for alone: series of other places are not
read, event times outside the look-back neither. What was not counted is noted with its reason.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from edge.places import PlaceKey, PlaceRow, parse
from edge.quantities import INDEX
from edge.verdicts import WORDS, Verdict
from engine.account import Recipe
from engine.panes import MINUTE_NS, NEVER_MIN, REGISTER, fold_dirty
from engine.registry import Series
from engine.vitals import HORIZON_NS, Vitals
from engine.windows import Windows
from ingest import received
from ingest.archive import Kind
from ingest.archive_scan import Names, Scan, Searched, Visitor, Wish, batch_of
from ingest.archive_walk import PLACED, RELEASED
from ingest.clocks import NO_READING
from ingest.explain_moves import Moves
from ingest.facts_in_force import use as use_facts
from ingest.in_force import rules_of
from ingest.interrupted import interrupt
from ingest.judging import FUTURE_MAX_NS
from ingest.listed import NEVER_NS, Listed, list_all, reading
from ingest.messages import Event
from ingest.widened import series_max, widen, widen_hertz, widen_hours, widen_registers

EXAMPLES_MAX = 5
"""Readings listed of each reason that something was left out for."""
LATE_MAX = 100_000
"""Late readings remembered for the causes of revisions."""
AFTERWARDS_NS = HORIZON_NS + 86_400 * 1_000_000_000
"""How long after a window is looked for what came for it: the horizon, and a day of too late."""
FAIL, MISSING = 4, 9
_AHEAD_NS = FUTURE_MAX_NS + MINUTE_NS
_NOT_TIMES = (NO_READING, PLACED, *(int(v) for v in Verdict if v.label.startswith("dropped_")))
"""Rows with these verdicts hold counts, not times."""
_FLAGGED = {
    FAIL: "flagged 4, bad, by the sensor: kept, but not counted",
    MISSING: "flagged 9, missing, by the sensor: not counted",
}
_SPIKE = "a spike: far from both its neighbours (QARTOD 4); not counted"
_STOPPED = "a speed of zero or less says nothing of the travel time"

Stop = Callable[[], bool]
"""Asked between records: True ends the work."""


class StoppedError(Exception):
    """The caller's `stop` said so."""


class Known(NamedTuple):
    """What the archive knew at a time: keys, devices and series by number, the places file."""

    keys: list[PlaceKey]
    devices: list[str]
    series: list[Series]
    rows: list[PlaceRow]


class _Names(Visitor):
    """Collects the registry and the places file."""

    def __init__(self) -> None:
        self.keys: dict[PlaceKey, None] = {}
        self.devices: dict[str, None] = {}
        self.series: dict[Series, None] = {}
        self.text = ""

    def registry(self, names: Names, received_ns: int) -> None:
        self.keys |= dict.fromkeys(PlaceKey(*key) for key in names.keys)
        self.devices |= dict.fromkeys(names.devices)
        self.series |= dict.fromkeys(Series(*row) for row in names.series)

    def places(self, text: str, received_ns: int) -> None:
        self.text = text


def known_at(archive: Path, received_ns: int) -> Known:
    """What the segment of a receive time (the last one for a later time) ends up knowing."""
    found = _Names()
    Scan(archive, _wish(received_ns, received_ns, 0, 0), found).run()
    rows = parse(found.text, "the archived places file") if found.text else []
    return Known(list(found.keys), list(found.devices), list(found.series), rows)


def _wish(first_ns: int, last_ns: int, since_ns: int, before_ns: int) -> Wish:
    return Wish(np.array([since_ns, before_ns], np.int64), np.array([first_ns, last_ns], np.int64))


class LeftOut(NamedTuple):
    """A reason that readings were left out for: slot -1 where the archive names no series."""

    slot: int
    device: str
    reason: str
    words: str


class Reconstruction(Visitor):
    """The state of some stations, filled by `replay`.

    `slot_of` maps the archive's slots to those of `vitals`; -1 elsewhere. `lost`: series and
    times of readings that were counted first and lost to a later message. Panes cannot give
    back what they took in: then `again` is filled instead, which knows that they are contested.
    """

    def __init__(
        self, known: Known, stations: Sequence[PlaceKey], recipe: Recipe,
        contested: frozenset[tuple[int, int]] = frozenset(),
        whole: frozenset[int] = frozenset(), failed: frozenset[tuple[int, int]] = frozenset(),
        moves: Moves | None = None,
    ) -> None:
        self.moves = moves or Moves(known)
        self.recipe = recipe
        self.known = known
        self._stations = stations
        self.contested = self._known_lost = contested
        self._whole, self._failed = whole, failed
        self._standing: dict[tuple[int, int], npt.NDArray[Any]] = {}
        self.lost: set[tuple[int, int]] = set()
        self.vitals = Vitals()
        self.vitals.judge.active, self.vitals.judge.found = not failed, set()
        widen(self.vitals, recipe.ring_days)
        widen_hours(self.vitals, recipe.hour_days)
        widen_hertz(self.vitals, recipe.hour_days)
        here = set(stations)
        reads = recipe.reads(False), recipe.reads(True)
        corrected = {
            PlaceKey(row.city, row.district, row.station) for row in known.rows if row.correction
        }
        slots = [
            slot for slot, series in enumerate(known.series) if (key := known.keys[series.place])
            in here and series.quantity in reads[key in corrected]
        ]
        self.series_max = series_max(recipe)
        self.too_many = len(slots) > self.series_max
        self._devices = {known.devices[known.series[slot].device] for slot in slots} | {
            row.device for row in known.rows
            if PlaceKey(row.city, row.district, row.station) in here
        }
        self.places_text = ""
        self._private = {
            PlaceKey(row.city, row.district, row.station) for row in known.rows if row.private
        }
        self._hidden = {
            row.device for row in known.rows
            if PlaceKey(row.city, row.district, row.station) in self._private
        }
        self.use_places(self.moves.final or known.rows)
        self.slot_of = np.full(len(known.series), -1, np.int32)
        self.listed: dict[int, Listed] = {}
        self.listing = len(stations) == 1  # of an area the members are told, not their readings
        self.left_out: Counter[LeftOut] = Counter()
        self.examples: dict[LeftOut, list[list[Any]]] = {}
        self.late: list[npt.NDArray[np.int64]] = []
        self.searched = Searched([], 0, [])
        registry = self.vitals.registry
        for slot in [] if self.too_many else slots:
            series = known.series[slot]
            place = registry.place(known.keys[series.place])
            if place in registry.attributes:  # else no places file that we have knows it
                own = series._replace(
                    place=place, device=registry.device(known.devices[series.device])
                )
                self.slot_of[slot] = registry.slot(own, self.vitals.panes)
        self.vitals.fit()
        widen_registers(self.vitals, recipe.ring_days)

    def again(self) -> "Reconstruction | None":
        """An empty one that leaves out what lost and spikes; None if this one did.

        Series that may have had a spike out of order are taken in by time.
        """
        if self.recipe.by_receipt:  # it is told as it came
            return None
        if (moves := self.moves.again()) is not None:
            return Reconstruction(self.known, self._stations, self.recipe, moves=moves)
        theirs = {int(own): slot for slot, own in enumerate(self.slot_of) if own >= 0}
        lost = self._known_lost | self.lost
        whole = self._whole | {theirs[own] for own, _ in self.vitals.judge.unsettled}
        found = self.vitals.judge.found or set()
        failed = frozenset((theirs[own], time_ns) for own, time_ns in found)
        if (lost, whole) != (self._known_lost, self._whole):
            failed = frozenset()
        elif not failed:
            return None
        return Reconstruction(
            self.known, self._stations, self.recipe, lost, whole, failed, self.moves)

    def filled(
        self, archive: Path, since_ns: int, before_ns: int, as_of_ns: int, stop: Stop
    ) -> "Reconstruction":
        """Filled by `replay`; again where a message took another's place, or a spike was found.
        Raises `StoppedError` if `stop` says so."""
        built = self
        built.replay(archive, since_ns, before_ns, as_of_ns, stop)
        while (following := built.again()) is not None:
            built = following
            built.replay(archive, since_ns, before_ns, as_of_ns, stop)
        if stop():
            raise StoppedError
        return built

    def use_places(self, rows: list[PlaceRow]) -> None:
        """Take a places file, as far as it concerns the stations.

        What is private today was not always said to be: it is at all times.
        """
        self.vitals.load_places([
            replace(row, private=PlaceKey(row.city, row.district, row.station) in self._private)
            for row in rows if row.device in self._devices
        ])

    def windows(self, position: int) -> Windows:
        """The windows of the family of an indicator, with the series known by now."""
        windows = next(w for w in self.vitals.windows if position in w.family.indicators)
        windows.enrol(self.vitals.registry)
        return windows

    def replay(
        self, archive: Path, since_ns: int, before_ns: int, as_of_ns: int, stop: Stop
    ) -> None:
        """Read what concerns event times from `since_ns` and before `before_ns`.

        as_of_ns: places files that came later do not count. Raises `ArchiveError`.
        """
        self._as_of_ns = as_of_ns
        self._span_ns = (since_ns, before_ns)
        around_ns = self.recipe.around_min * MINUTE_NS
        self._since_ns = since_ns - around_ns - _AHEAD_NS
        self._wish = _wish(self._since_ns, before_ns + AFTERWARDS_NS, since_ns - around_ns,
                           before_ns + around_ns)
        if self.recipe.by_receipt:
            self._wish = received.wish_of(since_ns, before_ns)
        self._wish.slots = self.moves.sources(self.slot_of >= 0)
        self._wish.first_ns = np.full(len(self.slot_of), NEVER_NS)
        self._wish.devices = np.array([name in self._devices for name in self.known.devices])
        self.searched = Scan(archive, self._wish, self).run(stop)
        if self._standing:
            standing = np.concatenate(list(self._standing.values()))
            self.rows(standing[np.argsort(standing["time_ns"], kind="stable")], aside=False)
        self._begun()
        vitals, panes = self.vitals, self.vitals.panes
        vitals.fold_held(NEVER_NS)
        fold_dirty(
            panes.minutes, panes.fine, panes.coarse, panes.rows, vitals.registry.quantity,
            vitals.registry.shift, panes.dirty, panes.touched,
        )

    def _begun(self) -> None:
        """Note when each series began, as far as it shows in what was read."""
        first_min = self.vitals.panes.first_min
        for slot in np.nonzero(self.slot_of >= 0)[0].tolist():
            if self._wish.first_ns[slot] < NEVER_NS:
                own = self.slot_of[slot]
                first_min[own] = min(first_min[own], self._wish.first_ns[slot] // MINUTE_NS)

    def registry(self, names: Names, received_ns: int) -> None:
        """Series that were there before what is read have begun before it."""
        if received_ns > self._since_ns:
            return
        numbers = {series: slot for slot, series in enumerate(self.known.series)}
        for row in names.series:
            own = self.slot_of[numbers[Series(*row)]]
            if own >= 0:
                first = self.vitals.panes.first_min
                first[own] = min(int(first[own]), self._since_ns // MINUTE_NS, NEVER_MIN)

    def places(self, text: str, received_ns: int) -> None:
        """A places file that took effect before the point was stored."""
        if (text != self.places_text and received_ns <= self._as_of_ns
                and self.moves.final is None):
            self.places_text, rows = text, parse(text, "the archived places file")
            self.use_places(self.moves.learn(rows, received_ns))

    def _set_aside(self, rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """All but the counted readings of contested series and times: of these the last stands."""
        keys = list(zip(rows["slot"].tolist(), rows["time_ns"].tolist(), strict=True))
        counted = rows["verdict"] <= Verdict.LATE
        theirs = [key in self.contested or key[0] in self._whole for key in keys]
        aside = np.array(theirs, np.bool_) & counted
        for k in np.nonzero(aside)[0].tolist():
            before = self._standing.pop(keys[k], None)
            if before is not None:
                before["verdict"] = Verdict.CONFLICT
                self._leave_out(before[0], int(self.slot_of[keys[k][0]]))
            self._standing[keys[k]] = rows[k : k + 1].copy()
        return rows[~aside]

    def _placed(self, rows: npt.NDArray[Any]) -> None:
        """Note what clocks that were not set had shown."""
        for row in rows:
            listed = self.listed.setdefault(int(self.slot_of[int(row["slot"])]), Listed())
            listed.placed += 1
            if len(listed.said) < EXAMPLES_MAX:
                listed.said.append([
                    int(row["time_ns"]) // 1_000_000, int(row["epoch"]) // 1_000_000,
                    float(row["value"]),
                ])

    def _around(self, rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """All within the span; of what is around it the registers are applied, and not told."""
        inside = (rows["time_ns"] >= self._span_ns[0]) & (rows["time_ns"] < self._span_ns[1])
        around = rows[~inside & (rows["slot"] >= 0) & (rows["verdict"] <= Verdict.LATE)]
        slot = self.slot_of[around["slot"]]
        kept = self.vitals.registry.quantity[slot] == REGISTER
        self.vitals.apply(batch_of(around[kept], slot[kept]))
        return rows[inside]

    def facts(self, body: bytes, received_ns: int) -> None:
        """A facts file that took effect before the point was stored."""
        if received_ns <= self._as_of_ns:
            use_facts(body, self.vitals)

    def events(self, events: list[Event], received_ns: int) -> None:
        """Interruptions that were reported before the point was stored."""
        if received_ns <= self._as_of_ns:
            interrupt(events, self.vitals)

    def configuration(self, body: bytes, received_ns: int) -> None:
        """What decides results, as it was when the point was stored."""
        if received_ns <= self._as_of_ns:
            rules_of(body, self.vitals)

    def rows(self, rows: npt.NDArray[Any], *, aside: bool = True) -> None:
        """Apply what counts, note what does not."""
        if not self.vitals.registry.series:
            return  # reliability is made of events alone
        if self.recipe.by_receipt:
            received.take(self, rows, self._span_ns[1] - 60 * MINUTE_NS)
            return
        rows = self.moves.put(rows)
        lost = rows[(rows["verdict"] == NO_READING) & (rows["slot"] >= 0)]
        self.lost.update(zip(lost["slot"].tolist(), lost["time_ns"].tolist(), strict=True))
        if self.recipe.around_min:
            rows = self._around(rows)
        if aside and (self.contested or self._whole):
            rows = self._set_aside(rows)
        if self._failed:
            keys, rows = zip(rows["slot"], rows["time_ns"], strict=True), rows.copy()
            rows["flag"][[(int(s), int(t)) in self._failed for s, t in keys]] = FAIL
        self._placed(rows[(rows["verdict"] == PLACED) & (rows["slot"] >= 0)])
        slot = np.where(rows["slot"] >= 0, self.slot_of[rows["slot"]], -1).astype(np.int32)
        counted = (slot >= 0) & (rows["verdict"] <= Verdict.LATE)
        batch = batch_of(rows[counted], slot[counted])
        self.vitals.apply(batch)
        speed = self.vitals.registry.quantity[np.maximum(slot, 0)] == INDEX["speed"]
        flagged = np.isin(rows["flag"], (FAIL, MISSING))
        stopped = speed & (rows["value"] <= 0)
        used = counted & ~flagged & ~stopped
        if self.listing:
            list_all(self.listed, rows, slot, used)
        late = rows[used & (rows["verdict"] == Verdict.LATE)]
        if len(late) and sum(map(len, self.late)) < LATE_MAX:
            self.late.append(np.stack([late["received_ns"], late["time_ns"]], axis=1))
        for k in np.nonzero(~used & ~np.isin(rows["verdict"], _NOT_TIMES))[0].tolist():
            self._leave_out(rows[k], int(slot[k]))
        self._released(rows[np.isin(rows["kind"], RELEASED)])

    def _leave_out(self, row: Any, slot: int) -> None:
        device = self.known.devices[int(row["device"])]
        if device in self._hidden:
            return
        verdict = Verdict(int(row["verdict"]))
        if verdict > Verdict.LATE:
            reason = LeftOut(slot, device, verdict.label, WORDS[verdict])
        elif (int(row["slot"]), int(row["time_ns"])) in self._failed:
            reason = LeftOut(slot, device, "spike", _SPIKE)
        elif (flag := int(row["flag"])) in _FLAGGED:
            reason = LeftOut(slot, device, f"flag_{flag}", _FLAGGED[flag])
        else:
            reason = LeftOut(slot, device, "not_above_zero", _STOPPED)
        self.left_out[reason] += 1
        examples = self.examples.setdefault(reason, [])
        if len(examples) < EXAMPLES_MAX:
            examples.append(reading(row))

    def _released(self, rows: npt.NDArray[Any]) -> None:
        """What was held and admitted later was not left out."""
        for row in rows:
            future = row["kind"] == Kind.RELEASE_FUTURE
            held = Verdict.HELD_FUTURE if future else Verdict.HELD_UNKNOWN
            device = self.known.devices[int(row["device"])]
            reason = LeftOut(-1, device, held.label, WORDS[held])
            if self.left_out[reason] > 1:
                self.left_out[reason] -= 1
            else:
                self.left_out.pop(reason, None)
