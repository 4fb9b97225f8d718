"""The free-flow speed that traffic is held against: stored, or measured for want of a point."""

import sqlite3
from pathlib import Path

import pytest

from ingest.explain import Question, explain
from tests.explained_city import sample

NOON_MS = 1_407_240_000_000
"""2014-08-05T12:00Z."""
PLACE = "ringroad/segment-158324"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample city's data folder."""
    return sample(tmp_path_factory.mktemp("sample"))


def test_the_stored_one_and_without_it_the_archive(folder: Path) -> None:
    question = Question(PLACE, "traffic.tti", NOON_MS)
    stored = explain(folder, question)
    assert stored["equal"]
    assert stored["notes"] == []
    with sqlite3.connect(folder / "store.db") as file:
        file.execute("UPDATE series SET indicator = 'none' WHERE indicator = 'traffic.ffs'")
    file.close()
    measured = explain(folder, question)
    assert measured["equal"]
    assert "measured from the archive" in measured["notes"][0]
    assert [step["found"] for step in measured["steps"]] == [
        step["found"] for step in stored["steps"]]
