"""The start of families that keep a row of each civil day of air for a year."""

import numpy as np

from engine.air import AirHours
from engine.changed import Reaching, of_level
from engine.daybook import DayBook
from engine.family import CivilDays, Integers, Shared, Slots
from engine.panes import HORIZON_DAYS, HOUR

DAY_HOURS_MAX = 25
LOOK_BACK_H = DAY_HOURS_MAX + 23
"""Hours of the longest day, and of what a running 24-h mean of its first hour looks back on."""
RESTATED_DAYS = HORIZON_DAYS + 2
"""Days after a reading that may be closed when it comes: all that it can restate."""


class AirBook(Shared[AirHours], CivilDays):
    """A day is entered into the book when it is computed; windows come oldest first."""

    def __init__(self, source: AirHours, book: DayBook) -> None:
        super().__init__(source)
        self.book = book

    @property
    def books(self) -> dict[str, DayBook]:
        """What is kept of a year of days."""
        return {"days": self.book}

    def touched(
        self, changed: Reaching, member_of: Slots
    ) -> tuple[Integers, Integers]:
        """The day, and those after it: the next by running means, all by the year."""
        members, hours = of_level(changed, HOUR, member_of)
        if not len(members):
            return members, hours
        return self.days_from(members, hours * 60, RESTATED_DAYS)

    def hours_of_days(self, members: Integers, days: Integers) -> tuple[Integers, Integers]:
        """Local number of the last hour of each civil day, and how many hours it has."""
        shift = self.members.shift[members]
        start, end = self.end_min(members, days - 1), self.end_min(members, days)
        last = (end + shift) // 60 - 1
        return last, np.clip(last + 1 - (start + shift) // 60, 0, DAY_HOURS_MAX)
