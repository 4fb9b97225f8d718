"""Parts that several boards have: trust, the state of a headline indicator, its map and course."""

from collections.abc import Sequence
from typing import Any

from dashboards import grafana_influxql as ql
from dashboards.grafana_board import Board, to_explanation
from dashboards.grafana_panel import (
    NEUTRAL,
    NEVER,
    ONLINE,
    ONLINE_STEPS,
    bars,
    cell,
    decimals,
    geomap,
    organized,
    override,
    stat,
    state_timeline,
    table,
    target,
    thresholds,
    timeseries,
)
from dashboards.grafana_scale import (
    Group,
    has_levels,
    level_mappings,
    level_steps,
    limit_of,
    spoken,
    unit_of,
    value_steps,
)
from engine.indicator import Indicator

Json = dict[str, Any]

HOUR_S, DAY_S = 3600, 86_400
_UNITS_OF_TIME = ((DAY_S, "d"), (HOUR_S, "h"), (60, "m"), (1, "s"))


def interval(cadence_s: int) -> str:
    """A cadence as Grafana writes it: the smallest step of a panel."""
    size, name = next(row for row in _UNITS_OF_TIME if cadence_s % row[0] == 0)
    return f"{cadence_s // size}{name}"


def stepped(panel: Json, cadence_s: int) -> Json:
    """The panel with steps no finer than the cadence, and with a time that holds some windows."""
    back = {"timeFrom": "31d"} if cadence_s >= DAY_S else {}
    return panel | {"interval": interval(cadence_s), "maxDataPoints": 800} | back


def recent(panel: Json, cadence_s: int) -> Json:
    """The panel without what is too old to be called now: three cadences, at least 10 minutes."""
    return panel | {"timeFrom": interval(max(3 * cadence_s, 600))}


def fresh(panel: Json) -> Json:
    """A panel of what is written every minute: when ingest stands still, it shows no data."""
    return panel | {"timeFrom": "5m"}


def about(entry: Indicator) -> str:
    """What a panel says of an indicator: standard, rule, and what is not confirmed."""
    words = f"{entry.name}. {entry.rule}. {entry.standard}; {entry.clause}."
    if entry.colour_source:
        words += f" Colours: {entry.colour_source}."
    if entry.open_marks:
        words += f" Not confirmed: {'; '.join(entry.open_marks)}."
    return words


def level_override(entry: Indicator, *, coloured_cell: bool = False) -> Json:
    """The field `level` in the words and colours of the standard."""
    more = {"custom__displayMode": "color-background",
            "custom__cellOptions": {"type": "color-background", "mode": "basic"}}
    return override(
        "level", unit="none", decimals=0, mappings=level_mappings(entry.levels),
        thresholds=thresholds(level_steps(entry.levels)), color={"mode": "thresholds"},
        **(more if coloured_cell else {}),
    )


def value_override(entry: Indicator, name: str = "value") -> Json:
    """The field `value` in its unit."""
    found = override(name, unit=unit_of(entry), decimals=decimals(entry))
    found["properties"] = [row for row in found["properties"] if row["value"] is not None]
    return found


def trust(board: Board, scope: str, *, width: int = 6) -> None:
    """Three numbers that say whether the data can be trusted; the first thing a board shows."""
    online = ql.latest_states("online", scope)
    board.add(fresh(stat(
        "trust.online", "Stations reporting",
        [target(ql.around('mean("online") AS "online"', online))], unit="percentunit", digits=0,
        about="Share of the stations that were heard within three of their periods.",
    )), width, 4)
    board.add(fresh(stat(
        "trust.silent", "Stations silent",
        [target(ql.around('count("online") - sum("online") AS "silent"', online))],
        unit="none", digits=0, about="They are named on the sensors board.",
    )), width, 4)
    ages = ql.latest_states("age_s", scope)
    board.add(fresh(stat(
        "trust.oldest", "Oldest station", [target(ql.around('max("age_s") AS "age_s"', ages))],
        unit="s", digits=0, mappings=NEVER, about="Age of the most silent station's data.",
    )), width, 4)


