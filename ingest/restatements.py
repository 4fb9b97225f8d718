"""What to say of points that late readings changed: which, by how much and why.

Collected for a minute, then told as events: one for each place and indicator that changed, with
the window that changed most. A flood is told by district, and a greater one in one event, so that
a minute never makes more than `RESTATED_EVENTS_MAX`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

from edge.places import PlaceKey
from edge.quantities import QUANTITIES
from engine.catalogue import INDICATORS
from engine.corrected_hours import PM25, RH
from engine.points import INSUFFICIENT
from engine.registry import Registry
from engine.vitals import Restated, Vitals
from ingest.store_rows import Rewritten

RESTATED_EVENTS_MAX = 100
"""Events a minute; if more places and indicators changed, one a district; beyond, one in all."""

_QUANTITY_IDS = list(QUANTITIES)


class Restatement(NamedTuple):
    """One event: where, of which indicator (empty: of several), and its words."""

    key: PlaceKey
    indicator: str
    title: str
    text: str


@dataclass(slots=True)
class _Change:
    """What changed of one indicator at one place: the windows, and the one that changed most."""

    windows: int
    first_s: int
    last_s: int
    most: Rewritten


@dataclass(slots=True)
class _Cause:
    """Readings that came late, and how much at most."""

    readings: int = 0
    late_s: float = 0.0

    def add(self, readings: int, late_s: float) -> None:
        self.readings += readings
        self.late_s = max(self.late_s, late_s)

    def __str__(self) -> str:
        if not self.readings:
            return "follows from late readings told before, or from a new station's"
        return f"{counted(self.readings, 'reading')}, {span(self.late_s)} late"


class Why(Protocol):
    """What points were restated for."""

    def of(self, place: int, indicator: int = -1, /) -> object:
        """Words, when made text, for an indicator of a place; by default for all of them."""


class Restatements:
    """Collects rewritten points until they are told."""

    def __init__(self) -> None:
        self._changes: dict[tuple[int, int], _Change] = {}
        self._unchanged: dict[int, int] = {}

    def note(self, rows: Iterable[Rewritten]) -> None:
        """Take in what a write to the store replaced."""
        for row in rows:
            if (row.value, row.level) == (row.old_value, row.old_level):
                self._unchanged[row.place] = self._unchanged.get(row.place, 0) + 1
                continue
            key = (row.place, row.indicator)
            kept = self._changes.get(key)
            if kept is None:
                self._changes[key] = _Change(1, row.end_s, row.end_s, row)
                continue
            kept.windows += 1
            kept.first_s = min(kept.first_s, row.end_s)
            kept.last_s = max(kept.last_s, row.end_s)
            kept.most = max(kept.most, row, key=_size)

    def tell(self, causes: Why, vitals: Vitals) -> list[Restatement]:
        """The events of what was noted since the last call, and forget it."""
        changes, self._changes = self._changes, {}
        unchanged, self._unchanged = self._unchanged, {}
        registry = vitals.registry
        same = [place for place in unchanged if all(key[0] != place for key in changes)]
        same = [place for place in same if registry.keys[place].station]
        if len(changes) + len(same) > RESTATED_EVENTS_MAX:
            return _flood(changes, causes, registry)
        told = [
            _event(registry, place, indicator, change, str(causes.of(place, indicator)))
            for (place, indicator), change in changes.items()
        ]
        told += [
            Restatement(registry.keys[place], "", "Restated, no value changed",
                 f"{causes.of(place)}; {counted(unchanged[place], 'point')} said anew")
            for place in same
        ]
        return told


class Causes:
    """Late readings by place and quantity; an area's are those of its stations."""

    def __init__(self, late: Restated, vitals: Vitals) -> None:
        self._by: dict[tuple[int, int], _Cause] = {}
        registry = vitals.registry
        for slot, count, oldest_ns in zip(
            late.slots.tolist(), late.readings.tolist(), late.oldest_ns.tolist(), strict=True
        ):
            series = registry.series[slot]
            late_s = (vitals.now_ns - oldest_ns) / 1e9
            for place in (series.place, *registry.parents(series.place)):
                for quantity in (series.quantity, -1):
                    self._by.setdefault((place, quantity), _Cause()).add(count, late_s)
        self._inputs = {
            indicator: windows.family.members.inputs
            for windows in vitals.windows for indicator in windows.family.indicators
        }
        self._corrected = registry.corrected.union(
            *(registry.parents(place) for place in registry.corrected)
        )

    def of(self, place: int, indicator: int = -1) -> _Cause:
        """Late readings that an indicator of a place is made of; by default all.

        Where PM2.5 is corrected the humidity counts, too.
        """
        inputs = (-1,) if indicator < 0 else self._inputs[indicator]
        # An index of one pollutant looks at that alone, though computed with the others.
        own = INDICATORS[indicator].id.rsplit("_", 1)[-1] if indicator >= 0 else ""
        named = tuple(q for q in inputs if q >= 0 and _QUANTITY_IDS[q] == own)
        cause = _Cause()
        wanted = named or inputs
        if (PM25 in wanted and place in self._corrected
                and INDICATORS[indicator].domain == "air"):
            wanted += (RH,)
        for quantity in wanted:
            found = self._by.get((place, quantity))
            if found is not None:
                cause.add(found.readings, found.late_s)
        return cause


