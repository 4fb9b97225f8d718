"""Areas: members, weights, and what is said of private ones."""

from dataclasses import replace
from pathlib import Path

import pytest

from ingest.explain import ExplainError, Question, explain
from ingest.line import Line
from ingest.outlets import Outlets
from ingest.store import Store
from tests.explained_city import HOUR_MS, START_MS, troubled
from tests.line_city import ROWS, write_places

MS = 1_000_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder of three stations."""
    return troubled(tmp_path_factory.mktemp("trouble"))


def test_members_with_value_weight_and_coverage(folder: Path) -> None:
    answer = explain(folder, Question("centre/_", "dq.completeness", START_MS + 2 * HOUR_MS))
    rows = {row["place"]: row for row in answer["members"]}
    assert set(rows) == {"centre/s1", "centre/s2", "centre/s3"}
    assert rows["centre/s2"]["value"] == pytest.approx(100 * 40 / 60)
    assert rows["centre/s2"]["weight"] == 60
    assert answer["steps"][0]["name"] == "area: mean"


def test_a_member_that_was_not_there_yet_is_none(folder: Path) -> None:
    answer = explain(folder, Question("centre/_", "dq.completeness", START_MS + HOUR_MS))
    assert [row["place"] for row in answer["members"]] == ["centre/s2", "centre/s1"]


def test_private_members_are_neither_listed_nor_explained(tmp_path: Path) -> None:
    troubled(tmp_path)
    store = Store.create(tmp_path / "store.db")
    line = Line(tmp_path / "ingest", Outlets(store), 60)
    line.open()
    path = write_places(tmp_path / "places.csv", [ROWS[0], replace(ROWS[1], private=True), ROWS[2]])
    line.load_places(path, (START_MS + 4 * HOUR_MS) * MS)
    line.close()
    store.close()
    with pytest.raises(ExplainError, match="private"):
        explain(tmp_path, Question("centre/s2", "dq.completeness", START_MS + 2 * HOUR_MS))
    answer = explain(tmp_path, Question("centre/_", "dq.completeness", START_MS + 2 * HOUR_MS))
    assert "s2" not in str(answer)
    assert "d2" not in str(answer)
    city = explain(tmp_path, Question("_/_", "air.us_aqi", START_MS + 2 * HOUR_MS))
    assert "s2" not in str(city)
