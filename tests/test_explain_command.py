"""`cityvitals explain` as an operator calls it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cityvitals.main import app
from engine.catalogue import INDICATORS, POSITION
from ingest.store import Store
from tests.explained_city import HOUR_MS, START_MS, troubled

run = CliRunner().invoke


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with readings that were left out."""
    return troubled(tmp_path_factory.mktemp("trouble"))


def test_it_says_all_in_words(folder: Path) -> None:
    time = str(START_MS + 2 * HOUR_MS)
    out = run(app, ["explain", "centre/s1", "air.us_aqi_pm25", "--time", time, "--data",
                    str(folder)])
    assert out.exit_code == 0
    for words in ("US AQI of PM2.5 at centre/s1", "as stored", "Europe/Lisbon", "revision 2",
                  "40 CFR Part 58", "ecfr.gov", "coverage", "C_low", "pm25 of d1: 120 readings",
                  "refused_impossible", "Revisions", "5 readings, up to"):
        assert words in out.output, words
    marks = INDICATORS[POSITION["air.us_aqi_pm25"]].open_marks
    assert [line.partition("unconfirmed: ")[2] for line in out.output.splitlines()
            if "unconfirmed: " in line] == list(marks)
    assert marks


def test_json_for_scripts(folder: Path) -> None:
    out = run(app, ["explain", "centre/_", "air.us_aqi", "--json", "--data", str(folder)])
    assert out.exit_code == 0
    answer = json.loads(out.stdout)
    assert (answer["format"], answer["scope"], answer["equal"]) == (1, "district", True)


@pytest.mark.parametrize("words", [
    ["centre/s1", "air.none"], ["no/where", "air.us_aqi"],
    ["centre/s1", "air.us_aqi", "--time", "noon"],
])
def test_what_is_wrong_in_one_line_and_status_2(folder: Path, words: list[str]) -> None:
    out = run(app, ["explain", *words, "--data", str(folder)])
    assert out.exit_code == 2
    assert out.stderr.startswith("cityvitals: ")
    assert out.stderr.count("\n") == 1


def test_a_point_that_is_not_what_the_archive_yields_is_status_1(tmp_path: Path) -> None:
    troubled(tmp_path)
    store = Store.create(tmp_path / "store.db")
    tables = [name for (name,) in store._connection.execute(
        "SELECT name FROM sqlite_master WHERE name GLOB 'points_*'")]
    for name in tables:
        store._connection.execute(f"UPDATE {name} SET n = n + 1")
    store.close()
    out = run(app, ["explain", "centre/s1", "air.us_aqi", "--data", str(tmp_path)])
    assert out.exit_code == 1
    assert "NOT as stored" in out.output
