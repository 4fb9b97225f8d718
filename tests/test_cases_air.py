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
])
def test_other_averages_are_not_built(key: str, inputs: dict[str, object]) -> None:
    with pytest.raises(NotBuiltError):
        ADAPTERS[key](inputs)


def test_above_the_cap_is_no_band() -> None:
    got = ADAPTERS["air.eaqi_2019"]({"pollutant": "NO2", "conc_ugm3": 1001})
    assert got == {"band": None, "name": None}
