"""`cityvitals facts`: loading, replacing, refusing, listing."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from cityvitals.facts_command import FILE, Loaded, known, load
from edge import facts, places
from edge.facts import FactsError
from tests.town import row

GOLDEN = Path(__file__).parent / "golden" / "facts.csv"


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cityvitals", "facts", *arguments], capture_output=True, text=True,
        check=False,
    )


def test_loaded_once_replaced_once_never_doubled(tmp_path: Path) -> None:
    assert load(tmp_path, GOLDEN) == Loaded(3, 0, 0)
    assert (tmp_path / FILE).read_text() == GOLDEN.read_text()
    assert load(tmp_path, GOLDEN) == Loaded(0, 0, 3)
    other = tmp_path / "other.csv"
    text = GOLDEN.read_text().replace("98950", "99001").replace("2024-01-01,_/_", "2023-01-01,_/_")
    other.write_text(text)
    assert load(tmp_path, other) == Loaded(1, 1, 1)
    assert [fact.value for fact in known(tmp_path)] == [98200, 98200, 41.5, 99001]


def test_a_wrong_file_changes_nothing(tmp_path: Path) -> None:
    load(tmp_path, GOLDEN)
    wrong = tmp_path / "wrong.csv"
    wrong.write_text(GOLDEN.read_text().replace("41.5", "many"))
    with pytest.raises(FactsError, match=r"line 4: value = 'many': must be a number"):
        load(tmp_path, wrong)
    assert (tmp_path / FILE).read_text() == GOLDEN.read_text()


def test_a_place_that_there_is_not_is_refused(tmp_path: Path) -> None:
    (tmp_path / "places.csv").write_text(places.render([row("m1", "centre/east")]))
    with pytest.raises(FactsError, match="place = 'harbour/_': is not in"):
        load(tmp_path, GOLDEN)
    assert known(tmp_path) == []


def test_as_a_command(tmp_path: Path) -> None:
    done = command("load", str(GOLDEN), "--data", str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("facts.csv: 3 added, 0 replaced, 0 as before\n")
    listed = command("list", "--data", str(tmp_path), "--json").stdout.splitlines()
    assert json.loads(listed[0])["value"] == 98200
    assert "Network plan 2023" in command("list", "--data", str(tmp_path)).stdout
    refused = command("load", str(tmp_path / "none.csv"), "--data", str(tmp_path))
    assert refused.returncode == 2
    assert len(refused.stderr.splitlines()) == 1
    assert facts.load(tmp_path / FILE) == facts.load(GOLDEN)
