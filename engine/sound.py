"""Noise: energetic mean level of quarters, hours and days, and Lden with its three periods.

Periods follow the clock on the wall (day 7 to 19, evening 19 to 23, night 23 to 7); the night of
a civil day is its first seven hours and its last one.
"""

from typing import Any

import numba as nb
import numpy as np

from edge.quantities import INDEX
from engine.calendar import clock_min
from engine.catalogue import POSITION
from engine.changed import Reaching, of_level
from engine.completeness import expected_readings
from engine.family import (
    Cadence,
    CivilDays,
    Floats,
    Integers,
    Members,
    Result,
    Shared,
    Slots,
    blank,
)
from engine.kernel import kernel
from engine.panes import FINE, QUARTER, Panes
from engine.registry import Registry
from engine.sound_levels import lden, level_db

QUARTER_MIN = 15
DAY_BEGINS, EVENING_BEGINS, NIGHT_BEGINS = 420, 1140, 1380
"""Minutes on the clock."""
LDEN = 4
"""Its column, after those of the day and its three periods."""


@kernel(nb.void(
    nb.int32[:, ::1], nb.int32[::1], nb.int64[::1], nb.int64[:, :, ::1], nb.int64[::1],
    nb.from_dtype(FINE)[:, ::1], nb.int64[:, ::1], nb.float64[:, ::1], nb.float64[::1],
    nb.int64[::1], nb.float64[::1],
))
def gather_levels(
    table: Any, rows: Any, members: Any, spans: Any, shift: Any, quarters: Any, since_s: Any,
    period_s: Any, levels: Any, counts: Any, coverage: Any,
) -> None:
    """LAeq of stations over spans of whole quarters of an hour.

    table: int32[m, d], slots, -1 blank. rows: int32[series], row in `quarters`. members: int64[k].
    spans: int64[k, s, 2], start and end in Unix minutes of s spans taken together. shift:
    int64[k]. quarters: FINE[row, panes]. since_s, period_s: as `period_of`. levels: float64[k],
    dB, of the mean energy over the devices that have three quarters of the readings they owe,
    NaN with none. counts: int64[k], readings. coverage: float64[k], of the best device. Cost:
    k * d * quarters.
    """
    for k in range(members.shape[0]):
        energy = 0.0
        counts[k] = 0
        coverage[k] = 0.0
        devices = 0
        for j in range(table.shape[1]):
            slot = table[members[k], j]
            if slot < 0:
                continue
            total = 0
            n = 0
            owed = 0.0
            for s in range(spans.shape[1]):
                start, end = spans[k, s, 0], spans[k, s, 1]
                if end <= start:
                    continue
                owed += expected_readings(start * 60, end * 60, since_s[slot], period_s[slot])
                for index in range(
                    (start + shift[k]) // QUARTER_MIN,
                    (end + shift[k] + QUARTER_MIN - 1) // QUARTER_MIN,
                ):
                    pane = quarters[rows[slot], index % quarters.shape[1]]
                    if pane.tag == index:
                        total += pane.sum
                        n += pane.n
            counts[k] += n
            if owed > 0.0 and n > 0:
                coverage[k] = max(coverage[k], min(n / owed, 1.0))
                if 4.0 * n >= 3.0 * owed:
                    energy += total / n
                    devices += 1
        levels[k] = level_db(energy / devices) if devices > 0 else np.nan


def shown(levels: Floats) -> Floats:
    """Levels to 0.1 dB, halves upwards: what is published, and what categories are read by."""
    rounded: Floats = np.floor(levels * 10.0 + 0.5) / 10.0
    return rounded


