"""KPIs of which sensors tell a part, once the city has declared as facts what they cannot know.

A counter does not know whom it counts, nor a heat supplier's bill who lives there. Without the
fact there is no value, and the report names the fact.
"""

import math

from dashboards.kpi_city import (
    BLOCK_MS,
    CITY,
    ESTIMATED,
    UNKNOWN,
    City,
    Reported,
    lacking,
    lacking_at,
    nothing,
    path_of,
)

MODES = {
    "motor vehicles": "persons_per_motor_vehicle", "bicycles": "persons_per_bicycle",
    "on foot": "persons_per_pedestrian", "public transport": "persons_per_passenger_count",
}
"""Each mode, and the fact by which a station says that it counts it, and how many travel."""
FLOW, FLOW_MS = "traffic.flow", BLOCK_MS // 3
HEAT = "residential_heat_gj"


def mode_share(city: City) -> list[Reported]:
    """EC:I:T:4A in part: persons who pass the city's counters, by mode.

    A proxy: it counts passages and not trips, and where the counters stand decides.
    """
    passing: dict[str, float] = {}
    counters: dict[str, int] = {}
    had: list[float] = []
    for station in city.stations:
        for mode, fact in MODES.items():
            persons = city.fact(fact, path_of(station))
            points = city.points(FLOW, path_of(station)) if persons is not None else []
            if persons is None or not points:
                continue
            mean = math.fsum(value for _, value, _ in points) / len(points)
            passing[mode] = passing.get(mode, 0.0) + mean * persons.value
            counters[mode] = counters.get(mode, 0) + 1
            had.append(len(points) * FLOW_MS / (city.period.to_ms - city.period.from_ms))
    total = math.fsum(passing.values())
    if len(passing) < 2 or not total:
        least = "counters of two modes at least are needed: " + lacking_at(*MODES.values())
        return nothing(least, FLOW, *MODES.values())
    coverage = min(1.0, math.fsum(had) / len(had))
    left_out = ", ".join(mode for mode in MODES if mode not in passing)
    found = []
    for mode, fact in MODES.items():
        if mode not in passing:
            found += nothing(f"not counted: {lacking_at(fact)}", FLOW, fact, part=mode)
            continue
        found.append(Reported(
            100 * passing[mode] / total, coverage, ESTIMATED, part=mode, sources=(FLOW, fact),
            note=f"persons passing {counters[mode]} counter{'s' * (counters[mode] > 1)}, not trips"
            + (f"; left out: {left_out}" if left_out else ""),
        ))
    return found


def heat(city: City) -> list[Reported]:
    """EN:E:E:3C: what the heat meters of the city, or of some districts, billed per inhabitant."""
    places = [CITY] if city.fact(HEAT) is not None else sorted(
        {fact.place for fact in city.facts if fact.fact == HEAT})
    used = [(city.fact(HEAT, place), city.fact("population", place)) for place in places]
    both = [(gj, people) for gj, people in used
            if gj is not None and people is not None and people.value > 0]
    if not both:
        missing = lacking(city, HEAT, "population") or "the fact population is 0"
        return nothing(f"{missing}, or both of districts", HEAT, "population")
    inhabitants = math.fsum(people.value for _, people in both)
    everyone = city.fact("population")
    known = everyone is not None and everyone.value > 0
    coverage = min(1.0, inhabitants / everyone.value) if known and everyone is not None else 0.0
    sources = sorted({gj.source for gj, _ in both})
    return [Reported(
        math.fsum(gj.value for gj, _ in both) / inhabitants, coverage, UNKNOWN,
        sources=(HEAT, "population"),
        note=f"of {inhabitants:,.0f} inhabitants, since "
        f"{max(gj.valid_from for gj, _ in both).isoformat()}: {'; '.join(sources)}"
        + ("" if known else "; no fact population of the city: coverage unknown"),
    )]
