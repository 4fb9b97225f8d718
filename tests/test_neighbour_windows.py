"""Windows that look at neighbours: closed by the clock together, said anew by anybody's reading."""

from engine.neighbour_windows import NeighbourWindows
from tests.drift_city import DAY, HOUR, START, hours, town
from tests.town import Reading

KEY = "dq.drift"


def test_all_close_by_the_clock_though_each_has_delivered_more() -> None:
    of, _ = town(6)
    assert isinstance(of.vitals.windows[0], NeighbourWindows)
    of.take(one for readings in hours(144, 168) for one in readings)
    of.take([Reading("d0", "pm25", START + 7 * DAY + 5.0, 5.0)])
    before = list(of.last(KEY, "centre/s0"))
    of.tick(START + 7 * DAY + 59)
    assert list(of.last(KEY, "centre/s0")) == before
    of.tick(START + 7 * DAY + 61)
    assert len(of.last(KEY, "centre/s0")) == len(before) + 1


def test_a_late_reading_says_its_neighbours_anew_from_its_day_on() -> None:
    of, missed = town(8, skip=frozenset({(150, "d0")}))
    of.take(missed)
    of.tick(START + 8 * DAY + 300)
    for station in ("centre/s0", "centre/s1", "hills/s5"):
        revisions = {(end - START) // DAY: rev for end, (_, rev) in of.last(KEY, station).items()}
        assert [revisions[day] for day in (6, 7, 8)] == [1, 2, 2]


def test_a_reading_of_the_day_in_progress_says_nothing_anew() -> None:
    of, _ = town(7)
    of.take([Reading("d0", "pm25", START + 7 * DAY + HOUR, 5.0)])
    assert not len(of.tick(START + 7 * DAY + 2 * HOUR))
