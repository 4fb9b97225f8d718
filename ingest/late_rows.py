"""Rows of the places file that are added late: readings find their place, windows are said anew.

What a row changes of the last eight days (`engine.vitals.HORIZON_NS`) is put right when the file
comes into force, in a replay of the archive at the same place: readings that a device took
elsewhere, as is known now, leave the panes of one station and enter those of the other; days are
folded anew from the archive where a reading vouches for another length of time; and all closed
windows that differ are restated, with an event that names the row. What is older is final and only
counted: `cityvitals recompute` computes it.
"""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from edge.places import PlaceKey, PlaceRow
from engine.batch import Batch
from engine.dated_back import Difference, by_device, differences, key_of, same_stations
from engine.judge import GAP_NS
from engine.points import NONE, Points
from engine.retraction import DAY_MIN, span_ns
from engine.said_anew import Standing, settle
from engine.vitals import HORIZON_NS, Vitals
from ingest.merging import Merging, standing_rows
from ingest.recall import EARLY_NS, Past, Rows
from ingest.restatements import counted
from ingest.restatements import span as span_of_time

log = logging.getLogger(__name__)

MS = 1_000_000
DAY_NS = DAY_MIN * 60 * 10**9
ROWS_AT_ONCE = 2_000_000
"""Readings of the archive that are held at once, 54 bytes each; a series is never parted."""
LOOK_AHEAD_MIN = 1440
"""A block of a register looks for the next reading up to a day behind it: one that is elsewhere now
is not found there, so windows are looked at from a day before the row on."""
COMMAND = "cityvitals recompute"
_KEPT_NS = HORIZON_NS + 2 * DAY_NS
"""Nothing older is folded anew, so that where it belongs need not be known."""


class Moved(NamedTuple):
    """Archived readings of a slot, from and before times in Unix ns, belong to another slot."""

    slot: int
    first_ns: int
    end_ns: int
    to: int


@dataclass(slots=True)
class Told:
    """Points that rows have changed, and why: by place row, what to say of it.

    known_ms: when the file is archived; what is computed after it goes by these rows.
    """

    points: Points = field(default_factory=lambda: NONE)
    reasons: dict[int, list[str]] = field(default_factory=dict)
    known_ms: int = 0

    def of(self, place: int, _indicator: int = -1) -> str:
        """Why a place's points are others; the first reason, and how many more there are."""
        reasons = self.reasons.get(place, ["follows from a row of the places file added late"])
        more = len(reasons) - 1
        return reasons[0] + (f"; and {more} more row{'s' * (more > 1)}" if more else "")


