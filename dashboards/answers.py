"""Store rows into the JSON answers of `docs/http.md`. Pure: no socket, no clock.

Times are Unix ms UTC. A point that its standard allows no number for has the value null and
the level -1. Absent numbers are null; of rows that come by the thousand the encoder makes null of
what is not finite.
"""

import math
import shlex
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from dashboards import texts
from dashboards.latest import PARTS, Latest, Worst
from dashboards.trust import Health, Trust, clock, judge
from edge.quantities import QUANTITIES
from edge.topics import parse_source
from edge.verdicts import WORDS, Verdict
from engine.catalogue import INDICATORS, POSITION
from engine.indicator import Indicator
from engine.points import INSUFFICIENT
from ingest.store import Event, Last, PlaceInfo, Sample

FORMAT = 1
TIME_MS_MAX = 4_102_444_800_000
"""The year 2100: no request asks beyond it."""
Json = dict[str, Any]

POINT_COLUMNS = (
    "path", "indicator", "end_ms", "value", "level", "cov", "n", "rev", "state",
    "p50", "p95", "max", "over", "known_ms",
)
EVENT_COLUMNS = ("time_ms", "path", "kind", "indicator", "severity", "title", "text")
READING_COLUMNS = (
    "path", "device", "quantity", "channel", "time_ms", "value", "flag", "period_s",
)
SAMPLE_COLUMNS = (
    "end_ms", "value", "level", "cov", "n", "rev", "state", "low", "high", "worst", "merged",
)


class Since(NamedTuple):
    """Since when a level has held; `at_least` if it may be longer than the history read."""

    since_ms: int
    at_least: bool


def number(value: float | None) -> float | None:
    """The value, or None for what JSON has no number for."""
    return None if value is None or not math.isfinite(value) else value


def _value(value: float, level: int) -> float | None:
    return None if level == INSUFFICIENT else number(value)


def point_rows(points: Iterable[Last]) -> list[tuple[Any, ...]]:
    """Points in the order of `POINT_COLUMNS`, the first columns of `Last`; NaN is null in JSON.

    What is insufficient has no value, whatever its window made of the little it had.
    """
    columns = len(POINT_COLUMNS)
    return [
        row[:columns] if row.level != INSUFFICIENT
        else row._replace(value=math.nan)[:columns] for row in points
    ]


def sample_row(row: Sample) -> list[Any]:
    """One point of a history in the order of `SAMPLE_COLUMNS`."""
    return [
        row.end_ms, _value(row.value, row.level), row.level, number(row.cov), row.n, row.rev,
        row.state, _value(row.low, row.level), _value(row.high, row.level), row.worst,
        row.merged,
    ]


def indicator_row(entry: Indicator) -> Json:
    """One row of the catalogue; a level's `upper` is null where it has no upper bound."""
    levels = [
        {"word": level.word, "colour": level.colour, "upper": number(level.upper)}
        for level in entry.levels
    ]
    return {
        "key": entry.key, "name": entry.name, "unit": "" if entry.unit == "1" else entry.unit,
        "digits": entry.digits, "standard": entry.standard, "clause": entry.clause,
        "rule": entry.rule, "cadence_s": entry.cadence_s, "window_s": entry.window_s,
        "levels": levels, "over_level": entry.over_level, "better": entry.better,
        "area": entry.area, "headline": entry.headline, "open_marks": list(entry.open_marks),
        "colour_source": entry.colour_source, "parts": list(PARTS.get(entry.key, ())),
    }


def place_row(place: PlaceInfo) -> Json:
    """One place; areas have no position."""
    return {
        "path": place.key.path, "scope": place.key.scope, "district": place.key.district,
        "station": place.key.station, "name": place.name, "lat": number(place.lat),
        "lon": number(place.lon), "tz": place.tz, "length_km": number(place.length_km),
        "lanes": place.lanes, "posted_kmh": number(place.posted_kmh),
    }


def since(samples: Sequence[Sample], level: int) -> Since | None:
    """When the level of the newest samples became `level`: the end of the first window with it.

    `samples` are in time order. None if the newest has another level: then `level` holds only
    in the window still open.
    """
    first = None
    for row in reversed(samples):
        if row.level != level:
            break
        first = row.end_ms
    if first is None:
        return None
    return Since(first, first == samples[0].end_ms)


def worst_row(worst: Worst, place: PlaceInfo | None, held: Since | None) -> Json:
    """The worst station of an indicator: where, what, why and since when."""
    point = worst.point
    entry = INDICATORS[POSITION[point.indicator]]
    return {
        "place": point.path, "name": place.name if place else point.path,
        "indicator": point.indicator, "value": _value(point.value, point.level),
        "level": point.level, "word": entry.levels[point.level].word,
        "over": entry.over_level is not None and point.level >= entry.over_level,
        "cause": worst.cause or None,
        "since_ms": held.since_ms if held else point.end_ms - entry.cadence_s * 1000,
        "since_at_least": bool(held and held.at_least),
    }


