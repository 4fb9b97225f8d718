"""The U4SSC scorecard of a city over a period, as one JSON object: what could be computed, how
sure it is, what it is held against, and what could not be computed and why.
"""

from collections.abc import Sequence
from typing import Any

from dashboards.benchmarks import Benchmark, in_force
from dashboards.kpi_city import UNKNOWN, City, Reported
from dashboards.kpi_values import FED
from dashboards.kpis import (
    COUNT,
    DIMENSIONS,
    FEEDS,
    MARKS,
    STANDARD,
    SUB_DIMENSIONS,
    Kpi,
    kpis,
)
from dashboards.scoring import MARKS as RATING_MARKS
from dashboards.scoring import band, category_score, performance, points
from engine.catalogue import INDICATORS, POSITION, TTI_LEVELS

FORMAT = 1
Json = dict[str, Any]
NOT_FED = "comes from {feed}; give it as a fact {fact} with its source"


def scorecard(
    city: City, name: str, benchmarks: Sequence[Benchmark], made_ms: int
) -> Json:
    """The scorecard. made_ms: when it is made, Unix ms."""
    rows = [_kpi(kpi, city, benchmarks) for kpi in kpis()]
    return {
        "format": FORMAT, "standard": STANDARD, "city": name, "made_ms": made_ms,
        "period": {
            "first": city.period.first.isoformat(), "last": city.period.last.isoformat(),
            "days": city.period.days, "tz": city.period.tz,
            "provisional": city.period.days < 365,
        },
        "marks": [*MARKS, *RATING_MARKS], "counts": _counts(rows),
        "categories": _categories(rows), "kpis": rows,
    }


def _counts(rows: Sequence[Json]) -> Json:
    reported = [row for row in rows if _reported(row)]
    return {
        "kpis": COUNT, "reported": len(reported),
        "rated": sum(any(point["points"] for point in row["points"]) for row in rows),
        "from_sensors": sum(not row["from_fact"] for row in reported),
        "from_facts": sum(row["from_fact"] for row in reported),
    }


def _reported(row: Json) -> bool:
    return any(point["value"] is not None for point in row["points"])


def _kpi(kpi: Kpi, city: City, benchmarks: Sequence[Benchmark]) -> Json:
    given = city.fact(kpi.fact)
    if given is not None:
        found = [Reported(
            given.value, 1.0, UNKNOWN, sources=(kpi.fact,),
            note=f"since {given.valid_from.isoformat()}: {given.source}",
        )]
    elif kpi.code in FED:
        found = FED[kpi.code](city)
    else:
        why = NOT_FED.format(feed=FEEDS[kpi.feed], fact=kpi.fact)
        found = [Reported(None, 0.0, UNKNOWN, why=why)]
    return {
        "number": kpi.number, "code": kpi.code, "name": kpi.name, "rank": kpi.rank,
        "unit": kpi.unit, "measure": kpi.measure, "sdg": kpi.sdg, "feed": kpi.feed,
        "marks": list(kpi.marks), "category": kpi.category,
        "from_fact": _from_facts(found),
        "points": [_point(kpi, one, city, benchmarks) for one in found],
    }


def _from_facts(found: Sequence[Reported]) -> bool:
    """True if there is a value, and facts alone gave it."""
    sources = [key for one in found if one.value is not None for key in one.sources]
    return bool(sources) and not any(key in POSITION for key in sources)


def _point(kpi: Kpi, one: Reported, city: City, benchmarks: Sequence[Benchmark]) -> Json:
    held = in_force(benchmarks, kpi.code, one.part, city.period.last)
    per_cent = None
    if one.value is not None and held is not None:
        per_cent = performance(one.value, held.value, held.direction)
    return {
        "part": one.part, "value": one.value, "coverage": one.coverage, "origin": one.origin,
        "why": one.why, "note": one.note,
        "trend": [[day.isoformat(), value] for day, value in one.trend],
        "sources": list(one.sources),
        "standards": sorted({
            INDICATORS[POSITION[key]].standard for key in one.sources if key in POSITION
        }),
        "benchmark": None if held is None else {
            "value": held.value, "direction": held.direction, "source": held.source,
            "licence": held.licence, "valid_from": held.valid_from.isoformat(),
        },
        "per_cent": per_cent, "points": None if per_cent is None else points(per_cent),
        "band": "" if per_cent is None else band(per_cent), "rating": _rating(kpi, one.value),
    }


def _rating(kpi: Kpi, value: float | None) -> str:
    """The manual's own words, where it has any: of the travel time index."""
    if kpi.code != "EC:I:T:5A" or value is None:
        return ""
    return next(level.word for level in TTI_LEVELS if value <= level.upper)


def _categories(rows: Sequence[Json]) -> list[Json]:
    """Scores by sub-dimension and category, in the order of the manual."""
    found: dict[str, list[Json]] = {}
    for row in rows:
        found.setdefault(row["category"], []).append(row)
    out = []
    for category, members in found.items():
        given = [_worst(row) for row in members]
        score = category_score([value for value in given if value is not None])
        sub = category.rsplit(":", 1)[0]
        out.append({
            "category": category, "dimension": DIMENSIONS[category.split(":")[0]],
            "sub_dimension": SUB_DIMENSIONS[sub], "kpis": len(members),
            "reported": sum(map(_reported, members)),
            "score": None if score is None else score.per_cent,
            "band": "" if score is None else score.band,
            "rated": 0 if score is None else score.kpis,
        })
    return out


def _worst(row: Json) -> int | None:
    """Points of a KPI: the fewest of its data points, so that no pollutant hides another."""
    given = [point["points"] for point in row["points"] if point["points"] is not None]
    return min(given, default=None)
