"""Windows of what no series feeds: they close by the clock, and events say them anew."""

import numpy as np

from engine.area_windows import NEVER
from engine.family import Family, Integers, ranges
from engine.feeders import YEAR_DAYS, Feeders
from engine.panes import HORIZON_DAYS
from engine.windows import Windows

LOOKBACK_DAYS = YEAR_DAYS + 1


class ClockWindows(Windows):
    """Days of feeders; a member begins with the day of the first report of the city."""

    def __init__(self, family: Family, feeders: Feeders) -> None:
        super().__init__(family)
        self.feeders = feeders
        self._told: list[tuple[int, int]] = []

    def begin(self, first_min: Integers) -> None:
        """Members begin with the first report, also if an older one comes later."""
        every = np.arange(len(self.closed), dtype=np.int64)
        since = self.feeders.since(every)
        if not len(every) or since[0] >= 1 << 40:
            return
        waiting = self.closed == NEVER
        fresh = every[waiting]
        self._next_min, self._ends = NEVER, None
        self.first[fresh] = since[fresh]
        self.closed[fresh] = since[fresh] - 1
        if self.areas.closed == NEVER:
            self.areas.closed = int(self.closed.min())
        older = every[~waiting & (since < self.first)]
        self._add_late(*ranges(older, since[older], self.first[older] - since[older]))
        told, self._told = self._told, []
        self._say_anew(told)

    def due(self, now_min: int, wall_min: int, watermark_min: Integers) -> tuple[
        Integers, Integers
    ]:
        """By the wall clock alone."""
        return super().due(wall_min, wall_min, np.zeros(1, np.int64))

    def changed(self, touched: list[tuple[int, int]]) -> None:
        """Say at the next settling the days anew that look back on (place, begin in ms)."""
        self._told += touched

    def _say_anew(self, touched: list[tuple[int, int]]) -> None:
        member_of = {place: member for member, place in enumerate(self.feeders.places)}
        for place, start_ms in touched:
            member = member_of.get(place)
            if member is None or self.closed[member] == NEVER:
                continue
            one = np.array([member], np.int64)
            day = int(self.feeders.civil_days(one, np.array([start_ms // 60_000]))[0])
            closed = int(self.closed[member])
            first = max(day, closed - HORIZON_DAYS - 2)
            count = max(min(closed, day + LOOKBACK_DAYS) - first + 1, 0)
            self._add_late(*ranges(one, np.array([first]), np.array([count])))
            self.open[member] = True
