"""Pipeline: rates from counters, and the present that ends when ingest does."""

from dashboards import grafana_pipeline
from dashboards.grafana_board import Site
from dashboards.grafana_boards import panels


def test_counters_are_shown_as_rates() -> None:
    made = {row["title"]: row for row in panels(grafana_pipeline.board(Site()).json())}
    for title in ("Readings a second", "Readings received", "Readings refused"):
        assert "non_negative_derivative" in made[title]["targets"][0]["query"]
    assert made["Dead letters"]["fieldConfig"]["defaults"]["unit"] == "none"


def test_every_field_of_pipeline_is_shown_and_one_city_needs_no_choice() -> None:
    made = grafana_pipeline.board(Site()).json()
    text = " ".join(t["query"] for row in panels(made) for t in row["targets"])
    for field in ("msgs", "errors", "lag_s", "queue", "write_ms", "spool", "dead", "rss_mb"):
        assert f'"{field}"' in text
    assert [row["timeFrom"] for row in panels(made)[:5]] == ["15m", "5m", "5m", "5m", "5m"]
