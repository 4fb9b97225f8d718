"""District and station: one place chosen, everything of it shown, and the way to its reasons."""

import json

from dashboards import grafana_places
from dashboards.grafana_board import Site
from dashboards.grafana_boards import panels
from dashboards.grafana_scale import UNIX_TIME, at_stations
from engine.catalogue import INDICATORS


def test_one_district_is_chosen() -> None:
    made = grafana_places.district(Site()).json()
    (district,) = [row for row in made["templating"]["list"] if row["name"] == "district"]
    assert (district["multi"], district["includeAll"]) == (False, False)
    for panel in panels(made):
        for target in panel.get("targets", []):
            assert "\"district\"='$district'" in target["query"], panel["title"]


def test_a_station_shows_every_indicator_that_stations_have() -> None:
    made = grafana_places.station(Site()).json()
    queries = " ".join(t["query"] for row in panels(made) for t in row.get("targets", []))
    for entry in INDICATORS:
        if entry.unit != UNIX_TIME and at_stations(entry):
            assert entry.id in queries
    assert "consumption_per_capita" not in queries, "an area's alone"
    newest = next(row for row in panels(made) if row["title"].startswith("Newest window"))
    assert '"level" >= 0' in newest["targets"][0]["query"]
    assert "#/explain/${district}/${station}/${__data.fields.domain}" in json.dumps(newest)


def test_hours_and_days_are_folded_away_and_read_the_roll_ups() -> None:
    made = grafana_places.station(Site()).json()
    (row,) = [row for row in made["panels"] if row.get("collapsed")]
    sources = {t["query"].split('FROM "')[1].split('"')[0] for one in row["panels"]
               for t in one["targets"]}
    assert sources == {"indicator_1h", "indicator_1d"}
