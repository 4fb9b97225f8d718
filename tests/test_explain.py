"""Explanations: another program recomputes every value and level from what is printed."""

import ast
import json
import math
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from engine import power_minutes
from engine.catalogue import INDICATORS, POSITION
from engine.catalogue_air import PURPLEAIR
from engine.catalogue_energy import (
    CONSUMPTION,
    ENERGY,
    FREQUENCY,
    GENERATION,
    RELIABILITY,
    SUPPLY,
)
from engine.catalogue_quality import CHANNELS, DRIFT, TIMELINESS
from engine.own import OWN
from ingest.explain import ExplainError, Question, explain
from ingest.reconstruct import StoppedError
from ingest.store import Store
from tests import evaluated_air, evaluated_own, explained, explained_noise, explained_roads
from tests.explained_city import (
    HOUR_MS,
    MINUTE_MS,
    START_MS,
    metered,
    powered,
    sample,
    spiked,
    troubled,
    yearly,
)
from tests.explained_road_city import roads, round_the_clock
from tests.shared_folder import shared

ELSEWHERE = {
    entry.key
    for entry in ENERGY + SUPPLY + RELIABILITY + GENERATION + CONSUMPTION + PURPLEAIR + CHANNELS
    if not entry.id.startswith("load_factor")
}
"""What the sample city does not measure: explained and recomputed in tests of their own."""
RECEIVED = {entry.key for entry in TIMELINESS}
"""What a recording does not have, likewise."""
OF_WEEKS = {entry.key for entry in DRIFT + FREQUENCY}
"""What needs a week of readings of its own (`test_explain_near`, `test_account_frequency`)."""
SAMPLED = [
    key for key in POSITION
    if key not in ELSEWHERE | RECEIVED | OF_WEEKS | {own.entry.key for own in OWN}
]
YEAR_DAYS = 350
QUARTERLY = "air.daqi_uk_so2"
"""The sample tells SO2 by the hour, and this index is of a quarter of one."""
OF_A_YEAR = [f"air.{name}" for name in (
    *(f"year_{part}" for part in ("pm25", "pm10", "o3", "so2", "no2")),
    *(f"who_{part}_year" for part in ("pm25", "pm10", "no2")), "who_o3_season",
    *(f"eu_year_{part}" for part in ("pm25", "pm10", "so2", "no2")),
)]
"""What the sample's days are too few for: explained with its number from a year of its own."""


OF_ALL_HOURS = ["traffic.lottr", "traffic.tttr"]
"""What the roads' peaks are too few for: explained with its number from a street of its own."""


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample city's data folder."""
    return shared(tmp_path_factory, "sample", sample)


