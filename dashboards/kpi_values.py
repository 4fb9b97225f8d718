"""Values of the KPIs that a city's own sensors feed, from the store, the places and the facts.

Each function says what it found for one KPI over a period: value, coverage, where it comes from,
and, where there is no value, why and what would help. Nothing is assumed: a denominator that no
fact names leaves the KPI without a value.
"""

import math
from collections.abc import Callable, Sequence
from datetime import date, timedelta

from dashboards.kpi_city import (
    BLOCK_MS,
    LIVE_DAYS,
    LIVE_MIN,
    NOISE_LIMIT_DB,
    YEAR_DAYS,
    City,
    Reported,
    days_note,
    lacking,
    lacking_at,
    nothing,
    of_days,
    of_months,
    origin,
    path_of,
    trend,
    year_days,
)
from dashboards.kpi_declared import heat, mode_share
from edge.places import PlaceRow

OF_DEMAND = "; the trend is the demand in kW"


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
    owed = (city.period.to_ms - city.period.from_ms) / BLOCK_MS
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
    yearly = kwh / share * year_days(city.period) / city.period.days
    coverage = share
    note = "of metered customers alone: no fact customers of the city"
    if all_customers and metered:
        yearly *= all_customers / metered
        coverage = share * min(1.0, metered / all_customers)
        note = f"scaled from {metered:,.0f} metered of {all_customers:,.0f} customers"
    return [Reported(
        yearly / population.value, coverage, origin(coverage), sources=sources,
        trend=trend(city.period, city.points("energy.demand_15min")),
        note=f"{note}; scaled from {share:.0%} of the blocks of {city.period.days} days to a "
        f"year{OF_DEMAND}",
    )]


def emissions(city: City) -> list[Reported]:
    """EN:EN:AQ:2C in part: what the generation of the electricity used gives off."""
    key = "energy.carbon_intensity"
    intensity = city.points(key)
    if not intensity:
        return nothing(
            "no carbon intensity of the grid in this period: it needs generation by source", key)
    used = consumption(city)[0]
    if used.value is None:
        return nothing(used.why, key, *used.sources)
    mean = _weighted(intensity, city.points("energy.demand_15min"))
    return [used._replace(
        value=used.value * mean / 1e6, sources=(key, *used.sources),
        trend=trend(city.period, intensity),
        note=f"electricity alone; {mean:.0f} g CO2e/kWh, each day by its electricity; "
        f"{used.note.removesuffix(OF_DEMAND)}; the trend is the intensity in g CO2e/kWh",
    )]


def _weighted(
    intensity: Sequence[tuple[date, float, float]], demand: Sequence[tuple[date, float, float]]
) -> float:
    """Mean intensity of the days, by the electricity of each; of all hours where none has both."""
    weight: dict[date, float] = {}
    for day, kw, _ in demand:
        weight[day] = weight.get(day, 0.0) + kw
    both = [(value, weight[day]) for day, value in of_days(intensity) if weight.get(day, 0.0) > 0]
    if not both:
        return math.fsum(value for _, value, _ in intensity) / len(intensity)
    return math.fsum(g * kwh for g, kwh in both) / math.fsum(kwh for _, kwh in both)


def outages(city: City, key: str) -> list[Reported]:
    """EC:I:ES:1C and 2C: the 12 months up to the end of the period, of the whole city."""
    points = city.points(key)
    if not points:
        return nothing(
            "no interruption index in this period: feeders need customers in the places file, "
            "and their agents report interruptions", key,
        )
    _, value, coverage = points[-1]
    return [Reported(
        value, coverage, origin(coverage), trend=trend(city.period, points), sources=(key,),
        note=days_note(city, city.period.days, YEAR_DAYS),
    )]


def outage_frequency(city: City) -> list[Reported]:
    """EC:I:ES:1C: SAIFI."""
    return outages(city, "energy.saifi")


def outage_time(city: City) -> list[Reported]:
    """EC:I:ES:2C: CAIDI, minutes."""
    return outages(city, "energy.caidi")


def renewables(city: City) -> list[Reported]:
    """EN:E:E:1C in part: electricity alone, the mean of the period's days."""
    key = "energy.renewable_share_day"
    points = city.points(key)
    if not points:
        return nothing("no sensor measured generation by source in this period", key)
    value = math.fsum(value for _, value, _ in points) / len(points)
    coverage = min(1.0, len(points) / city.period.days)
    return [Reported(
        100 * value, coverage, origin(coverage), sources=(key,),
        trend=trend(city.period, [(day, 100 * share, cov) for day, share, cov in points]),
        note=f"electricity alone; {days_note(city, len(points), city.period.days)}".rstrip("; "),
    )]


def public_buildings(city: City) -> list[Reported]:
    """EN:E:E:4C in part: electricity of the stations that have a fact public_building_m2."""
    key, fact = "energy.demand_15min", "public_building_m2"
    area = kwh = owed = had = 0.0
    for station in city.stations:
        floor = city.fact(fact, path_of(station))
        points = city.points(key, path_of(station)) if floor is not None else []
        if floor is None or not points:
            continue
        blocks = (city.period.to_ms - city.period.from_ms) / BLOCK_MS
        area, owed, had = area + floor.value, owed + blocks, had + len(points)
        kwh += math.fsum(value for _, value, _ in points) / 4 * blocks / len(points)
    if not area:
        return nothing(f"of metered stations, {lacking_at(fact)}", key, fact)
    coverage = min(1.0, had / owed)
    return [Reported(
        kwh / area * year_days(city.period) / city.period.days, coverage, origin(coverage),
        sources=(key, fact), note=f"electricity alone, of {area:,.0f} m², scaled to a year",
    )]


