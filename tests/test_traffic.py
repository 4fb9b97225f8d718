"""Traffic: travel time index, its peaks, the free-flow speed; against a slow computation."""

import csv
import gzip
import math
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from edge.places import load
from engine.traffic import FROZEN_DAYS
from engine.travel_time import FFS_CLAMPED, FFS_MEASURED, FFS_POSTED, FFS_UNKNOWN
from tests import reference_traffic
from tests.town import Reading, Town, at, row

SAMPLE = Path(__file__).parent.parent / "simulators" / "samples"
ROAD = "centre/road"
TTI, PEAK, FFS = "traffic.tti", "traffic.tti_peak", "traffic.ffs"
NAN = math.nan
MONDAY = "2026-03-02"


def bins(town: Town, start_s: int, count: int, kmh: float, vehicles: float | None = None) -> None:
    """5-minute speeds, and counts if given, from `start_s` on."""
    for k in range(count):
        town.take([Reading("r1", "speed", start_s + 300 * k, kmh)])
        if vehicles is not None:
            town.take([Reading("r1", "count", start_s + 300 * k, vehicles)])


def road(**more: float) -> Town:
    """A town of one segment that reports every 5 minutes."""
    return Town([row("r1", ROAD, 300, **more)])


def bin_value(town: Town, end_s: int, place: str = ROAD) -> float:
    """The last word on a bin."""
    return town.last(TTI, place)[end_s][0]


def _sample() -> dict[int, float]:
    with gzip.open(SAMPLE / "sample.csv.gz", "rt", encoding="utf-8", newline="") as file:
        return {
            int(datetime.fromisoformat(line["time"]).timestamp()): float(line["value"])
            for line in csv.DictReader(file)
            if line["quantity"] == "speed" and line["place"] == "ringroad/segment-158324"
        }


def _free_flow(speeds: dict[int, float], day: date, zone: ZoneInfo) -> float:
    """85th percentile of the off-peak bins of the 28 days before; none with under 200."""
    valid = []
    for second, speed in speeds.items():
        local = datetime.fromtimestamp(second, UTC).astimezone(zone)
        spans = ((6, 22),) if local.weekday() >= 5 else ((9, 16), (19, 22))
        recent = day - timedelta(28) <= local.date() < day
        if recent and any(begin <= local.hour < end for begin, end in spans):
            valid.append(speed)
    return float(np.quantile(valid, 0.85)) if len(valid) >= 200 else NAN


def test_the_segment_of_the_sample() -> None:
    """Free-flow speed, index and peaks of every day, from the readings themselves."""
    speeds, zone = _sample(), ZoneInfo("Europe/Copenhagen")
    town, place = Town(load(SAMPLE / "sample_places.csv")), "ringroad/segment-158324"
    for second in sorted(speeds):
        town.take([Reading("citypulse-158324", "speed", second, speeds[second])])
        if second % 900 == 0:
            town.tick(second + 300)
    town.tick(max(speeds) + 86_400)
    frozen, index, peaks = (town.last(name, place) for name in (FFS, TTI, PEAK))
    first = datetime.fromtimestamp(min(speeds), zone).date()
    days = [first + timedelta(k) for k in range(7)]
    free = {day: _free_flow(speeds, day, zone) for day in days}
    assert sum(not math.isnan(value) for value in free.values()) >= 4
    for day in days:
        end = int(datetime.combine(day + timedelta(1), datetime.min.time(), zone).timestamp())
        assert frozen[end][0] == pytest.approx(free[day], nan_ok=True)
        if day.weekday() >= 5:
            assert end not in peaks
            continue
        parts = []
        for begin, stop in ((6, 9), (16, 19)):
            opening = datetime(day.year, day.month, day.day, begin, tzinfo=zone).timestamp()
            times = range(int(opening), int(opening) + (stop - begin) * 3600, 300)
            parts.append([free[day] / speeds[t] for t in times if t in speeds])
        enough = min(len(part) for part in parts) >= 27
        expected = np.mean([ratio for part in parts for ratio in part]) if enough else NAN
        assert peaks[end][0] == pytest.approx(expected, nan_ok=True)
    for second, speed in speeds.items():
        local = datetime.fromtimestamp(second - 3 * 3600, zone).date()
        ffs = free.get(local, NAN)
        assert index[second + 300][0] == pytest.approx(ffs / speed, nan_ok=True)


def test_the_index_is_free_flow_over_space_mean_speed() -> None:
    town = Town([row("r1", ROAD, 60, posted_kmh=60)])
    start = at(f"{MONDAY} 10:00")
    town.take(Reading("r1", "speed", start + 60 * k, v) for k, v in enumerate((50, 40, 60, 54, 45)))
    town.tick(start + 360)
    assert bin_value(town, start + 300) == pytest.approx(60 / 48.8246, abs=1e-4)


