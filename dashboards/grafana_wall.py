"""The wall: large numbers, a map and the alerts, without variables, for a screen nobody touches.

One instance serves one city, so nothing needs to be chosen.
"""

from dashboards import grafana_influxql as ql
from dashboards import grafana_parts as parts
from dashboards.grafana_board import TAG, Board, Site
from dashboards.grafana_ops import QUALITY, domains
from dashboards.grafana_panel import alert_list
from dashboards.grafana_scale import levelled, of_domains

HEADLINES_MAX = 6
MAPS_MAX = 2


def board(site: Site) -> Board:
    """The board `cv-wall`, made for 1,920 by 1,080."""
    made = Board(site, "wall", "Wall", "For a screen in the control room.", refresh="30s",
                 variables=False)
    shown = [name for name in domains() if name != QUALITY]
    headlines = [entry for entry in of_domains(shown) if entry.headline]
    # One of each domain before a second of any.
    firsts = [next(row for row in headlines if row.domain == name)
              for name in dict.fromkeys(entry.domain for entry in headlines)]
    ordered = [*firsts, *(entry for entry in headlines if entry not in firsts)][:HEADLINES_MAX]
    parts.trust(made, "", width=4)
    for place, entry in enumerate(ordered):
        width = 4 if place < 3 else 24 // (len(ordered) - 3)
        parts.area_now(made, entry, ql.city_of(""), "city", width=width)
    graded = levelled(shown)[:MAPS_MAX]
    for entry in graded:
        parts.station_map(made, entry, "", width=8, height=14)
    made.add(alert_list("alerts", "Alerts", TAG), 24 - 8 * len(graded), 14)
    for entry in graded:
        parts.district_lanes(made, entry, "", width=24 // len(graded), height=6)
    return made