class LateRows:
    """Takes places files into a city's state, with what they change of the past.

    moved: what readings of the archive belong elsewhere now. final: the rows in force at the end,
    where a past is computed anew; None live.
    """

    def __init__(self, final: list[PlaceRow] | None = None) -> None:
        self.moved: list[Moved] = []
        self._final = final
        self._last = {"at_ms": 0, "rows": 0, "points": 0, "beyond": 0}

    def dump(self) -> dict[str, Any]:
        """What a snapshot keeps (JSON)."""
        return {"moved": [list(row) for row in self.moved], "last": dict(self._last)}

    def restore(self, kept: dict[str, Any]) -> None:
        """The reverse of `dump`; what an older snapshot lacks is nothing."""
        self.moved = [Moved(*row) for row in kept.get("moved", [])]
        self._last |= kept.get("last", {})

    def status(self) -> dict[str, Any]:
        """For the health object: what the last rows that were added late have changed."""
        beyond = self._last["beyond"]
        return self._last | {"command": COMMAND if beyond else ""}

    def past(self, past: Past) -> Past:
        """`past`, each reading with the series that it belongs to by the rows of now."""
        return _relocating(past, list(self.moved))

    def use(
        self, vitals: Vitals, rows: list[PlaceRow], now_ns: int, past: Past, merging: Merging
    ) -> Told:
        """Put the rows of a places file in force at a time of its archive record, Unix ns.

        past: all that was archived before, as it was taken in.
        """
        if self._final is not None:
            rows = _by_final(vitals, rows, self._final, now_ns)
        found = differences(vitals.registry.rows, rows, now_ns // MS) if vitals.now_ns else []
        if not found:
            vitals.load_places(rows)
            return Told()
        settle(vitals)
        inside = within(found, now_ns)
        since_min: dict[PlaceKey, int] = {}
        for one in inside:
            for key in one.places:
                since = one.since_ms // 60_000 - LOOK_AHEAD_MIN
                since_min[key] = min(since_min.get(key, since), since)
        standing = Standing(vitals, since_min, now_ns // 60_000 // MS)
        vitals.load_places(rows)
        self._fold(vitals, [one for one in inside if one.folded], past, merging)
        told = Told(standing.anew(), _reasons(vitals, inside, now_ns // MS), -(-now_ns // MS))
        self._note(found, told, now_ns)
        return told

    def _note(self, found: list[Difference], told: Told, now_ns: int) -> None:
        horizon_ms = (now_ns - HORIZON_NS) // MS
        rows = {(one.new.device, one.new.valid_from_ms) for one in found}
        beyond = {
            (one.new.device, one.new.valid_from_ms) for one in found if one.since_ms < horizon_ms
        }
        self._last = {
            "at_ms": now_ns // MS, "rows": len(rows), "points": len(told.points),
            "beyond": len(beyond),
        }
        log.info("places: %s added late, %s restated", counted(len(rows), "row"),
                 counted(len(told.points), "point"))
        if beyond:
            since = datetime.fromtimestamp(horizon_ms / 1000, UTC).isoformat(timespec="seconds")
            log.warning(
                "places: %s from more than eight days ago; points until %s are final and "
                "stay: `%s` computes them", counted(len(beyond), "row"), since, COMMAND)

    def _fold(
        self, vitals: Vitals, found: list[Difference], past: Past, merging: Merging
    ) -> None:
        """Move readings to where they belong, and fold days anew by what a reading stands for."""
        spans: dict[int, tuple[int, int]] = {}
        fresh: list[Moved] = []
        for one in found:
            span = one.since_ms * MS, one.until_ms * MS
            for slot in _slots_at(vitals, one.new.device, key_of(one.old)):
                before = spans.get(slot, span)
                spans[slot] = min(before[0], span[0]), max(before[1], span[1])
                to = _target(vitals, slot, key_of(one.new)) if one.moved else -1
                if to >= 0:
                    fresh.append(Moved(slot, *span, to))
        vitals.fit()
        for slot, rows in _of_slots(vitals, spans, self.past(past)):
            _fold_one(vitals, slot, spans[slot], rows, [row for row in fresh if row.slot == slot])
        self.moved = [row for row in self.moved if row.end_ns > vitals.now_ns - _KEPT_NS] + fresh
        if fresh:
            merging.forget()
        merging.refold(self.past(past))


def within(found: Iterable[Difference], now_ns: int) -> list[Difference]:
    """The parts of differences that lie in the horizon; readings are never an hour ahead."""
    first_ms, last_ms = (now_ns - HORIZON_NS) // MS, (now_ns + EARLY_NS) // MS
    return [
        one._replace(since_ms=max(one.since_ms, first_ms), until_ms=min(one.until_ms, last_ms))
        for one in found if one.until_ms > first_ms
    ]


def _slots_at(vitals: Vitals, device: str, key: PlaceKey) -> list[int]:
    """The series of a device at a station."""
    registry = vitals.registry
    which = (registry.device_of.get(device, -1), registry.place_of.get(key, -1))
    return [
        slot for slot, series in enumerate(registry.series)
        if (series.device, series.place) == which
    ]


def _target(vitals: Vitals, slot: int, key: PlaceKey) -> int:
    """The series at another station that takes over from a slot; -1 if there is no room."""
    series = vitals.registry.series[slot]
    to = vitals.registry.slot(
        series._replace(place=vitals.registry.place(key)), vitals.panes
    )
    if to < 0:
        log.error("places: no room for a series at %s: its readings stay at %s", key.path,
                  vitals.registry.keys[series.place].path)
    return to


def _of_slots(
    vitals: Vitals, spans: dict[int, tuple[int, int]], past: Past
) -> Iterator[tuple[int, Batch]]:
    """Each slot with its readings that stand, by time, of its span, whole days and a gap about."""
    portion: list[int] = []
    size = 0
    slots = sorted(spans)
    for slot in slots:
        portion.append(slot)
        size += int(vitals.panes.coarse[1][slot]["n"].sum())
        if size < ROWS_AT_ONCE and slot != slots[-1]:
            continue
        firsts, lasts = zip(*(_days(vitals, of, spans[of]) for of in portion), strict=True)
        batch = past(
            np.array(portion, np.int32), min(firsts) - GAP_NS, max(lasts) + GAP_NS
        ).batch
        for of in portion:
            yield of, standing_rows(batch.take(batch.slot == of))
        portion, size = [], 0


def _days(vitals: Vitals, slot: int, span: tuple[int, int]) -> tuple[int, int]:
    """From the beginning of the first local day of a span to the end of its last."""
    registry = vitals.registry
    return span_ns(slot, span[0], registry)[0], span_ns(slot, span[1], registry)[1]


def _fold_one(
    vitals: Vitals, slot: int, span: tuple[int, int], rows: Batch, moved: list[Moved]
) -> None:
    """Fold the days of a series anew, and hand on the readings that belong elsewhere."""
    gone = np.full(len(rows), -1, np.int32)
    for one in moved:
        gone[(rows.time_ns >= one.first_ns) & (rows.time_ns < one.end_ns)] = one.to
    left = rows.take(gone < 0)
    first, end = _days(vitals, slot, span)
    for day_ns in range(first, end, DAY_NS):
        theirs = (rows.time_ns >= day_ns) & (rows.time_ns < day_ns + DAY_NS)
        lost = int((theirs & (gone >= 0)).sum())
        around = (left.time_ns >= day_ns - GAP_NS) & (left.time_ns < day_ns + DAY_NS + GAP_NS)
        if theirs.any():
            vitals.judge.unsettled.add((slot, day_ns))  # the last one has another neighbour now
            if not vitals.refold(slot, day_ns, left.take(around), lost):
                log.error("the archive does not hold all readings of series %d of the day at "
                          "%d ns: they stay as they are", slot, day_ns)
    arriving = rows.take(gone >= 0)
    arriving.slot[:] = gone[gone >= 0]
    _take_over(vitals, arriving)


def _take_over(vitals: Vitals, batch: Batch) -> None:
    """Apply readings that came from another station; they are not late, a row is."""
    late_n, oldest_ns = (column.copy() for column in (
        vitals.series.late_n, vitals.series.late_oldest_ns))
    vitals.apply(batch)
    vitals.series.late_n[:], vitals.series.late_oldest_ns[:] = late_n, oldest_ns


def _relocating(past: Past, moves: list[Moved]) -> Past:
    """`past` with readings where they belong after some moves, one after the other."""
    def where_they_stood(slots: npt.NDArray[np.int32], first_ns: int, end_ns: int) -> Rows:
        wanted = set(slots.tolist())
        for moved in reversed(moves):
            if moved.to in wanted:
                wanted.add(moved.slot)
        rows = past(np.array(sorted(wanted), np.int32), first_ns, end_ns)
        batch = rows.batch
        for slot, from_ns, before_ns, to in moves:
            theirs = (batch.slot == slot) & (batch.time_ns >= from_ns)
            batch.slot[theirs & (batch.time_ns < before_ns)] = to
        return rows.take(np.isin(batch.slot, slots))
    return where_they_stood


def _reasons(
    vitals: Vitals, found: list[Difference], now_ms: int
) -> dict[int, list[str]]:
    """By place row, of public stations and their areas, what rows were added, and how late.

    A private station is not named: what it says is no part of what is said anew.
    """
    reasons: dict[int, list[str]] = {}
    registry = vitals.registry
    for one in found:
        public = [key for key in one.places if not registry.hides(*key)]
        said = str(one) if len(public) == len(one.places) else (
            "row of the places file added late: a device that is at a private station before or "
            "after")
        text = f"{said}; {span_of_time((now_ms - one.new.valid_from_ms) / 1000)} late"
        for key in public:
            place = registry.place(key)
            for of in (place, *registry.parents(place)):
                if text not in reasons.setdefault(of, []):
                    reasons[of].append(text)
    return reasons


def _by_final(
    vitals: Vitals, rows: list[PlaceRow], final: list[PlaceRow], now_ns: int
) -> list[PlaceRow]:
    """Rows of an archived file, but each device as the final file has it.

    A device whose readings the final file has elsewhere keeps its rows: readings are at the
    station at which they were taken in. Places and devices get the numbers that they had.
    """
    last = by_device(final)
    stations = {key_of(row) for row in rows}
    for row in rows:
        vitals.registry.place(key_of(row))
    chosen: list[PlaceRow] = []
    for device, own in by_device(rows).items():
        vitals.registry.device(device)
        other = last.get(device, own)
        known = stations.issuperset(map(key_of, other))
        chosen += other if known and same_stations(own, other, now_ns // MS) else own
    return sorted(chosen, key=lambda row: row.valid_from_ms)
