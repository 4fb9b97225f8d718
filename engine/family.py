"""A family of indicators: computed together, over the same windows of the same places.

Windows are numbered by ordinals: for a fixed cadence the local period number, for days the
civil day. Everything a family computes is a pure function of the panes (and, for traffic, of the
free-flow speeds frozen at 03:00), so a window can be computed again at any time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from engine.calendar import Zone, civil_day, day_start_min, standard_day, standard_day_start_min
from engine.changed import Reaching
from engine.daybook import Book
from engine.panes import Panes
from engine.registry import Registry
from engine.series import live_series

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Slots = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]

NOT_MEASURED, NO_WINDOW = -1, -2
"""In place of a number of readings, where there is no point: the station has no sensor for it;
there is no such window (a peak hour of a weekend), or nothing is known of it any more."""


@dataclass(slots=True)
class Result:
    """Values of k windows and i indicators: float64[k, i], NaN insufficient.

    cov: float64[k, i], 0..1. n: int32[k, i], readings used, or NOT_MEASURED or NO_WINDOW.
    weight: float64[k], the area weight (vehicle kilometres), 1 where all count alike.
    between: bool[k], windows that end between two reports of a station: its areas count with
    what it reported last, the station itself says nothing new.
    """

    value: Floats
    cov: Floats
    n: npt.NDArray[np.int32]
    weight: Floats
    between: Bools

    def take(self, rows: Integers | slice) -> "Result":
        """The results at `rows`; of a slice those themselves, to be filled in."""
        return Result(
            self.value[rows], self.cov[rows], self.n[rows], self.weight[rows], self.between[rows]
        )

    def followed_by(self, other: "Result") -> "Result":
        """These, and after them the others."""
        return Result(
            np.concatenate([self.value, other.value]), np.concatenate([self.cov, other.cov]),
            np.concatenate([self.n, other.n]), np.concatenate([self.weight, other.weight]),
            np.concatenate([self.between, other.between]),
        )


@dataclass(slots=True)
class Members:
    """Places with the slots of their inputs as one blank-padded table.

    table: int32[members, inputs * devices], -1 blank. shift: int64[members], minutes of the
    grid of panes east of UTC. zones: the zone of each member is zones[zone]; zone: int64[members].
    beside: quantities that stand in the table behind the inputs, where they bear on these.
    """

    inputs: tuple[int, ...]
    places: list[int] = field(default_factory=list)
    table: Slots = field(default_factory=lambda: np.zeros((0, 0), np.int32))
    shift: Integers = field(default_factory=lambda: np.zeros(0, np.int64))
    zones: list[Zone] = field(default_factory=list)
    zone: Integers = field(default_factory=lambda: np.zeros(0, np.int64))
    devices: int = 1
    registry: Registry = field(default_factory=Registry)
    version: int = -1
    beside: tuple[int, ...] = ()

    def enrol(self, registry: Registry, found: dict[int, dict[int, list[int]]]) -> None:
        """Fill the table from `Registry.stations_with`; members keep their row."""
        self.registry = registry
        known = set(self.places)
        self.places.extend(place for place in found if place not in known)
        widths = [len(slots) for by in found.values() for slots in by.values()]
        self.devices = max(widths, default=1)
        columns = (*self.inputs, *(self.beside if registry.corrected else ()))
        shape = (len(self.places), len(columns) * self.devices)
        self.table = np.full(shape, -1, np.int32)
        rows = [registry.attributes[place] for place in self.places]
        zones = [registry.zone_of(place) for place in self.places]
        self.zones = sorted(set(zones), key=str)
        code = {zone: i for i, zone in enumerate(self.zones)}
        self.zone = np.array([code[zone] for zone in zones], np.int64)
        self.shift = np.array([row.shift_min for row in rows], np.int64)
        for member, place in enumerate(self.places):
            for i, quantity in enumerate(columns):
                for j, slot in enumerate(found[place].get(quantity, ())):
                    self.table[member, i * self.devices + j] = slot

    def civil_days(self, members: Integers, minute: Integers, begins_hour: int = 0) -> Integers:
        """Civil day of each member at each Unix minute; see `civil_day`."""
        days = np.zeros(len(members), np.int64)
        for code, tz in enumerate(self.zones):
            at = self.zone[members] == code
            days[at] = civil_day(tz, minute[at], begins_hour)
        return days

    def day_starts(self, members: Integers, day: Integers) -> Integers:
        """Unix minute at which the civil day of each member begins."""
        starts = np.zeros(len(members), np.int64)
        for code, tz in enumerate(self.zones):
            at = self.zone[members] == code
            starts[at] = day_start_min(tz, day[at])
        return starts

    def standard_days(self, members: Integers, minute: Integers) -> Integers:
        """As `civil_days`, in standard time."""
        days = np.zeros(len(members), np.int64)
        for code, tz in enumerate(self.zones):
            at = self.zone[members] == code
            days[at] = standard_day(tz, minute[at])
        return days

    def standard_day_starts(self, members: Integers, day: Integers) -> Integers:
        """As `day_starts`, in standard time."""
        starts = np.zeros(len(members), np.int64)
        for code, tz in enumerate(self.zones):
            at = self.zone[members] == code
            starts[at] = standard_day_start_min(tz, day[at])
        return starts

    def live(
        self, members: Integers, start_min: Integers, end_min: Integers, panes: Panes
    ) -> Bools:
        """bool[k, columns of the table]: the series that there are in each window.

        A series is there from its first reading on, for as long as its device owes readings. So
        a meter that is added or replaced does not change what was said before it came.
        """
        there = np.zeros((len(members), self.table.shape[1]), np.bool_)
        live_series(
            self.table, members, start_min, end_min, panes.first_min, self.registry.since_s,
            self.registry.period_s, there,
        )
        return there


class Family(Protocol):
    """What the windows need of a family."""

    @property
    def indicators(self) -> tuple[int, ...]:
        """Rows of the catalogue, in the order of `compute`'s columns."""

    @property
    def members(self) -> Members:
        """Places that have the indicators; append-only."""

    @property
    def books(self) -> Mapping[str, Book]:
        """What the family keeps of days beyond the panes, by name; in snapshots."""

    @property
    def back(self) -> int:
        """Windows after that of a first reading in which what came before it still counts."""

    def enrol(self, registry: Registry) -> None:
        """Take in new series and places; members keep their row."""

    def ordinal(self, members: Integers, minute: Integers) -> Integers:
        """Window of each member that holds the Unix minute."""

    def end_min(self, members: Integers, window: Integers) -> Integers:
        """Unix minute at which each window ends, and the next begins."""

    def touched(self, changed: Reaching, member_of: Slots) -> tuple[
        Integers, Integers
    ]:
        """Windows (members, ordinals, may repeat) that changed panes (level, slot, index) feed."""

    def patience_min(self, members: Integers, now_min: int) -> Integers:
        """Minutes that each member's windows wait, beyond the grace, for what comes after them."""

    def speaks(self, members: Integers, windows: Integers, panes: Panes) -> Bools:
        """False where a member surely has nothing new to say; then nothing is computed."""

    def compute(self, members: Integers, windows: Integers, now_min: int, panes: Panes) -> Result:
        """Values of the windows; `now_min` bounds what an open window may expect."""

    def area(
        self, place: int, members: Integers, window: int, now_min: int, panes: Panes
    ) -> tuple[Floats, float] | None:
        """Value (float64[i]) and coverage of an area where its rule is the family's own."""

    def rated(self, place: int, members: Integers, window: int) -> tuple[Floats, Floats] | None:
        """What an area's values and coverages are multiplied with (float64[i]), if anything.

        members: those of the area with a value.
        """


