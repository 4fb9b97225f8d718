"""Values of the KPIs that a city's own sensors feed, from the store, the places and the facts.

Each function says what it found for one KPI over a period: value, coverage, where it comes from,
and, where there is no value, why and what would help. Nothing is assumed: a denominator that no
fact names leaves the KPI without a value.
"""

import calendar
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

from edge.facts import Fact, value_at
from ingest.store import PlaceInfo, Sample

CITY = "_/_"
ACCURATE_MIN = 0.75
"""The share of a period that a mean needs (2008/50/EC Annex VII.A.2) to count as measured."""
LIVE_DAYS, LIVE_MIN = 30, 75.0
"""A sensor is alive with a completeness of 75 % over 30 days (indicators, 2.9)."""
HISTORY_MAX = 100_000
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
    """What there is to compute from."""

    period: Period
    store: History
    facts: list[Fact]
    places: list[PlaceInfo]

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

    def stations(self) -> list[PlaceInfo]:
        """All stations."""
        return [row for row in self.places if row.key.scope == "station"]


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


def nothing(why: str, *sources: str, part: str = "") -> list[Reported]:
    """No value, and why."""
    return [Reported(None, 0.0, UNKNOWN, why=why, part=part, sources=sources)]


def days_note(city: City, days: int, owed: int) -> str:
    """How much of the period there is; empty if it is whole and a year long."""
    if days >= owed and city.period.days >= 365:
        return ""
    return f"provisional: {days} of {owed} days"


def travel_time(city: City) -> list[Reported]:
    """EC:I:T:5A: the mean over the months of the peaks' travel time index, weighted by VMT."""
    key = "traffic.tti_peak"
    points = city.points(key)
    if not points:
        return nothing("no weekday with both peaks measured in this period", key)
    months = of_months(points)
    weekdays = sum(
        (city.period.first + timedelta(days=k)).weekday() < 5 for k in range(city.period.days)
    )
    value = math.fsum(value for _, value in months) / len(months)
    coverage = min(1.0, len(points) / max(weekdays, 1))
    return [Reported(
        value, coverage, origin(coverage), trend=trend(city.period, points), sources=(key,),
        note=days_note(city, len(points), weekdays),
    )]


def electricity(city: City) -> tuple[float, float, int] | None:
    """(kWh, share of the blocks that were measured, blocks) of all meters, from block demand."""
    points = city.points("energy.demand_15min")
    if not points:
        return None
    owed = (city.period.to_ms - city.period.from_ms) / 900_000
    kwh = math.fsum(value for _, value, _ in points) / 4
    return kwh, min(1.0, len(points) / owed), len(points)


def consumption(city: City) -> list[Reported]:
    """EN:E:E:2C: kWh per inhabitant and year, scaled to a year and to all customers."""
    sources = ("energy.demand_15min", "population", "customers")
    used = electricity(city)
    population = city.fact("population")
    if used is None:
        return nothing("no electricity was metered in this period", *sources)
    if population is None:
        return nothing(lacking(city, "population"), *sources)
    kwh, share, _ = used
    metered, all_customers = _metered(city)
    yearly = kwh / share * _year_days(city.period) / city.period.days
    coverage = share
    note = "of metered customers alone: no fact customers of the city"
    if all_customers:
        yearly *= all_customers / metered
        coverage = share * min(1.0, metered / all_customers)
        note = f"scaled from {metered:,.0f} metered of {all_customers:,.0f} customers"
    return [Reported(
        yearly / population.value, coverage, origin(coverage), sources=sources,
        trend=trend(city.period, city.points("energy.demand_15min")),
        note=f"{note}; scaled from {share:.0%} of the blocks of {city.period.days} days to a "
        "year; the trend is the demand in kW",
    )]


def emissions(city: City) -> list[Reported]:
    """EN:EN:AQ:2C in part: what the generation of the electricity used gives off."""
    key = "energy.carbon_intensity"
    intensity = city.points(key)
    if not intensity:
        return nothing("no carbon intensity of the grid in this period", key)
    used = consumption(city)[0]
    if used.value is None:
        return nothing(used.why, key, *used.sources)
    mean = math.fsum(value for _, value, _ in intensity) / len(intensity)
    return [used._replace(
        value=used.value * mean / 1e6, sources=(key, *used.sources),
        trend=trend(city.period, intensity),
        note=f"electricity alone; {mean:.0f} g CO2e/kWh on average; {used.note}",
    )]


def mode_share(city: City) -> list[Reported]:
    """EC:I:T:4A cannot come from vehicle counts alone."""
    return nothing(
        "counts of vehicles say nothing of walking and public transport; give the survey's value "
        "as a fact", "traffic.flow",
    )


