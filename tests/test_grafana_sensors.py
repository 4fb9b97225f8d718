"""Sensors: silent stations stay visible, and gaps are told apart from silence."""

from dashboards import grafana_sensors
from dashboards.grafana_board import Site
from dashboards.grafana_boards import panels


def test_silence_is_read_from_the_states_that_silent_stations_have_too() -> None:
    made = {row["title"]: row for row in panels(grafana_sensors.board(Site()).json())}
    for title in ("Stations, oldest first", "Reporting and silent", "Reporting, by station",
                  "Silent stations, by district"):
        assert 'FROM "station_state"' in made[title]["targets"][0]["query"]
    assert made["Reporting and silent"]["options"]["layers"][0]["config"]["style"]["color"][
        "field"] == "online"
    assert made["Reporting, by station"]["targets"][0]["query"].endswith("fill(null)")


def test_quality_indicators_stand_here() -> None:
    titles = {row["title"] for row in panels(grafana_sensors.board(Site()).json())}
    assert {"Stations, Completeness, 1 h", "Coverage, by domain"} <= titles