def status(trust: Trust, worst: list[Json]) -> Json:
    """What the page says first: is the data trustworthy, and what is worst."""
    return {
        "trust": trust.trust, "why": [reason._asdict() for reason in trust.why],
        "stations": trust.stations, "reporting": trust.reporting,
        "worst": worst[0] if worst else None, "worst_of": worst,
    }


def now(
    latest: Latest, health: Health | None, wall_ms: int, worst: list[Json],
    devices: Iterable[list[Any]] = (), data: str = "",
    indicators: Sequence[Indicator] = INDICATORS, past: float | None = None,
) -> Json:
    """`/api/now`: everything a page needs to draw itself, consistent at `seq`."""
    city = latest.places[0].key.city if latest.places else ""
    at = clock(health, wall_ms, past)
    stations = latest.stations()
    return {
        "format": FORMAT, "now_ms": at["now_ms"], "seq": latest.seq, "clock": at,
        "city": health["city"] if health else city,
        "status": status(judge(health, wall_ms, stations, past), worst),
        "indicators": [indicator_row(entry) for entry in indicators],
        "quantities": [
            {"id": row.id, "name": row.name, "unit": row.symbol, "digits": row.digits}
            for row in QUANTITIES.values()
        ],
        "places": [place_row(place) for place in latest.places],
        "points": point_rows(latest.points()),
        "readings": list(latest.readings()),
        "devices": list(devices),
        "health": health_view(health, stations, data),
        "verdict_words": verdict_words(),
    }


def history(
    path: str, indicator: str, from_ms: int, to_ms: int, samples: Sequence[Sample]
) -> Json:
    """`/api/history`: closed points of one place and indicator in time order.

    `merged` is true where the range was too long and samples stand for several points each.
    """
    level = samples[-1].level if samples else INSUFFICIENT
    held = since(samples, level)
    return {
        "format": FORMAT, "place": path, "indicator": indicator, "from_ms": from_ms,
        "to_ms": to_ms, "merged": any(row.merged > 1 for row in samples),
        "columns": list(SAMPLE_COLUMNS),
        "level": level, "since_ms": held.since_ms if held else None,
        "since_at_least": bool(held and held.at_least),
        "points": [sample_row(row) for row in samples],
    }


def events(path: str, rows: Sequence[Event], limit: int) -> Json:
    """`/api/events`: newest first. `before_ms` asks for the next page, null at the end.

    Events of one instant may be more than a page holds: then the rest of that instant is left
    out, and `before_ms` goes on behind it.
    """
    return {
        "format": FORMAT, "place": path, "columns": list(EVENT_COLUMNS),
        "events": [list(row) for row in rows],
        "before_ms": rows[-1].time_ms if len(rows) == limit else None,
    }


def admit_command(device: str, topic: str, stations: Container[str], data: str = "") -> str:
    """The command that admits a held device where its topic says it stands.

    A station that is not among `stations` yet needs a position, which only its owner knows.
    `data` is the data folder where that is not the default one.
    """
    source = parse_source(topic)
    district, station = (source.district, source.station) if source else ("DISTRICT", "STATION")
    words = ["cityvitals", "place", "add", device, "--district", district, "--station", station]
    if f"{district}/{station}" not in stations:
        words += ["--lat", "LAT", "--lon", "LON"]
    return shlex.join([*words, "--data", data] if data else words)


def health_view(health: Health | None, stations: Container[str], data: str = ""
                ) -> Health | None:
    """The health object with each held device's command added."""
    if health is None:
        return None
    held = [
        {**row, "command": admit_command(row["device"], row["topic"], stations, data)}
        for row in health["held"]
    ]
    return {**health, "held": held}


def health_answer(
    health: Health | None, wall_ms: int, stations: Mapping[str, str], page: dict[str, int],
    data: str = "", past: float | None = None,
) -> Json:
    """`/api/health`: what ingest says of itself, what that means, and the page's own counts."""
    trust = judge(health, wall_ms, stations, past)
    at = clock(health, wall_ms, past)
    return {
        "format": FORMAT, "now_ms": at["now_ms"], "clock": at, "trust": trust.trust,
        "why": [reason._asdict() for reason in trust.why], "stations": trust.stations,
        "reporting": trust.reporting, "health": health_view(health, stations, data),
        "verdict_words": verdict_words(), "page": page,
    }


def verdict_words() -> dict[str, str]:
    """Label and explanation of each verdict."""
    return {verdict.label: WORDS[verdict] for verdict in Verdict}


def error(code: str, field: str = "", **fills: object) -> Json:
    """The body of every answer that is not 200; `field` names the parameter at fault."""
    return {"error": texts.say(f"error.{code}", **fills), "field": field}
