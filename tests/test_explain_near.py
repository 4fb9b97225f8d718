"""Drift explained: neighbours are built again as well, and another program comes to the same."""

import json
import math
from pathlib import Path

import pytest

from edge import wire
from edge.places import render
from engine.recipes import RECIPES
from ingest.admission import Opened, opened
from ingest.explain import Question, explain
from ingest.explain_near import with_neighbours
from ingest.line import Line
from ingest.messages import Received
from ingest.outlets import Outlets
from ingest.reconstruct import known_at
from ingest.store import Store
from tests import explained, explained_drift
from tests.drift_city import DAY, HOUR, START, hours, rows
from tests.explained_city import told
from tests.line_city import MS

DAYS = 12
STEP_H = 8


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder of six sensors, one of which lies, and one that is late with a day."""
    folder = tmp_path_factory.mktemp("drift")
    path = folder / "places.csv"
    path.write_text(render(rows()), encoding="utf-8")
    store = Store.create(folder / "store.db")
    line = Line(folder / "ingest", Outlets(store), 60)
    line.open()
    line.load_places(path, (START - HOUR) * 1000 * MS)
    late: list[Opened] = []
    for hour, readings in enumerate(hours(0, 24 * DAYS)):
        now_ns = (START + hour * HOUR + 30) * 1000 * MS
        messages = []
        for one in readings:
            at = "hills" if one.device == "d5" else "centre"
            topic = f"cv/1/r/town/{at}/s{one.device[1]}/{one.device}"
            sent = wire.encode_single(1, hour + 1, "pm25", int(one.time_s * 1000), one.value)
            came = opened(Received(topic, sent), now_ns)
            (late if one.device == "d1" and 200 <= hour < 216 else messages).append(came)
        line.take(messages, now_ns)
        if hour == 230:
            line.take(late, now_ns)
        if hour % STEP_H == STEP_H - 1:
            line.tick(now_ns + HOUR * 1000 * MS, with_open=False)
    end_ms = (START + DAYS * DAY + 120) * 1000
    line.tick(end_ms * MS, with_open=False)
    told(store, end_ms)
    line.close()
    store.close()
    return folder


@pytest.mark.parametrize(("place", "days"), [
    ("centre/s2", (6, 12)), ("centre/s1", (9,)), ("hills/s5", (12,)), ("centre/_", (12,)),
    ("_/_", (11, 12)),
])
def test_another_program_comes_to_the_same(folder: Path, place: str, days: tuple[int]) -> None:
    for day in days:
        answer = explain(folder, Question(place, "dq.drift", (START + day * DAY) * 1000))
        assert answer["equal"], (answer["result"], answer["stored"], answer["notes"])
        printed = json.loads(json.dumps(answer, allow_nan=False))
        own = explained_drift if answer["scope"] == "station" else explained
        value, stated = own.recompute(printed), answer["result"]["value"]
        assert (value is None) == (stated is None)
        assert value is None or math.isclose(value, stated)
        assert answer["result"]["level"] == explained.level("dq.flat_line", value)
    if place == "centre/s2":
        assert answer["result"]["value"] == 1.0


def test_the_nearest_are_built_and_members_of_an_area_are_its_own(folder: Path) -> None:
    known = known_at(folder / "ingest" / "archive", 1 << 62)
    keys = [key for key in known.keys if key.station]
    asked = [key for key in keys if key.station == "s5"]
    found = with_neighbours(known, asked, RECIPES["dq.drift"])
    assert found[0] == asked[0]
    assert set(found) == set(keys)
    assert with_neighbours(known, asked, RECIPES["dq.flat_line"]) == asked
    answer = explain(folder, Question("hills/_", "dq.drift", (START + 12 * DAY) * 1000))
    assert [member["place"] for member in answer["members"]] == ["hills/s5"]
