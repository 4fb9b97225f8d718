"""Registry: rows that mean the same for ever, dated periods, what survives a restart."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge.places import PlaceKey, parse, render
from edge.quantities import INDEX
from engine import registry as module
from engine.panes import QUARTER, Panes
from engine.registry import Registry, Series
from tests.town import CITY, at, row

GOLDEN = Path(__file__).parent / "golden" / "registry.json"

ROWS = [
    row("a1", "centre/air", 60, since="2026-01-01", tz="Asia/Kolkata"),
    row("m1", "centre/meter", 900, since="2026-01-01"),
    row("a1", "centre/air", 300, since="2026-02-01", tz="Asia/Kolkata"),
    row("m1", "harbour/shed", 60, since="2026-03-01"),
    row("a1", "centre/air", 300, since="2026-04-01", tz="Asia/Kolkata", status="retired"),
]


def registry() -> tuple[Registry, Panes]:
    """A registry with three series of the rows above."""
    found, panes = Registry(), Panes()
    found.load_places(ROWS)
    for path, device, quantity, channel in (
        (("centre", "air"), "a1", "pm25", ""), (("centre", "meter"), "m1", "power", "l1"),
        (("harbour", "shed"), "m1", "power", "l1"),
    ):
        place = found.place(PlaceKey(CITY, *path))
        series = Series(place, found.device(device), INDEX[quantity], channel)
        assert found.slot(series, panes) == found.slot(series, panes)
    return found, panes


def test_what_it_looks_like() -> None:
    """The golden file is what a snapshot and the archive keep: places, devices, slots."""
    found, _ = registry()
    text = json.dumps(found.dump(), indent=1)
    assert text + "\n" == GOLDEN.read_text(encoding="utf-8"), text


def test_parents_come_before_their_stations_and_rows_never_move() -> None:
    found, _ = registry()
    assert [key.path for key in found.keys] == [
        "_/_", "centre/_", "centre/air", "centre/meter", "harbour/_", "harbour/shed",
    ]
    assert found.parents(5) == (4, 0)
    before = list(found.keys)
    found.place(PlaceKey(CITY, "centre", "new"))
    assert found.keys[: len(before)] == before


def test_the_row_of_a_time() -> None:
    found, _ = registry()
    for moment, period in (("2025-01-01", 900), ("2026-02-28 23:59", 900), ("2026-03-01", 60)):
        (one,) = [found.row_at("m1", at(moment) * 1000)]
        assert one is not None
        assert one.period_s == period
    assert found.row_at("unheard", 0) is None


def test_periods_by_time_and_place() -> None:
    """Moved, it owes nothing where it was; retired, nowhere; before its first row, as that says."""
    found, _ = registry()
    moments = ["2025-06-01", "2026-01-15", "2026-02-15", "2026-03-15", "2026-04-15"]
    times = np.array([at(moment) for moment in moments])
    expected = {0: [60, 60, 300, 300, 0], 1: [900, 900, 900, 0, 0], 2: [0, 0, 0, 60, 60]}
    for slot, periods in expected.items():
        slots = np.full(len(times), slot, np.int32)
        assert found.period_at(slots, times).tolist() == periods
    assert found.span_at(np.array([0, 0, 1], np.int32), times[[1, 2, 1]]).tolist() == [1, 5, 15]


def test_rows_that_say_nothing_new_of_a_series_take_no_room() -> None:
    """A lane that is closed each month, and notes, must not push the move out."""
    found, panes = Registry(), Panes()
    later = [
        replace(row("a1", "centre/air", 60, since=f"2026-{k + 1:02}-01"), lanes=k % 3, note=str(k))
        for k in range(1, module.DATED_MAX + 5)
    ]
    found.load_places([row("a1", "old/air", 900, since="2026-01-01"), *later])
    times = np.array([at("2026-01-15"), at("2026-02-15"), at("2026-11-15")])
    for path, periods in (("old", [900, 0, 0]), ("centre", [0, 60, 60])):
        place = found.place(PlaceKey(CITY, path, "air"))
        slot = found.slot(Series(place, found.device("a1"), INDEX["pm25"], ""), panes)
        assert found.period_at(np.full(3, slot, np.int32), times).tolist() == periods


def test_only_the_latest_dated_rows_are_kept_and_the_oldest_of_them_holds_before() -> None:
    found, panes = Registry(), Panes()
    count = module.DATED_MAX + 3
    found.load_places([
        row("a1", "centre/air", 10 * (k + 1), since=f"2026-{k + 1:02}-01") for k in range(count)
    ])
    place = found.place(PlaceKey(CITY, "centre", "air"))
    slot = found.slot(Series(place, found.device("a1"), INDEX["pm25"], ""), panes)
    times = np.array([at("2020-01-01"), at("2026-03-15"), at(f"2026-{count:02}-15")])
    assert found.period_at(np.full(3, slot, np.int32), times).tolist() == [40, 40, 10 * count]


def test_shift_is_standard_time_and_fine_rows_go_to_what_needs_them() -> None:
    found, panes = registry()
    assert found.shift[:3].tolist() == [330, 0, 0]
    assert panes.rows[QUARTER, :3].tolist() == [-1, 0, 1]


def test_slots_of_a_station_are_in_the_order_of_their_names() -> None:
    found, panes = Registry(), Panes()
    found.load_places([row(name, "centre/air") for name in ("b", "a", "c")])
    place = found.place(PlaceKey(CITY, "centre", "air"))
    slots = {}
    for device, channel in (("c", ""), ("b", "2"), ("a", ""), ("b", "1")):
        series = Series(place, found.device(device), INDEX["pm25"], channel)
        slots[device + channel] = found.slot(series, panes)
    order = found.stations_with(("pm25",))[place][INDEX["pm25"]]
    assert order == [slots[name] for name in ("a", "b1", "b2", "c")]
    assert found.stations_with(("power",)) == {}


def test_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    found, panes = registry()
    monkeypatch.setattr(module, "DEVICES_MAX", 2)
    monkeypatch.setattr(module, "SERIES_MAX", 3)
    assert found.device("m1") == 1
    assert found.device("third") == -1
    assert found.slot(Series(2, 0, INDEX["pm10"], ""), panes) == -1
    assert found.slot(found.series[2], panes) == 2


def test_restoring_brings_back_every_row(tmp_path: Path) -> None:
    found, _ = registry()
    kept = json.loads(json.dumps(found.dump()))
    other, panes = Registry(), Panes()
    other.restore(kept, parse(render(ROWS)), panes)
    assert other.dump() == found.dump()
    assert other.series == found.series
    times = np.array([at("2026-02-15")] * 3)
    slots = np.arange(3, dtype=np.int32)
    assert other.period_at(slots, times).tolist() == found.period_at(slots, times).tolist()
    assert panes.rows[QUARTER, :3].tolist() == [-1, 0, 1]


def test_a_station_that_left_the_places_file_survives_a_restart() -> None:
    found, _ = registry()
    rest = [one for one in ROWS if one.device == "m1"]
    found.load_places(rest)
    other = Registry()
    other.restore(json.loads(json.dumps(found.dump())), rest, Panes())
    assert other.attributes[2].tz == "Asia/Kolkata"
    assert other.shift[0] == 330
    assert other.period_at(np.zeros(1, np.int32), np.array([at("2026-02-15")])).tolist() == [0]


def test_archive_records_append_what_is_missing() -> None:
    found, panes = registry()
    kept = found.dump()
    other, empty = Registry(), Panes()
    other.load_places(ROWS)
    half = {"keys": kept["keys"][:3], "devices": kept["devices"][:1], "series": kept["series"][:1]}
    other.restore_more(half, empty)
    other.restore_more(kept, empty)
    assert other.dump() == kept
    assert panes.fine_rows == empty.fine_rows


def test_a_correction_is_that_of_the_time_and_its_station_is_known() -> None:
    found, panes = Registry(), Panes()
    found.load_places([
        row("p1", "centre/air", since="2026-01-01"),
        row("p1", "centre/air", since="2026-02-01", correction="purpleair-atm"),
    ])
    place = found.place(PlaceKey(CITY, "centre", "air"))
    slot = np.array(
        [found.slot(Series(place, found.device("p1"), INDEX["pm25"], ""), panes)], np.int32
    )
    times = [at("2026-01-31"), at("2026-02-01")]
    assert [float(found.correction_at(slot, np.array([t]))[0]) for t in times] == [0.0, 2.0]
    assert found.corrected == {place}
    assert found.owner[slot[0]] == found.device_of["p1"]
    found.load_places(found.rows[:1])
    assert found.corrected == frozenset()
