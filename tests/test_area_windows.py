"""Windows of areas: they close with the last of their stations, and say what those said."""

import numpy as np

from engine.catalogue import POSITION
from tests.town import Reading, Town, at, row

INDEX = "energy.demand_15min"
ROWS = [row("m1", "centre/m1", 60), row("m2", "centre/m2", 60), row("m3", "harbour/m3", 60)]


def town_until(minute: int, *silent: str) -> Town:
    """A town from 10:00 on; those that are silent send nothing after 10:05."""
    town = Town(ROWS)
    for k, device in enumerate(("m1", "m2", "m3"), 1):
        last = 5 if device in silent else minute
        town.take(
            Reading(device, "power", at("2026-03-02 10:00") + 60 * t, float(k))
            for t in range(last)
        )
    return town


def ends(town: Town, place: str) -> list[int]:
    """Minutes after 10:00 of the windows of a place so far."""
    return [(end - at("2026-03-02 10:00")) // 60 for end in sorted(town.last(INDEX, place))]


def test_an_area_closes_with_the_last_of_its_stations() -> None:
    town = town_until(47, "m2")
    town.tick(at("2026-03-02 10:47"))
    assert ends(town, "centre/m1") == [15, 30, 45]
    assert ends(town, "centre/m2") == [15, 30, 45]
    assert ends(town, "centre/_") == [15, 30, 45]


def test_what_a_station_owes_is_waited_for_until_the_grace_is_over() -> None:
    town = town_until(31, "m2")
    town.tick(at("2026-03-02 10:30") + 10)
    assert ends(town, "centre/m1") == [15, 30]
    assert ends(town, "centre/_") == ends(town, "_/_") == [15]
    assert ends(town, "harbour/_") == [15]
    town.tick(at("2026-03-02 10:31") + 10)
    assert ends(town, "centre/_") == ends(town, "_/_") == [15, 30]


def test_an_area_is_what_its_stations_said() -> None:
    town = town_until(61)
    town.tick(at("2026-03-02 11:01") + 5)
    assert len(ends(town, "_/_")) == 4
    for end, (value, _) in town.last(INDEX, "_/_").items():
        parts = [town.last(INDEX, place)[end][0]
                 for place in ("centre/m1", "centre/m2", "harbour/m3")]
        assert value == sum(parts) == 6.0


def test_the_first_window_of_each_area_is_kept_and_revisions_are_forgotten() -> None:
    town = town_until(61)
    town.tick(at("2026-03-02 11:01") + 5)
    [windows] = [one for one in town.vitals.windows if POSITION[INDEX] in one.family.indicators]
    areas = windows.areas
    first = at("2026-03-02 10:15") // 60
    assert set(areas.first.values()) == {first}
    assert areas.closed == at("2026-03-02 11:00") // 60
    assert areas.due(windows.started(), windows.closed, 9).tolist() == []
    town.take([Reading("m1", "power", at("2026-03-02 10:03") + 1, 90.0)])
    town.tick(at("2026-03-02 11:02") + 5)
    assert {key[1] for key in areas.revisions} == {first}
    areas.forget(first)
    assert len(areas.revisions) == 3
    areas.forget(first + 1)
    assert areas.revisions == {}


def test_only_closed_windows_are_said_anew() -> None:
    town = town_until(61)
    town.tick(at("2026-03-02 11:01") + 5)
    [windows] = [one for one in town.vitals.windows if POSITION[INDEX] in one.family.indicators]
    members = np.zeros(3, np.int64)
    last = windows.closed[0]
    found = windows.areas.containing(members, np.array([last - 1, last - 1, last + 1]))
    assert found.tolist() == [at("2026-03-02 10:45") // 60]
