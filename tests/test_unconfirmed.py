"""What the specification marks as remembered or open stays marked: here is the list of it.

A row is one such mark: where it stands in the specification, words that each of the indicators
concerned must say of itself, and which those are. No other may say them, so that a mark cannot
be dropped, or given to what it does not concern, without this list.
"""

from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from dashboards.benchmarks import SHIPPED, load
from dashboards.kpis import MARKS, kpis
from dashboards.scorecard import scorecard
from dashboards.scoring import MARKS as RATING_MARKS
from engine.catalogue import INDICATORS
from tests.kpi_town import town

ROOT = Path(__file__).resolve().parent.parent
AQI = "air.us_aqi air.us_aqi_*"
EU_GASES = (
    "air.eaqi_2024 air.eaqi_2024_[osn]* air.daqi_uk air.daqi_uk_day air.daqi_uk_[osn]* "
    "air.eu_days_[osc]* air.eu_hours_* air.eu_alert_* air.eu2030_*_[snc]* air.eu_year_[ns]*"
)
EU_PARTICLES = (
    "air.eaqi_2024 air.eaqi_2024_pm* air.daqi_uk air.daqi_uk_day air.daqi_uk_pm* air.eu_days_pm10 "
    "air.eu2030_days_pm* air.eu_year_pm*"
)
PEAKS = "traffic.pti traffic.buffer_index traffic.buffer"
LIST = (
    ("0.1 days of the US AQI", "cut in standard time", "air.us_aqi_day"),
    ("0.3 40 CFR 50, 1.2 completeness", "from memory of App. N/U", AQI),
    ("0.2.3, 8.2 half way", "exactly one half", AQI),
    ("1.2, 8.2 breakpoints", "EPA's own document was read in part", AQI),
    ("1.1 US particles", "of PM10 the rule means 25 °C and 1 atm",
     "air.us_aqi air.us_aqi_pm* air.us_aqi_day air.nowcast_pm*"),
    ("1.1 EU particles", "ambient conditions: EU law from memory", EU_PARTICLES),
    ("1.1 US EPA, 25 °C", "from memory of US EPA practice", "air.who_[osnc]* air.who_days_[osnc]*"),
    ("1.1 EU and UK, 20 °C", "Annex VI.C from memory", EU_GASES),
    ("1.2, 8.2 SO2 from 305 ppb", "gives 200 while the 24-h mean",
     "air.us_aqi air.us_aqi_so2 air.us_aqi_day"),
    ("1.5, 8.1 edges", "5.4 µg/m³", "air.eaqi_2024*"),
    ("1.5, 8.1 colours", "2019 palette", "air.eaqi_2024*"),
    ("1.6 rows that were not read", "limits of O3, SO2 and particles", "air.daqi_uk*"),
    ("1.6 rounding", "halves are rounded upwards: assumed", "air.daqi_uk*"),
    ("1.8 levels", "not read in WHO's own text", "air.who_*"),
    ("1.8 2008/50/EC is replaced", "from December 2026 on: from memory",
     "air.eu_days_* air.eu_hours_* air.eu_alert_* air.eu_year_*"),
    ("1.8 limits of 2008/50/EC", "limit and number allowed: from memory",
     "air.eu_days_[osc]* air.eu_hours_* air.eu_alert_*"),
    ("1.8, 8.3 2024/2881", "the directive itself was not read", "air.eu2030_* air.eu_year_*"),
    ("1.9 gate of the channels, 5.5", "by which channels disagree: from memory",
     "air.pm25_purpleair_epa"),
    ("2.0, 2.6 PHED", "bins, threshold and cap: from memory", "traffic.phed_day"),
    ("2.3 off-peak hours", "off-peak hours: from memory of the UCR", "traffic.ffs"),
    ("2.3 what rests on them", "its off-peak hours are from memory of the UCR",
     "traffic.tti traffic.tti_peak traffic.delay_free* traffic.person_delay_day "
     "traffic.congested_* traffic.pti traffic.los_urban_hcm2010"),
    ("2.3 rule of ours", "28 days, 200 bins", "traffic.ffs"),
    ("2.5 window", "a month with 10 weekdays: from memory", PEAKS + " traffic.peak_time"),
    ("8.7 percentiles of FHWA", "no type of percentile", "traffic.ffs " + PEAKS),
    ("2.5 LOTTR and TTTR are of a year", "the rule takes a calendar year",
     "traffic.lottr traffic.tttr"),
    ("8.7 percentiles of 23 CFR 490", "as in spreadsheets: the rule names none",
     "traffic.lottr traffic.tttr"),
    ("2.5 of trucks", "here of all vehicles", "traffic.tttr"),
    ("2.6 occupancy", "1.7 for cars: from memory", "traffic.person_delay_day traffic.phed_day"),
    ("2.8 heavy vehicles", "heavy vehicles count as 2 cars", "traffic.los_freeway"),
    ("2.8, 8.3 HCM 2010", "the whole table, 85, 67, 50, 40 and 30 %", "traffic.los_urban_hcm2010"),
    ("3.1 sliding demand", "from memory of utility tariffs", "energy.demand_sliding"),
    ("3.4, 8.4 editions and clauses", "what its edition of 2022 changed",
     "energy.en50160_* energy.unbalance energy.thd energy.flicker_plt"),
    ("8.4 completeness of ten minutes", "interval of ten minutes needs 75 %",
     "energy.en50160_[!f]* energy.en50160_flicker energy.en50160_far energy.rms_deviation_* "
     "energy.unbalance energy.thd energy.flicker_plt"),
    ("3.4 completeness of the week", "the standard is silent", "energy.en50160_*"),
    ("8.4 connected or island", "an island is held to wider limits",
     "energy.en50160_voltage energy.en50160_outside energy.en50160_far energy.en50160_frequency*"),
    ("3.4 unbalance of three voltages", "from memory of IEC 61000-4-30",
     "energy.unbalance energy.en50160_unbalance"),
    ("3.4 frequency", "limits of frequency are in part from memory", "energy.en50160_frequency*"),
    ("3.5 years of days", "five by the standard: as remembered",
     "energy.tmed energy.*_without_med"),
    ("4.1 IEC 61672-1, ISO 1996-1", "standards known from memory",
     "noise.laeq_* noise.l[159]* noise.tni_day"),
    ("4.2 formula and bands", "in part from memory of the directive",
     "noise.lday noise.levening noise.lnight noise.lden"),
    ("4.3, 8.7 percentiles", "percentile of type 7: the texts name none",
     "noise.l[159]* noise.tni_day"),
    ("5.2, 8.6 QARTOD and WMO", "known from memory, and are not taken",
     "dq.flat_line dq.suspect_share"),
    ("5.4 bands of ours", "bands are this project's",
     "dq.completeness* dq.latency_* dq.*_rate dq.*_share"),
    ("5.5, 8.6 drift", "US EPA's performance testing protocols: as remembered", "dq.drift"),
    ("5.5 two channels", "as remembered of the family of rules", "dq.channels_disagree"),
)
PAGES = (
    ("0.1 names of hours", "docs/indicators.md", "the USA by its start, as we remember it"),
    ("1.5 (b) and (c), worked cases alone", "docs/indicators.md", "Of both we know from memory"),
)
"""What no indicator of the catalogue rests on, and the page that says it."""