class Plain:
    """What most families do: no books, no waiting, and areas by the rule of the catalogue."""

    back = 0

    @property
    def books(self) -> Mapping[str, Book]:
        """None."""
        return {}

    def patience_min(self, members: Integers, now_min: int) -> Integers:
        """No minute."""
        return np.zeros(len(members), np.int64)

    def speaks(self, members: Integers, windows: Integers, panes: Panes) -> Bools:
        """In each window."""
        return np.ones(len(members), np.bool_)

    def area(
        self, place: int, members: Integers, window: int, now_min: int, panes: Panes
    ) -> tuple[Floats, float] | None:
        """By the rule of the catalogue."""
        return None

    def rated(self, place: int, members: Integers, window: int) -> tuple[Floats, Floats] | None:
        """With nothing."""
        return None


class Source(Protocol):
    """What enrols members that several families share."""

    members: Members

    def enrol(self, registry: Registry) -> None:
        """Take in new series and places."""


S = TypeVar("S", bound=Source)


class Shared(Plain, Generic[S]):
    """The start of a family whose members another object enrols."""

    def __init__(self, source: S) -> None:
        self.source = source
        self.members = source.members

    def enrol(self, registry: Registry) -> None:
        """As the source does."""
        self.source.enrol(registry)


class Cadence(Plain):
    """Windows of a fixed length, cut in local standard time: the start of a family."""

    minutes = 60

    def __init__(self, members: Members) -> None:
        self.members = members

    def ordinal(self, members: Integers, minute: Integers) -> Integers:
        """Local number of the window."""
        return (minute + self.members.shift[members]) // self.minutes

    def end_min(self, members: Integers, window: Integers) -> Integers:
        """Unix minute of the window's end."""
        return (window + 1) * self.minutes - self.members.shift[members]


