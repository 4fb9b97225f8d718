"""Every query of every dashboard on a real InfluxDB with what the engine wrote: it finds rows."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboards.grafana_alerts import rules
from dashboards.grafana_board import Site
from dashboards.grafana_boards import boards
from tests.grafana_city import GrafanaCity
from tests.grafana_queries import has_rows, of_board, statement


@pytest.fixture(scope="module", name="city")
def _city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GrafanaCity]:
    folder: Path = tmp_path_factory.mktemp("grafana")
    city = GrafanaCity(folder)
    yield city
    city.close()


def test_every_query_finds_what_the_engine_wrote(city: GrafanaCity) -> None:
    """One test, for the city is dear; it tells every query that fails, not only the first."""
    empty = []
    count = 0
    for board in boards(Site()):
        for where, texts in of_board(board):
            count += 1
            if not any(has_rows(city.server, text) for text in texts):
                empty.append(f"{where}\n    {texts[0]}")
    for rule in rules(Site()):
        for part in rule["data"]:
            query = part["model"].get("query")
            if query is not None:
                count += 1
                text = statement(query, {}, part["relativeTimeRange"]["from"], 60)
                if not has_rows(city.server, text):
                    empty.append(f"alert {rule['uid']} / {part['refId']}\n    {text}")
    assert not empty, f"\n{len(empty)} of {count} queries find nothing:\n" + "\n".join(empty)
    assert count > 150
    assert not city.unsaid, "the engine says something of every indicator"
