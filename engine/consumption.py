"""Electricity used per inhabitant: of a day, of the year so far, and of twelve months.

Stations have energies, of which nothing is said here; an area divides their sum by its inhabitants
and scales it from the customers that are metered to all. Population and customers of an area are
facts: without the first there is no value, without the second what is metered counts alone.
"""

from datetime import date
from typing import NamedTuple

import numpy as np

from engine.catalogue import POSITION
from engine.changed import Reaching
from engine.daybook import DayBook
from engine.energy import DemandPeaks
from engine.family import CivilDays, Floats, Integers, Result, Shared, Slots, blank
from engine.feeders import CUSTOMERS, customers_of, first_day
from engine.meters import Meters
from engine.month_peaks import DAY_COLUMNS, PEAK_DAYS
from engine.panes import HORIZON_DAYS, Panes
from engine.registers import BLOCK_MIN

POPULATION = "population"
KINDS = ("day", "ytd", "year")
"""What each indicator sums over: the day, the calendar year so far, 365 days."""
SHARE_MIN = {"day": 0.75, "ytd": 0.9, "year": 0.9}
"""The least of the 15-minute blocks that a meter must have."""
COLUMNS = ("sum_kw", "complete", "blocks")
BLOCKS_AN_HOUR = 60 // BLOCK_MIN
RESTATED_DAYS = HORIZON_DAYS + 2
_DAY, _SUM, _COMPLETE, _BLOCKS = (
    DAY_COLUMNS.index(name) for name in ("day", "sum_kw", "complete", "blocks"))


class Inhabitants(NamedTuple):
    """What an area is divided by, and scaled with; NaN unknown.

    middle: civil day for which the population is asked: the middle of the period.
    """

    middle: int
    population: float
    customers: float
    metered: float

    @property
    def scale(self) -> float:
        """All customers over those that are metered; 1 where either is unknown."""
        known = self.customers > 0 and self.metered > 0
        return self.customers / self.metered if known else 1.0

    @property
    def share(self) -> float:
        """The share of the customers that is metered, at most 1; 1 where it is unknown."""
        return min(1.0 / self.scale, 1.0)


class Consumption(Shared[Meters], CivilDays):
    """kWh a head, at the end of each civil day; of areas alone."""

    indicators = tuple(POSITION[f"energy.consumption_per_capita{tail}"] for tail in (
        "_day", "_ytd", "",
    ))

    def __init__(self, peaks: DemandPeaks) -> None:
        super().__init__(peaks.source)
        self.peaks = peaks
        self._customers: dict[int, list[tuple[int, float]]] = {}
        self._known = -1
        self.book = DayBook(len(COLUMNS))

    @property
    def books(self) -> dict[str, DayBook]:
        """Blocks of a year of days, by member."""
        return {"days": self.book}

    def patience_min(self, members: Integers, now_min: int) -> Integers:
        """As long as the registers ask for."""
        return self.source.patience_min(members, now_min)

    def touched(self, changed: Reaching, member_of: Slots) -> tuple[Integers, Integers]:
        """The day, and those after it that may be closed: the year looks back on it."""
        members, blocks = self.source.touched(changed, member_of)
        return self.days_from(members, blocks * BLOCK_MIN, RESTATED_DAYS)

    def compute(self, members: Integers, windows: Integers, now_min: int, panes: Panes) -> Result:
        """kWh of each meter: areas count them, the station itself says nothing."""
        result = blank(len(members), len(KINDS))
        result.between[:] = True
        self.book.enter(members, windows, self.day_rows(members, windows, now_min, panes))
        for column, kind in enumerate(KINDS):
            first = np.array([first_of(kind, day) for day in windows.tolist()], np.int64)
            sums, _ = self.book.sums(members, first, windows)
            owed = self.owed(members, first, windows)
            share = sums[:, 1] / np.maximum(owed, 1.0)
            enough = (share >= SHARE_MIN[kind]) & (sums[:, 1] > 0)
            mean = sums[:, 0] / np.maximum(sums[:, 1], 1.0)
            result.value[:, column] = np.where(enough, mean * owed / BLOCKS_AN_HOUR, np.nan)
            result.cov[:, column], result.n[:, column] = share, sums[:, 1]
        return result

    def owed(self, members: Integers, first: Integers, last: Integers) -> Floats:
        """Blocks of the civil days first to last, both inclusive; of a new meter as of others."""
        length = self.end_min(members, last) - self.end_min(members, first - 1)
        blocks: Floats = (length // BLOCK_MIN).astype(np.float64)
        return blocks

    def day_rows(
        self, members: Integers, days: Integers, now_min: int, panes: Panes
    ) -> Floats:
        """`COLUMNS` of each meter and day, as the peaks of demand have just taken them in."""
        found = self._kept(members, days)
        # In an explanation nobody else asks for the days, and they are more than are kept at once.
        missing = np.nonzero(found[:, 0] < days)[0]
        missing = missing[np.argsort(days[missing], kind="stable")]
        edges = np.nonzero(np.diff(days[missing] // PEAK_DAYS))[0] + 1
        for rows in np.split(missing, edges) if len(missing) else []:
            self.peaks.compute(members[rows], days[rows], now_min, panes)
            found[rows] = self._kept(members[rows], days[rows])
        found[found[:, 0] != days, 1:] = 0.0  # after a long stop: panes had none of it
        return np.ascontiguousarray(found[:, 1:])

    def _kept(self, members: Integers, days: Integers) -> Floats:
        """float64[k, 4]: the day that the peaks keep where a day would be, and its `COLUMNS`."""
        places = [self.members.places[member] for member in members.tolist()]
        rows, column = self.peaks.month.rows(places), days % PEAK_DAYS
        table = self.peaks.month.table
        return np.stack(
            [table[rows, of, column] for of in (_DAY, _SUM, _COMPLETE, _BLOCKS)], axis=1)

    def inhabitants(self, place: int, members: Integers, kind: str, day: int) -> Inhabitants:
        """What is known of an area for a period, and the customers of some of its meters."""
        registry = self.members.registry
        path, middle = registry.keys[place].path, middle_of(kind, day)
        if self._known != registry.version:
            self._known, self._customers = registry.version, customers_of(registry)
        metered = 0.0
        for member in members.tolist():
            changes = self._customers.get(self.members.places[member], [])
            metered += next((count for since, count in reversed(changes) if since <= day), 0.0)
        return Inhabitants(
            middle, registry.facts.at(path, POPULATION, middle),
            registry.facts.at(path, CUSTOMERS, day), metered,
        )

    def rated(self, place: int, members: Integers, window: int) -> tuple[Floats, Floats]:
        """What the sums of an area are multiplied with, and their coverage: float64[i] each."""
        found = [self.inhabitants(place, members, kind, window) for kind in KINDS]
        return (
            np.array([one.scale / one.population if one.population > 0 else np.nan
                      for one in found]),
            np.array([one.share for one in found]),
        )


def first_of(kind: str, day: int) -> int:
    """First day of the period of a kind that a day ends."""
    return day if kind == "day" else first_day(kind, day)


def middle_of(kind: str, day: int) -> int:
    """The day whose population counts: of a year so far the first of July, else the middle."""
    if kind == "ytd":
        return date.fromordinal(day).replace(month=7, day=1).toordinal()
    return (first_of(kind, day) + day) // 2
