"""PurpleAir explained: raw, humidity and corrected; another program comes to the same numbers."""

import json
import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge import wire
from edge.places import render
from ingest.admission import opened
from ingest.explain import Question, explain
from ingest.line import Line
from ingest.messages import Received
from ingest.outlets import Outlets
from ingest.store import Store
from tests import evaluated_air, explained
from tests.explained_city import told
from tests.line_city import MS
from tests.town import at, row

START, HOURS, HOUR = at("2026-03-02 00:00"), 14, 3600
STEP = 600
QUIET, APART, DRY = 5, 7, 9
"""Hours in which channel b is silent, contradicts channel a, and humidity is missing."""


def _sent() -> Iterator[tuple[int, str, str, str, float]]:
    """Time, station, quantity, channel and value of what two sensors send every ten minutes."""
    for time_s in range(START, START + HOURS * HOUR, STEP):
        hour, step = divmod((time_s - START) // STEP, 6)
        pm = 6.0 + 19.0 * hour + step  # through all pieces of the map's formula
        yield time_s, "s1", "pm25", "a", pm
        if hour != QUIET or step < 3:
            yield time_s, "s1", "pm25", "b", pm * (3.0 if hour == APART else 1.1)
        if hour != DRY:
            yield time_s, "s1", "rh", "", 40.0 + hour
        yield time_s, "s2", "pm25", "", pm


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder of a sensor of two channels, and of one that has no humidity of its own."""
    folder = tmp_path_factory.mktemp("purpleair")
    path = folder / "places.csv"
    path.write_text(render([
        row("p1", "centre/s1", STEP, correction="purpleair-atm"),
        row("p2", "centre/s2", STEP, correction="purpleair-cf1"),
    ]), encoding="utf-8")
    store = Store.create(folder / "store.db")
    line = Line(folder / "ingest", Outlets(store), 60)
    line.open()
    line.load_places(path, (START - HOUR) * 1000 * MS)
    for number, (time_s, station, quantity, channel, value) in enumerate(_sent(), 1):
        now_ns = (time_s + 5) * 1000 * MS
        payload = wire.encode_single(1, number, quantity, time_s * 1000, value,
                                     channel=channel or None)
        where = f"cv/1/r/town/centre/{station}/p{station[1]}"
        line.take([opened(Received(where, payload), now_ns)], now_ns)
        if quantity == "pm25" and station == "s2" and time_s % HOUR == 0:
            line.tick(now_ns, with_open=False)
    end_ms = (START + HOURS * HOUR + 120) * 1000
    line.tick(end_ms * MS, with_open=False)
    told(store, end_ms)
    line.close()
    store.close()
    return folder


def answer_of(folder: Path, place: str, key: str, hour: int) -> evaluated_air.Answer:
    """What explain says of an hour; the stored value is the one that it computes again."""
    answer = explain(folder, Question(place, key, (START + (hour + 1) * HOUR) * 1000))
    assert answer["equal"], (answer["result"], answer["stored"], answer["notes"])
    found: evaluated_air.Answer = json.loads(json.dumps(answer, allow_nan=False))
    return found


def same(told: float | None, found: float | None) -> bool:
    return told is found is None or math.isclose(told or 0.0, found or 0.0, rel_tol=1e-9)


@pytest.mark.parametrize("key", ["air.eaqi_2024_pm25", "air.nowcast_pm25", "air.us_aqi_pm25"])
def test_an_index_of_corrected_hours_is_recomputed_from_its_explanation(
    folder: Path, key: str
) -> None:
    for hour in (2, QUIET, APART, DRY, HOURS - 1):
        answer = answer_of(folder, "centre/s1", key, hour)
        assert same(answer["result"]["value"], explained.recompute(answer)), hour
        assert answer["steps"][0]["name"] == "PM2.5 of PurpleAir sensors"


@pytest.mark.parametrize("hour", range(HOURS))
def test_every_hour_is_recomputed_from_its_explanation(folder: Path, hour: int) -> None:
    answer = answer_of(folder, "centre/s1", "air.pm25_purpleair_epa", hour)
    (own,) = evaluated_air.corrected_of(answer, answer["window"]["start_ms"])
    assert same(answer["result"]["value"], own)
    assert (own is None) == (hour in (QUIET, APART, DRY))
    columns, (sensor,) = (answer["steps"][0]["found"][name] for name in ("columns", "rows"))
    said = dict(zip(columns, sensor, strict=True))
    assert (said["device"], said["correction"]) == ("p1", "purpleair-atm")
    assert said["means"][0] == 6.0 + 19.0 * hour + 2.5
    assert said["rh"] == (None if hour == DRY else 40.0 + hour)
    assert said["agree"] is (None if hour == QUIET else hour != APART)
    assert same(said["pm25"], own)


@pytest.mark.parametrize(("hour", "value"), [(2, 0.0), (APART, 1.0), (QUIET, None)])
def test_what_disagrees_is_counted(folder: Path, hour: int, value: float | None) -> None:
    answer = answer_of(folder, "centre/s1", "dq.channels_disagree", hour)
    assert answer["result"]["value"] == value
    assert answer["steps"][1]["found"] == {"disagree": value}
    columns, rows = (answer["steps"][0]["found"][name] for name in ("columns", "rows"))
    pairs = [row[columns.index("means")] for row in rows]
    pairs = [pair for pair in pairs if len(pair) == 2 and None not in pair]
    apart = [abs(a - b) > max(5.0, 0.7 * (a + b) / 2) for a, b in pairs]
    assert (float(sum(apart)) if apart else None) == value, "as the rule has it"
    share = answer["coverage"]["share"]
    assert share == (0.0 if hour == QUIET else 1.0)


def test_without_humidity_it_says_so(folder: Path) -> None:
    answer = answer_of(folder, "centre/s2", "air.eaqi_2024_pm25", 2)
    assert answer["result"]["value"] is explained.recompute(answer) is None
    sensor = answer["steps"][0]["found"]["rows"][0]
    assert sensor[4:] == [[46.5], [], None, None, None]
