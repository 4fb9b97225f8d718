"""How reliable a road is: planning time and buffer over the peaks of the month so far."""

import numpy as np

from engine.calendar import is_weekend, month_start
from engine.catalogue import POSITION
from engine.changed import Reaching, of_level
from engine.daybook import Book
from engine.family import (
    NOT_MEASURED,
    CivilDays,
    Integers,
    Result,
    Shared,
    Slots,
    blank,
)
from engine.panes import FIVE, Panes
from engine.peak_book import DAYS_MIN, PeakBook
from engine.road_bins import SPEED
from engine.traffic import DIGITS, PEAK_BINS, PEAKS, Segments
from engine.travel_reliability import BUFFER, BUFFER_INDEX, MEAN, PTI

COLUMNS = (PTI, BUFFER_INDEX, BUFFER, MEAN)


class TrafficMonths(Shared[Segments], CivilDays):
    """Planning time index, buffer index, buffer and mean travel time, at the end of each day.

    A day is entered into the book when it is computed; windows of one road come oldest first.
    """

    indicators = tuple(
        POSITION[f"traffic.{name}"] for name in ("pti", "buffer_index", "buffer", "peak_time")
    )

    def __init__(self, segments: Segments) -> None:
        super().__init__(segments)
        self.book = PeakBook()

    @property
    def books(self) -> dict[str, Book]:
        """The peaks of 40 days."""
        return {"peaks": self.book}

    def touched(
        self, changed: Reaching, member_of: Slots
    ) -> tuple[Integers, Integers]:
        """The day, and those after it that may be of its month."""
        members, bins = of_level(changed, FIVE, member_of)
        return self.days_from(members, bins * 5, 31)

    def compute(self, members: Integers, windows: Integers, now_min: int, panes: Panes) -> Result:
        """One row a segment and day."""
        segments = self.source
        result = blank(len(members), len(self.indicators))
        start, end = self.end_min(members, windows - 1), self.end_min(members, windows)
        roads = segments.roads(members, start)
        for day in np.unique(windows).tolist():
            rows = np.nonzero(windows == day)[0]
            some = members[rows]
            if not is_weekend(day):
                self.book.enter(some, day, np.hstack([
                    segments.bins(
                        some, segments.first_bin(some, day, begin), PEAK_BINS, panes
                    ).speeds for begin, _ in PEAKS
                ]))
            month = np.full(len(rows), month_start(day))
            free = segments.free.at(some, windows[rows], roads.posted[rows])
            out, counts = self.book.reliability(
                some, month, windows[rows], roads.length_km[rows], free
            )
            result.value[rows] = np.round(out[:, COLUMNS], DIGITS)
            result.cov[rows] = np.minimum(counts[:, :1] / DAYS_MIN, 1.0)
            result.n[rows] = counts[:, 1:]
            result.weight[rows] = np.maximum(counts[:, 1], 1) * roads.length_km[rows]
        result.n[~segments.has(members, start, end, panes)[:, SPEED]] = NOT_MEASURED
        return result
