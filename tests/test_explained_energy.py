"""Explanations of the supply: another program recomputes every value from what is printed."""

import ast
import json
import math
from pathlib import Path

import pytest

from engine.catalogue_air import PURPLEAIR
from engine.catalogue_quality import CHANNELS
from ingest.explain import Question, explain
from ingest.store import Store
from tests import explained_energy
from tests.shared_folder import shared
from tests.supplied_city import supplied
from tests.supplied_year import OF_A_YEAR, supplied_year
from tests.test_explain import ELSEWHERE

CHECKED_A_SERIES = 1


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of the supply."""
    return shared(tmp_path_factory, "supply", supplied)


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of fourteen months."""
    return shared(tmp_path_factory, "supply-year", supplied_year)


def ends(folder: Path, key: str) -> list[tuple[str, int]]:
    """Some windows of every place that has the indicator, also such as have no value."""
    store = Store.reader(folder / "store.db")
    found = []
    for path in sorted({row.path for row in store.last() if row.indicator == key}):
        rows = store.history(path, key, 0, 1 << 42, 1_000_000)
        step = max(len(rows) // CHECKED_A_SERIES, 1)
        chosen = {row.end_ms for row in [*rows[::step], rows[-1]]}
        chosen |= {row.end_ms for row in rows if row.level < 0 and row is not rows[0]} and {
            next(row.end_ms for row in rows if row.level < 0)}
        found += [(path, end) for end in sorted(chosen)]
    store.close()
    return found


SUPPLIED = sorted(ELSEWHERE - {entry.key for entry in PURPLEAIR + CHANNELS})
"""Those of the supply; a PurpleAir's are explained in `test_account_purpleair`."""


@pytest.mark.parametrize("key", SUPPLIED)
def test_another_program_comes_to_the_same_value(folder: Path, key: str) -> None:
    asked = ends(folder, key)
    assert asked, "the city has this indicator"
    values = agreed(folder, key, asked)
    assert set(values) != {None} or key in OF_A_YEAR, "two programs agree on a number"


@pytest.mark.parametrize("key", OF_A_YEAR)
def test_a_year_from_the_archive(year: Path, key: str) -> None:
    """What nine days cannot have: here are fourteen months."""
    store = Store.reader(year / "store.db")
    asked = [(row.path, row.end_ms) for row in store.last() if row.indicator == key]
    store.close()
    values = agreed(year, key, asked)
    assert set(values) != {None}, "two programs agree on a number"


def agreed(folder: Path, key: str, asked: list[tuple[str, int]]) -> list[float | None]:
    """The values on which engine, store and the other program agree."""
    values: list[float | None] = []
    for place, end_ms in asked:
        answer = explain(folder, Question(place, key, end_ms))
        what = f"{place} {key} {answer['window']}"
        assert answer["equal"], (what, answer["result"], answer["stored"], answer["notes"])
        value = explained_energy.recompute(json.loads(json.dumps(answer, allow_nan=False)))
        told = answer["result"]["value"]
        values.append(told)
        assert (value is None) == (told is None), (what, value, told)
        assert explained_energy.level(key, value) == answer["result"]["level"], what
        if value is not None:
            assert math.isclose(value, told, rel_tol=1e-9, abs_tol=1e-9), (what, value, told)
    return values


def test_the_evaluator_imports_nothing_of_the_project() -> None:
    tree = ast.parse(Path(explained_energy.__file__).read_text(encoding="utf-8"))
    names = {
        name.name if isinstance(node, ast.Import) else str(node.module)
        for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)
        for name in node.names
    }
    assert names == {"datetime", "math", "typing"}
