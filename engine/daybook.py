"""Day books: what a family keeps of each day for longer than the panes reach.

Weeks, months and years are made of days. A family whose windows are longer than a month enters
a row of numbers a member and day (sums, counts) when it computes the day, again when the day is
said anew; every longer window is then a function of the rows of its days. A row is the same
whenever it is entered, so a longer window, too, follows from the readings alone.
"""

from typing import Any, Protocol

import numba as nb
import numpy as np
import numpy.typing as npt

from engine.kernel import kernel

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

DAYS_KEPT = 376
"""A leap year, the horizon of 8 days within which days are said anew, and a margin."""


@kernel(nb.void(
    nb.int64[:, ::1], nb.float64[:, :, ::1], nb.int64[::1], nb.int64[::1], nb.int64[::1],
    nb.float64[:, ::1], nb.int64[:, ::1],
))
def sum_days(
    day: Any, kept: Any, rows: Any, first: Any, last: Any, sums: Any, known: Any
) -> None:
    """Sums over days in the order of the calendar, so that they come out the same every time.

    day: int64[members, 376], kept: float64[members, 376, c], as in `DayBook`. rows, first, last:
    int64[k], both days inclusive. sums: float64[k, c], out, of what is not NaN. known:
    int64[k, c], out, days on which it is not. Cost: k * days * c.
    """
    length = day.shape[1]
    for k in range(rows.shape[0]):
        sums[k, :] = 0.0
        known[k, :] = 0
        for d in range(max(first[k], last[k] - length + 1), last[k] + 1):
            column = d % length
            if day[rows[k], column] != d:
                continue
            for c in range(kept.shape[2]):
                x = kept[rows[k], column, c]
                if not np.isnan(x):
                    sums[k, c] += x
                    known[k, c] += 1


class Book(Protocol):
    """What a snapshot keeps of a book: the ordinals of its days, and what it has of each."""

    day: Integers
    kept: npt.NDArray[Any]


class DayBook:
    """Rows of `columns` numbers by member and day.

    day: int64[members, days], the ordinal whose row a place holds, 0 none. kept:
    float64[members, days, columns], NaN unknown.
    """

    def __init__(self, columns: int, days: int = DAYS_KEPT) -> None:
        self.days = days
        self.day: Integers = np.zeros((0, days), np.int64)
        self.kept: Floats = np.zeros((0, days, columns))

    def fit(self, members: int) -> None:
        """Make room for `members` members."""
        more = members - len(self.day)
        if more > 0:
            self.day = np.concatenate([self.day, np.zeros((more, self.days), np.int64)])
            blank = np.full((more, *self.kept.shape[1:]), np.nan)
            self.kept = np.concatenate([self.kept, blank])

    def enter(self, members: Integers, days: Integers, values: Floats) -> None:
        """Write rows: members, days int64[k], values float64[k, columns]; older than kept: none."""
        self.fit(int(members.max(initial=-1)) + 1)
        column = days % self.days
        newer = self.day[members, column] <= days
        members, days, column = members[newer], days[newer], column[newer]
        self.day[members, column] = days
        self.kept[members, column] = values[newer]

    def sums(
        self, members: Integers, first: Integers, last: Integers
    ) -> tuple[Floats, Integers]:
        """Sums of days first..last (inclusive): float64[k, columns], and days known, likewise."""
        self.fit(int(members.max(initial=-1)) + 1)
        sums = np.empty((len(members), self.kept.shape[2]))
        known = np.empty(sums.shape, np.int64)
        sum_days(
            self.day, self.kept, members.astype(np.int64), first.astype(np.int64),
            last.astype(np.int64), sums, known,
        )
        return sums, known

    def rows(self, members: Integers, last: Integers, days: int) -> Floats:
        """The last `days` days up to and with `last`: float64[k, days, columns], NaN unknown."""
        self.fit(int(members.max(initial=-1)) + 1)
        wanted = last[:, None] - np.arange(days)[::-1]
        column = wanted % self.days
        found = self.kept[members[:, None], column]
        found[self.day[members[:, None], column] != wanted] = np.nan
        return np.asarray(found)
