"""A board: where panels lie, what is kept by links, what a site may be."""

import pytest

from dashboards.grafana_board import COLUMNS, SOURCE_UID, Board, Site, to_explanation
from dashboards.grafana_panel import stat, target
from edge.settings import SettingsError

QUERY = [target('SELECT last("a") FROM "b" WHERE $timeFilter')]


def test_panels_flow_and_rows_fold() -> None:
    board = Board(Site(), "x", "X", "about")
    board.row("First")
    for name in "abc":
        board.add(stat(name, name, QUERY), 10, 4)
    board.row("Second", folded=True)
    board.add(stat("d", "d", QUERY), 24, 8)
    made = board.json()
    places = [(row["title"], *(row["gridPos"][k] for k in "xyw")) for row in made["panels"]]
    assert places == [("First", 0, 0, COLUMNS), ("a", 0, 1, 10), ("b", 10, 1, 10),
                      ("c", 0, 5, 10), ("Second", 0, 9, COLUMNS)]
    (inner,) = made["panels"][-1]["panels"]
    assert (inner["title"], inner["gridPos"]["y"]) == ("d", 10)


def test_a_board_with_variables_asks_the_chosen_data_source() -> None:
    board = Board(Site(), "x", "X", "about")
    board.districts()
    board.stations(where="\"domain\"='air'")
    board.add(stat("a", "a", QUERY), 6, 4)
    made = board.json()
    assert [row["name"] for row in made["templating"]["list"]] == [
        "ds", "city", "district", "station"]
    assert made["panels"][0]["targets"][0]["datasource"]["uid"] == "${ds}"
    station = made["templating"]["list"][-1]
    assert (station["multi"], station["allValue"]) == (True, ".*")
    assert 'FROM "indicator"' in station["query"]
    link = board.to_station()
    assert link["url"] == (
        "/d/cv-station?${__url_time_range}&${ds:queryparam}&${city:queryparam}"
        "&var-district=${__data.fields.district}&var-station=${__data.fields.station}")
    assert board.to_district()["title"] == "District ${__data.fields.district}"


def test_a_board_without_variables_names_the_source_and_no_variable() -> None:
    board = Board(Site(), "x", "X", "about", variables=False)
    board.add(stat("a", "a", QUERY), 6, 4)
    made = board.json()
    assert made["templating"]["list"] == []
    assert made["panels"][0]["datasource"]["uid"] == SOURCE_UID
    assert "queryparam" not in board.to_station()["url"]
    assert [row["type"] for row in made["links"]] == ["link"]


def test_events_and_restatements_are_two_annotations() -> None:
    events, restated = Board(Site(), "x", "X", "about").json()["annotations"]["list"]
    assert (events["enable"], restated["enable"]) == (True, False)
    assert restated["query"] == restated["target"]["query"]
    assert "\"kind\"='restated'" in restated["query"]


def test_the_page_explains() -> None:
    site = Site("https://city.example/vitals/", "Europe/Berlin")
    assert site.explain("centre", "s1", "air.us_aqi") == (
        "https://city.example/vitals/#/explain/centre/s1/air.us_aqi")
    assert "${__data.fields.domain}.${__data.fields.ind}" in to_explanation(site)["url"]
    assert Board(site, "x", "X", "about").json()["timezone"] == "Europe/Berlin"


@pytest.mark.parametrize(("keys", "words"), [
    ({"page_url": "city.example"}, "--page-url = 'city.example'"),
    ({"page_url": "ftp://city.example"}, "must be http://"),
    ({"page_url": "http://me:secret@city.example"}, "leave them out"),
    ({"tz": "Europe/Atlantis"}, "--tz = 'Europe/Atlantis'"),
    ({"tz": "../etc/passwd"}, "must be an IANA time zone"),
])
def test_a_site_that_cannot_be(keys: dict[str, str], words: str) -> None:
    with pytest.raises(SettingsError, match=words) as caught:
        Site(**keys)
    assert "secret" not in str(caught.value)
