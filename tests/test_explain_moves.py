"""Explanations after rows that were added late: by the rows and at the station of now."""

from dataclasses import replace
from pathlib import Path

import pytest

from cityvitals.explain_command import lines
from edge import wire
from edge.places import PlaceRow
from ingest.admission import opened
from ingest.explain import Question, explain
from ingest.line import Line
from ingest.messages import Received
from ingest.outlets import Outlets
from ingest.store import Store
from tests.explained_city import told
from tests.line_city import CITY, MINUTE_MS, MS, START_MS, row, write_places

HOUR_MS = 60 * MINUTE_MS
METER = replace(row("m1", "old", period_s=300.0), tz="UTC")
ROAD = replace(row("r1", "road", period_s=300.0), tz="UTC")
SINCE_MS = START_MS + HOUR_MS
MOVED = replace(METER, valid_from_ms=SINCE_MS, station="new")
LANES = replace(ROAD, valid_from_ms=SINCE_MS, lanes=1)
SENSOR = replace(row("p1", "air", period_s=300.0), tz="UTC")
CALIBRATED = replace(SENSOR, valid_from_ms=SINCE_MS, note="against the reference: it read 8 % low")
SAID = {"m1": {"power": 6.0}, "r1": {"count": 40.0, "speed": 30.0}, "p1": {"pm25": 25.0}}
END_MS = START_MS + 3 * HOUR_MS


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three hours; then it becomes known what changed after the first."""
    folder = tmp_path_factory.mktemp("city")
    path = write_places(folder / "places.csv", [METER, ROAD, SENSOR, CALIBRATED])
    store = Store.create(folder / "store.db")
    line = Line(folder / "ingest", Outlets(store), 60)
    line.open()
    line.load_places(path, START_MS * MS)
    number = 0
    for at_ms in range(START_MS, END_MS, 5 * MINUTE_MS):
        for device, said in SAID.items():
            for quantity, value in said.items():
                number += 1
                if device == "p1" and at_ms >= SINCE_MS:
                    value *= 1.08  # noqa: PLW2901 - it sends what it has been set to
                payload = wire.encode_single(1, number, quantity, at_ms, value)
                line.take([opened(Received(f"cv/1/r/{CITY}/x/y/{device}", payload), at_ms * MS)],
                          at_ms * MS)
    line.tick((END_MS + 2 * MINUTE_MS) * MS, with_open=False)
    mended = write_places(path, [METER, ROAD, SENSOR, MOVED, LANES, CALIBRATED])
    line.load_places(mended, (END_MS + 2 * MINUTE_MS) * MS + 1500)
    line.tick((END_MS + 3 * MINUTE_MS) * MS, with_open=False)
    told(store, END_MS + 3 * MINUTE_MS)
    line.close()
    store.close()
    return folder


@pytest.mark.parametrize(("place", "indicator", "after_min", "value", "n", "rev"), [
    ("centre/road", "traffic.flow_lane", 60, 240.0, 1, 1),
    ("centre/road", "traffic.flow_lane", 65, 480.0, 1, 2),
    ("centre/old", "energy.demand_15min", 60, 6.0, 3, 1),
    ("centre/new", "energy.demand_15min", 75, 6.0, 3, 1),
    ("centre/_", "energy.demand_15min", 180, 6.0, 1, None),
])
def test_it_yields_what_was_said(
    city: Path, place: str, indicator: str, after_min: int, value: float, n: int, rev: int | None
) -> None:
    answer = explain(city, Question(place, indicator, START_MS + after_min * MINUTE_MS))
    assert answer["equal"] is True
    assert (answer["result"]["value"], answer["result"]["n"]) == (value, n)
    assert rev is None or answer["rev"] == rev


@pytest.mark.parametrize(("hour", "mean", "told"), [(1, 25.0, SENSOR), (2, 27.0, CALIBRATED)])
def test_a_calibration_is_told_with_the_row_of_its_time(
    city: Path, hour: int, mean: float, told: PlaceRow
) -> None:
    question = Question("centre/air", "dq.completeness", START_MS + hour * HOUR_MS)
    answer = explain(city, question)
    assert answer["equal"] is True
    [series] = answer["inputs"]
    assert (series["mean"], answer["rev"]) == (pytest.approx(mean), 1)
    assert [(row["valid_from_ms"], row["note"]) for row in series["rows"]] == [
        (told.valid_from_ms, told.note)]
    assert told.note in "\n".join(lines(answer))


def test_what_was_withdrawn_is_explained_as_nothing(city: Path) -> None:
    question = Question("centre/old", "energy.demand_15min", START_MS + 75 * MINUTE_MS)
    answer = explain(city, question)
    assert (answer["stored"]["level"], answer["stored"]["rev"]) == (-1, 2)
    assert answer["coverage"]["had"] == 0
    assert [(said["old_value"], said["value"]) for said in answer["revisions"]] == [(6.0, None)]