@pytest.mark.parametrize(("speeds", "counts", "value"), [
    ([30.0] * 4, None, 2.0), ([30.0] * 3, None, NAN), ([30.0] * 5, [0.0] * 5, NAN),
    ([30.0] * 5, [0.0] * 4 + [1.0], 2.0), ([0.0] * 5, None, NAN), ([120.0] * 5, None, 0.5),
])
def test_four_of_five_minutes_and_a_vehicle_are_needed(
    speeds: list[float], counts: list[float] | None, value: float
) -> None:
    town = Town([row("r1", ROAD, 60, posted_kmh=60)])
    start = at(f"{MONDAY} 10:00")
    town.take(Reading("r1", "speed", start + 60 * k, v) for k, v in enumerate(speeds))
    town.take(Reading("r1", "count", start + 60 * k, n) for k, n in enumerate(counts or []))
    town.tick(start + 360)
    assert bin_value(town, start + 300) == pytest.approx(value, nan_ok=True)


@pytest.mark.parametrize(("posted", "count", "kmh", "value", "method", "used"), [
    (0.0, 199, 57.0, NAN, FFS_UNKNOWN, 199), (50.0, 199, 57.0, 50.0, FFS_POSTED, 199),
    (0.0, 200, 57.0, 57.0, FFS_MEASURED, 200), (50.0, 200, 57.0, 57.0, FFS_MEASURED, 200),
    (50.0, 200, 90.0, 65.0, FFS_CLAMPED, 200), (50.0, 200, 20.0, 40.0, FFS_CLAMPED, 200),
])
def test_how_a_free_flow_speed_comes_about(
    posted: float, count: int, kmh: float, value: float, method: int, used: int
) -> None:
    """Sundays and Saturdays have 192 off-peak bins each; one of them, and some of the next."""
    town = road(posted_kmh=posted)
    bins(town, at("2026-02-28 06:00"), min(count, 192), kmh)
    bins(town, at("2026-03-01 06:00"), count - 192, kmh)
    town.tick(at(f"{MONDAY} 02:59"))
    town.tick(at(f"{MONDAY} 03:00"))
    town.tick(at("2026-03-03 00:02"))
    found = town.final()[ROAD, FFS, at("2026-03-03")]
    assert (found[0], found[2]) == (pytest.approx(0.0 if math.isnan(value) else value), used)
    assert (found[1] == -1) is math.isnan(value)
    free, day = town.vitals.segments.free, date(2026, 3, 2).toordinal()
    one = np.zeros(1, np.int64)
    assert free.method_at(one, one + day, np.array([posted])).tolist() == [method]


def test_it_is_frozen_at_three_and_what_comes_later_does_not_move_it() -> None:
    town = road()
    bins(town, at("2026-02-28 06:00"), 192, 60.0)
    bins(town, at("2026-03-01 06:00"), 192, 60.0)
    town.tick(at(f"{MONDAY} 02:59:59"))
    bins(town, at(f"{MONDAY} 02:50"), 4, 30.0)
    town.tick(at(f"{MONDAY} 03:00"))
    bins(town, at("2026-03-01 06:00"), 100, 200.0)
    town.tick(at(f"{MONDAY} 03:16"))
    # Before three the day before's holds, and that knows 192 bins only: no free-flow speed yet.
    assert math.isnan(bin_value(town, int(at(f"{MONDAY} 03:00"))))
    assert bin_value(town, int(at(f"{MONDAY} 03:05"))) == 2.0
    bins(town, at("2026-03-03 03:00"), 1, 30.0)
    town.tick(at("2026-03-03 03:06"))
    assert bin_value(town, at("2026-03-03 03:05")) > 2.0


def test_only_28_days_count() -> None:
    town = road()
    bins(town, at("2026-02-28 06:00"), 192, 60.0)
    bins(town, at("2026-03-01 06:00"), 192, 60.0)
    for day in range(27):
        town.tick(at("2026-03-02 03:00") + 86_400 * day)
    town.tick(at("2026-03-31 00:02"))
    frozen = {
        datetime.fromtimestamp(end, UTC).date() - timedelta(1): value
        for end, (value, _) in town.last(FFS, ROAD).items()
    }
    assert frozen[date(2026, 3, 2)] == frozen[date(2026, 3, 28)] == 60.0
    # On the 29th only the Sunday is left of the 28 days, with 192 bins.
    assert math.isnan(frozen[date(2026, 3, 29)])


def test_days_without_a_tick_are_frozen_one_after_the_other() -> None:
    """After a stop, and for a backlog: each day by the days before it."""
    town = road(posted_kmh=50)
    bins(town, at("2026-02-28 06:00"), 192, 60.0)
    bins(town, at("2026-03-01 06:00"), 192, 60.0)
    bins(town, at("2026-03-04 09:00"), 84, 42.0)
    town.tick(at("2026-03-05 12:00"))
    free, one = town.vitals.segments.free, np.zeros(1, np.int64)
    days = [date(2026, 3, day).toordinal() for day in range(1, 6)]
    speeds = [float(free.at(one, one + day, np.array([50.0]))[0]) for day in days]
    assert speeds == [50.0, 60.0, 60.0, 60.0, 60.0]
    methods = [int(free.method_at(one, one + day, np.array([50.0]))[0]) for day in days]
    assert methods == [FFS_POSTED] + [FFS_MEASURED] * 4
    used = [int(free.used[0, day % FROZEN_DAYS]) for day in days]
    assert used == [192, 384, 384, 384, 468]


