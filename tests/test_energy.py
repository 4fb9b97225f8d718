"""Energy: blocks, sliding demand, the peak of the month and of an area."""

import csv
import json
import math
from pathlib import Path
from typing import Any

import pytest

from tests.town import Reading, Town, at, row

CASES = Path(__file__).parent / "cases" / "cases.csv"
HOUR = at("2026-03-02 10:00")
EAST, WEST = "centre/east", "centre/west"
BLOCK, SLIDING = "energy.demand_15min", "energy.demand_sliding"
PEAK, PEAK_AT = "energy.demand_peak", "energy.demand_peak_at"
NAN = math.nan


def feed(
    town: Town, device: str, start_s: int, values: list[float], step_s: int = 60,
    channel: str = "",
) -> None:
    """Readings of power at an even pace."""
    town.take(
        Reading(device, "power", start_s + step_s * k, value, 1, channel)
        for k, value in enumerate(values)
    )


def values(town: Town, indicator: str, place: str = EAST) -> dict[int, float]:
    """The last word on each window by seconds after `HOUR`."""
    return {end - HOUR: value for end, (value, _) in town.last(indicator, place).items()}


def steps(start: int, end: int, by: int = 60) -> range:
    """Window ends from `start` to `end`."""
    return range(start, end + 1, by)


def _cases() -> list[tuple[dict[str, Any], dict[str, Any]]]:
    with CASES.open(encoding="utf-8", newline="") as file:
        return [
            (json.loads(line["inputs_json"]), json.loads(line["expected_json"]))
            for line in csv.DictReader(file) if line["indicator"] == BLOCK
        ]


@pytest.mark.parametrize(("inputs", "expected"), _cases())
def test_worked_cases_through_the_engine(
    inputs: dict[str, Any], expected: dict[str, Any]
) -> None:
    """45 minutes each; the first has its sliding peak of 10.0667 kW with index 30."""
    town = Town([row("m1", EAST)])
    for minute, value in enumerate(inputs["kw_1min"]):
        if value is not None:
            feed(town, "m1", HOUR + 60 * minute, [value])
        town.tick(HOUR + 60 * minute + 60)
    town.tick(HOUR + 46 * 60)
    blocks = values(town, BLOCK)
    assert [None if math.isnan(kw) else kw for kw in blocks.values()] == pytest.approx(
        expected["block_kw"]
    )
    sliding = {end: kw for end, kw in values(town, SLIDING).items() if not math.isnan(kw)}
    if "sliding_peak_kw" in expected:
        peak = max(sliding, key=sliding.__getitem__)
        assert peak == (expected["sliding_peak_end_index"] + 1) * 60
        assert sliding[peak] == pytest.approx(expected["sliding_peak_kw"], abs=1e-6)
    assert {end: kw for end, kw in blocks.items() if not math.isnan(kw)}.items() <= sliding.items()


def test_a_block_needs_twelve_of_its_minutes() -> None:
    for count, value in ((12, 3.0), (11, NAN)):
        town = Town([row("m1", EAST)])
        feed(town, "m1", HOUR, [3.0] * count)
        town.tick(HOUR + 960)
        assert values(town, BLOCK)[900] == pytest.approx(value, nan_ok=True)


