"""Electricity per inhabitant explained: facts with their sources, and the same value anew."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from edge import wire
from edge.facts import HEADING
from edge.places import render
from ingest.admission import opened
from ingest.explain import Question, explain
from ingest.facts_in_force import take
from ingest.line import Line
from ingest.messages import Received
from ingest.outlets import Outlets
from ingest.store import Store
from tests import explained_energy
from tests.explained_city import told
from tests.line_city import MINUTE_MS, MS
from tests.town import at, row

START_MS = at("2026-03-02 00:00") * 1000
DAY_MS = 86_400_000
DAYS = 2
METERS = {"d1": ("centre/s1", 2.0), "d2": ("centre/s2", 3.5), "d3": ("hills/s3", 5.25)}
FACTS = f"""{HEADING}
valid_from,place,fact,value,unit,source
2025-01-01,_/_,population,3000,1,Census of 2025
2025-01-01,_/_,customers,1400,1,The grid's operator
2026-03-03,centre/_,population,800,1,Register of March
"""
KEY = "energy.consumption_per_capita_day"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two days of three meters that report each quarter of an hour."""
    folder = tmp_path_factory.mktemp("heads")
    path = folder / "places.csv"
    rows = [replace(row(device, place, 900.0), customers=300)
            for device, (place, _) in METERS.items()]
    path.write_text(render(rows), encoding="utf-8")
    (folder / "facts.csv").write_text(FACTS, encoding="utf-8")
    store = Store.create(folder / "store.db")
    line = Line(folder / "ingest", Outlets(store), 60)
    line.open()
    line.load_places(path, (START_MS - DAY_MS) * MS)
    take(line, folder / "facts.csv", (START_MS - DAY_MS) * MS)
    for hour in range(24 * DAYS):
        came_ns = (START_MS + (hour + 1) * 60 * MINUTE_MS) * MS
        for device, (place, kw) in METERS.items():
            body = wire.encode_block(
                1, hour + 1, "power", START_MS + hour * 60 * MINUTE_MS,
                offsets_ms=[k * 15 * MINUTE_MS for k in range(4)],
                values=[kw + hour % 24 / 8] * 4)
            line.take([opened(Received(f"cv/1/r/town/{place}/{device}", body), came_ns)], came_ns)
        line.tick(came_ns, with_open=False)
    end_ms = START_MS + DAYS * DAY_MS + 20 * MINUTE_MS
    line.tick(end_ms * MS, with_open=False)
    told(store, end_ms)
    line.close()
    store.close()
    return folder


@pytest.mark.parametrize(("place", "day", "value"), [
    ("_/_", 1, True), ("_/_", 2, True), ("centre/_", 1, False), ("centre/_", 2, True),
    ("hills/_", 2, False),
])
def test_another_program_comes_to_the_same(
    folder: Path, place: str, day: int, value: bool
) -> None:
    answer = explain(folder, Question(place, KEY, START_MS + day * DAY_MS))
    assert answer["equal"], (answer["result"], answer["stored"], answer["notes"])
    found = explained_energy.recompute(json.loads(json.dumps(answer, allow_nan=False)))
    if not value:
        assert found is answer["result"]["value"] is None
        assert f"no fact population of {place}" in answer["steps"][0]["found"]["missing"]
        return
    assert found == pytest.approx(answer["result"]["value"], rel=1e-9)
    people, scale = (3000, 1400 / 900) if place == "_/_" else (800, 1.0)
    mean = sum(kw + 11.5 / 8 for where, kw in METERS.values() if place in ("_/_", "centre/_")
               and where.startswith(place.partition("/")[0].strip("_")))
    assert found == pytest.approx(24 * mean * scale / people)


def test_the_facts_are_named_with_their_sources(folder: Path) -> None:
    found = explain(folder, Question("_/_", KEY, START_MS + DAY_MS))["steps"][0]["found"]
    assert found["population"] == {
        "fact": "population", "place": "_/_", "value": 3000, "unit": "1",
        "valid_from": "2025-01-01", "source": "Census of 2025",
    }
    assert found["customers"]["source"] == "The grid's operator"
    assert (found["metered_customers"], found["scale"]) == (900, pytest.approx(14 / 9))


@pytest.mark.parametrize("tail", ["", "_ytd"])
def test_a_year_of_two_days_is_insufficient(folder: Path, tail: str) -> None:
    key = f"energy.consumption_per_capita{tail}"
    answer = explain(folder, Question("_/_", key, START_MS + 2 * DAY_MS))
    assert answer["equal"], answer["notes"]
    assert answer["result"]["value"] is None


def test_a_station_has_nothing_of_its_own(folder: Path) -> None:
    answer = explain(folder, Question("centre/s1", KEY, START_MS + DAY_MS))
    assert answer["result"] is None
    assert "an area's alone" in answer["steps"][0]["formula"]