def coverage(board: Board, domain: str, scope: str, *, width: int = 6) -> None:
    """How complete the data behind a domain's newest windows is."""
    inner = ql.select('last("cov") AS "cov"', "indicator", f"\"domain\"='{domain}'", scope,
                      by='"station","ind"')
    board.add(stat(
        f"trust.coverage.{domain}", f"Coverage, {spoken(domain).lower()}",
        [target(ql.around('mean("cov") AS "cov"', inner))], unit="percentunit", digits=0,
        about="Mean over stations and indicators: what there was of what there should be.",
    ) | {"timeFrom": "3h"}, width, 4)


def area_now(board: Board, entry: Indicator, scope: str, where: str, *, width: int) -> None:
    """Value and level of an area's headline indicator."""
    query = ql.newest(entry, "indicator_area", scope)
    made = stat(
        f"now.{entry.key}", f"{entry.name}, {where}", [target(query, table=True)],
        fields="/^(value|level)$/" if has_levels(entry) else "/^value$/",
        unit=unit_of(entry), digits=decimals(entry), about=about(entry),
        overrides=[level_override(entry)] if has_levels(entry) else [],
    )
    board.add(recent(made, entry.cadence_s), width, 4)


def over_limit(board: Board, entry: Indicator, scope: str, *, width: int) -> None:
    """How many stations are over the limit."""
    limit = limit_of(entry)
    if limit is None:
        return
    word = "above" if limit[0] == "gt" else "below"
    made = stat(
        f"over.{entry.key}", f"Over the limit, {entry.name}",
        [target(ql.select('last("over") AS "over"', "indicator_area", ql.which((entry,)),
                          ql.VALID, scope))],
        unit="none", digits=0,
        about=f"Stations whose {entry.name} is {word} {limit[1]:g} {entry.unit}.",
    )
    board.add(recent(made, entry.cadence_s), width, 4)


def city_now(board: Board, headlines: Sequence[Indicator]) -> None:
    """Each headline of the city, and how many stations are over its limit."""
    for entry in headlines:
        area_now(board, entry, ql.city_of(ql.CITY), "city", width=6)
        over_limit(board, entry, ql.city_of(ql.CITY), width=3)


def maps(board: Board, graded: Sequence[Indicator]) -> None:
    """A map of the stations for each, two in a row."""
    for entry in graded:
        station_map(board, entry, ql.DISTRICTS, width=12, height=12)


def lanes(board: Board, graded: Sequence[Indicator]) -> None:
    """The levels of the districts over time for each, two in a row."""
    for entry in graded:
        district_lanes(board, entry, ql.DISTRICTS, width=12, height=6)


def station_map(board: Board, entry: Indicator, scope: str, *, width: int, height: int) -> None:
    """Where the levels of an indicator are; stations without a number stay grey."""
    places = ql.latest_states("lat,lon,online,age_s", scope)
    levels = ql.newest(entry, "indicator", scope, by='"district","station"')
    made = geomap(
        f"map.{entry.key}", f"{entry.name} by station",
        [target(places, "A", table=True), target(levels, "B", table=True)],
        colour_by="level", text_by="level", steps=level_steps(entry.levels),
        about=about(entry), overrides=[
            level_override(entry), value_override(entry),
            override("online", mappings=ONLINE), override("age_s", unit="s", mappings=NEVER),
            override("station", links=[board.to_station()]),
        ],
    )
    made["transformations"] = [organized({}, ("Time",)), {"id": "merge", "options": {}}]
    board.add(recent(made, entry.cadence_s), width, height)


