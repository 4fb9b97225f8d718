"""How reliable a road is by the US performance rule, over the month so far: LOTTR and TTTR."""

import numpy as np

from engine.calendar import month_start
from engine.catalogue import POSITION
from engine.changed import Reaching, of_level
from engine.daybook import Book
from engine.family import (
    NOT_MEASURED,
    CivilDays,
    Floats,
    Integers,
    Result,
    Shared,
    Slots,
    blank,
)
from engine.panes import FIVE, Panes
from engine.quarter_book import (
    BINS,
    DAY_QUARTERS,
    DAYS_MIN,
    EVENING,
    NIGHT,
    QuarterBook,
    measured_quarters,
)
from engine.road_bins import SPEED
from engine.traffic import Segments
from engine.travel_periods import PERIODS_OF

DAWN, DUSK = 360, 1200
"""Minutes of the clock that a night ends and begins at."""
CHUNK = 512
"""Segments of which the bins of a day are unpacked at once."""


def quarters_of_day(segments: Segments, members: Integers, day: int, panes: Panes) -> Floats:
    """float64[k, 100]: speeds of the quarters of a civil day, in the places of `QuarterBook`.

    Before 6 there are as many as the clock had; the places of the others stay NaN.
    """
    out = np.full((len(members), DAY_QUARTERS), np.nan)
    dawn = segments.first_bin(members, day, DAWN)
    for place, clock, upto in ((0, DAWN, EVENING), (EVENING, DUSK, NIGHT),
                               (NIGHT, 0, DAY_QUARTERS)):
        first = segments.first_bin(members, day, clock)
        count = upto - place
        bins = segments.bins(members, first, count * BINS, panes)
        part = np.empty((len(members), count))
        measured_quarters(
            np.ascontiguousarray(bins.speeds), np.ascontiguousarray(bins.all_vehicles), part
        )
        if clock == 0:
            part[first[:, None] + BINS * np.arange(count) >= dawn[:, None]] = np.nan
        out[:, place:upto] = part
    return out


class TrafficPeriods(Shared[Segments], CivilDays):
    """Level of travel time reliability and its twin of trucks, at the end of each day.

    A day is entered into the book when it is computed; windows of one road come oldest first.
    """

    indicators = tuple(POSITION[f"traffic.{name}"] for name in ("lottr", "tttr"))

    def __init__(self, segments: Segments) -> None:
        super().__init__(segments)
        self.book = QuarterBook()

    @property
    def books(self) -> dict[str, Book]:
        """The quarters of 40 days."""
        return {"quarters": self.book}

    def touched(
        self, changed: Reaching, member_of: Slots
    ) -> tuple[Integers, Integers]:
        """The day, and those after it that may be of its month."""
        members, bins = of_level(changed, FIVE, member_of)
        return self.days_from(members, bins * 5, 31)

    def compute(self, members: Integers, windows: Integers, now_min: int, panes: Panes) -> Result:
        """One row a segment and day; its weight is the length of the road."""
        segments = self.source
        result = blank(len(members), len(self.indicators))
        start, end = self.end_min(members, windows - 1), self.end_min(members, windows)
        for day in np.unique(windows).tolist():
            of_day = np.nonzero(windows == day)[0]
            for at in range(0, len(of_day), CHUNK):
                rows = of_day[at : at + CHUNK]
                some = members[rows]
                self.book.enter(some, day, quarters_of_day(segments, some, day, panes))
                month = np.full(len(rows), month_start(day))
                out, _, counts = self.book.reliability(some, month, windows[rows])
                result.value[rows] = out
                shares = np.minimum(counts[:, :, 0] / np.array(DAYS_MIN), 1.0)
                for measure, periods in enumerate(PERIODS_OF):
                    result.cov[rows, measure] = shares[:, :periods].min(axis=1)
                    result.n[rows, measure] = counts[:, :periods, 1].sum(axis=1)
        result.weight = segments.roads(members, start).length_km
        result.n[~segments.has(members, start, end, panes)[:, SPEED]] = NOT_MEASURED
        return result
