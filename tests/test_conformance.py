"""Conformance: all worked cases pass; exit statuses; wrong inputs are named."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from cityvitals.conformance import ADAPTERS, command, demand_of_minutes, run
from cityvitals.worked_cases import CasesError
from engine.own import OWN

CASES = Path(__file__).parent / "cases" / "cases.csv"
HEADER = "indicator,inputs_json,expected_json,tolerance,source\n"


@pytest.fixture
def case_file(tmp_path: Path) -> Path:
    return tmp_path / "cases.csv"


def line(indicator: str, inputs: str, expected: str, tolerance: str = "0") -> str:
    """One line of a case file, JSON given with single quotes."""
    quoted = [text.replace("'", '""') for text in (inputs, expected)]
    return f'{indicator},"{quoted[0]}","{quoted[1]}",{tolerance},test\n'


GOOD = line("traffic.tti_rating_u4ssc", "{'tti': 2.0}", "{'rating': 'Potentially Acceptable'}")
WRONG = line("air.us_aqi", "{'pollutant': 'PM2.5', 'avg': '24h', 'conc_ugm3': 9.1}", "{'aqi': 50}")
UNBUILT = line("no.such", "{'x': 60}", "{'y': 60}")


def test_every_case_passes_and_every_adapter_has_one() -> None:
    outcome = run(CASES)
    assert outcome.differing == []
    assert outcome.not_built == []
    assert len(outcome.passed) > 150
    covered = {case.indicator for case in outcome.passed}
    own = {one.entry.key for one in OWN}  # theirs: tests/test_cases_own.py
    assert covered == {*ADAPTERS, "energy.demand_15min"} - own


@pytest.mark.parametrize(("text", "status"), [
    (GOOD, 0), (GOOD + WRONG, 1), (GOOD + UNBUILT, 3), (WRONG + UNBUILT, 1), ("", 0),
])
def test_exit_status(
    case_file: Path, capsys: pytest.CaptureFixture[str], text: str, status: int
) -> None:
    case_file.write_text(HEADER + text)
    assert command(case_file) == status
    assert command(case_file, as_json=True) == status


def test_prints_what_differs(case_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case_file.write_text(HEADER + GOOD + WRONG + UNBUILT)
    command(case_file)
    printed = capsys.readouterr().out
    assert f"{case_file}: line 3: air.us_aqi differs" in printed
    assert '"conc_ugm3": 9.1' in printed
    assert 'expected {"aqi": 50} within 0 (test)' in printed
    assert 'got      {"aqi": 51.0, "category": "Moderate"}' in printed
    assert "not built: no.such (1)" in printed
    assert printed.endswith("1 passed, 1 differ, 1 not built\n")


def test_json(case_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case_file.write_text(HEADER + GOOD + WRONG + UNBUILT)
    command(case_file, as_json=True)
    tree = json.loads(capsys.readouterr().out)
    assert tree["passed"] == 1
    assert tree["not_built"] == {"no.such": 1}
    (difference,) = tree["differing"]
    assert (difference["line"], difference["got"]["aqi"]) == (3, 51)


@pytest.mark.parametrize(("bad", "words"), [
    (line("air.us_aqi", "{'pollutant': 'PM2.5', 'avg': '24h'}", "{}"), "lacks conc_ugm3"),
    (line("air.us_aqi", "{'avg': '24h'}", "{}"), "lacks pollutant"),
    (line("air.us_aqi", "{'pollutant': 'Pb', 'avg': '24h'}", "{}"), "pollutant = 'Pb' is none of"),
    (line("air.us_aqi", "{'pollutant': 'CO', 'avg': '9h'}", "{}"), "avg = '9h' is none of"),
    (line("air.us_aqi_overall", "{'PM2.5_24h': 1}", "{}"), "PM2.5_24h = '' is none of ugm3"),
    (line("air.nowcast_pm", "{'hours_newest_first': ['a']}", "{}"), "'a' is not a number"),
    (line("air.nowcast_pm", "{'hours_newest_first': 5}", "{}"), "not iterable"),
    (line("air.nowcast_pm", f"{{'hours_newest_first': {[1] * 13}}}", "{}"), "13 hours, at most 12"),
    (line("traffic.tti", "{'peak_tt_min': 0, 'freeflow_tt_min': 1}", "{}"), "division by zero"),
    (line("traffic.ffs_p85", "{'offpeak_speeds_kmh': []}", "{}"), "no value above zero"),
    (line("energy.demand_15min", "{'kw_1min': [1]}", "{}"), "1 minutes, a block has 15"),
])
def test_wrong_inputs_end_with_status_2_and_one_line(
    case_file: Path, capsys: pytest.CaptureFixture[str], bad: str, words: str
) -> None:
    case_file.write_text(HEADER + GOOD + bad)
    assert command(case_file) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"{case_file}: line 3: inputs_json: ")
    assert words in printed.err
    assert printed.err.count("\n") == 1


@pytest.mark.parametrize("text", [
    line("air.us_aqi", "{'pollutant': 'PM2.5', 'avg': '24h', 'conc_ugm3': 9, 'edition': '2012'}",
         "{}"),
    line("traffic.ffs_p85", "{'offpeak_speeds_kmh': [1], 'quantile': 'type6'}", "{}"),
    line("dq.completeness_eu", "{'annual_days': 365}", "{}"),
])
def test_other_editions_are_not_built(case_file: Path, text: str) -> None:
    case_file.write_text(HEADER + text)
    assert len(run(case_file).not_built) == 1


def test_time_series_go_through_the_function_that_is_given(case_file: Path) -> None:
    seen: list[Sequence[float]] = []

    def demand(kw: Sequence[float]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        seen.append(kw)
        return demand_of_minutes(kw)

    case_file.write_text(HEADER + line(
        "energy.demand_15min", f"{{'kw_1min': {[2] * 15}}}", "{'block_kw': [2]}"
    ))
    assert len(run(case_file, demand).passed) == 1
    assert seen == [[2.0] * 15]


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(CasesError, match="No such file"):
        run(tmp_path / "absent.csv")
