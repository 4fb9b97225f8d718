"""Devices that move, are recalibrated or retired through dated rows: line and compute alike."""

from dataclasses import replace
from pathlib import Path

import pytest

from dashboards.trust import judge
from edge.places import PlaceRow, render
from engine.catalogue import POSITION
from ingest.admission import Opened, opened
from ingest.compute import compute
from ingest.health import Health
from ingest.messages import Received
from tests.line_city import MINUTE_MS, MS, START_MS, Kept, line_of, single

HOUR_MS = 60 * MINUTE_MS
BROKER = {"url": "mqtt://b", "connected": True, "since_ms": 0, "error": ""}
MOVE_MS = START_MS + HOUR_MS + 30 * MINUTE_MS


def rows(*later: PlaceRow) -> list[PlaceRow]:
    """A meter in the centre from the beginning, and what came later."""
    return sorted([FIRST, *later], key=lambda row: row.valid_from_ms)


FIRST = PlaceRow(0, "porto", "centre", "s1", "m1", "One", 41.1, -8.6, "UTC", 60.0)
MOVED = replace(FIRST, valid_from_ms=MOVE_MS, district="harbour", station="s2", name="Two")
RETIRED = replace(FIRST, valid_from_ms=MOVE_MS, status="retired")


def message(minute: int, received_ms: int | None = None, value: float = 10.0) -> Opened:
    """A reading of the meter, of a minute after `START_MS`."""
    time_ms = START_MS + minute * MINUTE_MS
    return opened(Received("cv/1/r/porto/centre/s1/m1", single(
        minute + 1, value, time_ms, "power")), (received_ms or time_ms) * MS)


