"""The sample city: complete, readable, and true to its sources."""

from collections import Counter
from datetime import datetime

import pytest

from edge import places, recorded
from edge.quantities import QUANTITIES
from simulators import sample_city

BYTES_MAX = 150 * 1024
WEEK_MS = 7 * 86_400_000

# From the three source files, read by hand: place, quantity, time, value, receive time.
SPOTS = (
    # 2004-08-02T00:00:00Z,4.1,100,60,40,24,37,2.581189,0.5172414,29 (522 weeks earlier)
    ("kerbside/marylebone", "no2", "2014-08-04T00:00:00Z", 40.0, "2014-08-04T01:00:00Z"),
    ("kerbside/marylebone", "so2", "2014-08-04T00:00:00Z", 2.581189, "2014-08-04T01:00:00Z"),
    ("kerbside/marylebone", "co", "2014-08-04T00:00:00Z", 0.5172414, "2014-08-04T01:00:00Z"),
    # 2004-08-08T23:00:00Z, the last hour: pm25 26
    ("kerbside/marylebone", "pm25", "2014-08-10T23:00:00Z", 26.0, "2014-08-11T00:00:00Z"),
    # OK,73,50,668,73,2014-08-04T01:30:00,2 is 23:30 UTC of Sunday
    ("ringroad/segment-158324", "speed", "2014-08-03T23:30:00Z", 50.0, "2014-08-03T23:35:00Z"),
    ("ringroad/segment-158324", "count", "2014-08-03T23:30:00Z", 2.0, "2014-08-03T23:35:00Z"),
    # OK,81,45,668,81,2014-08-10T21:45:00,1
    ("ringroad/segment-158324", "speed", "2014-08-10T19:45:00Z", 45.0, "2014-08-10T19:50:00Z"),
    # 18/12/2006;00:00:00;0.278;…;246.170
    ("suburb/sceaux", "power", "2014-08-03T22:00:00Z", 0.278, "2014-08-03T22:01:00Z"),
    ("suburb/sceaux", "voltage", "2014-08-03T22:00:00Z", 246.17, "2014-08-03T22:01:00Z"),
)
COUNTS = {
    ("kerbside/marylebone", "no2"): 168, ("kerbside/marylebone", "o3"): 168,
    ("kerbside/marylebone", "so2"): 168, ("kerbside/marylebone", "co"): 167,
    ("kerbside/marylebone", "pm10"): 164, ("kerbside/marylebone", "pm25"): 168,
    ("ringroad/segment-158324", "speed"): 1454, ("ringroad/segment-158324", "count"): 1454,
    ("suburb/sceaux", "power"): 10_078, ("suburb/sceaux", "voltage"): 10_078,
}


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


@pytest.fixture(scope="module")
def rows() -> list[tuple[str, str, int, float, int]]:
    """place, quantity, time, value and receive time of each row."""
    return [
        row
        for chunk in recorded.read(sample_city.recording())
        for row in zip(
            chunk.place, chunk.quantity, chunk.time_ms, chunk.value, chunk.received_ms, strict=True
        )
    ]


def test_no_row_is_lost(rows: list[tuple[str, str, int, float, int]]) -> None:
    assert Counter(row[:2] for row in rows) == COUNTS
    assert len({row[:3] for row in rows}) == len(rows) == 24_067


def test_values_equal_those_of_the_sources(rows: list[tuple[str, str, int, float, int]]) -> None:
    found = {row[:3]: row[3:] for row in rows}
    for place, quantity, time, value, received in SPOTS:
        assert found[place, quantity, ms(time)] == (value, ms(received))


def test_rows_come_in_the_order_they_were_received(
    rows: list[tuple[str, str, int, float, int]],
) -> None:
    order = [(row[4], row[2]) for row in rows]
    assert order == sorted(order)
    assert order[-1][0] - order[0][0] < WEEK_MS + 2 * 3_600_000


def test_values_are_plausible(rows: list[tuple[str, str, int, float, int]]) -> None:
    for _, quantity, _, value, _ in rows:
        low, high = QUANTITIES[quantity].implausible
        assert low <= value <= high


def test_every_place_is_in_the_places_file(rows: list[tuple[str, str, int, float, int]]) -> None:
    listed = places.load(sample_city.places())
    assert {f"{row.district}/{row.station}" for row in listed} == {row[0] for row in rows}
    assert all(row.valid_from_ms < rows[0][2] for row in listed)
    assert {row.tz for row in listed} == {"Europe/London", "Europe/Copenhagen", "Europe/Paris"}


def test_sample_is_small() -> None:
    assert sample_city.recording().stat().st_size < BYTES_MAX
