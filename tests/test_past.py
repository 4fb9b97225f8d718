"""Dated places of the simulated city: each run's past and present, and what people changed."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from cityvitals import past
from cityvitals.place import write
from edge.facts import load
from edge.places import PlaceRow
from ingest.line import Line
from ingest.outlets import Outlets
from ingest.store import Store
from simulators.city import City

NOW_MS = 1_790_000_000_000
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
CITY = City(1)
DEVICE = CITY.stations[0].device
COARSE_S = CITY.place_rows(0, 1, 2)[0].period_s


def first_run() -> list[PlaceRow]:
    return past.dated([], CITY, NOW_MS - past.PAST_MS, NOW_MS)


def periods(rows: list[PlaceRow], device: str = DEVICE) -> list[tuple[int, float]]:
    return [(row.valid_from_ms, row.period_s) for row in rows if row.device == device]


def test_the_first_run_dates_three_periods() -> None:
    assert periods(first_run()) == [
        (NOW_MS - 35 * DAY_MS, COARSE_S), (NOW_MS - 2 * DAY_MS, 60.0), (NOW_MS, 1.0),
    ]


def test_a_second_run_dates_the_gap_and_the_new_present() -> None:
    later_ms, stop_ms = NOW_MS + 3 * HOUR_MS, NOW_MS + HOUR_MS
    rows = past.dated(first_run(), CITY, stop_ms, later_ms)
    assert periods(rows)[2:] == [(NOW_MS, 1.0), (stop_ms, 60.0), (later_ms, 1.0)]


def test_a_run_that_ended_before_it_had_readings_leaves_no_present_behind() -> None:
    later_ms = NOW_MS + 10 * DAY_MS
    rows = past.dated(first_run(), CITY, later_ms - past.PAST_MS, later_ms)
    assert periods(rows) == [
        (NOW_MS - 35 * DAY_MS, COARSE_S), (later_ms - 35 * DAY_MS, COARSE_S),
        (later_ms - 2 * DAY_MS, 60.0), (later_ms, 1.0),
    ]


def test_what_a_person_changed_stays() -> None:
    rows = first_run()
    moved = replace(
        next(row for row in rows if row.device == DEVICE), valid_from_ms=NOW_MS + HOUR_MS,
        name="Moved", lat=1.0, period_s=1.0,
    )
    added = replace(moved, device="own", station="own")
    later_ms = NOW_MS + 2 * HOUR_MS
    rows = past.dated([*rows, moved, added], CITY, later_ms - 60_000, later_ms)
    assert [row.name for row in rows if row.device == DEVICE][-3:] == ["Moved"] * 3
    assert [row for row in rows if row.device == "own"] == [added]


def test_a_thousand_runs_do_not_grow_the_file_without_end() -> None:
    rows, now_ms = first_run(), NOW_MS
    for _ in range(200):
        stop_ms, now_ms = now_ms + 12 * HOUR_MS, now_ms + DAY_MS
        rows = past.dated(rows, CITY, stop_ms, now_ms)
    assert len(periods(rows)) <= 2 * 43 + 4
    assert periods(rows)[0][0] <= now_ms - past.KEPT_MS


CUT = """
import os, sys
from pathlib import Path
from cityvitals import backfill
from simulators.city import City

folder, start_ms, end_ms, cut = Path(sys.argv[1]), *map(int, sys.argv[2:])

def progress(done):
    if cut and done > 0.5:
        os._exit(9)

backfill.backfill(folder, City(1), start_ms, end_ms, progress)
"""


def test_a_past_that_was_cut_off_is_counted_once(tmp_path: Path) -> None:
    start_ms = NOW_MS - 3 * HOUR_MS
    rows = past.dated([], CITY, start_ms, NOW_MS)
    for name, cuts in (("whole", (0,)), ("cut", (1, 0))):
        (tmp_path / name).mkdir()
        write(tmp_path / name / "places.csv", rows)
        for cut in cuts:
            words = [str(tmp_path / name), str(start_ms), str(NOW_MS), str(cut)]
            done = subprocess.run([sys.executable, "-c", CUT, *words], check=False)
            assert done.returncode == (9 if cut else 0)
    counts = []
    for name in ("whole", "cut"):
        line = Line(tmp_path / name / "ingest", Outlets(Store.create(tmp_path / "s.db")), 60)
        line.open()
        counts.append(line.verdicts())
        line.close()
    assert counts[0]["applied"] > 10_000
    assert counts[0] == counts[1]


def test_a_moment_in_which_nothing_was_due_has_no_readings() -> None:
    assert len(CITY.coarse_readings(NOW_MS + 1, NOW_MS + 2).time_ms) == 0


def test_facts_of_the_city_are_written_once(tmp_path: Path) -> None:
    past.know(tmp_path)
    path = tmp_path / "facts.csv"
    found = {fact.place: fact.value for fact in load(path) if fact.fact == "population"}
    assert found["_/_"] == found["harbour/_"] + found["centre/_"] + found["hills/_"]
    path.write_text("own")
    past.know(tmp_path)
    assert path.read_text() == "own"
