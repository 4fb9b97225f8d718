"""Worked cases of the city's own indicators: `tests/cases/own_*.csv`, and how one is read."""

from pathlib import Path

import pytest

from cityvitals.cases_own import adapters
from cityvitals.conformance import run
from cityvitals.worked_cases import read
from engine.own import OWN
from tests.test_hourly import made

FILES = sorted((Path(__file__).parent / "cases").glob("own_*.csv"))


def test_every_case_passes() -> None:
    for path in FILES:
        outcome = run(path)
        assert not outcome.differing, path
        assert not outcome.not_built, path


def test_every_indicator_has_one() -> None:
    told = {case.indicator for path in FILES for case in read(path)}
    assert told >= {own.entry.key for own in OWN}


def test_value_and_word_come_from_the_kernel_and_its_levels() -> None:
    case = adapters((made(),))["weather.feel"]
    assert case({"temp": 0.5}) == {"value": 1.0, "word": "low"}
    assert case({"temp": 0.6}) == {"value": 1.2, "word": "high"}
    assert case({"temp": None}) == {"value": None, "word": None}


def test_an_input_that_lacks_is_named() -> None:
    with pytest.raises(KeyError, match="rh"):
        adapters((made(("temp", "rh")),))["weather.feel"]({"temp": 0.5})
