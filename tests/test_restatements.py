"""Events of restated points: which, by how much, why; a flood is told in few."""

from dataclasses import replace
from typing import cast

import numpy as np

from edge.places import PlaceKey
from engine.catalogue import POSITION
from engine.vitals import Restated, Vitals
from ingest import restatements
from ingest.restatements import RESTATED_EVENTS_MAX, Causes, Restatements, counted, span
from ingest.store_rows import Rewritten
from tests.town import Reading, Town, at, row

HOUR = at("2026-03-02 14:00")
AQI = POSITION["air.us_aqi"]


def town_of(stations: int = 1, districts: int = 1) -> Town:
    town = Town([
        row(f"a{k}", f"d{k % districts}/s{k}", tz="Europe/Berlin") for k in range(stations)
    ])
    town.take(Reading(f"a{k}", "pm25", HOUR - 60, 5.0) for k in range(stations))
    town.tick(HOUR + 20_000)
    return town


def late(town: Town, counts: list[int], hours: float) -> Restated:
    oldest = town.vitals.now_ns - int(hours * 3600e9)
    return Restated(
        np.arange(len(counts), dtype=np.int32), np.array(counts, np.int64),
        np.full(len(counts), oldest, np.int64),
    )


def rewritten(town: Town, station: int, old: float | None, new: float, end_s: int = HOUR) -> (
    Rewritten
):
    place = town.vitals.registry.series[station].place
    level = None if old is None else (-1 if old < 0 else 1)
    return Rewritten(place, AQI, end_s, old, level, new, -1 if new < 0 else 1)


def told(town: Town, rows: list[Rewritten], causes: Restated) -> list[tuple[str, str, str]]:
    found = Restatements()
    found.note(rows)
    events = found.tell(Causes(causes, town.vitals), cast(Vitals, town.vitals))
    assert found.tell(Causes(late(town, [], 0), town.vitals), town.vitals) == []
    return [(event.key.path, event.title, event.text) for event in events]


def test_one_window_with_cause_and_size_in_the_time_of_the_place() -> None:
    town = town_of()
    assert told(town, [rewritten(town, 0, 57, 61)], late(town, [14], 6)) == [
        ("d0/s0", "US AQI until 2026-03-02 15:00: 57 -> 61", "14 readings, 6.0 h late"),
    ]


def test_several_windows_are_one_event_with_the_one_that_changed_most() -> None:
    town = town_of()
    rows = [rewritten(town, 0, 50, 52, HOUR), rewritten(town, 0, 50, 60, HOUR + 3600),
            rewritten(town, 0, 50, 51, HOUR + 7200)]
    assert told(town, rows, late(town, [1], 1)) == [(
        "d0/s0", "US AQI until 2026-03-02 16:00: 50 -> 60",
        "1 reading, 60 min late; 3 values from 2026-03-02 15:00 to 2026-03-02 17:00 changed, "
        "this one most",
    )]


def test_from_insufficient_and_what_the_store_never_held() -> None:
    town = town_of()
    for old, new, words in ((-1, 61, "insufficient -> 61"), (57, -1, "57 -> insufficient"),
                            (None, 61, "not known -> 61")):
        ((_, title, _),) = told(town, [rewritten(town, 0, old, new)], late(town, [1], 1))
        assert title.endswith(f": {words}")


def test_where_no_value_changed_that_is_said_once() -> None:
    town = town_of()
    rows = [rewritten(town, 0, 57, 57), rewritten(town, 0, 50, 50, HOUR + 3600)]
    assert told(town, rows, late(town, [2], 2)) == [(
        "d0/s0", "Restated, no value changed", "2 readings, 2.0 h late; 2 points said anew",
    )]


def test_humidity_is_a_cause_where_pm_is_corrected_and_nowhere_else() -> None:
    for correction, why in (
        ("", "follows from late readings told before, or from a new station's"),
        ("purpleair-atm", "9 readings, 2.0 h late"),
    ):
        town = Town([row("a0", "d0/s0", correction=correction)])
        town.take([Reading("a0", "pm25", HOUR - 60, 5.0), Reading("a0", "rh", HOUR - 60, 50.0)])
        town.tick(HOUR + 20_000)
        assert told(town, [rewritten(town, 0, 57, 61)], late(town, [0, 9], 2))[0][2] == why


def test_a_flood_is_told_by_district_and_a_greater_one_at_once() -> None:
    for stations, districts, events in (
        (RESTATED_EVENTS_MAX, 1, RESTATED_EVENTS_MAX), (RESTATED_EVENTS_MAX + 1, 2, 2),
        (RESTATED_EVENTS_MAX + 1, RESTATED_EVENTS_MAX + 1, 1),
    ):
        town = town_of(stations, districts)
        rows = [rewritten(town, k, 50, 60) for k in range(stations)]
        found = told(town, rows, late(town, [3] * stations, 30))
        assert len(found) == events
    assert found == [(
        "_/_", "101 values of 101 stations restated",
        "303 readings, 30.0 h late; from 2026-03-02 15:00 to 2026-03-02 15:00",
    )]
    assert restatements.RESTATED_EVENTS_MAX == 100


def test_the_time_is_told_in_the_zone_of_then() -> None:
    """A station gets another zone an hour after the window; its events keep the old one."""
    first = row("a0", "d0/s0", tz="Europe/Berlin")
    town = Town([first, replace(first, valid_from_ms=(HOUR + 3600) * 1000, tz="Europe/Lisbon")])
    town.take([Reading("a0", "pm25", HOUR - 60, 5.0)])
    town.tick(HOUR + 20_000)
    shown = {
        end_s: told(town, [rewritten(town, 0, 57, 61, end_s)], late(town, [1], 1))[0][1][:33]
        for end_s in (HOUR, HOUR + 3600, HOUR + 7200)
    }
    assert shown == {
        HOUR: "US AQI until 2026-03-02 15:00: 57", HOUR + 3600: "US AQI until 2026-03-02 16:00: 57",
        HOUR + 7200: "US AQI until 2026-03-02 16:00: 57",
    }, "the hour that began in Lisbon's zone ends by it"
    place = town.vitals.registry.place(PlaceKey("town", "d0", ""))
    area = rewritten(town, 0, 50, 60)._replace(place=place)
    assert told(town, [area], late(town, [1], 1))[0][1].startswith("US AQI until 2026-03-02 15:00")


def test_words_for_numbers() -> None:
    assert [counted(n, "reading") for n in (1, 2, 1400)] == [
        "1 reading", "2 readings", "1,400 readings"]
    assert [span(s) for s in (119, 120, 7199, 7200, 172_799, 172_800)] == [
        "119 s", "2 min", "120 min", "2.0 h", "48.0 h", "2.0 d"]
