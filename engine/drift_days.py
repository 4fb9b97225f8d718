"""Sensors that seem to drift against their neighbours, told at the end of each day.

What a day looks back on is older than the panes of hours when it is said anew; so of each sensor
the hours of its days are kept in a book, and beside them the medians of its neighbours.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from edge.quantities import INDEX
from engine.catalogue import POSITION
from engine.changed import Reaching, of_level
from engine.conversion import FACTORS
from engine.daybook import DayBook
from engine.drift import (
    COLUMNS,
    DAY_H,
    NEIGHBOURS_MIN,
    OFF_UGM3,
    SPAN_D,
    SPAN_H,
    WEEK_H,
    drifting,
    neighbour_medians,
)
from engine.family import (
    NO_WINDOW,
    NOT_MEASURED,
    Bools,
    Floats,
    Integers,
    Members,
    Plain,
    Result,
    Slots,
    anywhere,
    blank,
    spread,
)
from engine.hour_means import hour_means
from engine.neighbours import Near, Neighbourhood
from engine.panes import HORIZON_DAYS, HOUR, Panes
from engine.registry import Registry

SENSED = ("pm25", "pm10", "o3", "so2", "no2")
"""Quantities whose sensors are held against each other."""
FLOOR = {INDEX[name]: OFF_UGM3 / FACTORS["eu"].get(name, 1.0) for name in SENSED}
"""5 µg/m³ in the unit of each quantity, at 20 °C."""
WEEK_D = WEEK_H // DAY_H
RESTATED_DAYS = HORIZON_DAYS + 2
BOOK_DAYS = RESTATED_DAYS + SPAN_D + 4
"""The days that may be said anew, what the oldest of them looks back on, and a margin."""
DRIFTS = COLUMNS.index("drifts")


class Judged(NamedTuple):
    """Sensors of one quantity at the end of one day.

    row: int64[s], of the member in what was asked. slot: int32[s]. near: int32[s, 16], slots, -1
    blank. taken: bool[s, 16], which of them are neighbours. x, m: float64[s, 240]. told:
    float64[s, 7], `engine.drift.COLUMNS`.
    """

    row: Integers
    slot: Slots
    near: Slots
    taken: Bools
    x: Floats
    m: Floats
    told: Floats


class DriftDays(Plain):
    """How many of the sensors of a station seem to drift."""

    indicators: tuple[int, ...] = (POSITION["dq.drift"],)
    back = RESTATED_DAYS

    def __init__(self, panes: Panes) -> None:
        self.panes = panes
        self.members = Members(tuple(INDEX[name] for name in SENSED))
        self.row: Slots = np.zeros(0, np.int32)
        self.at: Slots = np.zeros(0, np.int32)
        self.around: dict[int, Neighbourhood] = {}
        self.hours, self.medians = DayBook(DAY_H, BOOK_DAYS), DayBook(DAY_H, BOOK_DAYS)
        self._seen = -1

    @property
    def books(self) -> dict[str, DayBook]:
        """Hours of each sensor, and of its neighbours, by the row that it has among the sensors."""
        return {"hours": self.hours, "medians": self.medians}

    def enrol(self, registry: Registry) -> None:
        """Take in new series; a sensor keeps its row, as its slot is never another's."""
        if registry.version == self._seen:
            return
        self._seen = registry.version
        found = registry.stations_with(SENSED)
        self.members.enrol(registry, found)
        count = len(registry.series)
        self.row, self.at = np.full(count, -1, np.int32), np.full(count, -1, np.int32)
        sensed = [slot for slot, one in enumerate(registry.series) if one.quantity in FLOOR]
        self.row[sensed] = np.arange(len(sensed), dtype=np.int32)
        self.around = {}
        for quantity in FLOOR:
            slots = [slot for by in found.values() for slot in by.get(quantity, ())]
            slots.sort(key=lambda slot: (
                registry.devices[registry.series[slot].device], registry.series[slot].channel
            ))
            self.around[quantity] = Neighbourhood(registry, slots)
            mine = self.around[quantity].slots
            self.at[mine] = np.arange(len(mine), dtype=np.int32)

    def ordinal(self, members: Integers, minute: Integers) -> Integers:
        """Proleptic ordinal of the day in standard time."""
        return self.members.standard_days(members, minute)

    def end_min(self, members: Integers, window: Integers) -> Integers:
        """Unix minute of the next midnight in standard time."""
        return self.members.standard_day_starts(members, window + 1)

    def touched(self, changed: Reaching, member_of: Slots) -> tuple[Integers, Integers]:
        """The day of the sensor and of all that it is near to, and those that look back on it."""
        rows = changed.of(HOUR)
        members, hours = of_level(changed, HOUR, member_of)
        if not len(members):
            return members, hours
        slots = rows[member_of[rows[:, 1]] >= 0, 1]
        days = self.ordinal(members, hours * 60 - self.members.shift[members])
        found = [np.stack([members, days])]
        for day in np.unique(days).tolist():
            found += self._near_to(np.unique(slots[days == day]), day, member_of)
        pairs = np.unique(np.concatenate(found, axis=1), axis=1)
        return spread(pairs[0], pairs[1], RESTATED_DAYS)

    def _near_to(self, slots: Slots, day: int, member_of: Slots) -> Iterator[Integers]:
        """Members that may have one of the sensors for a neighbour: int64[2, k] with the day."""
        for quantity, around in self.around.items():
            here = slots[self.members.registry.quantity[slots] == quantity]
            here = self.at[here][self.at[here] >= 0]
            if not len(here):
                continue
            member = member_of[around.slots[here[0]]]
            end = int(self.end_min(np.array([member]), np.array([day]))[0])
            near = around.near(end, self.panes.first_min)
            who = anywhere(np.isin(near.rows, here), 1)
            members = np.unique(member_of[around.slots[who]]).astype(np.int64)
            yield np.stack([members, np.full(len(members), day)])

    def compute(self, members: Integers, windows: Integers, now_min: int, panes: Panes) -> Result:
        """One row a station and day, days in order; the day in progress says nothing yet."""
        result = blank(len(members), 1)
        result.n[:] = NOT_MEASURED
        end = self.end_min(members, windows)
        result.n[end > now_min] = NO_WINDOW
        over = np.nonzero(end <= now_min)[0]
        order = over[np.lexsort((end[over], windows[over]))]
        edges = np.nonzero(np.diff(windows[order]) | np.diff(end[order]))[0] + 1
        for rows in np.split(order, edges) if len(order) else []:
            day, until = int(windows[rows[0]]), int(end[rows[0]])
            sensors, judged, bad = (np.zeros(len(members)) for _ in range(3))
            for part in self.judged(members[rows], day, until, panes):
                at = rows[part.row]
                np.add.at(sensors, at, 1)
                np.add.at(judged, at, ~np.isnan(part.told[:, DRIFTS]))
                np.add.at(bad, at, np.nan_to_num(part.told[:, DRIFTS]))
            here = rows[sensors[rows] > 0]
            result.n[here, 0] = judged[here]
            result.cov[here, 0] = judged[here] / sensors[here]
            result.value[here, 0] = np.where(judged[here] > 0, bad[here], np.nan)
        return result

    def judged(
        self, members: Integers, day: int, end_min: int, panes: Panes
    ) -> Iterator[Judged]:
        """The sensors of some members at the end of a day, by quantity; enters the day.

        Sensors that fewer than three others could be neighbours of are left out.
        """
        days = np.full(len(members), day)
        start = self.end_min(members, days - 1)
        there = self.members.live(members, start, np.full(len(members), end_min), panes)
        row, column = np.nonzero(there)
        slots = self.members.table[members[row], column]
        for quantity, around in self.around.items():
            mine = (self.members.registry.quantity[slots] == quantity) & (self.at[slots] >= 0)
            if not mine.any():
                continue
            near = around.near(end_min, panes.first_min)
            at = self.at[slots[mine]]
            held = (near.rows[at] >= 0).sum(axis=1) >= NEIGHBOURS_MIN
            if held.any():
                of = row[mine][held].astype(np.int64)
                yield self._held(of, at[held], around, near, day, end_min, panes)

    def _held(
        self, row: Integers, at: Slots, around: Neighbourhood, near: Near, day: int, end_min: int,
        panes: Panes,
    ) -> Judged:
        rows = near.rows[at]
        every = np.unique(np.concatenate([at, rows[rows >= 0]]))
        last = np.full(len(every), day)
        self._enter(around.slots[every], day, end_min, panes)
        week = self.hours.rows(self.row[around.slots[every]], last, WEEK_D).reshape(-1, WEEK_H)
        place = np.where(rows >= 0, np.searchsorted(every, rows), -1)
        taken = np.empty(rows.shape, np.bool_)
        medians = np.empty((len(at), DAY_H))
        own = np.ascontiguousarray(week[np.searchsorted(every, at)])
        neighbour_medians(
            place, np.ascontiguousarray(near.close[at]), np.ascontiguousarray(week), own, taken,
            medians,
        )
        slots = around.slots[at]
        mine, last = self.row[slots].astype(np.int64), np.full(len(at), day)
        self.medians.enter(mine, last, medians)
        x = np.ascontiguousarray(self.hours.rows(mine, last, SPAN_D).reshape(-1, SPAN_H))
        m = np.ascontiguousarray(self.medians.rows(mine, last, SPAN_D).reshape(-1, SPAN_H))
        told = np.empty((len(at), len(COLUMNS)))
        floor = np.full(len(at), FLOOR[int(self.members.registry.quantity[slots[0]])])
        drifting(x, m, floor, told)
        theirs = np.where(rows >= 0, around.slots[np.maximum(rows, 0)], -1).astype(np.int32)
        return Judged(row, slots, theirs, taken, x, m, told)

    def _enter(self, slots: Slots, day: int, end_min: int, panes: Panes) -> None:
        """The hours of a day of sensors, as their panes have them."""
        registry = self.members.registry
        last = (end_min + registry.shift[slots].astype(np.int64)) // 60
        hours = last[:, None] - np.arange(DAY_H, 0, -1)
        means, _ = hour_means(
            np.repeat(slots, DAY_H), hours.ravel(), registry.quantity, panes
        )
        self.hours.enter(
            self.row[slots].astype(np.int64), np.full(len(slots), day), means.reshape(-1, DAY_H)
        )
