"""The parts of boards: what they show of an indicator, and what they never show as present."""

from typing import Any

import pytest

from dashboards import grafana_influxql as ql
from dashboards import grafana_parts as parts
from dashboards.grafana_board import Board, Site
from dashboards.grafana_scale import Group, level_mappings, value_steps
from engine.catalogue import INDICATORS, POSITION

AQI, DEMAND = (INDICATORS[POSITION[key]] for key in ("air.us_aqi", "energy.demand_15min"))


@pytest.fixture(name="board")
def _board() -> Board:
    return Board(Site(), "x", "X", "about")


def last(board: Board) -> dict[str, Any]:
    panel: dict[str, Any] = board.json()["panels"][-1]
    return panel


@pytest.mark.parametrize(("cadence_s", "text", "now"), [
    (60, "1m", "10m"), (300, "5m", "15m"), (900, "15m", "45m"), (3600, "1h", "3h"),
    (86_400, "1d", "3d"), (7, "7s", "10m"),
])
def test_what_is_older_than_three_cadences_is_not_now(
    cadence_s: int, text: str, now: str
) -> None:
    assert parts.interval(cadence_s) == text
    assert parts.recent({}, cadence_s) == {"timeFrom": now}
    assert parts.stepped({}, cadence_s)["interval"] == text
    assert ("timeFrom" in parts.stepped({}, cadence_s)) == (cadence_s >= 86_400)


def test_trust_shows_no_data_when_ingest_stands_still(board: Board) -> None:
    parts.trust(board, ql.DISTRICTS)
    made = board.json()["panels"]
    assert [row["title"] for row in made] == [
        "Stations reporting", "Stations silent", "Oldest station"]
    assert {row["timeFrom"] for row in made} == {"5m"}


def test_an_area_now_in_the_standards_words(board: Board) -> None:
    parts.area_now(board, AQI, ql.city_of(ql.CITY), "city", width=6)
    (override,) = last(board)["fieldConfig"]["overrides"]
    properties = {row["id"]: row["value"] for row in override["properties"]}
    assert properties["mappings"] == level_mappings(AQI.levels)
    assert "Not confirmed:" in last(board)["description"]
    parts.area_now(board, DEMAND, ql.city_of(ql.CITY), "city", width=6)
    assert last(board)["fieldConfig"]["overrides"] == []
    assert last(board)["fieldConfig"]["defaults"]["unit"] == "kwatt"


def test_over_the_limit_says_which(board: Board) -> None:
    parts.over_limit(board, AQI, ql.city_of(ql.CITY), width=3)
    assert "above 100" in last(board)["description"]
    parts.over_limit(board, DEMAND, ql.city_of(ql.CITY), width=3)
    assert len(board.json()["panels"]) == 1, "no limit, no panel"


def test_a_map_joins_places_and_levels(board: Board) -> None:
    parts.station_map(board, AQI, ql.DISTRICTS, width=12, height=10)
    made = last(board)
    assert [row["refId"] for row in made["targets"]] == ["A", "B"]
    assert [row["id"] for row in made["transformations"]] == ["organize", "merge"]
    links = [row for one in made["fieldConfig"]["overrides"] for row in one["properties"]
             if row["id"] == "links"]
    assert "/d/cv-station?" in links[0]["value"][0]["url"]


def test_a_row_leads_to_station_district_and_explanation(board: Board) -> None:
    parts.station_table(board, AQI, ql.DISTRICTS, width=12, height=10)
    urls = [link["url"] for one in last(board)["fieldConfig"]["overrides"]
            for row in one["properties"] if row["id"] == "links" for link in row["value"]]
    assert [url.split("?")[0].split("#")[0] for url in urls] == [
        "http://127.0.0.1:8080/", "/d/cv-station", "/d/cv-district"]
    parts.state_table(board, ql.DISTRICTS, width=12, height=10)
    assert last(board)["options"]["sortBy"][0]["displayName"] == "age"


def test_a_course_draws_the_limits_of_the_standard(board: Board) -> None:
    parts.course(board, "k", Group((AQI,)), "indicator", ql.DISTRICTS, "station", "T", width=12)
    defaults = last(board)["fieldConfig"]["defaults"]
    assert defaults["thresholds"]["steps"] == value_steps(AQI.levels)
    assert defaults["custom"]["thresholdsStyle"] == {"mode": "line"}
    assert last(board)["targets"][0]["alias"] == "$tag_station"
    parts.course(board, "k", Group((DEMAND,)), "indicator", ql.DISTRICTS, "station", "T", width=12)
    assert last(board)["fieldConfig"]["defaults"]["custom"]["thresholdsStyle"] == {"mode": "off"}


def test_districts_events_and_coverage(board: Board) -> None:
    parts.district_bars(board, AQI, ql.DISTRICTS, width=8, height=6)
    assert last(board)["fieldConfig"]["defaults"]["thresholds"]["steps"] == value_steps(
        AQI.levels)
    parts.district_lanes(board, AQI, ql.DISTRICTS, width=8, height=6)
    assert last(board)["interval"] == "1h"
    parts.events(board, ql.DISTRICTS, width=8, height=6)
    assert last(board)["fieldConfig"]["defaults"]["noValue"] == "no events"
    parts.coverage(board, "air", ql.DISTRICTS)
    assert ql.VALID not in last(board)["targets"][0]["query"], "insufficient windows count"