def _size(row: Rewritten) -> tuple[bool, float, int]:
    """How much a point changed: to or from insufficient is most."""
    one_sided = (row.level == INSUFFICIENT) != (row.old_level in (INSUFFICIENT, None))
    return one_sided, abs(row.value - (row.old_value or 0.0)), row.end_s


def _event(
    registry: Registry, place: int, indicator: int, change: _Change, why: str
) -> Restatement:
    entry, row = INDICATORS[indicator], change.most
    plain = entry.unit in {"", "1"} or row.level == INSUFFICIENT
    unit = "" if plain else f" {entry.unit}"

    def when(end_s: int) -> str:
        # A day goes by the zone in force when it begins, also if another one began amidst it.
        return _when(end_s, registry.zone_at(place, (end_s - entry.cadence_s) * 1000))

    def shown(value: float | None, level: int | None) -> str:
        if value is None:
            return "not known"
        return "insufficient" if level == INSUFFICIENT else f"{value:.{entry.digits}f}"

    title = (
        f"{entry.name} until {when(row.end_s)}: "
        f"{shown(row.old_value, row.old_level)} -> {shown(row.value, row.level)}{unit}"
    )
    more = "" if change.windows == 1 else (
        f"; {change.windows} values from {when(change.first_s)} to "
        f"{when(change.last_s)} changed, this one most"
    )
    return Restatement(registry.keys[place], entry.key, title, why + more)


def _flood(
    changes: dict[tuple[int, int], _Change], causes: Why, registry: Registry
) -> list[Restatement]:
    """One event a district; if there are too many, one for the city."""
    groups: dict[int, list[tuple[tuple[int, int], _Change]]] = {}
    for item in changes.items():
        key = registry.keys[item[0][0]]
        if key.district:
            parent = registry.place_of[PlaceKey(key.city, key.district, "")]
            groups.setdefault(parent, []).append(item)
    if len(groups) > RESTATED_EVENTS_MAX:
        every = [item for group in groups.values() for item in group]
        city = registry.place_of[PlaceKey(registry.keys[next(iter(groups))].city, "", "")]
        groups = {city: every}
    told = []
    for area, group in groups.items():
        windows = sum(change.windows for _, change in group)
        first, last = (
            _when(end_s, registry.zone_at(area, end_s * 1000 - 1)) for end_s in (
                min(change.first_s for _, change in group),
                max(change.last_s for _, change in group),
            )
        )
        stations = len({place for (place, _), _ in group if registry.keys[place].station})
        told.append(Restatement(
            registry.keys[area], "",
            f"{counted(windows, 'value')} of {counted(stations, 'station')} restated",
            f"{causes.of(area)}; from {first} to {last}",
        ))
    return told


def _when(end_s: int, zone: str) -> str:
    return datetime.fromtimestamp(end_s, UTC).astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")


def counted(count: int, noun: str) -> str:
    """`1 reading`, `14 readings`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def span(seconds: float) -> str:
    """A length of time for people."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 172_800 else f"{seconds / 86_400:.1f} d"
