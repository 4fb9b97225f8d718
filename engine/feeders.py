"""Feeders: the places with customers, how many they had when, and what they count of a period."""

from datetime import date
from typing import NamedTuple

import numpy as np

from edge.places import PlaceKey
from engine.calendar import EPOCH_DAY, month_start
from engine.family import Bools, Integers, Members
from engine.interruptions import OPEN_MS, Interruptions
from engine.panes import Panes
from engine.registry import Registry
from engine.reliability import Counted, counted

CUSTOMERS = "customers"
"""The fact that says the customers of a station; it comes before those of the places file."""
YEAR_DAYS = 365
MINUTE_MS = 60_000


class Period(NamedTuple):
    """Days of a period up to a window, both inclusive, and the first that is known of."""

    first: int
    known: int
    last: int

    @property
    def days(self) -> int:
        """How many days it has."""
        return self.last - self.first + 1

    @property
    def known_days(self) -> int:
        """How many of them interruptions are reported for."""
        return max(self.last - self.known + 1, 0)


class Feeders(Members):
    """Stations with customers; changes: by place row, the days from which so many are served."""

    def __init__(self, interruptions: Interruptions) -> None:
        super().__init__(())
        self.interruptions = interruptions
        self.changes: dict[int, list[tuple[int, float]]] = {}
        self._seen = (-1, 0)

    def enrol_from(self, registry: Registry) -> None:
        """Take in new stations and what is known of their customers."""
        seen = (registry.version, len(self.interruptions.places()))
        if seen == self._seen:
            return
        self._seen = seen
        self.changes = customers_of(registry)
        self.enrol(registry, {place: {} for place in self.changes})
        self.table = np.full((len(self.places), 1), -1, np.int32)

    def served(self, member: int, first: int, last: int) -> float:
        """Mean number of customers over the days first to last, both inclusive."""
        changes = self.changes.get(self.places[member], [])
        total = 0.0
        for i, (day, count) in enumerate(changes):
            until = changes[i + 1][0] - 1 if i + 1 < len(changes) else last
            days = min(until, last) - max(day, first) + 1
            total += count * max(days, 0)
        return total / (last - first + 1)

    def live(
        self, members: Integers, start_min: Integers, end_min: Integers, panes: Panes
    ) -> Bools:
        """bool[k, 1]: those that serve customers on the day, since interruptions are reported."""
        days = self.civil_days(members, start_min)
        since = self.since(members)
        return np.array([
            [day >= begun and self.served(member, day, day) > 0]
            for member, day, begun in zip(
                members.tolist(), days.tolist(), since.tolist(), strict=True)
        ], np.bool_).reshape(-1, 1)

    def since(self, members: Integers) -> Integers:
        """The civil day of each member on which the first interruption was reported."""
        if self.interruptions.since_ms == OPEN_MS:
            return np.full(len(members), 1 << 40)
        minute = np.full(len(members), self.interruptions.since_ms // MINUTE_MS, np.int64)
        return self.civil_days(members, minute)

    def period(self, member: int, first: int, last: int) -> Period:
        """A period of days; what is known begins with the first report."""
        since = int(self.since(np.array([member], np.int64))[0])
        return Period(first, max(first, since), last)

    def steps(self, member: int, until_ms: int) -> tuple[Integers, Counted]:
        """Civil days on which the steps of a member began, and what each counts.

        What is open, or was until `until_ms`, has lasted until then; what begins later is none.
        """
        table = self.interruptions.table
        place = self.places[member]
        first, last = np.searchsorted(table["place"], [place, place + 1])
        rows = table[first:last]
        rows = rows[rows["start_ms"] < until_ms]
        end = np.where(rows["end_ms"] == OPEN_MS, until_ms, rows["end_ms"])
        of = np.full(len(rows), member, np.int64)
        days = self.civil_days(of, rows["start_ms"] // MINUTE_MS)
        return days, counted(end - rows["start_ms"], rows["customers"], rows["again"])


def customers_of(registry: Registry) -> dict[int, list[tuple[int, float]]]:
    """Of each station the days from which it serves so many: by facts, before by the places file.

    Stations that never serve anybody are left out.
    """
    told: dict[int, dict[int, float]] = {
        place: {} for place in sorted(registry.attributes) if registry.keys[place].station
    }
    for row in registry.rows:
        place = registry.place_of[PlaceKey(row.city, row.district, row.station)]
        day = row.valid_from_ms // 86_400_000 + EPOCH_DAY
        told[place][day] = float(row.customers) if row.status == "active" else 0.0
    found = {}
    for place, rows in told.items():
        facts = registry.facts.dated(registry.keys[place].path, CUSTOMERS)
        since = facts[0][0] if facts else 1 << 40
        changes = sorted([(day, count) for day, count in rows.items() if day < since] + facts)
        if any(count > 0 for _, count in changes):
            found[place] = changes
    return found


def first_day(kind: str, day: int) -> int:
    """First day of the period of a kind that a day ends: 12 months, the month, the year."""
    if kind == "month":
        return month_start(day)
    if kind == "ytd":
        return date.fromordinal(day).replace(month=1, day=1).toordinal()
    return day - YEAR_DAYS + 1
