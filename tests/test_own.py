"""The guide to an indicator of one's own, followed to the letter in a copy of the project."""

import csv
from pathlib import Path

import pytest

from engine.catalogue import INDICATORS
from engine.own import OWN
from engine.snapshot import save
from engine.vitals import Vitals
from tests.own_example import copied, files, told

ASKED = """
import json, math
from pathlib import Path
from engine.snapshot import SnapshotError, load
try:
    load(Path("before.cvs"), 60)
except SnapshotError as error:
    print(error)
from engine.account import Look
from engine.recipes import RECIPES
from tests.town import Reading, Town, at, row
KEY, START = "weather.heat_index", at("2026-07-15 14:00")
town = Town([row("th-1", "centre/s1", 900), row("th-2", "centre/s2", 900)])
for k in range(4):
    town.take([Reading("th-1", "temp", START + 900 * k, 34.0),
               Reading("th-1", "rh", START + 900 * k, 52.0),
               Reading("th-2", "temp", START + 900 * k, 20.0)])
town.tick(START + 3700)
print(sorted(town.last(KEY, "centre/s1").values()), town.last(KEY, "centre/s2"))
windows = town.vitals.windows[-1]
family = windows.family
look = Look(town.vitals, family, family.own.entry, 0, START // 3600, START // 60 + 60)
account = RECIPES[KEY].steps(look)
print([(step.name, step.given, step.found) for step in account.steps])
print(account.coverage.had, account.coverage.owed, account.panes)
from engine.catalogue import INDICATORS
from ingest.explain import Question, explain
from tests import evaluated_own
from tests.explained_city import HOUR_MS, warm
from tests.line_city import START_MS
from tests.test_heat_index import twin
Path("warm").mkdir()
folder = warm(Path("warm"))
uppers = [level.upper for level in INDICATORS[-1].levels]
for hour in (1, 2, 3):
    asked = Question("centre/s1", "weather.heat_index", START_MS + hour * HOUR_MS)
    answer = json.loads(json.dumps(explain(folder, asked)))
    assert answer["equal"], answer["notes"]
    value, told = evaluated_own.recompute(answer, twin), answer["result"]["value"]
    assert (value is None) == (told is None), (value, told)
    assert value is None or abs(value - told) <= 0.05 + 1e-9, (value, told)
    assert evaluated_own.level(told, uppers) == answer["result"]["level"]
    print(hour, told, answer["result"]["level"])
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The copy, with what a test there needs."""
    made = copied(tmp_path_factory.mktemp("own"))
    for name in ("town", "line_city", "explained_city", "evaluated_own"):
        (made / "tests" / f"{name}.py").write_bytes(
            (Path(__file__).parent / f"{name}.py").read_bytes()
        )
    return made


def test_the_shipped_ones_are_of_the_catalogue() -> None:
    assert [own.entry for own in OWN] == list(INDICATORS[len(INDICATORS) - len(OWN):])


def test_the_page_shows_whole_files() -> None:
    assert set(files()) == {
        "engine/heat_index.py", "engine/own.py", "tests/cases/own_heat_index.csv",
        "tests/test_heat_index.py", "places.csv", "summer.csv",
    }


def test_the_cases_pass(folder: Path) -> None:
    done = told(folder, "-m", "cityvitals", "conformance", "tests/cases/own_heat_index.csv")
    assert (done.returncode, done.stdout) == (0, "5 passed, 0 differ, 0 not built\n"), done.stderr


def test_compute_yields_it_of_station_district_and_city(folder: Path) -> None:
    done = told(folder, "-m", "cityvitals", "compute", "summer.csv", "--places", "places.csv",
                "-o", "out.csv")
    assert done.returncode == 0, done.stderr
    with (folder / "out.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["indicator"] == "weather.heat_index"]
    assert [(row["place"], row["value"], row["category"]) for row in rows] == [
        (place, "39.7", "Danger") for place in ("_/_", "centre/_", "centre/s1")
    ]


@pytest.fixture(scope="module")
def asked(folder: Path) -> list[str]:
    """What the copy's engine says, line by line; one program for all, since each compiles."""
    save(Vitals(), folder / "before.cvs", {})
    done = told(folder, "-c", ASKED)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_snapshot_from_before_is_not_used(asked: list[str]) -> None:
    assert asked[0] == "before.cvs: has other indicators; the archive is replayed"


def test_the_engine_explains_it_and_asks_for_every_input(asked: list[str]) -> None:
    values, steps, coverage = asked[1:4]
    assert values == "[(39.1, 1)] {}"
    assert "('Heat index, 1 h', {'temp': 34.0, 'rh': 52.0}, {'value': 39.1})" in steps
    assert coverage.startswith("60.0 60 [(0, 3, ")


def test_another_program_comes_to_the_same_value(asked: list[str]) -> None:
    hours = [line.split() for line in asked[4:]]
    assert [(hour, level) for hour, _, level in hours] == [("1", "3"), ("2", "3"), ("3", "-1")]


def test_its_own_test_passes(folder: Path) -> None:
    done = told(folder, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_heat_index.py")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_wrong_declaration_is_named(folder: Path) -> None:
    path = folder / "engine" / "heat_index.py"
    text = path.read_text()
    path.write_text(text.replace('("temp", "rh")', '("tmp", "rh")'))
    done = told(folder, "-c", "import engine.catalogue")
    path.write_text(text)
    last = done.stderr.splitlines()[-1]
    assert last == (
        "ValueError: weather.heat_index: inputs: 'tmp' is no quantity of edge/quantities.py"
    )
