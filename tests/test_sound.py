"""LAeq and Lden of stations: completeness, the local clock, late readings."""

import math
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.town import Reading, Town, at, row

PLACE = "a/s"
DAY = at("2026-03-02")


def mic(tz: str = "UTC", period_s: float = 900.0) -> Town:
    """A station with a microphone."""
    return Town([row("d", PLACE, period_s, tz=tz)])


def said(town: Town, name: str, end: int) -> float:
    return town.last(f"noise.{name}", PLACE)[end][0]


@pytest.mark.parametrize(("minutes", "level"), [(15, 62.4), (12, 62.4), (11, math.nan)])
def test_a_quarter_needs_three_quarters_of_its_readings(minutes: int, level: float) -> None:
    town = mic(period_s=60)
    town.take(Reading("d", "laeq", DAY + 60 * k, (55.0, 65.0)[k % 2]) for k in range(minutes))
    town.tick(DAY + 970)
    got = said(town, "laeq_15min", DAY + 900)
    assert got == pytest.approx(level, abs=0.4, nan_ok=True)


def day_of(
    town: Town, zone: str, day: str, levels: tuple[float, float, float] = (60.0, 55.0, 50.0)
) -> tuple[int, int]:
    """Levels of the day, the evening and the night, on the local clock; the day's ends."""
    tz = ZoneInfo(zone)
    first = datetime.fromisoformat(day).replace(tzinfo=tz)
    begin = int(first.timestamp())
    end = int((first + timedelta(days=1)).timestamp())
    readings = []
    for second in range(begin, end, 900):
        hour = datetime.fromtimestamp(second, UTC).astimezone(tz).hour
        level = levels[0 if 7 <= hour < 19 else 1 if 19 <= hour < 23 else 2]
        readings.append(Reading("d", "laeq", second, level))
    town.take(readings)
    town.tick(end + 70)
    return begin, end


@pytest.mark.parametrize(("zone", "day", "hours"), [
    ("UTC", "2026-03-02", 24), ("Europe/Berlin", "2026-03-29", 23),
    ("Europe/Berlin", "2026-10-25", 25), ("Asia/Kolkata", "2026-03-02", 24),
])
def test_periods_follow_the_clock_on_the_wall(zone: str, day: str, hours: int) -> None:
    town = mic(zone)
    begin, end = day_of(town, zone, day)
    assert end - begin == hours * 3600
    assert [said(town, name, end) for name in ("lday", "levening", "lnight")] == [60, 55, 50]
    assert said(town, "lden", end) == 60.0


def test_lden_is_not_made_of_rounded_levels() -> None:
    """Of 61.04, 55.04 and 50.04 dB it is 60.569; of 61.0, 55.0 and 50.0, as shown, 60.529."""
    town = mic()
    day_of(town, "UTC", "2026-03-02", (61.04, 55.04, 50.04))
    end = DAY + 86_400
    assert [said(town, name, end) for name in ("lday", "levening", "lnight")] == [61, 55, 50]
    assert said(town, "lden", end) == 60.6


def test_lden_needs_each_period_and_the_night_is_one() -> None:
    town = mic()
    town.take(Reading("d", "laeq", DAY + 900 * k, 50.0) for k in range(92))
    town.tick(DAY + 86_470)
    assert said(town, "lnight", DAY + 86_400) == 50.0  # seven of eight hours
    town = mic()
    town.take(Reading("d", "laeq", DAY + 900 * k, 50.0) for k in range(78))
    town.tick(DAY + 86_470)
    assert math.isnan(said(town, "lden", DAY + 86_400))
    assert said(town, "lday", DAY + 86_400) == 50.0


def test_a_late_reading_restates_quarter_hour_and_day() -> None:
    town = mic()
    day_of(town, "UTC", "2026-03-02")
    town.take([Reading("d", "laeq", DAY + 36_300, 90.0)])
    town.tick(DAY + 86_550)
    for name, end in (("laeq_15min", DAY + 36_900), ("laeq_1h", DAY + 39_600),
                      ("lden", DAY + 86_400), ("l10_1h", DAY + 39_600)):
        assert town.last(f"noise.{name}", PLACE)[end][1] == 2


def test_devices_count_by_the_mean_of_their_energies() -> None:
    town = Town([row("d", PLACE, 900), row("e", PLACE, 900)])
    town.take([Reading("d", "laeq", DAY, 55.0), Reading("e", "laeq", DAY, 65.0)])
    town.tick(DAY + 970)
    assert said(town, "laeq_15min", DAY + 900) == 62.4


def test_bands_of_the_directive_begin_at_their_limit() -> None:
    town = mic()
    town.take(Reading("d", "laeq", DAY + 900 * k, 50.0) for k in range(96))
    town.tick(DAY + 86_470)
    levels = {key: level for path, key, end, _, level, _ in town.said()
              if path == PLACE and end == DAY + 86_400}
    assert levels["noise.lnight"] == 1
