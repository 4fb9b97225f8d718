"""The quality of real readings, and where each indicator is held against real data."""

import csv
import gzip
import math
import re
import statistics
from collections import defaultdict
from datetime import datetime
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from engine.catalogue import INDICATORS
from tests import reference_quality as slow
from tests.test_real_traffic import loop
from tests.town import Reading, Town, row

TESTS = Path(__file__).parent
BEIJING = TESTS / "cases" / "beijing_pm25_2015-12.csv.gz"
SITES = {  # to a hundredth of a degree: none is within 2 km of another
    "Aotizhongxin": (39.98, 116.40), "Changping": (40.22, 116.23), "Dongsi": (39.93, 116.42),
    "Guanyuan": (39.93, 116.34), "Shunyi": (40.13, 116.66), "Tiantan": (39.89, 116.41),
}
DAY, HOUR = 86_400, 3600
LOOP_ZONE = ZoneInfo("America/Chicago")


def test_four_hours_of_the_loop_without_change() -> None:
    """Of every hour; a night's occupancy of 0 is an empty road."""
    hours: dict[int, list[float]] = defaultdict(list)
    with gzip.open(TESTS / "cases" / "twin_cities_6005.csv.gz", "rt", encoding="utf-8") as file:
        for line in csv.DictReader(file):
            if line["quantity"] == "occupancy":
                local = datetime.fromisoformat(line["time"]).replace(tzinfo=LOOP_ZONE)
                hours[int(local.timestamp()) // HOUR].append(float(line["value"]))
    told, known = loop()[0].last("dq.flat_line", "loops/l1"), 0
    for end, (value, _) in told.items():
        four = [hours[end // HOUR - back] for back in (1, 2, 3, 4)]
        if min(map(len, four)) < 2:
            assert math.isnan(value)
            continue
        low, high = min(map(min, four)), max(map(max, four))
        assert value == float(high - low < 0.005 and high > 0)
        known += 1
    assert known > 100


@cache
def beijing() -> tuple[int, dict[str, list[float]]]:
    """Start of December 2015 in Unix s, and the hours of each site, NaN missing."""
    found: dict[str, list[float]] = {name: [] for name in SITES}
    with gzip.open(BEIJING, "rt", encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            for name, hours in found.items():
                hours.append(math.nan if line[name] == "NA" else float(line[name]))
    start = datetime(2015, 12, 1, tzinfo=ZoneInfo("Asia/Shanghai"))
    return int(start.timestamp()), found


def week(hours: list[float], end: int) -> list[float]:
    """The 168 hours before one, NaN before the first."""
    return [hours[i] if i >= 0 else math.nan for i in range(end - 168, end)]


def told_of(found: dict[str, list[float]], start: int) -> dict[str, list[float]]:
    """What the engine says of the drift of each site at the end of each day."""
    town = Town([
        row(name.lower(), f"beijing/{name.lower()}", 3600.0, since="2015-11-01",
            tz="Asia/Shanghai", lat=lat, lon=lon) for name, (lat, lon) in SITES.items()
    ])
    town.keep("dq.drift")
    for day in range(31):
        town.take(
            Reading(name.lower(), "pm25", start + hour * HOUR, hours[hour])
            for hour in range(24 * day, 24 * day + 24)
            for name, hours in found.items() if not math.isnan(hours[hour])
        )
        town.tick(start + (day + 1) * DAY + 61)
    return {
        name: [town.last("dq.drift", f"beijing/{name.lower()}")[start + (day + 1) * DAY][0]
               for day in range(31)] for name in SITES
    }


def test_drift_of_six_sites_of_beijing_on_every_day() -> None:
    """Smog of 600 µg/m³ and clean days; every site against the median of its neighbours."""
    start, found = beijing()
    told = told_of(found, start)
    medians: dict[str, list[float]] = {name: [] for name in SITES}
    judged = 0
    for day in range(31):
        end = 24 * day + 24
        for name, hours in found.items():
            others = [week(found[other], end) for other in SITES if other != name]
            _, of_day = slow.neighbour_medians(
                range(5), [False] * 5, others, week(hours, end))
            medians[name] += of_day
            x, m = ([values[i] if i >= 0 else math.nan for i in range(end - 240, end)]
                    for values in (hours, medians[name]))
            expected = slow.drifting(x, m, 5.0)[-1]
            assert told[name][day] == pytest.approx(expected, nan_ok=True), (name, day)
            judged += not math.isnan(expected)
            assert expected != 1, "these are reference monitors"
    assert judged > 90


def test_a_drift_that_is_added_to_a_real_site_is_found_and_hardly_anything_else() -> None:
    """0.5 µg/m³ an hour from the eighth day on, where a quarter of the median is 20 to 30.

    It is told from the tenth day of the drift on; of the days of the others two are, of the site
    that lies 30 km away.
    """
    start, found = beijing()
    liar = [x + max(hour - 7 * 24, 0) / 2 for hour, x in enumerate(found["Guanyuan"])]
    told = told_of(found | {"Guanyuan": liar}, start)
    days = [day for day, value in enumerate(told["Guanyuan"]) if value == 1]
    assert days == list(range(17, 31))
    others = [value for name in SITES if name != "Guanyuan" for value in told[name]]
    assert sum(value == 1 for value in others) <= 2
    assert sum(not math.isnan(value) for value in others) > 70


def test_completeness_of_a_loop_with_holes() -> None:
    """Two quantities each five minutes; hours, the newest day of each hour, and 30 days."""
    town, _ = loop()
    zone = ZoneInfo("America/Chicago")
    counts: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    with gzip.open(TESTS / "cases" / "twin_cities_6005.csv.gz", "rt", encoding="utf-8") as file:
        for line in csv.DictReader(file):
            moment = datetime.fromisoformat(line["time"]).replace(tzinfo=zone).timestamp()
            counts[line["quantity"]][int(moment) // HOUR] += 1
    first = {name: min(hours) for name, hours in counts.items()}
    hourly, daily, monthly = (
        town.last(f"dq.{name}", "loops/l1")
        for name in ("completeness", "completeness_24h", "completeness_30d"))

    def share(hours: range, cap: int) -> float:
        owed = [(name, hour) for name in counts for hour in hours if hour >= first[name]]
        had = sum(min(counts[name][hour], cap) for name, hour in owed)
        return 100 * had / (12 * len(owed))

    newest = max(max(hours) for hours in counts.values())
    seen = set()
    for hour in range(min(first.values()), newest + 1):
        end = (hour + 1) * HOUR
        assert hourly[end][0] == pytest.approx(min(share(range(hour, hour + 1), 99), 100), abs=1e-6)
        assert daily[end][0] == pytest.approx(share(range(hour - 23, hour + 1), 12), abs=1e-6)
        seen.add(hourly[end][0])
    assert len(seen) > 10
    assert statistics.fmean(value for value, _ in monthly.values() if not math.isnan(value)) < 100


REAL = {
    "air.us_aqi": "test_air", "air.us_aqi_day": "test_real_air", "air.us_aqi_*": "test_air",
    "air.nowcast_pm*": "test_air", "air.eaqi_2024*": "test_eaqi_hours",
    "air.daqi_uk*": "test_daqi_hours", "air.who_o3_season": "test_air_limit_days",
    "air.who_*": "test_air_years", "air.year_*": "test_air_years",
    "air.eu_*": "test_air_limit_days", "air.eu2030_*": "test_air_limit_days",
    "traffic.tti*": "test_traffic", "traffic.ffs": "test_traffic",
    "traffic.*": "test_real_traffic", "energy.demand_*": "test_real_energy",
    "energy.load_factor*": "test_real_energy", "energy.power_factor*": "test_real_energy",
    "energy.en50160_voltage": "test_real_energy", "energy.en50160_outside": "test_real_energy",
    "energy.en50160_far": "test_real_energy", "energy.rms_deviation_*": "test_real_energy",
    "energy.renewable_share*": "test_real_energy", "energy.carbon_intensity*": "test_real_energy",
    "energy.consumption_per_capita*": "test_real_energy",
    "dq.completeness*": "test_real_quality", "dq.drift": "test_real_quality",
    "dq.flat_line": "test_real_quality",
}
"""Which test holds an indicator against real data; the first pattern that fits counts."""
NO_RECORDING = {
    "air.pm25_purpleair_epa": "PurpleAir", "dq.channels_disagree": "PurpleAir",
    "traffic.gfactor_speed": "both vehicles and occupancy",
    "energy.en50160_unbalance": "three phases", "energy.unbalance": "three phases",
    "energy.en50160_thd": "harmonics", "energy.thd": "harmonics",
    "energy.en50160_flicker": "flicker", "energy.flicker_plt": "flicker",
    "energy.en50160_frequency*": "frequency",
    "energy.saifi*": "interruptions", "energy.saidi*": "interruptions",
    "energy.caidi*": "interruptions", "energy.maifi*": "interruptions",
    "energy.asai": "interruptions", "energy.tmed": "interruptions",
    "noise.*": "sound levels", "dq.*": "times of receipt",
}
"""Of what no free recording was found, so that such an indicator has made-up readings alone."""


def test_each_indicator_is_held_against_real_data_or_the_page_says_what_was_not_found() -> None:
    page = (TESTS.parent / "docs" / "indicators.md").read_text("utf-8")
    told = page.partition("## Held against real data")[2].partition("\n## ")[0]
    used, lacking = set(), set()
    for entry in INDICATORS:
        missing = [p for p in NO_RECORDING if fnmatchcase(entry.key, p) and p != "dq.*"]
        found = [p for p in REAL if fnmatchcase(entry.key, p)]
        if missing or not found:
            lacking.add(missing[0] if missing else "dq.*")
            assert missing or entry.domain == "dq", f"{entry.key} has neither"
            continue
        used.add(found[0])
    assert used == set(REAL), "a pattern that fits nothing"
    assert lacking == set(NO_RECORDING), "a pattern that fits nothing"
    for words in set(NO_RECORDING.values()):
        assert words in told, words
    for name in set(REAL.values()):
        text = (TESTS / f"{name}.py").read_text("utf-8")
        assert re.search(r"cases|SAMPLE|CASES|real_air", text), name
