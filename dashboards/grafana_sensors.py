"""Sensors: which stations are silent since when, and how good the data of the others is."""

from dashboards import grafana_influxql as ql
from dashboards import grafana_parts as parts
from dashboards.grafana_board import Board, Site
from dashboards.grafana_domain import everything
from dashboards.grafana_ops import QUALITY, domains
from dashboards.grafana_panel import (
    NEVER,
    ONLINE,
    ONLINE_STEPS,
    geomap,
    organized,
    override,
    state_timeline,
    target,
    timeseries,
)
from dashboards.grafana_scale import groups, of_domains


def board(site: Site) -> Board:
    """The board `cv-sensors`."""
    made = Board(site, "sensors", "Sensors", "Silence, completeness and data quality.",
                 hours=24, refresh="1m")
    made.districts()
    headlines = [entry for entry in of_domains((QUALITY,)) if entry.headline]
    made.row("Can the data be trusted?")
    parts.trust(made, ql.DISTRICTS, width=4)
    for name in domains()[:3]:
        parts.coverage(made, name, ql.DISTRICTS, width=4)
    made.row("Which stations are silent, and where?")
    parts.state_table(made, ql.DISTRICTS, width=12, height=12)
    _map(made)
    made.row("Since when?")
    _lanes(made)
    _silent(made)
    _coverage(made)
    made.row("How good is what comes?")
    for entry in headlines:
        parts.district_bars(made, entry, ql.DISTRICTS, width=12, height=6)
        parts.district_lanes(made, entry, ql.DISTRICTS, width=12, height=6)
        parts.station_table(made, entry, ql.DISTRICTS, width=24, height=10)
    made.row("What happened?")
    parts.events(made, ql.DISTRICTS, width=24, height=8)
    for group in groups(QUALITY):
        everything(made, group, ql.city_of(ql.CITY), ql.DISTRICTS)
    return made


def _map(board: Board) -> None:
    query = ql.latest_states("lat,lon,online,age_s", ql.DISTRICTS)
    made = geomap(
        "map.state", "Reporting and silent", [target(query, table=True)], colour_by="online",
        text_by="station", steps=ONLINE_STEPS, overrides=[
            override("online", mappings=ONLINE), override("age_s", unit="s", mappings=NEVER),
            override("station", links=[board.to_station()]),
        ],
    )
    made["transformations"] = [organized({}, ("Time",))]
    board.add(parts.fresh(made), 12, 12)


def _lanes(board: Board) -> None:
    query = ql.select('min("online") AS "online"', "station_state", ql.DISTRICTS,
                      by=f'{ql.TIME},"station"', fill="null")
    made = state_timeline(
        "lanes.online", "Reporting, by station", [target(query, alias="$tag_station")],
        digits=0, steps=ONLINE_STEPS, mappings=ONLINE,
        about="A gap in all lanes at once: ingest, not the stations.",
    )
    board.add(made | {"interval": "1m", "maxDataPoints": 400}, 24, 12)


def _silent(board: Board) -> None:
    inner = ql.select('min("online") AS "online"', "station_state", ql.DISTRICTS,
                      by=f'{ql.TIME},"district","station"', fill="none")
    query = ql.around('count("online") - sum("online") AS "silent"', inner,
                      by=f'{ql.TIME},"district"', more="fill(none)")
    made = timeseries(
        "silent.district", "Silent stations, by district",
        [target(query, alias="$tag_district")], unit="none", digits=0, fill=20,
    )
    board.add(made | {"interval": "1m", "maxDataPoints": 400}, 12, 8)


def _coverage(board: Board) -> None:
    query = ql.select('mean("cov") AS "cov"', "indicator", ql.DISTRICTS,
                      by=f'{ql.TIME},"domain"', fill="none")
    made = timeseries(
        "coverage.domain", "Coverage, by domain", [target(query, alias="$tag_domain")],
        unit="percentunit", digits=0,
        about="Mean over stations and indicators, insufficient windows too.",
    )
    board.add(made | {"interval": "1h", "maxDataPoints": 400}, 12, 8)
