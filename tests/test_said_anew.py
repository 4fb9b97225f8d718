"""What other rows make of windows that were said: only what differs, each with its revision."""

from dataclasses import replace
from typing import Any

from edge.places import PlaceKey, PlaceRow
from engine.panes import MINUTE_NS
from engine.points import Points, PointState
from engine.said_anew import Standing, settle
from tests.town import CITY, Reading, Town, at, row

TEN = at("2026-03-02 10:00")
ROADS = [row(f"r{k}", f"d/s{k}", 300.0, length_km=1.0, lanes=2, posted_kmh=50.0) for k in (1, 2)]


def town() -> Town:
    """Two roads, an hour of five-minute bins; the second is the slower one."""
    made = Town(ROADS)
    made.keep("traffic.tti")
    made.take(
        Reading(f"r{k}", quantity, TEN + 300 * step, value)
        for step in range(12) for k in (1, 2)
        for quantity, value in (("speed", 50.0 / k), ("count", 20.0))
    )
    made.tick(TEN + 3600 + 61)
    return made


def mended(made: Town, since_s: int, **keys: Any) -> Points:
    """What is said when the first road has another row from a time on."""
    settle(made.vitals)
    standing = Standing(
        made.vitals, {PlaceKey(CITY, "d", "s1"): since_s // 60}, made.vitals.now_ns // MINUTE_NS
    )
    since: PlaceRow = replace(ROADS[0], valid_from_ms=since_s * 1000)
    late: PlaceRow = replace(since, **keys)
    made.vitals.load_places([*ROADS, late])
    return standing.anew()


def test_a_length_changes_the_area_and_not_the_station() -> None:
    made = town()
    found = made.said(mended(made, TEN + 1800, length_km=3.0))
    mine = [(place, end - TEN, value, rev) for place, key, end, value, _, rev in found
            if key == "traffic.tti"]
    assert {place for place, *_ in mine} == {"d/_", "_/_"}
    assert {end for _, end, *_ in mine} == {2100, 2400, 2700, 3000, 3300, 3600}
    assert {(value, rev) for *_, value, rev in mine} == {(1.25, 2)}, "(3 x 1 + 1 x 2) / 4"


def test_two_rows_one_after_the_other_are_two_revisions() -> None:
    made = town()
    for lanes, rev in ((1, 2), (4, 3)):
        points = mended(made, TEN + 3300, lanes=lanes)
        assert (points.state == PointState.CLOSED).all()
        mine = {(place, end): (value, revised) for place, key, end, value, _, revised
                in made.said(points) if key == "traffic.flow_lane" and place == "d/s1"}
        assert mine == {("d/s1", TEN + 3600): (240.0 / lanes, rev)}


def test_the_same_again_says_nothing_and_nothing_waits_to_be_said() -> None:
    made = town()
    assert len(mended(made, TEN + 1800)) == 0
    assert len(mended(made, TEN + 1800, lanes=3))
    assert not len(made.tick(TEN + 3600 + 130))


def test_a_correction_that_is_dated_back_corrects_the_index() -> None:
    made = Town([row("p1", "d/s1"), row("p2", "d/s2")])
    made.keep("air.eaqi_2024_pm25")
    made.take(
        Reading(f"p{k}", quantity, TEN + 60 * step, value)
        for step in range(120) for k in (1, 2) for quantity, value in (("pm25", 60.0), ("rh", 50.0))
    )
    made.tick(TEN + 7200 + 61)
    settle(made.vitals)
    since = {PlaceKey(CITY, "d", "s1"): (TEN + 3600) // 60}
    standing = Standing(made.vitals, since, made.vitals.now_ns // MINUTE_NS)
    made.vitals.load_places([
        row("p1", "d/s1"), row("p2", "d/s2"),
        row("p1", "d/s1", since="2026-03-02 11:00", correction="purpleair-cf1"),
    ])
    found = [(place, end - TEN, value, rev) for place, key, end, value, _, rev
             in made.said(standing.anew()) if key == "air.eaqi_2024_pm25"]
    areas = [("_/_", 7200, 4.0, 2), ("d/_", 7200, 4.0, 2)]  # as before, but one over the limit
    assert sorted(found) == [*areas, ("d/s1", 7200, 3.0, 2)]


def test_what_is_not_there_any_more_is_withdrawn() -> None:
    made = town()
    found = made.said(mended(made, TEN + 3300, status="retired"))
    assert ("d/s1", "traffic.tti", TEN + 3600, 0.0, -1, 2) in found
    assert not [end for place, _, end, *_ in found if place == "d/s1" and end < TEN + 3600]
    assert [value for place, key, end, value, _, _ in found
            if (place, key, end) == ("d/_", "traffic.tti", TEN + 3600)] == [2.0]
