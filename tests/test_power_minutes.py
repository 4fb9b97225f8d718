"""Minutes of power: added, taken out, forgotten, kept through a snapshot; a page a day."""

import numpy as np
import pytest

from engine import power_minutes as module
from engine.power_minutes import DAY_MIN, DAYS, PowerMinutes
from tests.town import Reading, Town, at, row

START = at("2026-03-02 10:00")


def town_of(meters: int = 1, period_s: float = 60.0) -> Town:
    return Town([row(f"m{k}", f"centre/s{k}", period_s) for k in range(meters)])


def kept(power: PowerMinutes, slot: int, time_s: int) -> tuple[int, int]:
    """Sum in 1e-6 kW and readings of a minute of a series, (-1, -1) without a row or a page."""
    line, minute = power.row[slot], time_s // 60
    if line < 0 or power.days[line, minute // DAY_MIN % DAYS] != minute // DAY_MIN:
        return -1, -1
    where = minute // DAY_MIN % DAYS * DAY_MIN + minute % DAY_MIN
    return int(power.sums[line, where]), int(power.counts[line, where])


def test_readings_of_a_minute_add_up_and_bad_ones_do_not_count() -> None:
    town = town_of()
    town.take([Reading("m0", "power", START + 1, 2.0), Reading("m0", "power", START + 59, 0.5)])
    town.take(Reading("m0", "power", START + 2, 9.0, flag) for flag in (4, 9))
    assert kept(town.vitals.power, 0, START) == (2_500_000, 2)
    assert kept(town.vitals.power, 0, START + 60) == (0, 0)


def test_a_page_makes_room_for_the_day_eleven_days_later_and_stays_for_ten() -> None:
    town = town_of()
    town.take([Reading("m0", "power", START, 2.0)])
    town.take([Reading("m0", "power", START + 10 * 86_400, 2.0)])
    assert kept(town.vitals.power, 0, START) == (2_000_000, 1)
    town.take([Reading("m0", "power", START + 11 * 86_400, 2.0)])
    assert kept(town.vitals.power, 0, START) == (-1, -1)
    town.take([Reading("m0", "power", START, 2.0)])
    assert kept(town.vitals.power, 0, START) == (-1, -1)
    assert kept(town.vitals.power, 0, START + 11 * 86_400) == (2_000_000, 1)


@pytest.mark.parametrize(("period_s", "rows"), [(60, 1), (840, 1), (900, 0)])
def test_a_meter_that_reports_once_a_block_needs_no_minutes(period_s: float, rows: int) -> None:
    town = town_of(period_s=period_s)
    town.take([Reading("m0", "power", START, 2.0)])
    assert town.vitals.power.rows == rows


def test_rows_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "POWER_SERIES_MAX", 3)
    town = town_of(4)
    town.take(Reading(f"m{k}", "power", START, 2.0) for k in range(4))
    town.take(Reading(f"m{k}", "power", START, 2.0) for k in range(4))
    found = [kept(town.vitals.power, k, START)[1] for k in range(4)]
    assert (town.vitals.power.rows, found) == (3, [2, 2, 2, -1])


def test_minutes_are_forgotten_between_two_times_alone() -> None:
    town = town_of()
    town.take(Reading("m0", "power", START + 60 * k, 2.0) for k in range(4))
    town.vitals.power.clear(0, START // 60 + 1, START // 60 + 3)
    found = [kept(town.vitals.power, 0, START + 60 * k)[1] for k in range(4)]
    assert found == [1, 0, 0, 1]


def test_what_a_snapshot_keeps_is_all() -> None:
    town = town_of(2)
    town.take(Reading("m1", "power", START + 60 * k, 2.0 + k) for k in range(4))
    power, again = town.vitals.power, PowerMinutes()
    again.restore({name: array.copy() for name, array in power.dump(1 + 1).items()})
    again.fit(8)
    for name in PowerMinutes.ARRAYS[1:]:
        np.testing.assert_array_equal(getattr(again, name), getattr(power, name)[:1])
    assert [kept(again, 0, START + 60 * k)[1] for k in range(5)] == [1, 1, 1, 1, 0]
