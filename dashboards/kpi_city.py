"""What KPIs are computed from: a period of civil days, the store, the facts, the stations."""

import calendar
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

from edge.facts import Fact, value_at
from edge.places import PlaceRow
from ingest.store import Sample

CITY = "_/_"
ACCURATE_MIN = 0.75
"""The share of a period that a mean needs (2008/50/EC Annex VII.A.2) to count as measured."""
LIVE_DAYS, LIVE_MIN = 30, 75.0
"""A sensor is alive with a completeness of 75 % over 30 days (indicators, 2.9)."""
HISTORY_MAX = 400_000
"""Blocks of 15 minutes of more than ten years."""
BLOCK_MS = 900_000
YEAR_DAYS = 365
NOISE_LIMIT_DB = 55.0
"""Reporting threshold of Lden, 2002/49/EC."""

MEASURED, ESTIMATED, UNKNOWN = "accurate measurement", "estimation", "unknown"


class Reported(NamedTuple):
    """One data point of a KPI.

    part: the pollutant where a KPI has several. value: None where there is none, `why` says why.
    coverage: 0..1, of the period and of what should be measured. trend: (first day, value) of
    months, or of days in a short period. sources: indicators and facts that it comes from.
    """

    value: float | None
    coverage: float
    origin: str
    why: str = ""
    note: str = ""
    part: str = ""
    trend: tuple[tuple[date, float], ...] = ()
    sources: tuple[str, ...] = ()


class History(Protocol):
    """What is read of the store."""

    def history(
        self, path: str, indicator_key: str, from_ms: int, to_ms: int, limit: int
    ) -> list[Sample]:
        """Closed points, oldest first."""


@dataclass(frozen=True, slots=True)
class Period:
    """Civil days from `first` to `last`, both in it, in the city's zone."""

    first: date
    last: date
    tz: str

    @property
    def days(self) -> int:
        """How many days."""
        return (self.last - self.first).days + 1

    @property
    def from_ms(self) -> int:
        """Unix ms at which it begins."""
        return _midnight_ms(self.first, self.tz)

    @property
    def to_ms(self) -> int:
        """Unix ms at which it ends."""
        return _midnight_ms(self.last + timedelta(days=1), self.tz)


@dataclass(slots=True)
class City:
    """What there is to compute from. stations: the row in force at the end, one a station."""

    period: Period
    store: History
    facts: list[Fact]
    stations: list[PlaceRow]

    def points(self, key: str, path: str = CITY) -> list[tuple[date, float, float]]:
        """(day that the window ends in, value, coverage) of the sufficient points, in order."""
        zone = ZoneInfo(self.period.tz)
        rows = self.store.history(
            path, key, self.period.from_ms + 1, self.period.to_ms, HISTORY_MAX
        )
        return [
            (datetime.fromtimestamp((row.end_ms - 1) / 1000, zone).date(), row.value, row.cov)
            for row in rows if row.level >= 0
        ]

    def fact(self, name: str, path: str = CITY) -> Fact | None:
        """The fact in force at the end of the period."""
        return value_at(self.facts, path, name, self.period.last)


def path_of(row: PlaceRow) -> str:
    """`district/station`."""
    return f"{row.district}/{row.station}"


def of_months(points: Sequence[tuple[date, float, float]]) -> list[tuple[date, float]]:
    """Arithmetic mean of each month, by its first day."""
    months: dict[date, list[float]] = {}
    for day, value, _ in points:
        months.setdefault(day.replace(day=1), []).append(value)
    return [(month, math.fsum(values) / len(values)) for month, values in months.items()]


def of_days(points: Sequence[tuple[date, float, float]]) -> list[tuple[date, float]]:
    """Arithmetic mean of each day."""
    days: dict[date, list[float]] = {}
    for day, value, _ in points:
        days.setdefault(day, []).append(value)
    return [(day, math.fsum(values) / len(values)) for day, values in days.items()]


def trend(
    period: Period, points: Sequence[tuple[date, float, float]]
) -> tuple[tuple[date, float], ...]:
    """Means of months; of days in a period of up to three months."""
    return tuple(of_months(points) if period.days > 92 else of_days(points))


def origin(coverage: float) -> str:
    """The verification reports' selector: a measurement if it is complete enough."""
    return MEASURED if coverage >= ACCURATE_MIN else ESTIMATED


def lacking(city: City, *names: str) -> str:
    """What to load where facts are missing; empty if all are there."""
    absent = [name for name in names if city.fact(name) is None]
    if not absent:
        return ""
    return f"no fact {', '.join(absent)} of the city; load it with `cityvitals facts load`"


def lacking_at(*names: str) -> str:
    """What to load where no station has a fact."""
    return f"no station has a fact {' or '.join(names)}; load it with `cityvitals facts load`"


def nothing(why: str, *sources: str, part: str = "") -> list[Reported]:
    """No value, and why."""
    return [Reported(None, 0.0, UNKNOWN, why=why, part=part, sources=sources)]


def days_note(city: City, days: int, owed: int) -> str:
    """How much of the period there is; empty if it is whole and a year long."""
    if days >= owed and city.period.days >= 365:
        return ""
    return f"provisional: {days} of {owed} days"


def _midnight_ms(day: date, tz: str) -> int:
    return round(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(tz)).timestamp() * 1000)


def year_days(period: Period) -> int:
    """Days of the year in which the period ends."""
    return 366 if calendar.isleap(period.last.year) else 365