@pytest.mark.parametrize(("period_s", "ends"), [
    (60, steps(60, 3600)), (300, steps(300, 3600, 300)), (900, steps(900, 3600, 900)),
])
def test_sliding_demand_comes_with_each_report(period_s: int, ends: range) -> None:
    town = Town([row("m1", EAST, period_s)])
    for k in range(3600 // period_s):
        feed(town, "m1", HOUR + period_s * k, [float(k)], period_s)
        town.tick(HOUR + period_s * (k + 1))
    sliding = values(town, SLIDING)
    assert list(sliding) == list(ends)
    for end, value in values(town, BLOCK).items():
        assert sliding[end] == value


def test_a_slow_meter_stands_with_its_last_report_beside_a_fast_one() -> None:
    town = Town([row("m1", EAST, 60), row("m2", WEST, 300)])
    for minute in range(40):
        feed(town, "m1", HOUR + 60 * minute, [2.0])
        if minute % 5 == 0:
            feed(town, "m2", HOUR + 60 * minute, [float(minute)])
        town.tick(HOUR + 60 * minute + 60)
    town.tick(HOUR + 41 * 60)
    area = values(town, SLIDING, "centre/_")
    assert values(town, SLIDING, WEST)[1800] == 20.0  # of 15, 20 and 25
    assert [area[end] for end in steps(1800, 2040)] == [22.0] * 5
    assert area[2100] == 27.0


def test_an_hourly_value_says_nothing_of_a_block() -> None:
    town = Town([row("m1", EAST, 3600)])
    feed(town, "m1", HOUR, [5.0, 5.0], 3600)
    town.tick(HOUR + 7260)
    assert all(math.isnan(value) for value in values(town, BLOCK).values())


def test_phases_add_up_and_a_missing_one_makes_the_place_insufficient() -> None:
    town = Town([row("m1", EAST)])
    for channel, kw in (("l1", 1.0), ("l2", 2.0), ("l3", 4.0)):
        feed(town, "m1", HOUR, [kw] * (15 if channel == "l3" else 30), channel=channel)
    town.tick(HOUR + 1860)
    blocks = values(town, BLOCK)
    assert blocks[900] == 7.0
    assert math.isnan(blocks[1800])


def test_a_meter_that_is_added_or_replaced_leaves_the_past_as_it_was() -> None:
    rows = [row("old", EAST), row("new", EAST)]
    rows.append(row("old", EAST, since="2026-03-02 10:30", status="retired"))
    town = Town(rows)
    feed(town, "old", HOUR, [3.0] * 29)
    town.tick(HOUR + 1860)
    feed(town, "new", HOUR + 1800, [5.0] * 30)
    feed(town, "old", HOUR + 1740, [33.0])
    town.tick(HOUR + 3660)
    assert values(town, BLOCK) == {900: 3.0, 1800: 5.0, 2700: 5.0, 3600: 5.0}
    town.tick(at("2026-03-03 00:02"))
    assert town.last(PEAK, EAST)[at("2026-03-03")] == (5.0, 1)
    assert town.last(PEAK_AT, EAST)[at("2026-03-03")] == (float(HOUR + 1800), 1)


def test_a_reading_some_minutes_late_says_the_sliding_minutes_anew() -> None:
    town = Town([row("m1", EAST)])
    for minute in range(40):
        if minute != 20:
            feed(town, "m1", HOUR + 60 * minute, [3.0])
        town.tick(HOUR + 60 * minute + 60)
    feed(town, "m1", HOUR + 1200, [18.0])
    town.tick(HOUR + 2460)
    found = town.last(SLIDING, EAST)
    said = {end - HOUR for end, (_, revision) in found.items() if revision == 2}
    assert said == set(steps(1260, 2100))
    assert {found[HOUR + end][0] for end in said} == {4.0}


def two_hours_late() -> tuple[set[int], dict[int, tuple[float, int]]]:
    """A minute that comes two hours late: which sliding values change, and all of them after."""
    town = Town([row("m1", EAST)])
    for minute in range(150):
        if minute != 20:
            feed(town, "m1", HOUR + 60 * minute, [3.0])
        town.tick(HOUR + 60 * minute + 60)
    before = town.last(SLIDING, EAST)
    feed(town, "m1", HOUR + 1200, [18.0])
    town.tick(HOUR + 151 * 60)
    after = town.last(SLIDING, EAST)
    assert town.last(BLOCK, EAST)[HOUR + 1800] == (4.0, 2)
    return {(end - HOUR) // 60 for end in before if repr(after[end]) != repr(before[end])}, after


def test_every_sliding_value_that_looks_on_a_late_minute_is_said_anew() -> None:
    changed, after = two_hours_late()
    assert changed == set(range(21, 36))
    assert {after[HOUR + 60 * end] for end in changed} == {(4.0, 2)}


def test_beyond_the_bound_only_blocks_are_said_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.power_minutes.POWER_SERIES_MAX", 0)
    changed, after = two_hours_late()
    assert changed == {30}
    assert after[HOUR + 1800] == (4.0, 2)


def test_the_peak_of_the_month_and_when_it_was() -> None:
    town = Town([row("m1", EAST)])
    for day, kw in ((30, 9.0), (31, 5.0)):
        feed(town, "m1", at(f"2026-03-{day} 08:00"), [kw] * 30)
        town.tick(at(f"2026-03-{day} 09:00"))
    feed(town, "m1", at("2026-04-01 08:00"), [2.0] * 15)
    town.tick(at("2026-04-01 08:20"))
    feed(town, "m1", at("2026-04-02 08:00"), [4.0] * 15)
    town.tick(at("2026-04-03 00:02"))
    peaks, times = town.last(PEAK, EAST), town.last(PEAK_AT, EAST)
    days = ["2026-03-31", "2026-04-01", "2026-04-02", "2026-04-03"]
    assert [peaks[at(day)][0] for day in days] == [9.0, 9.0, 2.0, 4.0]
    # Of two equal blocks the first is the peak; April begins anew.
    assert [times[at(day)][0] for day in days] == [
        at("2026-03-30 08:15"), at("2026-03-30 08:15"), at("2026-04-01 08:15"),
        at("2026-04-02 08:15"),
    ]


def test_a_late_peak_raises_the_days_after_it() -> None:
    town = Town([row("m1", EAST)])
    feed(town, "m1", at("2026-03-10 08:00"), [3.0] * 15)
    for day in (11, 12, 13):
        town.tick(at(f"2026-03-{day} 00:02"))
    feed(town, "m1", at("2026-03-10 12:00"), [8.0] * 15)
    town.tick(at("2026-03-14 00:02"))
    peaks = town.last(PEAK, EAST)
    assert [peaks[at(f"2026-03-{day}")] for day in (11, 12, 13, 14)] == [
        (8.0, 2), (8.0, 2), (8.0, 2), (8.0, 1),
    ]
    areas = town.last(PEAK, "_/_")
    assert [areas[at(f"2026-03-{day}")][0] for day in (11, 12, 13, 14)] == [8.0] * 4


def test_the_peak_of_an_area_is_that_of_the_sum() -> None:
    """Peaks of 10 and 12 kW at different times: the area's peak is 15, not 22."""
    town = Town([row("m1", EAST), row("m2", WEST)])
    feed(town, "m1", HOUR, [10.0] * 15 + [3.0] * 15)
    feed(town, "m2", HOUR, [1.0] * 15 + [12.0] * 15)
    town.tick(at("2026-03-03 00:02"))
    end = at("2026-03-03")
    assert (town.last(PEAK, EAST)[end][0], town.last(PEAK, WEST)[end][0]) == (10.0, 12.0)
    for area in ("centre/_", "_/_"):
        assert town.last(PEAK, area)[end][0] == 15.0
        assert town.last(PEAK_AT, area)[end][0] == HOUR + 1800


def test_the_peak_of_an_area_survives_a_silent_meter_among_four() -> None:
    town = Town([row(f"m{k}", f"centre/m{k}") for k in range(4)])
    for k in range(4):
        feed(town, f"m{k}", HOUR, [1.0] * 15 + ([10.0] * 15 if k else []))
    town.tick(at("2026-03-03 00:02"))
    assert town.last(PEAK, "centre/_")[at("2026-03-03")][0] == 30.0
    assert town.last(BLOCK, "centre/_")[HOUR + 1800][0] == 30.0


@pytest.mark.parametrize(("day", "next_day", "blocks"), [
    ("2026-03-28 23:00", "2026-03-29 22:00", 92), ("2026-10-24 22:00", "2026-10-25 23:00", 100),
])
def test_billing_days_of_23_and_25_hours(day: str, next_day: str, blocks: int) -> None:
    start, end = at(day), at(next_day)
    town = Town([row("m1", EAST, 900, tz="Europe/Berlin", since="2026-01-01")])
    count = (end - start) // 900
    assert count == blocks
    feed(town, "m1", start, [1.0] * (count - 1) + [7.0], 900)
    town.tick(end + 60)
    final = town.final()
    value, _, n, cov = final[EAST, PEAK, end][:4]
    assert (value, n, cov) == (7.0, blocks, 1.0)
    assert final[EAST, PEAK_AT, end][0] == end


LOAD, LOAD_DAY = "energy.load_factor", "energy.load_factor_day"


def test_the_load_factor_of_the_day_and_of_the_month() -> None:
    """Two days of 4 kW and 1 kW on the mean, with peaks of 8 and 2 kW."""
    town = Town([row("m1", EAST, 900)])
    for day, kw in ((2, 4.0), (3, 1.0)):
        start = at(f"2026-03-0{day}")
        feed(town, "m1", start, [0.0, kw, kw, 2 * kw] * 24, 900)
        town.tick(start + 86_460)
    of_day, of_month = town.last(LOAD_DAY, EAST), town.last(LOAD, EAST)
    assert [value for value, _ in of_day.values()] == [0.5, 0.5]
    assert [value for value, _ in of_month.values()] == [0.5, pytest.approx(2.5 / 8)]
    assert town.last(LOAD, "_/_") == of_month
    assert town.last(LOAD_DAY, "centre/_") == of_day


@pytest.mark.parametrize(("blocks", "value"), [(72, 1.0), (71, NAN)])
def test_the_load_factor_needs_three_quarters_of_the_blocks(blocks: int, value: float) -> None:
    town = Town([row("m1", EAST, 900)])
    start = at("2026-03-02")
    feed(town, "m1", start, [3.0] * (blocks - 1), 900)
    feed(town, "m1", start + 95 * 900, [3.0], 900)
    town.tick(start + 86_460)
    for key in (LOAD, LOAD_DAY):
        found = town.final()[EAST, key, start + 86_400]
        assert (found[0] if found[1] >= 0 else NAN) == pytest.approx(value, nan_ok=True)
        assert found[2:4] == (blocks, blocks / 96)


def test_a_meter_owes_nothing_before_it_came() -> None:
    """The area's days before it must not count as gaps of the meter, in whatever order."""
    town = Town([row("m1", EAST, 900), row("m2", WEST, 900)])
    for day in range(2, 7):
        start = at(f"2026-03-0{day}")
        feed(town, "m1", start, [1.0] * 96, 900)
        if day == 6:
            feed(town, "m2", start, [2.0] * 96, 900)
        town.tick(start + 86_460)
    assert town.last(LOAD, WEST) == {at("2026-03-07"): (1.0, 1)}
    assert town.last(LOAD, "_/_")[at("2026-03-07")][0] == pytest.approx((4 * 1 + 3) / 5 / 3)


def test_what_flows_back_has_no_load_factor() -> None:
    town = Town([row("m1", EAST, 900)])
    start = at("2026-03-02")
    feed(town, "m1", start, [-3.0] * 95 + [1.0], 900)
    town.tick(start + 86_460)
    assert math.isnan(town.last(LOAD, EAST)[start + 86_400][0])
