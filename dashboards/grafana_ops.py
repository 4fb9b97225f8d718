"""City operations: can the data be trusted, is anything wrong, where, and since when."""

from dashboards import grafana_influxql as ql
from dashboards import grafana_parts as parts
from dashboards.grafana_board import TAG, Board, Site
from dashboards.grafana_panel import alert_list
from dashboards.grafana_scale import Group, levelled, of_domains
from engine.catalogue import INDICATORS

QUALITY = "dq"


def domains() -> list[str]:
    """The domains of the catalogue, in its order."""
    return list(dict.fromkeys(entry.domain for entry in INDICATORS))


def board(site: Site) -> Board:
    """The board `cv-ops`, where a shift begins."""
    made = Board(site, "ops", "City operations", "From trust to cause, from top to bottom.")
    made.districts()
    city = [name for name in domains() if name != QUALITY]
    headlines = [entry for entry in of_domains(city) if entry.headline]
    graded = levelled(city)
    made.row("Can the data be trusted?")
    parts.trust(made, ql.DISTRICTS, width=4)
    made.add(alert_list("alerts", "Alerts", TAG), 12, 8)
    for name in domains()[:6]:
        parts.coverage(made, name, ql.DISTRICTS, width=3)
    made.row("Is anything wrong now?")
    parts.city_now(made, headlines)
    made.row("Where?")
    parts.maps(made, graded)
    for entry in headlines:
        parts.district_bars(made, entry, ql.DISTRICTS, width=8, height=6)
    made.row("Since when?")
    parts.lanes(made, graded)
    for entry in headlines:
        parts.course(made, f"course.{entry.key}", Group((entry,)), "indicator_area",
                     ql.districts_of(ql.DISTRICTS), "district", f"{entry.name}, districts",
                     width=8)
    made.row("Which stations?")
    for entry in graded:
        parts.station_table(made, entry, ql.DISTRICTS, width=12, height=10)
    parts.state_table(made, ql.DISTRICTS, width=12, height=10)
    parts.events(made, ql.DISTRICTS, width=12, height=10)
    return made


