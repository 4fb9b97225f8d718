"""`cityvitals reconcile`: what it prints and how it ends."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cityvitals.main import app
from edge.settings import SettingsError
from edge.verdicts import Verdict
from tests.line_city import MINUTE_MS, MS, START_MS, body, line_of, message, single, write_places

HOUR_MS = 60 * MINUTE_MS


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two hours of two placed devices and a stranger."""
    write_places(tmp_path / "places.csv")
    line = line_of(tmp_path)
    later = START_MS + HOUR_MS
    line.take([
        message("d1", single(1)), message("d1", single(1)), message("d1", b"{"),
        message("d9", single(1)), message("d2", single(3)),
    ], START_MS * MS)
    last = body(4, drop=[[1, 1, 2]], t=later, m={"pm25": 7.0})
    line.take([message("d2", last, later)], later * MS)
    line.close()
    return tmp_path


def run(folder: Path, *options: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["reconcile", "--data", str(folder), *options])
    if isinstance(done.exception, SettingsError):
        raise done.exception
    return done.exit_code, done.stdout


def test_text(folder: Path) -> None:
    status, text = run(folder)
    assert status == 0
    assert text.splitlines()[-1] == (
        "It adds up: the verdicts are those of 8 readings received, as do the counters of the "
        "last snapshot and what waits in the inbox."
    )
    assert re.search(r"applied +3 readings", text)
    assert re.search(r"lost +0 messages", text)
    assert "dead letters kept: 1 refused_unparsable" in text
    assert re.search(r"  d2 +4 ", text)


def test_json(folder: Path) -> None:
    status, text = run(folder, "--json")
    report = json.loads(text)
    assert (status, report["format"], report["adds_up"], report["differences"]) == (0, 1, True, [])
    assert report["totals"] == {
        "received": 8,
        "readings": {"applied": 3, "duplicate": 1, "held_unknown": 1, "refused_unparsable": 1,
                     "dropped_outbox": 2},
        "messages": {"sent": 6, "taken": 4, "dropped": 2, "pending": 0, "lost": 0},
    }
    assert [row["received"] for row in report["hours"]] == [5, 3]
    assert {row["device"]: row["received"] for row in report["devices"]} == {
        "d1": 2, "d2": 4, "d9": 1, "(unknown)": 1,
    }
    both = {(row["hour"][11:13], row["device"]) for row in report["devices_and_hours"]}
    assert len(both) == 5


def test_one_device_and_hour(folder: Path) -> None:
    _, text = run(folder, "--json", "--device", "d2")
    assert [row["device"] for row in json.loads(text)["devices"]] == ["d2"]
    _, text = run(folder, "--json", "--from", str(START_MS + HOUR_MS))
    report = json.loads(text)
    assert [row["received"] for row in report["hours"]] == [3]
    assert report["compared"] == []
    with pytest.raises(SettingsError, match="--device d7"):
        run(folder, "--device", "d7")


def test_what_does_not_add_up_is_status_1_with_what_differs(folder: Path) -> None:
    line = line_of(folder)
    line.counts[Verdict.APPLIED] += 1
    line.close()
    status, text = run(folder)
    assert status == 1
    assert "differs: applied: the snapshot counts 4, the archive holds 3" in text
    assert text.splitlines()[-1].startswith("It does not add up: 8 readings received")


def test_wrong_options_are_one_line(folder: Path) -> None:
    with pytest.raises(SettingsError, match="--from today: write a time such as"):
        run(folder, "--from", "today")
    with pytest.raises(SettingsError, match="no such folder"):
        run(folder / "elsewhere")
