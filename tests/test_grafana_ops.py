"""City operations: the four questions in their order, for every headline of the catalogue."""

from dashboards import grafana_ops
from dashboards.grafana_board import Site
from engine.catalogue import INDICATORS


def test_trust_comes_first_then_now_where_since_when() -> None:
    made = grafana_ops.board(Site()).json()
    assert made["uid"] == "cv-ops"
    rows = [row["title"] for row in made["panels"] if row["type"] == "row"]
    assert rows == ["Can the data be trusted?", "Is anything wrong now?", "Where?",
                    "Since when?", "Which stations?"]
    assert made["panels"][1]["title"] == "Stations reporting"


def test_every_headline_is_there_by_itself() -> None:
    titles = {row["title"] for row in grafana_ops.board(Site()).json()["panels"]}
    for entry in INDICATORS:
        if entry.headline and entry.domain != grafana_ops.QUALITY:
            assert f"{entry.name}, city" in titles
            assert f"{entry.name}, districts" in titles


def test_domains_are_the_catalogues() -> None:
    assert set(grafana_ops.domains()) == {entry.domain for entry in INDICATORS}
