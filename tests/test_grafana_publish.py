"""Publishing to a double of Grafana: once all, a second time nothing, never what is not ours."""

from collections.abc import Iterator
from typing import Any

import pytest

from dashboards.grafana_alerts import rules
from dashboards.grafana_api import Grafana, GrafanaError
from dashboards.grafana_board import Site
from dashboards.grafana_boards import boards
from dashboards.grafana_files import source
from dashboards.grafana_publish import holds, publish
from tests.grafana_double import TOKEN, GrafanaDouble

SITE = Site()


@pytest.fixture(name="double")
def _double() -> Iterator[GrafanaDouble]:
    double = GrafanaDouble()
    yield double
    double.close()


def bring(double: GrafanaDouble, site: Site = SITE, secret: str = "") -> list[str]:
    influx = source(2, "http://influx:8086", "cityvitals")
    del influx["secureJsonData"]
    more = {"secureJsonData": {"httpHeaderValue1": f"Token {secret}"}} if secret else {}
    return list(publish(Grafana(double.url, TOKEN), site, influx | more))


def test_all_is_made_once_and_a_second_run_changes_nothing(double: GrafanaDouble) -> None:
    said = bring(double)
    assert len(said) == 2 + len(boards(SITE)) + len(rules(SITE))
    assert said[0] == "folder Cityvitals: made"
    assert double.sources["cv-influx"]["jsonData"]["httpHeaderName1"] == "Authorization"
    double.changes.clear()
    assert bring(double) == []
    assert double.changes == []


def test_what_changed_is_changed_alone(double: GrafanaDouble) -> None:
    bring(double)
    double.boards["cv-air"]["dashboard"]["title"] = "Mine now"
    double.rules["cv-spool"]["for"] = "1h"
    double.sources["cv-influx"]["url"] = "http://elsewhere:8086"
    del double.boards["cv-wall"]
    assert bring(double) == [
        "data source City indicators: changed", "dashboard Air quality: changed",
        "dashboard Wall: made", "alert rule Batches wait for InfluxDB: changed"]
    assert bring(double, Site("https://city.example")) != []


def test_a_new_secret_is_sent_and_none_leaves_what_is_there(double: GrafanaDouble) -> None:
    """A token that was renewed was taken for the old one: Grafana tells neither."""
    assert "data source City indicators: made" in bring(double, secret="first")
    assert double.secrets == {"httpHeaderValue1": "Token first"}
    assert bring(double, secret="second") == ["data source City indicators: secret sent"]
    assert double.secrets == {"httpHeaderValue1": "Token second"}
    assert bring(double) == []
    double.sources["cv-influx"]["url"] = "http://elsewhere:8086"
    assert bring(double) == ["data source City indicators: changed"]
    assert double.secrets == {"httpHeaderValue1": "Token second"}


def test_a_rule_of_ours_that_is_no_more_goes_and_others_stay(double: GrafanaDouble) -> None:
    bring(double)
    for uid, product in (("cv-gone", "cityvitals"), ("cv-theirs", "x"), ("other", "cityvitals")):
        double.rules[uid] = {"uid": uid, "title": uid, "labels": {"product": product}}
    double.changes.clear()
    assert bring(double) == ["alert rule cv-gone: removed"]
    assert double.changes == ["DELETE /api/v1/provisioning/alert-rules/cv-gone"]
    assert {"cv-theirs", "other"} <= set(double.rules)


@pytest.mark.parametrize(("where", "uid", "theirs", "words"), [
    ("boards", "cv-air", {"dashboard": {"uid": "cv-air", "tags": ["mine"]}}, "has not the tag"),
    ("sources", "cv-influx", {"type": "prometheus"}, "is no InfluxDB"),
    ("rules", "cv-spool", {"uid": "cv-spool", "title": "x", "labels": None}, "not the label"),
])
def test_what_is_not_ours_is_refused_and_untouched(
    double: GrafanaDouble, where: str, uid: str, theirs: dict[str, Any], words: str
) -> None:
    getattr(double, where)[uid] = theirs
    with pytest.raises(GrafanaError, match=words):
        bring(double)
    assert getattr(double, where)[uid] == theirs


def test_what_the_server_adds_does_not_matter() -> None:
    assert holds({"a": [1, {"b": 2, "c": 3}], "d": 4}, {"a": [1, {"b": 2}]})
    assert not holds({"a": [1]}, {"a": [1, 2]})
    assert not holds({"a": 1}, {"a": {"b": 1}})
    assert not holds({}, {"a": False})
