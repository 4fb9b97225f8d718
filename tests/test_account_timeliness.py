"""How readings came is explained: another program recomputes it from what is printed."""

import ast
import json
import math
import random
from pathlib import Path

import pytest

from edge import wire
from ingest.admission import opened
from ingest.explain import Question, explain
from ingest.in_force import Rules, configure
from ingest.line import Line
from ingest.messages import Received
from ingest.outlets import Outlets
from ingest.store import Store
from tests import explained_timeliness
from tests.explained_city import told
from tests.line_city import MINUTE_MS, MS, START_MS, row, topic, write_places
from tests.test_explain import RECEIVED

HOURS = 3
HOUR_MS = 60 * MINUTE_MS


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three hours of two stations: late, doubled, out of order, ahead, jumping."""
    made = tmp_path_factory.mktemp("came")
    rng = random.Random(5)
    coming: list[tuple[int, str, bytes]] = []
    for device in ("d1", "d2"):
        for number in range(1, HOURS * 60):
            time_ms = START_MS + number * MINUTE_MS
            value = 10.0 if rng.random() < 0.95 else 180.0
            sent = wire.encode_device_block(1, number, time_ms, {"pm25": value, "no2": 20.0})
            behind = rng.choice([40, 700, 5_000, 5_000, 90_000, 400_000, -3_000])
            coming += [(time_ms + behind, device, sent)] * rng.choice([1, 1, 1, 2])
    store = Store.create(made / "store.db")
    line = Line(made / "ingest", Outlets(store), 60)
    line.open()
    configure(line, Rules(receipts=True), START_MS * MS)
    line.load_places(write_places(made / "places.csv", [row("d1", "s1"), row("d2", "s2")]),
                     START_MS * MS)
    minute = 0
    for at_ms, device, sent in sorted(coming):
        while at_ms >= START_MS + (minute + 1) * MINUTE_MS:
            minute += 1
            line.tick((START_MS + minute * MINUTE_MS) * MS, with_open=False)
        line.take([opened(Received(topic(device), sent), at_ms * MS)], at_ms * MS)
    end_ms = START_MS + (HOURS * 60 + 20) * MINUTE_MS
    line.tick(end_ms * MS, with_open=False)
    told(store, end_ms)
    line.close()
    store.close()
    return made


@pytest.mark.parametrize("key", sorted(RECEIVED))
def test_another_program_comes_to_the_same_value(folder: Path, key: str) -> None:
    for place in ("centre/s1", "centre/s2", "centre/_", "_/_"):
        for hour in range(1, HOURS + 1):
            answer = explain(folder, Question(place, key, START_MS + hour * HOUR_MS))
            what = f"{place} {key} {answer['window']}"
            assert answer["equal"], (what, answer["result"], answer["stored"], answer["notes"])
            printed = json.loads(json.dumps(answer, allow_nan=False))
            value, said = explained_timeliness.recompute(printed), answer["result"]["value"]
            assert value is not None, what
            assert math.isclose(value, said, rel_tol=1e-9, abs_tol=1e-9), (what, value, said)


def test_what_is_late_shows_in_the_readings_that_are_listed(folder: Path) -> None:
    for hour in range(1, HOURS + 1):
        answer = explain(
            folder, Question("centre/s1", "dq.late_share", START_MS + hour * HOUR_MS))
        counts = answer["steps"][0]["found"]
        assert explained_timeliness.late_by_readings(answer) == (
            counts["received"], counts["late"])
        assert counts["late"] > 0
        assert counts["duplicates"] > 0
        assert counts["out_of_order"] > 0


def test_a_replay_of_the_archive_counts_the_same(folder: Path) -> None:
    states = []
    for whole in (False, True):
        line = Line(folder / "ingest", Outlets(Store.create(folder / f"again{whole}.db")), 60)
        line.open(whole=whole)
        found = line.vitals.deliveries
        states.append([array.tolist() for array in found.dump(4, 4).values()])
        assert found.counting
        line.close(save=False)
        line.outlet.store.close()  # type: ignore[attr-defined]
    assert states[0] == states[1]
    assert any(any(row) for row in states[0][0])


def test_the_evaluator_imports_nothing_of_the_project() -> None:
    tree = ast.parse(Path(explained_timeliness.__file__).read_text(encoding="utf-8"))
    names = {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert names == {"typing"}
    assert not any(isinstance(node, ast.Import) for node in ast.walk(tree))