@pytest.fixture(scope="module")
def trouble(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with readings that were left out."""
    return shared(tmp_path_factory, "trouble", troubled)


@pytest.fixture(scope="module")
def fortnight(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder of roads with lanes, classes and loops."""
    return shared(tmp_path_factory, "roads", roads)


EVALUATORS = {
    **{f"traffic.{name}": explained_roads for name in explained_roads.NAMES},
    **{entry.key: explained_noise for entry in INDICATORS if entry.domain == "noise"},
}
"""What recomputes an indicator; `explained` all others."""


def points(folder: Path, key: str) -> Iterator[tuple[str, int]]:
    """Two stations and two areas of an indicator: a window amidst, or of every second the last."""
    store = Store.reader(folder / "store.db")
    paths = sorted({row.path for row in store.last() if row.indicator == key})
    stations = [path for path in paths if not path.endswith("/_")]
    areas = [path for path in paths if path.endswith("/_")]
    for k, path in enumerate([*stations[:2], *areas[:2]]):
        rows = store.history(path, key, 0, 1 << 42, 1_000_000)
        good = [row.end_ms for row in rows if row.level >= 0]
        amidst = good[len(good) // 2] if good else rows[0].end_ms
        yield path, rows[-1].end_ms if k % 2 else amidst
    store.close()


def check(answer: dict[str, Any]) -> None:
    """The stored point, the engine's, and the evaluator's are one."""
    what = f"{answer['place']} {answer['indicator']} {answer['window']}"
    assert answer["equal"], (what, answer["result"], answer["stored"], answer["notes"])
    printed = json.loads(json.dumps(answer, allow_nan=False))
    own = EVALUATORS.get(answer["indicator"], explained)
    value = (own if answer["scope"] == "station" else explained).recompute(printed)
    told = answer["result"]["value"]
    if told is None:
        assert value is None, what
    else:
        assert value is not None, what
        assert math.isclose(value, told, rel_tol=1e-9, abs_tol=1e-9), (what, value, told)
    assert own.level(answer["indicator"], value) == answer["result"]["level"], what


def test_a_citys_own_follow_from_hours_that_another_program_comes_to(week: Path) -> None:
    """What the sample city measures of them; the kernel's own twin is in the city's own test."""
    for own in OWN:
        uppers = [level.upper for level in own.entry.levels]
        for place, end_ms in points(week, own.entry.key):
            answer = explain(week, Question(place, own.entry.key, end_ms))
            assert answer["equal"], answer["notes"]
            printed = json.loads(json.dumps(answer, allow_nan=False))
            station = answer["scope"] == "station"
            value = (
                evaluated_own.recompute(printed, None) if station else explained.recompute(printed)
            )
            told = answer["result"]["value"]
            assert (value is None) == (told is None), (value, told)
            assert value is None or math.isclose(value, told, rel_tol=1e-9), (value, told)
            assert evaluated_own.level(told, uppers) == answer["result"]["level"]


@pytest.mark.parametrize("key", SAMPLED)
def test_another_program_comes_to_the_same_value(week: Path, fortnight: Path, key: str) -> None:
    asked = [(folder, *point) for folder in (week, fortnight) for point in points(folder, key)]
    assert asked, "one of the folders has this indicator"
    values = []
    for folder, place, end_ms in asked:
        answer = explain(folder, Question(place, key, end_ms))
        check(answer)
        values.append(answer["result"]["value"])
        assert answer["standard"]["name"] == INDICATORS[POSITION[key]].standard
        assert answer["steps"]
    silent = {*OF_A_YEAR, QUARTERLY, *OF_ALL_HOURS}
    assert set(values) != {None} or key in silent, "they agree on a number"


@pytest.mark.parametrize("key", ["air.us_aqi_pm25", "air.us_aqi", "air.nowcast_pm25",
                                 "dq.completeness"])
@pytest.mark.parametrize("place", ["centre/s1", "centre/s2", "centre/s3", "centre/_", "_/_"])
@pytest.mark.parametrize("hour", [2, 3])
def test_with_readings_left_out_as_well(trouble: Path, place: str, key: str, hour: int) -> None:
    check(explain(trouble, Question(place, key, START_MS + hour * HOUR_MS)))


@pytest.fixture(scope="module")
def meters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder of meters that tell energy registers alone."""
    return shared(tmp_path_factory, "meters", metered)


@pytest.mark.parametrize("key", ["energy.demand_15min", "energy.demand_sliding"])
@pytest.mark.parametrize("place", ["centre/s1", "centre/s2", "centre/_"])
def test_demand_of_registers(meters: Path, key: str, place: str) -> None:
    for quarter in (1, 4, 5, 9):
        check(explain(meters, Question(place, key, START_MS + quarter * HOUR_MS // 4)))


@pytest.mark.parametrize("place", ["centre/s3", "centre/_"])
def test_quarters_of_sulphur_dioxide(meters: Path, place: str) -> None:
    answer = explain(meters, Question(place, QUARTERLY, START_MS + 2 * HOUR_MS))
    assert answer["result"]["value"] is not None
    check(answer)


def test_sliding_demand_with_minutes_that_came_two_hours_late(tmp_path: Path) -> None:
    folder = powered(tmp_path)
    revs = {}
    for minute in (20, 22, 26, 30, 38, 39):
        for place in ("centre/s1", "centre/_"):
            answer = explain(
                folder, Question(place, "energy.demand_sliding", START_MS + minute * MINUTE_MS))
            check(answer)
            revs[place, minute] = answer["stored"]["rev"]
    assert {minute for (_, minute), rev in revs.items() if rev == 2} == {22, 26, 30, 38}


def test_where_no_minutes_are_kept_a_late_one_is_explained_and_the_difference_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(power_minutes, "POWER_SERIES_MAX", 0)
        folder = powered(tmp_path)
    asked = Question("centre/s1", "energy.demand_sliding", START_MS + 26 * MINUTE_MS)
    answer = explain(folder, asked)
    assert not answer["equal"]
    assert "came late" in answer["notes"][-1]


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder of a year's hours of one air station."""
    return shared(tmp_path_factory, "year", partial(yearly, days=YEAR_DAYS))


@pytest.mark.parametrize(("place", "key"), [
    *(("centre/s1", key) for key in OF_A_YEAR), ("centre/s1", "air.who_days_no2"),
    ("centre/s1", "air.eu_hours_no2"), ("centre/s1", "air.eu_days_o3"),
    ("_/_", "air.year_no2"), ("_/_", "air.eu_hours_no2"),
])
def test_a_year_from_the_archive(year: Path, place: str, key: str) -> None:
    """The sample week has no mean of a year: here are hours enough."""
    answer = explain(year, Question(place, key))
    assert answer["result"]["value"] is not None
    check(answer)


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder of a street, day and night."""
    return shared(tmp_path_factory, "street", round_the_clock)


@pytest.mark.parametrize("key", OF_ALL_HOURS)
@pytest.mark.parametrize("place", ["centre/ss1", "centre/_"])
def test_a_fortnight_of_days_and_nights(street: Path, place: str, key: str) -> None:
    answer = explain(street, Question(place, key))
    assert answer["result"]["value"] is not None
    check(answer)


def test_what_was_left_out_and_why(trouble: Path) -> None:
    first = explain(trouble, Question("centre/s1", "dq.completeness", START_MS + HOUR_MS))
    reasons = {row["reason"]: row["count"] for row in first["left_out"]}
    assert reasons == {"refused_impossible": 1, "duplicate": 1, "conflict": 5}
    assert first["inputs"][0]["count"] == 60
    second = explain(trouble, Question("centre/s1", "dq.completeness", START_MS + 2 * HOUR_MS))
    flagged = next(row for row in second["left_out"] if row["reason"] == "flag_4")
    assert flagged["examples"][0][1] == 400.0
    assert "bad" in flagged["words"]


def test_revisions_with_their_cause(trouble: Path) -> None:
    answer = explain(trouble, Question("centre/s1", "air.us_aqi_pm25", START_MS + 2 * HOUR_MS))
    assert answer["rev"] == 2
    (row,) = answer["revisions"]
    assert row["late"] == 5
    assert row["cause"].startswith("5 readings, up to 115 min late")
    assert row["value"] != row["old_value"] or row["level"] == row["old_level"]


def test_an_insufficient_value_says_why(trouble: Path) -> None:
    answer = explain(trouble, Question("centre/s2", "air.us_aqi_pm25", START_MS + 2 * HOUR_MS))
    assert answer["result"]["value"] is None
    assert answer["result"]["word"] == "insufficient"
    assert answer["coverage"]["had"] == 0
    assert "45 of 60 minutes" in answer["coverage"]["rule"]


def test_without_a_time_the_newest_closed_window(trouble: Path) -> None:
    answer = explain(trouble, Question("centre/s1", "dq.completeness"))
    assert answer["window"]["end_ms"] == START_MS + 3 * HOUR_MS
    assert answer["window"]["zone"] == "Europe/Lisbon"
    assert answer["state"] == "closed"


def test_a_time_amidst_names_the_window_that_holds_it(trouble: Path) -> None:
    answer = explain(trouble, Question("centre/s1", "dq.completeness", START_MS + 90 * 60_000))
    assert answer["window"]["start_ms"] == START_MS + HOUR_MS


def test_the_dated_row_in_force_is_told(trouble: Path) -> None:
    answer = explain(trouble, Question("centre/s1", "dq.completeness"))
    (row,) = answer["inputs"][0]["rows"]
    assert (row["device"], row["period_s"], row["status"]) == ("d1", 60.0, "active")


@pytest.mark.parametrize(("question", "field"), [
    (Question("centre/s1", "air.none"), "indicator"),
    (Question("no/where", "air.us_aqi", START_MS), "place"),
    (Question("centre/s1", "traffic.tti", START_MS), "place"),
    (Question("centre/s1", "traffic.tti"), "place"),
    (Question("centre/s1", "air.us_aqi", START_MS + 90 * 86_400_000), "time"),
    (Question("centre/s1", "air.us_aqi", -1), "time"),
])
def test_refusals_name_what_is_wrong(trouble: Path, question: Question, field: str) -> None:
    with pytest.raises(ExplainError) as told:
        explain(trouble, question)
    assert told.value.field == field


def test_it_can_be_stopped(trouble: Path) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(StoppedError):
        explain(trouble, Question("centre/s1", "air.us_aqi"), stop.is_set)


@pytest.mark.parametrize(
    "evaluator", [explained, explained_noise, explained_roads, evaluated_air, evaluated_own]
)
def test_the_evaluator_imports_nothing_of_the_project(evaluator: ModuleType) -> None:
    tree = ast.parse(Path(str(evaluator.__file__)).read_text(encoding="utf-8"))
    names = {
        name.name if isinstance(node, ast.Import) else str(node.module)
        for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)
        for name in node.names
    }
    known = {"collections.abc", "datetime", "itertools", "math", "typing"}
    assert names <= known | {"tests", "tests.evaluated_air"}


@pytest.fixture(scope="module")
def spikes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with spikes."""
    return shared(tmp_path_factory, "spiked", spiked)


@pytest.mark.parametrize("key", ["air.nowcast_pm25", "dq.completeness", "dq.flat_line"])
@pytest.mark.parametrize("hour", [1, 2, 3])
def test_spikes_in_their_turn_and_late_are_left_out_and_named(
    spikes: Path, key: str, hour: int
) -> None:
    answer = explain(spikes, Question("centre/s1", key, START_MS + hour * HOUR_MS))
    check(answer)
    named = [row for row in answer["left_out"] if row["reason"] == "spike"]
    if key == "dq.completeness" and hour == 1:
        assert [row["count"] for row in named] == [2]
        assert sorted(one[1] for one in named[0]["examples"]) == [250.0, 320.0]
        assert answer["inputs"][0]["count"] == 58