def heat(city: City) -> list[Reported]:
    """EN:E:E:3C needs heat meters, which no quantity of ours covers yet."""
    return nothing("no heat meters: give the supplier's figure as a fact")


def noise(city: City) -> list[Reported]:
    """EN:EN:EQ:2A in part: inhabitants around stations whose mean Lden is above 55 dB."""
    key = "noise.lden"
    exposed = counted = 0.0
    everyone = city.fact("population")
    for station in city.stations():
        around = city.fact("population", station.key.path)
        levels = city.points(key, station.key.path)
        if around is None or not levels:
            continue
        counted += around.value
        energy = math.fsum(10 ** (value / 10) for _, value, _ in levels) / len(levels)
        exposed += around.value if 10 * math.log10(energy) > NOISE_LIMIT_DB else 0.0
    if not counted:
        return nothing(
            "no noise station with a fact population (inhabitants that it stands for)", key,
        )
    coverage = min(1.0, counted / everyone.value) if everyone and everyone.value else 0.0
    return [Reported(
        100 * exposed / counted, coverage, origin(coverage), sources=(key, "population"),
        note=f"of {counted:,.0f} inhabitants around the stations; limit {NOISE_LIMIT_DB:g} dB Lden",
    )]


def roads(city: City) -> list[Reported]:
    """EC:ICT:T:2C: kilometres of major streets with a sensor alive, of all."""
    total = city.fact("major_streets_km")
    if total is None or not total.value:
        return nothing(lacking(city, "major_streets_km"), "major_streets_km")
    segments = [row for row in city.stations() if row.length_km > 0]
    alive, seen = _alive(city, segments)
    value = 100 * math.fsum(row.length_km for row in alive) / total.value
    return [Reported(
        value, seen, origin(seen), sources=("dq.completeness", "major_streets_km"),
        note=f"{len(alive)} of {len(segments)} segments alive",
    )]


def smart_meters(city: City) -> list[Reported]:
    """EC:ICT:ES:1C: customers behind meters that are alive, of all customers."""
    metered, everyone = _metered(city)
    if not everyone:
        return nothing(lacking(city, "customers"), "customers")
    return [Reported(
        100 * metered / everyone, 1.0, MEASURED, sources=("customers",),
        note=f"{metered:,.0f} of {everyone:,.0f} customers",
    )]


def feeders(city: City) -> list[Reported]:
    """EC:ICT:ES:2A: feeders with a meter alive, of all."""
    total = city.fact("feeders")
    if total is None or not total.value:
        return nothing(lacking(city, "feeders"), "feeders")
    meters = [row for row in city.stations() if city.fact("customers", row.key.path)]
    alive, seen = _alive(city, meters)
    return [Reported(
        100 * len(alive) / total.value, seen, origin(seen), sources=("dq.completeness", "feeders"),
        note=f"{len(alive)} of {total.value:g} feeders",
    )]


def _metered(city: City) -> tuple[float, float]:
    """Customers at stations with a fact of their own, and of the whole city (0 unknown)."""
    known = [city.fact("customers", row.key.path) for row in city.stations()]
    everyone = city.fact("customers")
    return (
        math.fsum(fact.value for fact in known if fact is not None),
        everyone.value if everyone is not None else 0.0,
    )


def _alive(city: City, stations: Sequence[PlaceInfo]) -> tuple[list[PlaceInfo], float]:
    """Stations with a completeness of 75 % over the last 30 days; and the share of those days."""
    since = city.period.last - timedelta(days=LIVE_DAYS - 1)
    alive, days = [], 0
    for row in stations:
        points = [(day, value) for day, value, _ in city.points("dq.completeness", row.key.path)
                  if day >= since]
        days = max(days, len({day for day, _ in points}))
        # Hours without a point are hours without a reading.
        if math.fsum(value for _, value in points) / (24 * LIVE_DAYS) >= LIVE_MIN:
            alive.append(row)
    return alive, days / LIVE_DAYS


def _midnight_ms(day: date, tz: str) -> int:
    return round(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(tz)).timestamp() * 1000)


def _year_days(period: Period) -> int:
    return 366 if calendar.isleap(period.last.year) else 365


FED: dict[str, Callable[[City], list[Reported]]] = {
    "EC:ICT:ES:1C": smart_meters, "EC:ICT:ES:2A": feeders, "EC:ICT:T:2C": roads,
    "EC:I:T:4A": mode_share, "EC:I:T:5A": travel_time, "EN:EN:AQ:2C": emissions,
    "EN:EN:EQ:2A": noise, "EN:E:E:2C": consumption, "EN:E:E:3C": heat,
}
"""How each fed KPI is computed."""
