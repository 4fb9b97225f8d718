"""`cityvitals report`: files and JSON from a real store, and errors that say what would help."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from cityvitals.main import app
from cityvitals.report_command import standing
from edge.places import PlaceKey, render
from engine.catalogue import POSITION
from engine.points import empty
from ingest.store import Store
from tests.kpi_town import station

DAY_S = 86_400
START_S = 1_767_222_000  # 2026-01-01, midnight in Berlin


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Path:
    rows = [station("a/road", length_km=2.0)]
    (tmp_path / "places.csv").write_text(render(rows), encoding="utf-8")
    store = Store.create(tmp_path / "store.db")
    points = empty(40)
    points.indicator[:] = POSITION["traffic.tti_peak"]
    points.end_s[:] = START_S + DAY_S * np.arange(1, 41)
    points.value[:], points.cov[:], points.rev[:], points.state[:] = 1.2, 1.0, 1, 1
    store.write(points, [PlaceKey("town", "", "")], 0)
    store.close()
    return tmp_path


def _run(folder: Path, *words: str) -> tuple[int, str]:
    asked = ["report", "--data", str(folder), "--from", "2026-01-01", "--to", "2026-12-31", *words]
    result = CliRunner().invoke(app, asked)
    return result.exit_code, result.output


def test_html_and_json_are_written(folder: Path) -> None:
    status, said = _run(folder, "-o", str(folder / "card.html"))
    assert status == 0
    assert "1 of 91 indicators, 1 from sensors, 1 rated" in said
    assert "Travel Time Index" in (folder / "card.html").read_text(encoding="utf-8")
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    (row,) = (row for row in card["kpis"] if row["code"] == "EC:I:T:5A")
    assert row["points"][0]["value"] == pytest.approx(1.2)
    assert card["city"] == "town"


def test_json_alone(folder: Path) -> None:
    status, said = _run(folder, "--json")
    assert status == 0
    assert json.loads(said)["counts"]["reported"] == 1
    assert not (folder / "u4ssc.html").exists()


def test_own_benchmarks_come_before_the_shipped_ones(folder: Path) -> None:
    own = folder / "own.csv"
    own.write_text(
        "# cityvitals benchmarks 1\nvalid_from,kpi,part,value,direction,unit,source,licence\n"
        "2020-01-01,EC:I:T:5A,,1.0,lower,1,Council,own\n", encoding="utf-8",
    )
    _, said = _run(folder, "--json", "--benchmarks", str(own))
    (row,) = (row for row in json.loads(said)["kpis"] if row["code"] == "EC:I:T:5A")
    assert row["points"][0]["benchmark"]["source"] == "Council"


@pytest.mark.parametrize(("words", "says"), [
    (("--from", "soon"), "--from 'soon'"), (("--to", "2025-12-01"), "comes after"),
    (("--from", "1990-01-01"), "longer than"), (("--benchmarks", "none.csv"), "none.csv"),
])
def test_what_is_wrong_is_named(folder: Path, words: tuple[str, ...], says: str) -> None:
    status, said = _run(folder, *words)
    assert status == 2
    assert says in said


def test_a_folder_without_places(tmp_path: Path) -> None:
    status, said = _run(tmp_path)
    assert status == 2
    assert "places.csv: no such file" in said


def test_retired_and_later_stations_do_not_stand() -> None:
    here = station("a/here")
    gone, later = station("a/gone"), replace(station("a/later"), valid_from_ms=20)
    rows = [here, gone, replace(gone, valid_from_ms=5, status="retired"), later]
    assert standing(rows, 10) == [here]


def test_the_list_names_every_kpi() -> None:
    said = CliRunner().invoke(app, ["report", "--list"]).output
    assert len(said.splitlines()) == 91
    assert "u4ssc-ec-i-t-5a" in said