def said(kept: Kept, indicator: int) -> dict[tuple[str, int], tuple[float, int]]:
    """(path, minutes after the start) -> value and revision of sufficient points."""
    return {
        (place.path, end_s // 60 - START_MS // MINUTE_MS): (row[0], row[-1])  # type: ignore[misc]
        for (place, what, end_s), row in kept.values.items()
        if what == indicator and int(str(row[1])) >= 0
    }


def lived(folder: Path, places: list[PlaceRow], *, skip: range = range(0)) -> Kept:
    """Three hours of readings; those of the minutes `skip` come at the end, late."""
    folder.mkdir(exist_ok=True)
    (folder / "places.csv").write_text(render(places), encoding="utf-8")
    kept = Kept()
    line = line_of(folder, kept)
    for minute in range(180):
        if minute not in skip:
            line.take([message(minute)], (START_MS + minute * MINUTE_MS) * MS)
        line.tick((START_MS + (minute + 1) * MINUTE_MS) * MS, with_open=False)
    end_ms = START_MS + 183 * MINUTE_MS
    line.tick(end_ms * MS, with_open=False)
    if skip:
        line.take([message(minute, end_ms) for minute in skip], end_ms * MS)
        line.tick((end_ms + MINUTE_MS) * MS, with_open=False)
    line.close()
    return kept


def demand() -> int:
    """The row of the 15-minute demand."""
    return POSITION["energy.demand_15min"]


def test_each_station_has_the_readings_of_its_own_time(tmp_path: Path) -> None:
    found = said(lived(tmp_path / "a", rows(MOVED)), demand())
    before = {end for place, end in found if place == "centre/s1"}
    after = {end for place, end in found if place == "harbour/s2"}
    assert max(before) == 90
    assert min(after) == 105
    assert {end for place, end in found if place == "centre/_"} == before
    assert {end for place, end in found if place == "harbour/_"} == after
    assert {end for place, end in found if place == "_/_"} == before | after


def test_a_late_reading_from_before_the_move_belongs_to_the_old_station(tmp_path: Path) -> None:
    found = said(lived(tmp_path / "a", rows(MOVED), skip=range(76, 90)), demand())
    assert found["centre/s1", 90] == (10.0, 2), "restated where it was measured"
    assert all(rev == 1 for (place, _), (_, rev) in found.items() if place == "harbour/s2")


def test_a_row_that_is_added_later_restates_nothing_of_the_past(tmp_path: Path) -> None:
    """The move is told when it has happened; what came before keeps its station."""
    folder = tmp_path / "a"
    folder.mkdir()
    (folder / "places.csv").write_text(render(rows()), encoding="utf-8")
    kept = Kept()
    line = line_of(folder, kept)
    for minute in range(90):
        line.take([message(minute)], (START_MS + minute * MINUTE_MS) * MS)
    line.tick((START_MS + 92 * MINUTE_MS) * MS, with_open=False)
    past = {key: row for key, row in kept.values.items() if key[2] * 1000 <= MOVE_MS}
    (folder / "places.csv").write_text(render(rows(MOVED)), encoding="utf-8")
    line.load_places(folder / "places.csv", MOVE_MS * MS)
    for minute in range(90, 180):
        line.take([message(minute)], (START_MS + minute * MINUTE_MS) * MS)
    line.tick((START_MS + 183 * MINUTE_MS) * MS, with_open=False)
    line.close()
    assert past.items() <= kept.values.items()
    assert any(place.path == "harbour/s2" for place, *_ in kept.values)


def test_a_retired_device_owes_nothing(tmp_path: Path) -> None:
    kept = lived(tmp_path / "a", rows(RETIRED), skip=range(90, 180))
    ends = {end for place, end in said(kept, demand()) if place == "centre/s1"}
    assert max(ends) == 90


def test_a_retired_station_is_counted_until_that_day_and_not_after(tmp_path: Path) -> None:
    """Health, page status and completeness; what was said of before stays."""
    other = replace(FIRST, device="m2", station="s9", name="Nine")
    folder, kept = tmp_path, Kept()
    (folder / "places.csv").write_text(render([other, *rows(RETIRED)]), encoding="utf-8")
    line = line_of(folder, kept)
    names = {"centre/s1": "One", "centre/s9": "Nine"}
    found = {}
    for minute in range(180):
        if minute < 60:
            line.take([message(minute)], (START_MS + minute * MINUTE_MS) * MS)
        now_ns = (START_MS + (minute + 1) * MINUTE_MS) * MS
        line.tick(now_ns, with_open=False)
        said_now = Health(line, "wall").build(now_ns=now_ns, queue=0, broker=BROKER, sinks=[])
        status = judge(said_now, int(said_now["at_ms"]), names)
        found[minute] = (
            [row["place"] for row in said_now["silent"]], status.stations, status.reporting
        )
    line.close()
    assert found[59] == (["centre/s9"], 2, 1)
    assert sorted(found[88][0]) == ["centre/s1", "centre/s9"], "silent, and not retired yet"
    assert found[88][1:] == (2, 0)
    assert found[90] == found[179] == (["centre/s9"], 1, 0)
    complete = said(kept, POSITION["dq.completeness"])
    ends = {end: value for (place, end), (value, _) in complete.items() if place == "centre/s1"}
    assert ends == {60: 100.0, 120: 0.0}, "half an hour was owed still, then nothing"


def test_recalibrated_is_another_row_of_the_same_station(tmp_path: Path) -> None:
    same = replace(FIRST, valid_from_ms=MOVE_MS, note="recalibrated: slope 1.08 before")
    plain, dated = lived(tmp_path / "a", rows()), lived(tmp_path / "b", rows(same))
    assert dated.values == plain.values


@pytest.mark.parametrize("places", [rows(MOVED), rows()])
def test_compute_says_what_the_line_said(tmp_path: Path, places: list[PlaceRow]) -> None:
    kept = said(lived(tmp_path / "a", places), demand())
    (tmp_path / "p.csv").write_text(render(places), encoding="utf-8")
    text = "time,place,quantity,value\n"
    moved = MOVED in places
    for minute in range(180):
        time_ms = START_MS + minute * MINUTE_MS
        place = "harbour/s2" if moved and time_ms >= MOVE_MS else "centre/s1"
        text += f"{time_ms},{place},power,10.0\n"
    (tmp_path / "r.csv").write_text(text)
    done = compute(tmp_path / "r.csv", tmp_path / "p.csv")
    points, keys = done.points(), done.vitals.registry.keys
    mine = {
        (keys[points.place[k]].path, int(points.end_s[k]) // 60 - START_MS // MINUTE_MS):
            float(points.value[k])
        for k in range(len(points))
        if points.indicator[k] == demand() and points.level[k] >= 0
    }
    assert {key: value for key, (value, _) in kept.items()}.items() <= mine.items()
