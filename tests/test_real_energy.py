"""A real household and a real plant against computations that are slow and independent."""

import csv
import gzip
import math
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest

from edge.facts import Fact
from tests.town import Reading, Town, row

CASES = Path(__file__).parent / "cases"
HOME = "sceaux/home"


class Minute(NamedTuple):
    """One row of the household, Unix seconds."""

    time_s: int
    kw: float
    kvar: float
    volts: float
    amps: float


def household() -> Iterator[Minute]:
    """Rows that have values."""
    zone = ZoneInfo("Europe/Paris")
    with gzip.open(CASES / "household_2006-12.csv.gz", "rt", encoding="utf-8") as file:
        for record in csv.DictReader(file, delimiter=";"):
            day, month, year = (int(part) for part in record["Date"].split("/"))
            hour, minute, _ = (int(part) for part in record["Time"].split(":"))
            if record["Voltage"] != "?":
                moment = datetime(year, month, day, hour, minute, tzinfo=zone)
                yield Minute(int(moment.timestamp()), *(float(record[name]) for name in (
                    "Global_active_power", "Global_reactive_power", "Voltage",
                    "Global_intensity")))


@pytest.fixture(scope="module")
def minutes() -> list[Minute]:
    """Nine days of them."""
    return list(household())


@pytest.fixture(scope="module")
def home(minutes: list[Minute]) -> Town:
    """The household through the engine, hour by hour."""
    town = Town([row("m", HOME, tz="Europe/Paris", since="2006-01-01")])
    town.vitals.load_facts([Fact(date(2006, 1, 1), "_/_", "population", 4.0, "1", "made up")])
    hours: dict[int, list[Minute]] = defaultdict(list)
    for one in minutes:
        hours[one.time_s // 3600].append(one)
    for hour, rows in hours.items():
        town.take(Reading("m", quantity, one.time_s, value) for one in rows for quantity, value in (
            ("power", one.kw), ("reactive", one.kvar), ("voltage", one.volts),
            ("current", one.amps)))
        town.tick(hour * 3600 + 3660)
    return town


def by(minutes: list[Minute], length_s: int, first_s: int = 0) -> dict[int, list[Minute]]:
    """Rows by the end of the interval of that length that holds them."""
    found: dict[int, list[Minute]] = defaultdict(list)
    for one in minutes:
        found[(one.time_s - first_s) // length_s * length_s + length_s + first_s].append(one)
    return found


def mean(values: list[float]) -> float:
    """Arithmetic mean."""
    return math.fsum(values) / len(values)


def rms(values: list[float]) -> float:
    """Root of the mean square."""
    return math.sqrt(math.fsum(x * x for x in values) / len(values))


def test_the_power_factor_of_every_hour(minutes: list[Minute], home: Town) -> None:
    vector = home.last("energy.power_factor", HOME)
    arithmetic = home.last("energy.power_factor_arithmetic", HOME)
    compared = 0
    for end, rows in by(minutes, 3600).items():
        if len(rows) < 45:
            continue
        p, q = mean([one.kw for one in rows]), mean([one.kvar for one in rows])
        s = rms([one.volts for one in rows]) * rms([one.amps for one in rows]) / 1000
        assert vector[end][0] == pytest.approx(p / math.hypot(p, q), abs=1e-6)
        assert arithmetic[end][0] == pytest.approx(min(p / s, 1.0), abs=1e-4)
        compared += 1
    assert compared == 9 * 24
    assert len({round(value, 2) for value, _ in vector.values()}) > 10


def test_the_demand_of_every_block_and_minute_and_its_peak(
    minutes: list[Minute], home: Town
) -> None:
    blocks = {end: mean([one.kw for one in rows]) for end, rows in by(minutes, 900).items()
              if len(rows) >= 12}
    told = home.last("energy.demand_15min", HOME)
    assert {end: value for end, (value, _) in told.items()} == pytest.approx(blocks, rel=1e-9)
    kw = {one.time_s: one.kw for one in minutes}
    first, compared = min(kw), 0
    for end, (value, _) in home.last("energy.demand_sliding", HOME).items():
        there = [kw[t] for t in range(end - 900, end, 60) if t in kw]
        if end - 900 >= first:
            expected = mean(there) if len(there) >= 12 else math.nan
            assert value == pytest.approx(expected, rel=1e-9, nan_ok=True)
            compared += 1
    assert compared > 9 * 1400
    peaks, moments = (home.last(f"energy.demand_{name}", HOME) for name in ("peak", "peak_at"))
    for end, (value, _) in peaks.items():
        so_far = {at: block for at, block in blocks.items() if at <= end}
        assert value == pytest.approx(max(so_far.values()), rel=1e-9)
        assert blocks[int(moments[end][0])] == max(so_far.values())
    assert len(peaks) == 9


def test_what_one_inhabitant_used_each_day(minutes: list[Minute], home: Town) -> None:
    first = min(minutes).time_s
    used = {end: 24 * mean([mean([one.kw for one in block])
                            for block in by(rows, 900, first).values()]) / 4
            for end, rows in by(minutes, 86_400, first).items()}
    told = home.last("energy.consumption_per_capita_day", "_/_")
    year = home.last("energy.consumption_per_capita_ytd", "_/_")
    twelve = home.last("energy.consumption_per_capita", "_/_")
    assert len(told) == 9
    for end, (value, _) in told.items():
        assert value == pytest.approx(used[end], rel=1e-9)
        assert math.isnan(year[end][0])  # of a year there is too little
        assert math.isnan(twelve[end][0])


def test_no_hour_of_the_voltage_is_stuck(minutes: list[Minute], home: Town) -> None:
    told = home.last("dq.flat_line", HOME)
    for end, rows in by(minutes, 3600).items():
        volts = [one.volts for one in rows]
        assert told[end][0] == float(len(volts) > 1 and max(volts) - min(volts) < 0.01)


def test_load_and_power_factor_of_every_day(minutes: list[Minute], home: Town) -> None:
    first = min(minutes).time_s
    so_far: list[float] = []
    for end, rows in sorted(by(minutes, 86_400, first).items()):
        blocks = [mean([one.kw for one in of]) for of in by(rows, 900, first).values()]
        so_far += blocks
        found = home.last("energy.load_factor_day", HOME)[end][0]
        assert found == pytest.approx(mean(blocks) / max(blocks), rel=1e-9)
        month = home.last("energy.load_factor", HOME)[end][0]
        assert month == pytest.approx(mean(so_far) / max(so_far), rel=1e-9)
        hours = [(mean([one.kw for one in of]), mean([one.kvar for one in of]))
                 for of in by(rows, 3600, first).values()]
        kwh, kvarh = (math.fsum(column) for column in zip(*hours, strict=True))
        period = home.last("energy.power_factor_period", HOME)[end][0]
        assert period == pytest.approx(kwh / math.hypot(kwh, kvarh), abs=1e-6)


def test_a_plant_that_reports_each_quarter_of_an_hour() -> None:
    """The plant prints its own power factor of each quarter: ours of the hour lies among them."""
    zone = ZoneInfo("Asia/Seoul")
    town = Town([row("p", "gwangyang/steel", 900, tz="Asia/Seoul", since="2017-01-01")])
    quarters: dict[int, tuple[float, float, float]] = {}
    with gzip.open(CASES / "steel_2018-01.csv.gz", "rt", encoding="utf-8-sig") as file:
        for record in csv.DictReader(file):
            moment = datetime.strptime(record["date"], "%d/%m/%Y %H:%M").replace(tzinfo=zone)
            if (moment.hour, moment.minute) == (0, 0):
                moment += timedelta(days=1)  # ends the day whose date it carries
            quarters[int(moment.timestamp())] = (
                float(record["Usage_kWh"]),
                float(record["Lagging_Current_Reactive_Power_kVarh"]),
                float(record["Lagging_Current_Power_Factor"]))
    for end, (kwh, kvarh, _) in quarters.items():
        town.take(Reading("p", quantity, end - 900, 4 * energy) for quantity, energy in (
            ("power", kwh), ("reactive", kvarh)))
        if end % 3600 == 0:
            town.tick(end + 60)
    found = town.last("energy.power_factor", "gwangyang/steel")
    compared = 0
    for end in found:
        rows = [quarters.get(end - 900 * k) for k in range(4)]
        whole = [one for one in rows if one is not None]
        if len(whole) < 4:
            continue
        kwh, kvarh = math.fsum(one[0] for one in whole), math.fsum(one[1] for one in whole)
        expected = kwh / math.hypot(kwh, kvarh) if kwh or kvarh else math.nan
        assert found[end][0] == pytest.approx(expected, abs=1e-6, nan_ok=True)
        printed = [one[2] / 100 for one in whole]
        if kwh:
            assert min(printed) - 0.01 <= found[end][0] <= max(printed) + 0.01
            compared += 1
    assert compared > 300


def test_the_voltage_of_every_week(minutes: list[Minute], home: Town) -> None:
    """243 V on the mean: inside 253 V by little, so some intervals are not."""
    first = min(minutes).time_s
    tens = {end: rms([one.volts for one in rows]) for end, rows in by(minutes, 600, first).items()
            if len(rows) >= 8}
    verdicts = home.last("energy.en50160_voltage", HOME)
    outside = home.last("energy.en50160_outside", HOME)
    under, over = (home.last(f"energy.rms_deviation_{x}", HOME) for x in ("under", "over"))
    compared = 0
    for end in verdicts:
        week = [u for at, u in tens.items() if end - 7 * 86_400 < at <= end]
        near = sum(not 207.0 <= u <= 253.0 for u in week)
        if len(week) < 0.9 * 1008:
            assert math.isnan(verdicts[end][0])
            continue
        assert outside[end][0] == pytest.approx(100 * near / len(week))
        far = sum(not 195.5 <= u <= 253.0 for u in week)
        assert home.last("energy.en50160_far", HOME)[end][0] == far
        assert verdicts[end][0] == float(near > 0.05 * len(week) or far > 0)
        day = [u for at, u in tens.items() if end - 86_400 < at <= end]
        low, high = rms([min(u, 230.0) for u in day]), rms([max(u, 230.0) for u in day])
        assert under[end][0] == pytest.approx(100 * (230.0 - low) / 230.0, abs=1e-6)
        assert over[end][0] == pytest.approx(100 * (high - 230.0) / 230.0, abs=1e-6)
        compared += 1
    assert compared == 3


SOURCE_OF = {"COL": "coal", "GAS": "gas_cc", "NUC": "nuclear", "OIL": "oil", "OTH": "other",
             "SUN": "solar_pv_utility", "WAT": "hydro", "WND": "wind_onshore"}
MEDIAN = {"COL": 820, "GAS": 490, "NUC": 12, "SUN": 48, "WAT": 24, "WND": 11}
CLEAN = {"SUN", "WAT", "WND"}


def test_the_mix_of_two_grids_of_every_hour_and_day() -> None:
    """California and Texas in July 2021; what is missing or negative is unknown, by its day."""
    found: dict[str, dict[str, dict[int, float]]] = {"CISO": {}, "ERCO": {}}
    with gzip.open(CASES / "eia930_2021-07.csv.gz", "rt", encoding="utf-8") as file:
        for record in csv.DictReader(file):
            hour = int(datetime.fromisoformat(record["period"] + ":00:00+00:00").timestamp())
            for name, text in record.items():
                if name != "period" and text and float(text) >= 0:
                    _, grid, source = name.split("_")
                    found[grid].setdefault(source, {})[hour] = float(text)
    town = Town([row(grid, f"us/{grid.lower()}", 3600, since="2021-01-01") for grid in found])
    hours = sorted({hour for by in found.values() for of in by.values() for hour in of})
    for hour in hours:
        town.take(Reading(grid, "generation", hour, 1000 * of[hour], channel=SOURCE_OF[source])
                  for grid, by in found.items() for source, of in by.items() if hour in of)
        town.tick(hour + 3660)
    compared = compared_days = insufficient = 0
    for grid, by in found.items():
        days: dict[int, list[tuple[float, float, float]]] = defaultdict(list)
        emitted: dict[int, list[tuple[float, float]]] = defaultdict(list)
        share = town.last("energy.renewable_share", f"us/{grid.lower()}")
        intensity = town.last("energy.carbon_intensity", f"us/{grid.lower()}")
        begun = {source: min(of) for source, of in by.items()}
        for hour in hours:
            unknown = math.fsum(
                max((of[h] for h in range(hour - 86_400, hour, 3600) if h in of),
                    default=math.inf)
                for source, of in by.items() if hour not in of and begun[source] < hour)
            now = {source: of[hour] for source, of in by.items() if hour in of}
            total = math.fsum(now.values()) + unknown
            known = math.fsum(mwh for source, mwh in now.items() if source in MEDIAN)
            clean = math.fsum(mwh for source, mwh in now.items() if source in CLEAN)
            told = share[hour + 3600][0]
            strange = now.get("OTH", 0.0) + unknown
            if strange > 0.05 * total:
                assert math.isnan(told), (grid, hour)
                insufficient += 1
                continue
            assert told == pytest.approx(clean / total, rel=1e-9), (grid, hour)
            days[hour // 86_400].append((clean, total, hour))
            if total - known <= 0.05 * total:
                grams = math.fsum(mwh * MEDIAN[s] for s, mwh in now.items() if s in MEDIAN)
                assert intensity[hour + 3600][0] == pytest.approx(grams / known, rel=1e-9)
                emitted[hour // 86_400].append((grams, known))
                compared += 1
        grams_of_day = town.last("energy.carbon_intensity_day", f"us/{grid.lower()}")
        daily = town.last("energy.renewable_share_day", f"us/{grid.lower()}")
        for end, (value, _) in daily.items():
            rows = days[end // 86_400 - 1]
            if len(rows) >= 18:
                expected = math.fsum(one[0] for one in rows) / math.fsum(one[1] for one in rows)
                assert value == pytest.approx(expected, rel=1e-9)
        for end, (value, _) in grams_of_day.items():
            known_hours = emitted[end // 86_400 - 1]
            if len(known_hours) >= 18:
                grams, known = (math.fsum(column) for column in zip(*known_hours, strict=True))
                assert value == pytest.approx(grams / known, rel=1e-9)
                compared_days += 1
    assert compared_days > 10
    assert compared > 300
    assert insufficient > 0
