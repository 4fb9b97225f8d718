"""The developer's guide, followed to the letter: driver, rule, dashboard."""

import json
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.own_example import DOCS, copied, files, told
from tests.page_site import until

PAGE = "developer.md"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with the page's files."""
    return copied(tmp_path_factory.mktemp("guide"), PAGE)


def test_the_page_shows_whole_files() -> None:
    assert list(files(PAGE)) == [
        "thermometer.py", "thermometer.toml", "jumps.toml", "rule.py",
        "dashboards/grafana_streets.py",
    ]


def test_the_thermometer_fills_its_outbox_while_no_broker_is_there(folder: Path) -> None:
    (folder / "degrees").write_text("21400\n")
    settings = folder / "alone.toml"
    settings.write_text((folder / "thermometer.toml").read_text().replace(":18830", ":1"))
    agent = subprocess.Popen(
        [sys.executable, "-P", "thermometer.py", "alone.toml"], cwd=folder,
        stderr=subprocess.PIPE, text=True, env={"PYTHONPATH": str(folder)},
    )
    try:
        until((folder / "outbox.db").exists, 60)
        time.sleep(2.5)  # the agent alone may read its outbox while it runs
    finally:
        agent.send_signal(signal.SIGTERM)
        _, words = agent.communicate(timeout=30)
    assert agent.returncode == 0, words
    assert "messages wait in the outbox" in words  # its log is said without further ado
    assert json.loads(waiting(folder / "outbox.db")[0])["v"] == 21.4


def waiting(path: Path) -> list[bytes]:
    """Payloads that nobody has acknowledged."""
    with closing(sqlite3.connect(path)) as db:
        return [row[0] for row in db.execute("SELECT payload FROM message ORDER BY key")]


def test_a_wrong_key_of_the_driver_is_named(folder: Path) -> None:
    (folder / "bad.toml").write_text(files(PAGE)["thermometer.toml"].replace("file =", "fil ="))
    done = told(folder, "thermometer.py", "bad.toml")
    assert (done.returncode, done.stderr) == (
        2, "bad.toml: [driver]: key fil (value 'degrees') is unknown; the nearest known key is "
        "file\n",
    )


def test_the_rule_is_as_good_as_the_page_says(folder: Path) -> None:
    done = told(
        folder, "-m", "cityvitals", "simulate", "--scenario", "jumps.toml", "--start",
        "2026-03-02T06:00:00Z", "--for", "6h", "-o", "day.csv", "--truth", "truth.jsonl",
    )
    assert done.returncode == 0, done.stderr
    done = told(folder, "rule.py", "day.csv", "truth.jsonl")
    assert done.stdout.strip() in (Path(__file__).parents[1] / "docs" / PAGE).read_text()
    assert "precision 1.00, recall 1.00" in done.stdout


def test_the_dashboard_is_listed_and_passes_the_linter(folder: Path) -> None:
    path = folder / "dashboards" / "grafana_boards.py"
    text = path.read_text()
    text = text.replace("    grafana_sensors,\n", "    grafana_sensors,\n    grafana_streets,\n")
    path.write_text(text.replace(
        "grafana_wall.board,", "grafana_wall.board, grafana_streets.board,"))
    listed = told(folder, "-m", "cityvitals", "dashboards", "list")
    assert "cv-streets" in listed.stdout, listed.stderr
    linted = told(folder, "-m", "cityvitals", "dashboards", "lint")
    assert linted.returncode == 0, linted.stdout + linted.stderr


def test_a_guide_that_runs_tests_says_how_to_get_what_they_need() -> None:
    """`make up` installs no pytest: the guide's command ended with "No module named pytest"."""
    for page in sorted(DOCS.glob("*.md")):
        text = page.read_text(encoding="utf-8")
        command = text.find("python -m pytest")
        assert command < 0 or "'.[test]'" in text[:command], page.name
