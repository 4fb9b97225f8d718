"""Each rule for dashboards, broken once."""

from copy import deepcopy
from typing import Any

import pytest

from dashboards.grafana_board import Site
from dashboards.grafana_boards import boards, panels
from dashboards.grafana_lint import lint

MADE = boards(Site())


def test_our_own_are_clean() -> None:
    assert lint(MADE) == []


def at(made: Any, title: str, uid: str = "cv-ops") -> Any:
    board = next(row for row in made if row["uid"] == uid)
    return next(row for row in panels(board) if row["title"] == title)


def link(made: Any) -> Any:
    for one in at(made, "Stations, US AQI")["fieldConfig"]["overrides"]:
        for row in one["properties"]:
            if row["id"] == "links" and "/d/cv-station" in row["value"][0]["url"]:
                return row["value"][0]
    raise AssertionError


def relink(made: Any, old: str, new: str) -> None:
    one = link(made)
    assert old in one["url"]
    one["url"] = one["url"].replace(old, new)


def eighty(made: Any) -> None:
    steps = [{"color": "green", "value": None}, {"color": "red", "value": 80}]
    at(made, "US AQI, districts")["fieldConfig"]["defaults"]["thresholds"]["steps"] = steps


def worded(made: Any) -> None:
    (one,) = at(made, "US AQI, city")["fieldConfig"]["overrides"]
    row = next(row for row in one["properties"] if row["id"] == "mappings")
    row["value"][0]["options"]["0"]["text"] = "0 Super"


@pytest.mark.parametrize(("spoil", "words"), [
    (lambda made: made[0].update(uid="ops"), "does not begin with cv-"),
    (lambda made: made.append(made[0]), "same uid"),
    (lambda made: made[0].update(schemaVersion=36), "schemaVersion"),
    (lambda made: at(made, "Stations silent").update(id=at(made, "Oldest station")["id"]),
     "stands 2 times"),
    (lambda made: at(made, "Stations silent")["gridPos"].update(x=2), "lies over"),
    (lambda made: at(made, "Stations silent")["gridPos"].update(x=22), "wider than"),
    (lambda made: at(made, "Stations silent").update(type="grafana-clock-panel"), "no core panel"),
    (lambda made: at(made, "US AQI by station")["transformations"].append({"id": "x"}),
     "transformation x"),
    (lambda made: at(made, "Stations silent")["targets"][0]["datasource"].update(type="loki"),
     "data source loki"),
    (lambda made: at(made, "Stations silent")["fieldConfig"]["defaults"].pop("unit"), "no unit"),
    (lambda made: at(made, "Stations silent")["fieldConfig"]["defaults"].update(noValue=""),
     "no text for no data"),
    (lambda made: at(made, "US AQI, city")["targets"][0].update(query="SHOW SERIES"),
     "SHOW SERIES"),
    (lambda made: made[0]["annotations"]["list"][0].update(query="SHOW SERIES"), "SHOW SERIES"),
    (lambda made: made[0]["templating"]["list"][1].update(query="SHOW SERIES"), "SHOW SERIES"),
    (lambda made: at(made, "Stations silent", "cv-wall")["targets"][0].update(
        query="SELECT last(\"online\") FROM \"station_state\" WHERE \"city\"='$city' AND "
              "$timeFilter"), "$city is no variable here"),
    (eighty, "thresholds are not the catalogue's"),
    (worded, "words of levels are not the catalogue's"),
    (lambda made: relink(made, "cv-station", "cv-nowhere"), "which is no board"),
    (lambda made: relink(made, "${__url_time_range}&", ""), "loses the time"),
    (lambda made: relink(made, "${city:queryparam}&", ""), "loses the city"),
    (lambda made: relink(made, "var-station", "var-place"), "sets place"),
    (lambda made: relink(made, "fields.station", "fields.name"), "which is no column"),
])
def test_each_rule_finds_its_fault(spoil: Any, words: str) -> None:
    made = deepcopy(MADE)
    spoil(made)
    assert any(words in fault for fault in lint(made)), lint(made)[:5]