class CivilDays(Plain):
    """Windows that are the days on the clock, of 23 to 25 hours: the start of a family."""

    def __init__(self, members: Members) -> None:
        self.members = members

    def ordinal(self, members: Integers, minute: Integers) -> Integers:
        """Proleptic ordinal of the day."""
        return self.members.civil_days(members, minute)

    def end_min(self, members: Integers, window: Integers) -> Integers:
        """Unix minute of the next midnight."""
        return self.members.day_starts(members, window + 1)

    def days_from(
        self, members: Integers, local_min: Integers, days: int
    ) -> tuple[Integers, Integers]:
        """The days of minutes in standard time, each once, and the `days` - 1 after each."""
        found = self.members.civil_days(members, local_min - self.members.shift[members])
        pairs = np.unique(np.stack([members, found]), axis=1)
        return spread(pairs[0], pairs[1], days)


def anywhere(mask: Bools, axis: int) -> Bools:
    """Whether a mask holds anywhere along an axis."""
    found: Bools = np.asarray(mask.any(axis=axis))
    return found


def spread(members: Integers, windows: Integers, back: int) -> tuple[Integers, Integers]:
    """Each window and the `back` - 1 windows after it: all that look back on it."""
    steps = np.arange(back)
    return np.repeat(members, back), (windows[:, None] + steps).ravel()


def ranges(rows: Integers, first: Integers, count: Integers) -> tuple[Integers, Integers]:
    """Each row `count` times, and beside it `first`, `first` + 1, …"""
    step = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)
    return np.repeat(rows, count), np.repeat(first, count) + step


def blank(count: int, indicators: int) -> Result:
    """A result of NaN, coverage 0, n 0 and weight 1."""
    return Result(
        np.full((count, indicators), np.nan), np.zeros((count, indicators)),
        np.zeros((count, indicators), np.int32), np.ones(count), np.zeros(count, np.bool_),
    )


def present(family: Family, members: Integers, windows: Integers, panes: Panes) -> Bools:
    """bool[k]: windows in which a member has a series at all."""
    start = family.end_min(members, windows - 1)
    end = family.end_min(members, windows)
    there = anywhere(family.members.live(members, start, end, panes), 1)
    return np.logical_and(there, end > start)  # a day that the zone left out is none


def speaking(family: Family, members: Integers, windows: Integers, panes: Panes) -> Bools:
    """bool[k]: windows of which a member may have something new to say."""
    if getattr(type(family), "speaks", None) is Plain.speaks:
        return np.ones(len(members), np.bool_)
    return family.speaks(members, windows, panes)