def station_table(
    board: Board, entry: Indicator, scope: str, *, width: int, height: int
) -> None:
    """The stations of an indicator, the highest first, with the way to each."""
    query = ql.select('last("value") AS "value","level","cov"', "indicator", ql.which((entry,)),
                      ql.VALID, scope, by='"district","station","domain","ind"')
    overrides = [value_override(entry), override("cov", unit="percentunit", decimals=0),
                 override("station", links=[board.to_station()]),
                 override("district", links=[board.to_district()])]
    overrides[0]["properties"].append({"id": "links", "value": [to_explanation(board.site)]})
    if has_levels(entry):
        overrides.append(level_override(entry, coloured_cell=True))
    made = table(
        f"stations.{entry.key}", f"Stations, {entry.name}", [target(query, table=True)],
        names={"Time": "window end"}, sort="value", overrides=overrides, about=about(entry),
    )
    board.add(recent(made, entry.cadence_s), width, height)


def state_table(board: Board, scope: str, *, width: int, height: int) -> None:
    """Every station with its age, silent ones too, the oldest first."""
    query = ql.latest_states("age_s,online,level,worst", scope)
    made = table(
        "stations.state", "Stations, oldest first", [target(query, table=True)],
        names={"Time": "as of", "age_s": "age", "worst": "worst indicator"}, hide=("level",),
        sort="age", custom=cell("auto"), about="Silent stations stay in this list.",
        overrides=[
            override("age", unit="s", decimals=0, mappings=NEVER),
            override("online", mappings=ONLINE, thresholds=thresholds(ONLINE_STEPS),
                     custom__displayMode="color-background",
                     custom__cellOptions={"type": "color-background", "mode": "basic"}),
            override("station", links=[board.to_station()]),
            override("district", links=[board.to_district()]),
        ],
    )
    board.add(fresh(made), width, height)


def district_bars(board: Board, entry: Indicator, scope: str, *, width: int, height: int) -> None:
    """The districts, each a bar in the colour of its level."""
    query = ql.newest(entry, "indicator_area", ql.districts_of(scope), by='"district"')
    steps = value_steps(entry.levels) if has_levels(entry) else NEUTRAL
    made = bars(
        f"districts.{entry.key}", f"Districts, {entry.name}", [target(query, table=True)],
        unit=unit_of(entry), digits=decimals(entry), steps=steps, about=about(entry),
        overrides=[override("value", links=[board.to_district()])],
    )
    made["transformations"] = [organized({}, ("Time", "level", "cov"))]
    board.add(recent(made, entry.cadence_s), width, height)


def district_lanes(
    board: Board, entry: Indicator, scope: str, *, width: int, height: int
) -> None:
    """Since when: the districts' levels over time."""
    query = ql.levels_over_time(entry, "indicator_area", ql.districts_of(scope), '"district"')
    made = state_timeline(
        f"lanes.{entry.key}", f"Level by district, {entry.name}",
        [target(query, alias="$tag_district")], digits=0, steps=level_steps(entry.levels),
        mappings=level_mappings(entry.levels), about=about(entry),
    )
    board.add(stepped(made, entry.cadence_s), width, height)


def course(
    board: Board, key: str, group: Group, source: str, scope: str, by: str, title: str, *,
    width: int, height: int = 8,
) -> None:
    """A group's values over time, with the limits of its standard drawn."""
    first = group.first
    steps: Sequence[Json] = value_steps(first.levels) if has_levels(first) else NEUTRAL
    made = timeseries(
        key, title, [target(ql.course(group.entries, source, scope, f'"{by}"'),
                            alias=f"$tag_{by}")],
        lines=len(steps) > 1, unit=unit_of(first), digits=decimals(first),
        steps=steps or NEUTRAL, about=about(first), zero=first.unit != "%",
    )
    board.add(stepped(made, first.cadence_s), width, height)


def events(board: Board, scope: str, *, width: int, height: int) -> None:
    """What happened, and which points were restated."""
    query = ql.select('"title","text","severity"', "event", scope,
                      by='"district","station","kind"')
    made = table(
        "events", "Events and restatements", [target(query, table=True)],
        names={"Time": "when"}, hide=("severity",), sort="when", empty="no events",
        overrides=[override("station", links=[board.to_station()])],
    )
    board.add(made | {"timeFrom": "24h"}, width, height)