@pytest.mark.parametrize(("morning", "evening", "value"), [
    (27, 27, 1.25), (26, 36, NAN), (36, 26, NAN), (36, 36, 1.25),
])
def test_a_peak_needs_three_quarters_of_both(
    morning: int, evening: int, value: float
) -> None:
    town = road(posted_kmh=50)
    bins(town, at(f"{MONDAY} 06:00"), morning, 40.0)
    bins(town, at(f"{MONDAY} 16:00"), evening, 40.0)
    bins(town, at(f"{MONDAY} 12:00"), 6, 10.0)
    town.tick(at("2026-03-03 00:02"))
    found = town.final()[ROAD, PEAK, at("2026-03-03")]
    assert found[0] == pytest.approx(0.0 if math.isnan(value) else value)
    assert found[3] == pytest.approx(min(morning, evening) / 36)
    assert found[2] == morning + evening


def test_weekends_have_no_peak() -> None:
    town = road(posted_kmh=50)
    for day in (6, 7, 8):
        bins(town, at(f"2026-03-{day:02} 06:00"), 36, 40.0)
        bins(town, at(f"2026-03-{day:02} 16:00"), 36, 40.0)
    town.tick(at("2026-03-09 00:02"))
    for place in (ROAD, "centre/_", "_/_"):
        assert list(town.last(PEAK, place)) == [at("2026-03-07")]


@pytest.mark.parametrize(("day", "utc"), [("2026-03-30", 4), ("2026-03-27", 5), ("2026-10-26", 5)])
def test_peaks_follow_the_clock_through_the_change(day: str, utc: int) -> None:
    """06:00 in Berlin is 05:00 UTC in winter and 04:00 in summer."""
    town = road(tz="Europe/Berlin", posted_kmh=50)
    bins(town, at(f"{day} 0{utc}:00"), 36, 40.0)
    bins(town, at(f"{day} {utc + 10}:00"), 36, 25.0)
    bins(town, at(f"{day} 0{utc - 1}:00"), 12, 5.0)
    town.tick(at(day) + 86_400 + 3600)
    ((_, (value, _)),) = [
        item for item in town.last(PEAK, ROAD).items() if not math.isnan(item[1][0])
    ]
    assert value == pytest.approx((1.25 + 2.0) / 2)


@pytest.mark.parametrize("kmh", [60.0, 30.0, 33.0, 35.0, 17.0, 99.0, 0.7 * 90])
def test_the_edge_of_a_rating_is_met_exactly(kmh: float) -> None:
    """1.5 is still good, whatever the reciprocal of the speed looks like in binary."""
    town = road(posted_kmh=1.5 * kmh)
    bins(town, at(f"{MONDAY} 10:00"), 1, kmh)
    town.tick(at(f"{MONDAY} 10:06"))
    assert [(value, level) for path, key, _, value, level, _ in town.said()
            if (path, key) == (ROAD, TTI)] == [(1.5, 0)]


def test_areas_weigh_by_vehicle_kilometres() -> None:
    rows = [
        row("r1", ROAD, 300, posted_kmh=60, length_km=2.0),
        row("r2", "centre/lane", 60, posted_kmh=60, length_km=0.5),
        row("r3", "centre/plain", 300, posted_kmh=60, length_km=1.0),
    ]
    town = Town(rows)
    start = at(f"{MONDAY} 10:00")
    bins(town, start, 1, 30.0, 40.0)
    # Four of five minutes counted 8 vehicles: 10 in the whole bin.
    town.take(Reading("r2", "speed", start + 60 * k, 60.0) for k in range(4))
    town.take(Reading("r2", "count", start + 60 * k, 2.0) for k in range(4))
    town.take([Reading("r3", "speed", start, 20.0)])
    town.tick(start + 360)
    vmt = [40 * 2.0, 10 * 0.5, 1.0]
    expected = np.average([2.0, 1.0, 3.0], weights=vmt)
    assert bin_value(town, start + 300, "centre/_") == pytest.approx(expected)


def test_lanes_are_one_road() -> None:
    """Speeds of the lanes by their slowness and their vehicles, vehicles added up."""
    town = Town([row("r1", ROAD, 300, posted_kmh=60), row("r2", ROAD, 300, posted_kmh=60)])
    start = at(f"{MONDAY} 10:00")
    bins(town, start, 1, 30.0, 12.0)
    town.take([Reading("r2", "speed", start, 60.0), Reading("r2", "count", start, 3.0)])
    town.tick(start + 360)
    harmonic = reference_traffic.harmonic_mean_kmh([30.0, 60.0], [12, 3])
    assert bin_value(town, start + 300) == pytest.approx(60 / harmonic)