def noise(city: City) -> list[Reported]:
    """EN:EN:EQ:2A in part: inhabitants around stations whose mean Lden is above 55 dB."""
    key = "noise.lden"
    exposed = counted = 0.0
    everyone = city.fact("population")
    for station in city.stations:
        around = city.fact("population", path_of(station))
        levels = city.points(key, path_of(station))
        if around is None or not levels:
            continue
        counted += around.value
        energy = math.fsum(10 ** (value / 10) for _, value, _ in levels) / len(levels)
        exposed += around.value if 10 * math.log10(energy) > NOISE_LIMIT_DB else 0.0
    if not counted:
        return nothing(
            "of stations that measured noise for whole days, "
            f"{lacking_at('population')} (inhabitants that it stands for)", key, "population",
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
    segments = [row for row in city.stations if row.length_km > 0]
    alive, seen = _alive(city, segments)
    value = 100 * math.fsum(row.length_km for row in alive) / total.value
    return [Reported(
        value, seen, origin(seen), sources=("dq.completeness", "major_streets_km"),
        note=f"{len(alive)} of {len(segments)} segments alive",
    )]


def smart_meters(city: City) -> list[Reported]:
    """EC:ICT:ES:1C: customers behind meters that are alive, of all customers."""
    _, everyone = _metered(city)
    if not everyone:
        return nothing(lacking(city, "customers"), "customers")
    alive, seen = _alive(city, [row for row in city.stations if row.customers])
    behind = float(sum(row.customers for row in alive))
    return [Reported(
        100 * behind / everyone, seen, origin(seen), sources=("dq.completeness", "customers"),
        note=f"{behind:,.0f} of {everyone:,.0f} customers",
    )]


def feeders(city: City) -> list[Reported]:
    """EC:ICT:ES:2A: feeders with a meter alive, of all."""
    total = city.fact("feeders")
    if total is None or not total.value:
        return nothing(lacking(city, "feeders"), "feeders")
    meters = [row for row in city.stations if row.customers]
    alive, seen = _alive(city, meters)
    return [Reported(
        100 * len(alive) / total.value, seen, origin(seen), sources=("dq.completeness", "feeders"),
        note=f"{len(alive)} of {total.value:g} feeders",
    )]


def _metered(city: City) -> tuple[float, float]:
    """Customers behind the stations of the places file, and of the whole city (0 unknown)."""
    everyone = city.fact("customers")
    return (
        float(sum(row.customers for row in city.stations)),
        everyone.value if everyone is not None else 0.0,
    )


def _alive(city: City, stations: Sequence[PlaceRow]) -> tuple[list[PlaceRow], float]:
    """Stations with a completeness of 75 % over the last 30 days; and the share of those days."""
    since = city.period.last - timedelta(days=LIVE_DAYS - 1)
    alive, days = [], 0
    for row in stations:
        points = [(day, value) for day, value, _ in city.points("dq.completeness", path_of(row))
                  if day >= since]
        days = max(days, len({day for day, _ in points}))
        # Hours without a point are hours without a reading.
        if math.fsum(value for _, value in points) / (24 * LIVE_DAYS) >= LIVE_MIN:
            alive.append(row)
    return alive, days / LIVE_DAYS


AIR_KEYS = {
    "PM10": "air.year_pm10", "PM2.5": "air.year_pm25", "NO2": "air.year_no2",
    "SO2": "air.year_so2", "O3": "air.year_o3",
}
"""Annual means up to each day, in µg/m³ by the factors of U4SSC."""


def air(city: City) -> list[Reported]:
    """EN:EN:AQ:1C: five data points, each the mean over the stations of their annual means."""
    found = []
    for part, key in AIR_KEYS.items():
        points = city.points(key)
        if not points:
            found += nothing(
                "no annual mean of it: a station needs 75 % of the hours of 12 months", key,
                part=part)
            continue
        _, value, coverage = points[-1]
        found.append(Reported(
            value, coverage, origin(coverage), part=part, sources=(key,),
            trend=trend(city.period, points),
            note=days_note(city, city.period.days, YEAR_DAYS),
        ))
    return found


FED: dict[str, Callable[[City], list[Reported]]] = {
    "EC:ICT:ES:1C": smart_meters, "EC:ICT:ES:2A": feeders, "EC:ICT:T:2C": roads,
    "EC:I:ES:1C": outage_frequency, "EC:I:ES:2C": outage_time, "EC:I:T:4A": mode_share,
    "EC:I:T:5A": travel_time, "EN:EN:AQ:1C": air, "EN:EN:AQ:2C": emissions, "EN:EN:EQ:2A": noise,
    "EN:E:E:1C": renewables, "EN:E:E:2C": consumption, "EN:E:E:3C": heat,
    "EN:E:E:4C": public_buildings,
}
"""How each fed KPI is computed."""