def _concerned(patterns: str) -> list[str]:
    """Keys of the catalogue that one of the patterns names; each pattern names some."""
    keys = [entry.key for entry in INDICATORS]
    for pattern in patterns.split():
        assert any(fnmatchcase(key, pattern) for key in keys), f"{pattern} names no indicator"
    return [key for key in keys if any(fnmatchcase(key, one) for one in patterns.split())]


@pytest.mark.parametrize(("words", "patterns"), [row[1:] for row in LIST],
                         ids=[row[0] for row in LIST])
def test_a_mark_is_said_of_what_it_concerns_and_of_nothing_else(words: str, patterns: str) -> None:
    said = [entry.key for entry in INDICATORS if any(words in one for one in entry.open_marks)]
    assert said == _concerned(patterns)


@pytest.mark.parametrize(("page", "words"), [row[1:] for row in PAGES],
                         ids=[row[0] for row in PAGES])
def test_what_no_indicator_rests_on_is_said_on_its_page(page: str, words: str) -> None:
    assert words in (ROOT / page).read_text(encoding="utf-8")


READ = {1, 2, 9, 12, 13, 14, 17, 20, 31, 32, 35, 37, 38, 42, 43, 46, 47, 48, 53, 63, 64, 70, 71, 79,
        87, 90, 91}
"""KPIs whose code was read on a published page."""
GOAL_READ = {9, 13, 31, 32, 38, 46}


def test_codes_and_goals_that_were_not_read_are_marked_kpi_by_kpi() -> None:
    of = {mark: {kpi.number for kpi in kpis() if mark in kpi.marks}
          for mark in ("code and number from memory", "SDG from memory",
                       "code or rank uncertain")}
    every = set(range(1, 92))
    assert of == {
        "code and number from memory": every - READ, "SDG from memory": every - GOAL_READ,
        "code or rank uncertain": {67, 72},
    }
    assert {kpi.number for kpi in kpis() if kpi.rank == "unknown"} == {72}
    assert {kpi.number for kpi in kpis() if any("1366-1998" in mark for mark in kpi.marks)} == {
        31, 32}


def test_the_scorecard_says_what_is_open_of_the_whole() -> None:
    card = scorecard(town({}), "town", load(SHIPPED), 0)
    assert card["marks"] == [*MARKS, *RATING_MARKS]
    for words in ("no subtotal of the core", "the manual prints no formula", "on both sides"):
        assert any(words in mark for mark in card["marks"]), words
    assert not {"core", "advanced"} & set(card["counts"]), "a subtotal that nobody can vouch for"


def test_what_must_not_be_printed_before_somebody_has_read_it() -> None:
    """Clauses of ISO 37120 and 37122, and 100 % as benchmark of access by the wording of SDGs."""
    for room in ("dashboards", "engine", "ingest", "cityvitals"):
        for path in (ROOT / room).rglob("*"):
            if path.suffix in {".py", ".json", ".csv", ".js", ".html"}:
                text = path.read_text(encoding="utf-8")
                assert "37120" not in text, path
                assert "37122" not in text, path
    assert {(row.kpi, row.part) for row in load(SHIPPED)} == {
        ("EC:I:T:5A", ""), ("EC:ICT:ICT:2C", ""), ("EN:EN:AQ:1C", "PM2.5"),
        ("EN:EN:AQ:1C", "PM10"), ("EN:EN:AQ:1C", "NO2")}
