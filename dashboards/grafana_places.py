"""A district and a station: what stands there, how it is, since when, and why."""

from collections.abc import Sequence

from dashboards import grafana_influxql as ql
from dashboards import grafana_parts as parts
from dashboards.grafana_board import Board, Site, to_explanation
from dashboards.grafana_ops import QUALITY, domains
from dashboards.grafana_panel import (
    NEVER,
    ONLINE,
    ONLINE_STEPS,
    geomap,
    override,
    stat,
    state_timeline,
    table,
    target,
    timeseries,
)
from dashboards.grafana_scale import (
    UNIX_TIME,
    Group,
    groups,
    levelled,
    of_domains,
    spoken,
    unit_of,
)
from engine.indicator import Indicator


def district(site: Site) -> Board:
    """The board `cv-district`."""
    made = Board(site, "district", "District", "One district: its numbers and its stations.")
    made.districts(one=True)
    headlines = [entry for entry in of_domains(domains()) if entry.headline]
    graded = levelled([name for name in domains() if name != QUALITY])
    area = ql.districts_of(ql.DISTRICT)
    made.row("Can the data be trusted?")
    parts.trust(made, ql.DISTRICT)
    made.row("How is it now?")
    for entry in headlines:
        parts.area_now(made, entry, area, "district", width=6)
    made.row("Where, and which stations?")
    for entry in graded:
        parts.station_map(made, entry, ql.DISTRICT, width=12, height=11)
        parts.station_table(made, entry, ql.DISTRICT, width=12, height=11)
    parts.state_table(made, ql.DISTRICT, width=24, height=9)
    made.row("Since when?")
    for entry in headlines:
        parts.course(made, f"course.{entry.key}", Group((entry,)), "indicator", ql.DISTRICT,
                     "station", f"{entry.name}, stations", width=12)
    parts.events(made, ql.DISTRICT, width=24, height=8)
    return made


def station(site: Site) -> Board:
    """The board `cv-station`."""
    made = Board(site, "station", "Station", "One station: every number it yields, and why.",
                 hours=24)
    made.districts(one=True)
    made.stations(one=True)
    made.row("Can the data be trusted?")
    _state(made)
    made.row("What does it say now?")
    _all_newest(made)
    for name in domains():
        made.row(f"Since when? {spoken(name)}")
        for group in groups(name, stations=True):
            if group.first.unit != UNIX_TIME:
                parts.course(made, f"course.{group.first.key}", group, "indicator", ql.STATION,
                             "ind", group.title, width=12)
    made.row("What happened?")
    parts.events(made, ql.STATION, width=24, height=8)
    made.row("Longer: hours and days", folded=True)
    for entry in (one for one in of_domains(domains()) if one.headline):
        _band(made, entry)
    return made


def _state(board: Board) -> None:
    state = ql.latest_states("online,age_s,lat,lon", ql.STATION)
    board.add(parts.fresh(stat(
        "state.online", "Reporting", [target(state, table=True)], fields="/^online$/",
        mappings=ONLINE, steps=ONLINE_STEPS, solid=True,
    )), 4, 6)
    board.add(parts.fresh(stat(
        "state.age", "Age of its data", [target(state, table=True)], fields="/^age_s$/",
        unit="s", digits=0, mappings=NEVER,
    )), 4, 6)
    board.add(state_timeline(
        "state.lane", "Reporting, over time",
        [target(ql.select('min("online") AS "online"', "station_state", ql.STATION,
                          by=f'{ql.TIME},"station"', fill="null"), alias="$tag_station")],
        digits=0, steps=ONLINE_STEPS, mappings=ONLINE,
    ) | {"interval": "1m", "maxDataPoints": 800}, 10, 6)
    board.add(parts.fresh(geomap(
        "state.map", "Where it stands", [target(state, table=True)], colour_by="online",
        text_by="station", steps=ONLINE_STEPS,
        overrides=[override("online", mappings=ONLINE), override("age_s", unit="s")],
    )), 6, 6)


def _all_newest(board: Board) -> None:
    query = ql.select('last("value") AS "value","level","cov","n","state","rev"', "indicator",
                      ql.VALID, ql.STATION, by='"district","station","domain","ind"')
    made = table(
        "newest", "Newest window of every indicator", [target(query, table=True)],
        names={"Time": "window end", "cov": "coverage", "n": "readings", "rev": "revision"},
        hide=("district", "station"), sort="window end", overrides=[
            override("coverage", unit="percentunit", decimals=0),
            override("state", mappings=[{"type": "value", "options": {
                "1": {"text": "closed", "index": 0}, "2": {"text": "final", "index": 1},
            }}]),
            override("ind", links=[to_explanation(board.site, district="${district}",
                                                  station="${station}")]),
        ],
        about="Values in the indicator's own unit; the link tells how a number came about.",
    )
    board.add(made | {"timeFrom": "3d"}, 24, 10)


def _band(board: Board, entry: Indicator) -> None:
    source: Sequence[tuple[str, str]] = [("indicator_1d", "by day")]
    if entry.cadence_s < parts.HOUR_S:
        source = [("indicator_1h", "by hour"), *source]
    for measurement, name in source:
        query = ql.select('"mean","min","max"', measurement, ql.which((entry,)), ql.STATION,
                          by='"station"')
        made = timeseries(
            f"band.{entry.key}.{measurement}", f"{entry.name}, {name}",
            [target(query, alias="$col")], unit=unit_of(entry), digits=entry.digits, fill=8,
            about=f"Mean, lowest and highest. {parts.about(entry)}",
        )
        board.add(made | {"timeFrom": "31d" if measurement == "indicator_1d" else "7d"}, 12, 8)
