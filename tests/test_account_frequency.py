"""Frequency explained: the days that count, what was outside, and the same value anew."""

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from edge import wire
from edge.places import render
from engine.account_frequency import OUTSIDE_TOLD_MAX
from engine.catalogue import POSITION
from ingest.admission import opened
from ingest.explain import Question, explain
from ingest.line import Line
from ingest.messages import Received
from ingest.outlets import Outlets
from ingest.store import Store
from tests.explained_city import told
from tests.line_city import MINUTE_MS, MS
from tests.town import at, row

START_MS = at("2026-03-02 00:00") * 1000
DAY_MS = 86_400_000
DAYS = 7
YEAR_DAYS = 340
BLOCK = 240
FREQUENCY = POSITION["energy.en50160_frequency"]


def blocks(days: int) -> Iterator[tuple[int, bytes]]:
    """Forty minutes of frequency a message; on the third day there are 150 means outside."""
    for number in range(days * 8640 // BLOCK):
        first = number * BLOCK
        day, at_bin = divmod(first, 8640)
        values = [50.0 + (0.51 + k / 1e4 if day == 2 and at_bin < 150 and at_bin + k < 150 else 0.0)
                  for k in range(BLOCK)]
        time_ms = START_MS + first * 10_000
        yield time_ms, wire.encode_block(
            1, number + 1, "frequency", time_ms, values=values,
            offsets_ms=[10_000 * k for k in range(BLOCK)])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lived(tmp_path_factory.mktemp("hertz"), DAYS, 1)


def lived(folder: Path, days: int, at_once: int) -> Path:
    """So many days of one sensor, so many messages at once; only frequency is computed."""
    path = folder / "places.csv"
    path.write_text(render([row("d1", "centre/s1", 10.0)]), encoding="utf-8")
    store = Store.create(folder / "store.db")
    line = Line(folder / "ingest", Outlets(store), 60)
    line.open()
    line.vitals.windows = [
        windows for windows in line.vitals.windows if FREQUENCY in windows.family.indicators
    ]
    line.load_places(path, (START_MS - MINUTE_MS) * MS)
    told_of = blocks(days)
    while some := list(islice(told_of, at_once)):
        came_ns = (some[-1][0] + BLOCK * 10_000) * MS
        line.take([
            opened(Received("cv/1/r/town/centre/s1/d1", body), came_ns) for _, body in some
        ], came_ns)
        line.tick(came_ns, with_open=False)
    end_ms = START_MS + days * DAY_MS + 2 * MINUTE_MS
    line.tick(end_ms * MS, with_open=False)
    told(store, end_ms)
    line.close()
    store.close()
    return folder


def asked(folder: Path, tail: str, day: int) -> dict[str, Any]:
    key = f"energy.en50160_frequency{tail}"
    answer = explain(folder, Question("centre/s1", key, START_MS + day * DAY_MS))
    assert answer["equal"], (answer["result"], answer["stored"], answer["notes"])
    found: dict[str, Any] = json.loads(json.dumps(answer, allow_nan=False))
    return found


def test_a_week_by_its_days(folder: Path) -> None:
    answer = asked(folder, "_week", 7)
    series, total = answer["steps"]
    days = series["given"]["days"]
    assert [day[1:] for day in days] == [[8640, 150 * (k == 2), 0] for k in range(7)]
    sums = [sum(day[k] for day in days) for k in (1, 2, 3)]
    assert sums == [series["found"][name] for name in ("valid", "near", "far")]
    assert sums[0] >= 0.9 * total["given"]["owed"]
    assert answer["result"]["value"] == pytest.approx(100 * sums[1] / sums[0])
    assert answer["result"]["level"] == 0


def test_the_day_tells_what_was_outside_the_farthest_first(folder: Path) -> None:
    outside = asked(folder, "_week", 3)["steps"][0]["found"]["outside_of_the_day"]
    assert len(outside) == OUTSIDE_TOLD_MAX
    assert outside == sorted(outside, reverse=True)
    assert outside[0] == pytest.approx(50.51 + 149 / 1e4)


@pytest.mark.parametrize("tail", ["", "_outside", "_far"])
def test_a_year_of_a_week_is_insufficient_and_says_what_there_is(folder: Path, tail: str) -> None:
    answer = asked(folder, tail, 7)
    assert answer["result"]["value"] is None
    assert answer["coverage"]["had"] == 7 * 8640
    assert answer["coverage"]["owed"] == 365 * 8640


@pytest.mark.soak
def test_a_year_with_its_number(tmp_path: Path) -> None:
    """150 means of one day are outside by a hundredth, of 340 days: within 0.5 % of the year."""
    folder = lived(tmp_path, YEAR_DAYS, 144)
    for tail, value in (("", 0.0), ("_outside", 100 * 150 / (YEAR_DAYS * 8640)), ("_far", 0.0)):
        answer = asked(folder, tail, YEAR_DAYS)
        days = answer["steps"][0]["given"]["days"]
        valid, near, far = (sum(day[k] for day in days) for k in (1, 2, 3))
        assert (valid, near, far) == (YEAR_DAYS * 8640, 150, 0)
        assert answer["result"]["value"] == pytest.approx(value)
