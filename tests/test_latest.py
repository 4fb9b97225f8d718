"""The newest of everything: which point is shown, what is stale, what is worst and why."""

from dashboards.latest import PARTS, Latest, chosen, stale
from edge.places import PlaceKey
from engine.catalogue import POSITION
from ingest.store import Last, PlaceInfo, Reading

H = 3_600_000


def last(path: str = "c/s1", indicator: str = "air.us_aqi", end_ms: int = 10 * H,
         value: float = 40.0, level: int = 0, state: int = 1) -> Last:
    """A point with the rest filled in."""
    return Last(path, indicator, end_ms, value, level, 1.0, 60, state, state, None, None, None,
                None, end_ms, 1)


def place(path: str) -> PlaceInfo:
    district, station = (part.replace("_", "") for part in path.split("/"))
    return PlaceInfo(PlaceKey("x", district, station), path, 1.0, 2.0, "UTC", 0.0, 0, 0.0)


def filled(*points: Last) -> Latest:
    latest = Latest()
    latest.replace(7, [place(path) for path in sorted({point.path for point in points})],
                   points, [])
    return latest


def test_the_open_point_is_shown_only_where_it_is_newer_and_sufficient() -> None:
    closed = last()
    newer = last(end_ms=11 * H, state=0)
    short = last(end_ms=11 * H, state=0, level=-1)
    assert chosen(newer, closed) is newer
    assert chosen(short, closed) is closed
    assert chosen(last(state=0), closed) is closed
    assert chosen(short, None) is short
    assert chosen(None, closed) is closed
    assert chosen(None, None) is None


def test_a_closed_point_ends_the_window_in_progress() -> None:
    latest = filled(last(end_ms=11 * H, state=0), last())
    latest.apply(8, [last(end_ms=11 * H, value=41)], [])
    assert [point.value for point in latest.points()] == [41]
    assert latest.seq == 8


def test_the_newest_reading_of_a_series_is_kept() -> None:
    latest = Latest()
    first = Reading("c/s1", "d", "pm25", "", 1000, 1.0, 1, 10.0)
    latest.apply(1, [], [first])
    latest.apply(2, [], [first._replace(time_ms=2000), first._replace(channel="b")])
    assert [(row.time_ms, row.channel) for row in latest.readings()] == [(2000, ""), (1000, "b")]


def test_stale_after_two_cadences_and_the_slack() -> None:
    assert not stale(last(end_ms=0), 2 * H + 120_000)
    assert stale(last(end_ms=0), 2 * H + 120_001)


def test_the_worst_station_of_each_headline_and_its_cause() -> None:
    latest = filled(
        last("c/s1", value=60, level=1), last("c/s2", value=90, level=1),
        last("c/s2", "air.us_aqi_o3", value=30), last("c/s2", "air.us_aqi_pm25", value=90, level=1),
        last("c/s3", value=300, level=5, end_ms=H),  # stale
        last("c/s4", value=0, level=-1), last("c/s1", "dq.completeness", value=1, level=2),
        last("c/_", value=500, level=5),  # an area is not a station
        last("c/s1", "traffic.tti", value=1.6, level=1),
    )
    found = latest.worst(10 * H)
    assert [(row.point.path, row.point.indicator, row.cause) for row in found] == [
        ("c/s1", "traffic.tti", ""), ("c/s2", "air.us_aqi", "air.us_aqi_pm25"),
    ]


def test_areas_are_known_by_their_stations() -> None:
    latest = filled(last("c/s1"))
    assert [latest.knows(path) for path in ("c/s1", "c/_", "_/_", "d/_", "c/s2")] == [
        True, True, True, False, False]
    assert not Latest().knows("_/_")


def test_the_parts_of_an_indicator_are_in_the_catalogue() -> None:
    assert {key for parts in PARTS.values() for key in parts} <= set(POSITION)


def test_nothing_current_is_no_worst() -> None:
    assert filled(last("c/s1", level=-1)).worst(10 * H) == []
