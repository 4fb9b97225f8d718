"""The JSON answers, byte by byte in `tests/golden/http_*.json`, and what they never hold."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from dashboards import answers
from dashboards.latest import Latest
from edge.places import PlaceKey
from engine.catalogue import INDICATORS, POSITION
from ingest.store import Last, PlaceInfo, Reading, Sample

GOLDEN = Path(__file__).parent / "golden"
H = 3_600_000
NOW = 1_763_836_000_000
END = NOW // H * H
NAN = float("nan")

HEALTH: dict[str, Any] = {
    "format": 1, "at_ms": NOW - 400, "clock": {"kind": "wall", "now_ms": NOW - 400},
    "city": "riverton", "started_ms": NOW - 90_000,
    "broker": {"url": "mqtt://127.0.0.1:18830", "connected": True, "since_ms": NOW - 89_000},
    "verdicts": {"applied": 5120, "late": 4, "held_unknown": 12, "refused_type": 1},
    "received": 5137, "readings_per_s": 57.5, "points": 210, "oldest_s": 31.2,
    "silent": [{"place": "centre/s2", "age_s": 31.2}], "queue": 0,
    "archive": {"bytes": 410_112, "segments": 1, "synced_ms": NOW - 600},
    "sinks": [{"name": "store", "queued": 0, "bytes": 0, "dead": 0, "written": 210,
               "ok_ms": NOW - 500, "error": ""}],
    "held": [{"device": "pms-7", "topic": "cv/1/r/riverton/centre/cellar/pms-7", "readings": 12,
              "first_ms": NOW - 60_000, "last_ms": NOW - 4_000,
              "sample": '{"e":1,"s":12,"q":"pm25","t":1763835996000,"v":9.5}'}],
    "dead_letters": [{"at_ms": NOW - 30_000, "reason": "refused_type",
                      "topic": "cv/1/r/riverton/centre/s1/dev1", "bytes": 40,
                      "text": '{"e":1,"s":2,"q":"pm25","t":"now","v":3}'}],
    "rss_mb": 151.5,
}


def point(**changes: Any) -> Last:
    plain = Last("centre/s1", "air.us_aqi", END, 57.0, 1, 0.98, 59, 1, 1, None, None, None, None,
                 END + 5_000, 41)
    return plain._replace(**changes)


def sent(body: Any) -> Any:
    """A body as a client has it."""
    return msgspec.json.decode(msgspec.json.encode(body))


def latest() -> Latest:
    """Two stations, one district, one city; one station insufficient."""
    found = Latest()
    keys = (("", "", "Riverton"), ("centre", "", "Centre"), ("centre", "s1", "Market"),
            ("centre", "s2", "Mill Lane"))
    places = [PlaceInfo(PlaceKey("riverton", district, station), name, 52.5, 13.4,
                        "Europe/Berlin", 0.0, 0, 0.0) for district, station, name in keys]
    points = [
        point(), point(end_ms=END + H, value=61.0, state=0, rev=0, known_ms=NOW - 300, seq=44),
        point(path="centre/s2", value=0.0, level=-1, cov=0.4, n=24, seq=42),
        point(path="_/_", p50=57.0, p95=57.0, max=57.0, over=0, seq=43),
    ]
    readings = [Reading("centre/s1", "dev1", "pm25", "", NOW - 900, 12.5, 1, 1.0)]
    found.replace(44, places, points, readings)
    return found


def samples(*levels: int) -> list[Sample]:
    """Hourly samples up to END; a level below 0 is insufficient."""
    first = END - (len(levels) - 1) * H
    return [
        Sample(first + i * H, 40.0 + 20 * level if level >= 0 else 0.0, level, 0.98, 59, 1, 1,
               40.0 + 20 * level, 40.0 + 20 * level, level, 1)
        for i, level in enumerate(levels)
    ]


def worst() -> list[answers.Json]:
    held = answers.Since(END - 2 * H, False)
    return [answers.worst_row(row, latest().places[2], held) for row in latest().worst(NOW)]


def golden(name: str, body: answers.Json) -> None:
    """Compare with the golden file; indented there, so that a reader can follow it."""
    path = GOLDEN / name
    text = json.dumps(body, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    assert text == path.read_text(encoding="utf-8"), f"{name} differs"


def now_body() -> answers.Json:
    few = [INDICATORS[POSITION[key]] for key in ("air.us_aqi", "dq.completeness")]
    rows = [["centre/s1", "dev1", True, NOW - 50_000, 0, 0, "0.1"]]
    return answers.now(latest(), HEALTH, NOW, worst(), rows, "", few)


def history_body() -> answers.Json:
    return answers.history("centre/s1", "air.us_aqi", END - 4 * H, END, samples(0, -1, 0, 1, 1))


def health_body() -> answers.Json:
    counts = {"clients": 2, "dropped": 0}
    return answers.health_answer(HEALTH, NOW, latest().stations(), counts)


def error_body() -> answers.Json:
    return answers.error("time", "from", value="yesterday")


@pytest.mark.parametrize(("name", "body"), [
    ("http_now.json", now_body), ("http_history.json", history_body),
    ("http_health.json", health_body), ("http_error.json", error_body),
])
def test_answers_are_as_documented(name: str, body: Any) -> None:
    golden(name, sent(body()))


def test_an_insufficient_point_has_no_number() -> None:
    (row,) = sent(answers.point_rows([point(value=12.0, level=-1)]))
    assert row[answers.POINT_COLUMNS.index("value")] is None
    sample = answers.sample_row(samples(-1)[0])
    assert [sample[answers.SAMPLE_COLUMNS.index(name)] for name in ("value", "low", "high")] == [
        None, None, None]


def test_no_answer_holds_nan() -> None:
    (row,) = sent(answers.point_rows([point(value=NAN, p50=NAN, cov=float("inf"))]))
    assert dict(zip(answers.POINT_COLUMNS, row, strict=True)) == {
        **dict(zip(answers.POINT_COLUMNS, point()[:-1], strict=True)),
        "value": None, "p50": None, "cov": None}
    (reading,) = sent([Reading("a/b", "d", "q", "", 1, NAN, 1, 1.0)])
    assert reading[answers.READING_COLUMNS.index("value")] is None


def test_rows_have_the_columns_that_are_documented() -> None:
    assert (*answers.POINT_COLUMNS, "seq") == Last._fields
    assert Reading._fields == answers.READING_COLUMNS


@pytest.mark.parametrize(("levels", "level", "hours", "at_least"), [
    ((0, 0, 1, 1), 1, 1, False),
    ((1, 1, 1), 1, 2, True),
    ((1, -1, 1), 1, 0, False),
    ((0, 1, 2), 2, 0, False),
])
def test_since_when_a_level_holds(
    levels: tuple[int, ...], level: int, hours: int, at_least: bool
) -> None:
    assert answers.since(samples(*levels), level) == answers.Since(END - hours * H, at_least)


@pytest.mark.parametrize("levels", [(), (1, 0)])
def test_a_level_of_the_open_window_alone_has_no_closed_since(levels: tuple[int, ...]) -> None:
    assert answers.since(samples(*levels), 1) is None


def test_the_command_of_a_held_device() -> None:
    topic = "cv/1/r/riverton/centre/cellar/pms-7"
    command = "cityvitals place add pms-7 --district centre --station cellar"
    assert answers.admit_command("pms-7", topic, {"centre/cellar"}) == command
    assert answers.admit_command("pms-7", topic, set()) == f"{command} --lat LAT --lon LON"
    assert answers.admit_command("pms-7", topic, {"centre/cellar"}, "/data/my city") == (
        f"{command} --data '/data/my city'")


def test_without_ingest_the_answer_still_stands() -> None:
    body = answers.now(Latest(), None, NOW, [])
    assert body["status"]["trust"] == "bad"
    assert (body["health"], body["points"], body["city"]) == (None, [], "")


def test_every_indicator_fits_into_json() -> None:
    rows = [answers.indicator_row(entry) for entry in INDICATORS]
    json.dumps(rows, allow_nan=False)
    assert rows[0]["levels"][-1]["upper"] is None
    assert rows[0]["unit"] == ""
