"""The boards of domains: air, traffic, and energy with noise and whatever else is measured.

What stands on them is what the catalogue holds of the domain: a new indicator appears by itself,
beside those that share its unit, cadence and scale.
"""

from collections.abc import Callable, Sequence

from dashboards import grafana_influxql as ql
from dashboards import grafana_parts as parts
from dashboards.grafana_board import Board, Site
from dashboards.grafana_ops import QUALITY, domains
from dashboards.grafana_panel import decimals, override, table, target, timeseries
from dashboards.grafana_scale import (
    UNIX_TIME,
    Group,
    at_stations,
    groups,
    has_levels,
    levelled,
    of_domains,
    spoken,
    unit_of,
)
from engine.indicator import Indicator

AIR, TRAFFIC, ENERGY = "air", "traffic", "energy"
SERIES_PANELS_MAX = 8
"""Panels of single indicators in one folded row; beyond, only the group's own panel."""


def air(site: Site) -> Board:
    """The board `cv-air`."""
    return _board(site, "air", "Air quality", "Indices and concentrations by their standards.",
                  (AIR,))


def traffic(site: Site) -> Board:
    """The board `cv-traffic`."""
    return _board(site, "traffic", "Traffic", "How freely the roads run.", (TRAFFIC,))


def energy(site: Site) -> Board:
    """The board `cv-energy`: energy first, then noise and every domain without a board."""
    others = [name for name in domains() if name not in (AIR, TRAFFIC, ENERGY, QUALITY)]
    title = "Energy and noise" if "noise" in others else "Energy"
    return _board(site, "energy", title, "Demand, supply and their quality.",
                  (ENERGY, *others))


MAKERS: tuple[Callable[[Site], Board], ...] = (air, traffic, energy)


def _board(site: Site, name: str, title: str, words: str, shown: Sequence[str]) -> Board:
    made = Board(site, name, title, words, hours=24, refresh="1m")
    made.districts()
    headlines = [entry for entry in of_domains(shown) if entry.headline]
    graded = levelled(shown)
    made.row("Can the data be trusted?")
    parts.trust(made, ql.DISTRICTS, width=4)
    for domain in shown:
        parts.coverage(made, domain, ql.DISTRICTS, width=4)
    made.row("How is it now?")
    parts.city_now(made, headlines)
    made.row("Where?")
    parts.maps(made, graded)
    for entry in headlines:
        parts.station_table(made, entry, ql.DISTRICTS, width=12, height=12)
    made.row("Since when?")
    parts.lanes(made, graded)
    for entry in headlines:
        parts.course(made, f"course.{entry.key}", Group((entry,)), "indicator", ql.DISTRICTS,
                     "station", f"{entry.name}, stations", width=12)
    made.row("How were the days?")
    for entry in headlines:
        _days(made, entry)
    for domain in shown:
        for group in groups(domain):
            everything(made, group, ql.city_of(ql.CITY), ql.DISTRICTS)
    return made


def _days(board: Board, entry: Indicator) -> None:
    """The days of a headline indicator, over all stations chosen."""
    if entry.cadence_s >= parts.DAY_S:
        return
    query = ql.select('mean("mean") AS "mean",max("max") AS "highest",min("min") AS "lowest"',
                      "indicator_1d", ql.which((entry,)), ql.DISTRICTS, by="time(1d)",
                      fill="none")
    made = timeseries(
        f"days.{entry.key}", f"{entry.name}, by day", [target(query, alias="$col")],
        unit=unit_of(entry), digits=decimals(entry), fill=8,
        about=f"Of the stations chosen. {parts.about(entry)}",
    )
    board.add(made | {"timeFrom": "31d"}, 12, 8)


def everything(board: Board, group: Group, area: str, scope: str) -> None:
    """A folded row of a group: the area by indicator, then each indicator by station."""
    first = group.first
    board.row(f"{spoken(first.domain)}: {group.title}", folded=True)
    if first.unit == UNIX_TIME:
        _moments(board, group, scope)
        return
    parts.course(board, f"area.{first.key}", group, "indicator_area", area, "ind",
                 f"{group.title}, city", width=24)
    for entry in group.entries[:SERIES_PANELS_MAX]:
        if not at_stations(entry):
            if entry.area == "per_capita":
                parts.course(board, f"all.{entry.key}", Group((entry,)), "indicator_area",
                             ql.districts_of(scope), "district", f"{entry.name}, districts",
                             width=12)
            continue
        parts.course(board, f"all.{entry.key}", Group((entry,)), "indicator", scope, "station",
                     f"{entry.name}, stations", width=12)
        if has_levels(entry) and not entry.headline:
            parts.station_table(board, entry, scope, width=12, height=8)


def _moments(board: Board, group: Group, scope: str) -> None:
    """Indicators that are a time: a table, for a curve says nothing."""
    for entry in group.entries:
        query = ql.select('last("value") * 1000 AS "value"', "indicator", ql.which((entry,)),
                          ql.VALID, scope, by='"district","station"')
        made = table(
            f"all.{entry.key}", entry.name, [target(query, table=True)], hide=("Time",),
            about=parts.about(entry), overrides=[
                override("value", unit=unit_of(entry)),
                override("station", links=[board.to_station()]),
            ],
        )
        board.add(parts.recent(made, entry.cadence_s), 24, 8)
