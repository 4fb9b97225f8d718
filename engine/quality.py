"""Data quality of a station: completeness of hours, days and months, and series that are stuck.

Cityvitals data quality 5.2 to 5.4.
"""

from typing import Any

import numba as nb
import numpy as np

from edge.quantities import QUANTITIES
from engine.calendar import EPOCH_DAY
from engine.catalogue import POSITION
from engine.changed import Reaching, of_level
from engine.completeness import completeness, expected_readings
from engine.family import (
    NOT_MEASURED,
    Cadence,
    Integers,
    Members,
    Result,
    Slots,
    anywhere,
    blank,
    spread,
)
from engine.kernel import kernel
from engine.panes import COARSE, DAY, HOUR, PERIODS, Panes
from engine.registry import Registry

FLAT = np.array([
    (-(-(row.flat or (0, 0.0))[0] // 60), (row.flat or (0, 0.0))[1],
     np.nan if row.rest is None else row.rest)
    for row in QUANTITIES.values()
])
"""float64[quantities, 3]: whole hours without change until a series seems stuck (0: never), the
range that is none, and the value at which one may stay all the same (NaN: at none)."""
DAY_H, MONTH_D = 24, 30
FLAT_READINGS_MIN = 2
DUST = 1e-9
"""12.1 - 12.0 is a little less than 0.1 in binary, and yet a range of 0.1."""


@kernel(nb.int64(nb.int64, nb.int64))
def begun_s(first_min: int, shift: int) -> Any:
    """Unix s of the start of the local hour that holds a Unix minute."""
    return ((first_min + shift) // 60 * 60 - shift) * 60


@kernel(nb.void(
    nb.int32[:, ::1], nb.int64[::1], nb.int64[::1], nb.int64[::1], nb.int64[::1],
    nb.from_dtype(COARSE)[:, ::1], nb.int64[::1], nb.int32[::1], nb.int64[:, ::1],
    nb.float64[:, ::1], nb.int64[::1], nb.float64[::1],
))
def gather_counts(
    table: Any, members: Any, windows: Any, start_s: Any, end_s: Any, ring: Any,
    first_min: Any, shift: Any, since_s: Any, period_s: Any, counts: Any, expected: Any,
) -> None:
    """Add the readings had and owed by all series of a place in an hour or a day.

    table: int32[m, inputs], slots. members, windows: int64[k]. start_s, end_s: int64[k], Unix s.
    ring: COARSE[series, panes], hours or days. first_min: int64[series]: nothing is owed before
    the local hour of the first reading. shift: int32[series], minutes east of UTC. since_s:
    int64[series, r], period_s: float64[series, r]. counts: int64[k], in and out, at most what a
    series owes. expected: float64[k], in and out. Cost: k * inputs * r.
    """
    length = ring.shape[1]
    for k in range(members.shape[0]):
        for j in range(table.shape[1]):
            slot = table[members[k], j]
            if slot < 0:
                continue
            begun = max(start_s[k], begun_s(first_min[slot], shift[slot]))
            if begun >= end_s[k]:
                continue
            owed = expected_readings(begun, end_s[k], since_s[slot], period_s[slot])
            expected[k] += owed
            pane = ring[slot, windows[k] % length]
            if pane.tag == windows[k]:
                counts[k] += min(pane.n, nb.int64(np.ceil(owed)))


@kernel(nb.int64(nb.from_dtype(COARSE)[:, ::1], nb.int64, nb.int64, nb.int64, nb.float64[::1]))
def flat_hours(hours: Any, slot: int, last: int, count: int, out: Any) -> int:
    """How many of the `count` hours up to `last` say enough; out: float64[2], their extremes.

    hours: COARSE[series, 240]. Cost: count.
    """
    out[0], out[1] = np.inf, -np.inf
    found = 0
    for index in range(last - count + 1, last + 1):
        pane = hours[slot, index % hours.shape[1]]
        if pane.tag == index and pane.n >= FLAT_READINGS_MIN:
            out[0], out[1] = min(out[0], pane.min), max(out[1], pane.max)
            found += 1
    return found


@kernel(nb.boolean(nb.float64[::1], nb.float64[::1]))
def is_stuck(extremes: Any, limits: Any) -> bool:
    """Whether the hours between two extremes are without change. limits: a row of `FLAT`."""
    low, high, rest = extremes[0], extremes[1], limits[2]
    return bool(high - low < limits[1] - DUST and not (low == rest and high == rest))


@kernel(nb.void(
    nb.int32[:, ::1], nb.int64[::1], nb.int64[::1], nb.from_dtype(COARSE)[:, ::1],
    nb.int32[::1], nb.float64[:, ::1], nb.float64[::1], nb.int32[::1],
))
def count_flat(
    table: Any, members: Any, windows: Any, hours: Any, quantity: Any, limits: Any, out: Any,
    used: Any,
) -> None:
    """Series of a place whose readings did not change in the hours that their quantity allows.

    table: int32[m, inputs], slots. members, windows: int64[k], the last hour. hours: COARSE[
    series, 240]. quantity: int32[series]. limits: float64[quantities, 3], `FLAT`. out:
    float64[k], NaN where no series has enough hours. used: int32[k], series that have. Cost:
    k * inputs * hours.
    """
    extremes = np.empty(2)
    for k in range(members.shape[0]):
        out[k], used[k] = np.nan, 0
        stuck = 0
        for j in range(table.shape[1]):
            slot = table[members[k], j]
            if slot < 0 or limits[quantity[slot], 0] < 1.0:
                continue
            count = nb.int64(limits[quantity[slot], 0])
            if flat_hours(hours, slot, windows[k], count, extremes) < count:
                continue
            used[k] += 1
            if is_stuck(extremes, limits[quantity[slot]]):
                stuck += 1
        if used[k]:
            out[k] = stuck


class Completeness(Cadence):
    """Valid readings of all series of a station over those that its devices owe."""

    indicators: tuple[int, ...] = (POSITION["dq.completeness"],)

    def __init__(self) -> None:
        super().__init__(Members((0,)))

    def enrol(self, registry: Registry) -> None:
        """Take in all stations; the table is that of one input, of whatever quantity."""
        found = registry.stations_with(tuple(QUANTITIES))
        merged = {
            place: {0: [slot for quantity in sorted(by) for slot in by[quantity]]}
            for place, by in found.items()
        }
        self.members.enrol(registry, merged)

    def touched(
        self, changed: Reaching, member_of: Slots
    ) -> tuple[Integers, Integers]:
        """The hour."""
        return of_level(changed, HOUR, member_of)

    def compute(self, members: Integers, windows: Integers, now_min: int, panes: Panes) -> Result:
        """One row a station and hour; of an hour in progress, what is owed so far."""
        result = blank(len(members), 1)
        end = self.end_min(members, windows)
        counted = _Counted(self.members, members, panes)
        counted.add(windows, end - 60, end, now_min, HOUR)
        counted.tell(result)
        return result


class _Counted:
    """Readings had and owed by the series of some places, summed over panes."""

    def __init__(self, of: Members, members: Integers, panes: Panes) -> None:
        self.counts = np.zeros(len(members), np.int64)
        self.expected = np.zeros(len(members))
        self._of, self._members, self._panes = of, members, panes

    def add(
        self, index: Integers, start_min: Integers, end_min: Integers, now_min: int, level: int
    ) -> None:
        """Add one pane of each place; times are Unix minutes."""
        registry, panes = self._of.registry, self._panes
        gather_counts(
            self._of.table, self._members, index, start_min * 60,
            np.minimum(end_min, now_min) * 60, panes.coarse[level - HOUR], panes.first_min,
            registry.shift, registry.since_s, registry.period_s, self.counts, self.expected,
        )

    def tell(self, result: Result) -> None:
        """Put the share in the first column of a result."""
        share = np.empty(len(self.counts))
        completeness(self.counts, self.expected, share)
        result.value[:, 0] = share
        result.cov[:, 0] = np.nan_to_num(result.value[:, 0]) / 100
        result.n[:, 0] = self.counts
        result.weight = np.maximum(self.expected, 1e-9)


class QualityHours(Completeness):
    """Completeness of the newest 24 hours, and series that seem stuck, each hour."""

    indicators = (POSITION["dq.completeness_24h"], POSITION["dq.flat_line"])
    back = DAY_H - 1

    def touched(
        self, changed: Reaching, member_of: Slots
    ) -> tuple[Integers, Integers]:
        """The hour and those that look back on it."""
        return spread(*of_level(changed, HOUR, member_of), DAY_H)

    def compute(self, members: Integers, windows: Integers, now_min: int, panes: Panes) -> Result:
        """One row a station and hour; an hour in progress says nothing yet of what is stuck."""
        result = blank(len(members), 2)
        end = self.end_min(members, windows)
        counted = _Counted(self.members, members, panes)
        for back in range(DAY_H):
            until = end - 60 * back
            counted.add(windows - back, until - 60, until, now_min, HOUR)
        counted.tell(result)
        flat, used = np.empty(len(members)), np.empty(len(members), np.int32)
        whole = np.where(end > now_min, windows - 1, windows)
        count_flat(
            self.members.table, members, whole, panes.coarse[0],
            self.members.registry.quantity, FLAT, flat, used,
        )
        table = self.members.table[members]
        limited = FLAT[self.members.registry.quantity[np.maximum(table, 0)], 0] > 0
        there = anywhere(limited & self.members.live(members, end - 60 * DAY_H, end, panes), 1)
        result.value[:, 1], result.n[:, 1] = flat, np.where(there, used, NOT_MEASURED)
        result.cov[:, 1] = used > 0
        return result


class QualityMonths(Completeness):
    """Completeness of the newest 30 days in local standard time, each day.

    It is that by which panes are cut: where a station got another zone, these days go on as before.
    """

    indicators = (POSITION["dq.completeness_30d"],)
    back = MONTH_D - 1

    def ordinal(self, members: Integers, minute: Integers) -> Integers:
        """Proleptic ordinal of the day in standard time."""
        return (minute + self.members.shift[members]) // PERIODS[DAY] + EPOCH_DAY

    def end_min(self, members: Integers, window: Integers) -> Integers:
        """Unix minute of the next midnight in standard time."""
        return (window + 1 - EPOCH_DAY) * PERIODS[DAY] - self.members.shift[members]

    def touched(
        self, changed: Reaching, member_of: Slots
    ) -> tuple[Integers, Integers]:
        """The day and those that look back on it."""
        members, days = of_level(changed, DAY, member_of)
        return spread(members, days + EPOCH_DAY, MONTH_D)

    def compute(self, members: Integers, windows: Integers, now_min: int, panes: Panes) -> Result:
        """One row a station and day."""
        result = blank(len(members), 1)
        counted = _Counted(self.members, members, panes)
        for back in range(MONTH_D):
            start = self.end_min(members, windows - back - 1)
            index = (start + self.members.shift[members]) // PERIODS[DAY]
            counted.add(index, start, self.end_min(members, windows - back), now_min, DAY)
        counted.tell(result)
        return result
