"""Worked cases of air: every case passes; editions and averages that are not built are told."""

from pathlib import Path

import pytest

from cityvitals.cases_air import ADAPTERS
from cityvitals.worked_cases import Case, NotBuiltError, agrees, read
from engine.catalogue_air import EAQI_LEVELS

CASES = [
    case for case in read(Path(__file__).parent / "cases" / "cases.csv")
    if case.indicator in ADAPTERS
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"line {case.line}")
def test_each_case(case: Case) -> None:
    got = ADAPTERS[case.indicator](case.inputs)
    assert agrees(case.expected, got, case.tolerance), got


def test_every_adapter_has_a_case() -> None:
    assert {case.indicator for case in CASES} == set(ADAPTERS)


def test_words_are_those_of_the_catalogue() -> None:
    for number, level in enumerate(EAQI_LEVELS, 1):
        low = (0, 5, 15, 50, 90, 140)[number - 1]
        got = ADAPTERS["air.eaqi_2024"]({"pollutant": "PM2.5", "conc_ugm3": low + 1})
        assert got == {"band": float(number), "name": level.word}


@pytest.mark.parametrize(("key", "inputs"), [
    ("air.us_aqi", {"pollutant": "CO", "avg": "8h", "conc_ppm": 1, "edition": "2012"}),
    ("air.eaqi_2024", {"pollutant": "PM2.5", "avg": "24h", "conc_ugm3": 1}),
    ("air.eaqi_2019", {"pollutant": "PM2.5", "avg": "1h", "conc_ugm3": 1}),
    ("air.daqi_uk", {"pollutant": "SO2", "avg": "1h", "conc_ugm3": 1}),
])
def test_other_averages_are_not_built(key: str, inputs: dict[str, object]) -> None:
    with pytest.raises(NotBuiltError):
        ADAPTERS[key](inputs)


def test_above_the_cap_is_no_band() -> None:
    got = ADAPTERS["air.eaqi_2019"]({"pollutant": "NO2", "conc_ugm3": 1001})
    assert got == {"band": None, "name": None}


@pytest.mark.parametrize(("key", "inputs", "told"), [
    ("air.daqi_uk", {"pollutant": "CO", "conc_ugm3": 1}, "no part of the index"),
    ("air.naqi_in", {"pollutant": "CO", "conc": 1, "unit": "ppm"}, "must be mg/m3"),
    ("air.who2021", {"pollutant": "CO", "avg": "8h", "conc_mgm3": 1}, "no such level of co"),
    ("air.who2021", {"pollutant": "NO2", "avg": "24h", "target": "IT-4", "conc_ugm3": 1},
     "has only AQG, IT-2, IT-1"),
    ("air.nowcast_o3_2016", {"hours_newest_first_ppb": [1] * 9}, "at most 8"),
])
def test_what_cannot_be_understood_is_told(
    key: str, inputs: dict[str, object], told: str
) -> None:
    with pytest.raises(ValueError, match=told):
        ADAPTERS[key](inputs)


@pytest.mark.parametrize(("conc", "tier"), [(4, "AQG"), (12, "IT-3"), (36, None)])
def test_the_strictest_level_that_is_met(conc: float, tier: str | None) -> None:
    got = ADAPTERS["air.who2021"]({"pollutant": "PM2.5", "avg": "annual", "conc_ugm3": conc})
    assert got["tier"] == tier


def test_the_line_of_the_purpleair_paper() -> None:
    got = ADAPTERS["air.pm25_purpleair_epa"]({"pa_cf1_ugm3": 100.0, "rh_pct": 50.0})
    assert got["pm25_corrected"] == pytest.approx(53.84)