class Microphones:
    """Stations that measure sound level: the members of all families of noise."""

    def __init__(self) -> None:
        self.members = Members((INDEX["laeq"],))
        self._version = -1

    def enrol(self, registry: Registry) -> None:
        """Take in new stations."""
        if registry.version != self._version:
            self._version = registry.version
            self.members.enrol(registry, registry.stations_with(("laeq",)))

    def levels(
        self, members: Integers, spans: list[tuple[Integers, Integers]], panes: Panes
    ) -> tuple[Floats, Integers, Floats]:
        """LAeq, not rounded, readings and coverage of spans taken together: `gather_levels`."""
        count, registry = len(members), self.members.registry
        levels, counts, coverage = np.empty(count), np.empty(count, np.int64), np.empty(count)
        gather_levels(
            self.members.table, panes.rows[QUARTER], members,
            np.stack([np.stack(span, axis=1) for span in spans], axis=1),
            self.members.shift[members], panes.fine[QUARTER], registry.since_s, registry.period_s,
            levels, counts, coverage,
        )
        return levels, counts, coverage

    def clock(self, members: Integers, days: Integers, minute: int) -> Integers:
        """Unix minute at which the clock of each member shows `minute` on each day."""
        zones = [self.members.zones[code] for code in self.members.zone[members].tolist()]
        return np.array([
            clock_min(tz, day, minute) for tz, day in zip(zones, days.tolist(), strict=True)
        ], np.int64)


class SoundQuarters(Shared[Microphones], Cadence):
    """LAeq of each quarter of an hour."""

    indicators = (POSITION["noise.laeq_15min"],)
    minutes = QUARTER_MIN

    def touched(
        self, changed: Reaching, member_of: Slots
    ) -> tuple[Integers, Integers]:
        """The quarter, or the hour that holds it."""
        members, quarters = of_level(changed, QUARTER, member_of)
        return members, quarters * QUARTER_MIN // self.minutes

    def compute(self, members: Integers, windows: Integers, now_min: int, panes: Panes) -> Result:
        """One row a station and window; of one in progress, what is owed so far."""
        result = blank(len(members), 1)
        end = self.end_min(members, windows)
        span = (end - self.minutes, np.minimum(end, now_min))
        levels, result.n[:, 0], result.cov[:, 0] = self.source.levels(members, [span], panes)
        result.value[:, 0] = shown(levels)
        return result


class SoundHours(SoundQuarters):
    """LAeq of each hour."""

    indicators = (POSITION["noise.laeq_1h"],)
    minutes = 60


class SoundDays(Shared[Microphones], CivilDays):
    """LAeq of the civil day, of its day, evening and night, and Lden."""

    indicators = tuple(
        POSITION[f"noise.{name}"] for name in ("laeq_day", "lday", "levening", "lnight", "lden")
    )

    def touched(
        self, changed: Reaching, member_of: Slots
    ) -> tuple[Integers, Integers]:
        """The day."""
        members, quarters = of_level(changed, QUARTER, member_of)
        minute = quarters * QUARTER_MIN - self.members.shift[members]
        return members, self.members.civil_days(members, minute)

    def periods(
        self, members: Integers, windows: Integers, now_min: int
    ) -> list[list[tuple[Integers, Integers]]]:
        """Spans in Unix minutes of the whole day, day, evening and night, up to now."""
        start, end = self.end_min(members, windows - 1), self.end_min(members, windows)
        seven, nineteen, late = (
            self.source.clock(members, windows, minute)
            for minute in (DAY_BEGINS, EVENING_BEGINS, NIGHT_BEGINS)
        )
        whole = [[(start, end)], [(seven, nineteen)], [(nineteen, late)],
                 [(start, seven), (late, end)]]
        return [
            [(np.minimum(begin, now_min), np.minimum(until, now_min)) for begin, until in spans]
            for spans in whole
        ]

    def compute(self, members: Integers, windows: Integers, now_min: int, panes: Panes) -> Result:
        """One row a station and day; Lden is made of levels that are not rounded yet."""
        result = blank(len(members), len(self.indicators))
        for column, spans in enumerate(self.periods(members, windows, now_min)):
            levels, counts, coverage = self.source.levels(members, spans, panes)
            result.value[:, column], result.n[:, column] = levels, counts
            result.cov[:, column] = coverage
        result.value[:, LDEN] = np.array([
            lden(*parts) for parts in result.value[:, 1:LDEN].tolist()
        ]).reshape(-1)
        result.value = shown(result.value)
        result.n[:, LDEN] = result.n[:, 1:LDEN].sum(axis=1)
        result.cov[:, LDEN] = result.cov[:, 1:LDEN].min(axis=1)
        return result
