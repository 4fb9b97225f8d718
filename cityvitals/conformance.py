"""Worked cases against the engine's own functions: `cityvitals conformance CASES.csv`.

Each case goes through the very functions that the engine calls; a case with a time series of
power goes through the function given as `demand`. A variant or edition that the engine does not
have counts as not built.
"""

import json
import math
import sys
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cityvitals import cases_energy, cases_kpi, cases_quality, cases_traffic
from cityvitals.cases_energy import Demand, demand_case, demand_of_minutes
from cityvitals.worked_cases import (
    Adapter,
    Case,
    CasesError,
    Inputs,
    NotBuiltError,
    agrees,
    choose,
    number,
    plain,
    read,
    word,
)
from engine import us_aqi
from engine.catalogue import AQI_LEVELS, COMPLETENESS_LEVELS
from engine.completeness import completeness, enough
from engine.nowcast import NOWCAST_HOURS, nowcast_pm, report

Floats = npt.NDArray[np.float64]
EDITION = "2024-05-06"
ALL_PASS, SOME_DIFFER, WRONG_INPUT, SOME_NOT_BUILT = 0, 1, 2, 3

_POLLUTANTS = {
    "PM2.5": us_aqi.PM25, "PM10": us_aqi.PM10, "O3": us_aqi.O3, "CO": us_aqi.CO,
    "SO2": us_aqi.SO2, "NO2": us_aqi.NO2,
}
_HOURS = {"1h": 1, "8h": 8, "24h": 24}
_TABLE_UNIT = {
    us_aqi.PM25: {"ugm3": 1.0}, us_aqi.PM10: {"ugm3": 1.0},
    us_aqi.O3: {"ppm": 1.0, "ppb": 0.001}, us_aqi.CO: {"ppm": 1.0, "ppb": 0.001},
    us_aqi.SO2: {"ppb": 1.0, "ppm": 1000.0}, us_aqi.NO2: {"ppb": 1.0, "ppm": 1000.0},
}


@dataclass(slots=True)
class Outcome:
    """What became of each case; `differing` holds (case, what the engine gave)."""

    passed: list[Case] = field(default_factory=list)
    differing: list[tuple[Case, dict[str, Any]]] = field(default_factory=list)
    not_built: list[Case] = field(default_factory=list)

    @property
    def status(self) -> int:
        """Exit status: 0 all pass, 1 a case differs, 3 none differs but some are not built."""
        if self.differing:
            return SOME_DIFFER
        return SOME_NOT_BUILT if self.not_built else ALL_PASS


def _check_edition(inputs: Inputs) -> None:
    if inputs.get("edition", EDITION) != EDITION:
        raise NotBuiltError


def _us_aqi(inputs: Inputs) -> dict[str, Any]:
    _check_edition(inputs)
    pollutant, hours = choose(_POLLUTANTS, inputs, "pollutant"), choose(_HOURS, inputs, "avg")
    for unit, factor in _TABLE_UNIT[pollutant].items():
        if f"conc_{unit}" in inputs:
            conc = number(inputs[f"conc_{unit}"]) * factor
            value = us_aqi.sub_index(pollutant, hours, conc)
            return {"aqi": plain(value), "category": word(value, AQI_LEVELS)}
    raise KeyError(f"conc_{next(iter(_TABLE_UNIT[pollutant]))}")


def _us_aqi_overall(inputs: Inputs) -> dict[str, Any]:
    """Inputs are named `PM2.5_24h_ugm3`: pollutant, average, unit."""
    _check_edition(inputs)
    conc: dict[tuple[int, int], float] = {}
    for key, value in inputs.items():
        if key == "edition":
            continue
        name, hours, unit = ([*key.split("_"), "", ""])[:3]
        pollutant = choose(_POLLUTANTS, {key: name}, key)
        factor = choose(_TABLE_UNIT[pollutant], {key: unit}, key)
        conc[pollutant, choose(_HOURS, {key: hours}, key)] = number(value) * factor

    def given(pollutant: int, hours: int) -> float:
        return conc.get((pollutant, hours), math.nan)

    found = np.array([
        us_aqi.sub_index(us_aqi.PM25, 24, given(us_aqi.PM25, 24)),
        us_aqi.sub_index(us_aqi.PM10, 24, given(us_aqi.PM10, 24)),
        us_aqi.o3_index(given(us_aqi.O3, 8) * 1000.0, given(us_aqi.O3, 1) * 1000.0),
        us_aqi.sub_index(us_aqi.CO, 8, given(us_aqi.CO, 8)),
        us_aqi.so2_index(given(us_aqi.SO2, 1), given(us_aqi.SO2, 24)),
        us_aqi.sub_index(us_aqi.NO2, 1, given(us_aqi.NO2, 1)),
    ])
    indices = {
        name: float(found[row]) for name, row in _POLLUTANTS.items() if not math.isnan(found[row])
    }
    value = us_aqi.overall(found)
    return {
        "aqi": plain(value), "category": word(value, AQI_LEVELS), "subindices": indices,
        "main": max(indices, key=indices.__getitem__, default=None),
    }


def _nowcast_pm(inputs: Inputs) -> dict[str, Any]:
    hours = [number(value) for value in inputs["hours_newest_first"]]
    if len(hours) > NOWCAST_HOURS:
        raise ValueError(f"hours_newest_first has {len(hours)} hours, at most {NOWCAST_HOURS}")
    value = nowcast_pm(np.array(hours + [math.nan] * (NOWCAST_HOURS - len(hours))))
    pollutant = choose(_POLLUTANTS, {"pollutant": "PM2.5", **inputs}, "pollutant")
    steps = 10.0 if pollutant == us_aqi.PM25 else 1.0
    return {"nowcast": plain(value), "reported": plain(report(value, steps))}


_EU_PARTS = {"1h_minutes": 60, "8h_hours": 8, "24h_hours": 24, "max_daily_8h_count": 24}


def _completeness_eu(inputs: Inputs) -> dict[str, Any]:
    for key, possible in _EU_PARTS.items():
        if key in inputs:
            return {"valid": bool(enough(int(inputs[key]), possible))}
    raise NotBuiltError


def _completeness(inputs: Inputs) -> dict[str, Any]:
    out = np.zeros(1)
    counts = np.array([int(inputs["readings"])], np.int64)
    completeness(counts, np.array([number(inputs["expected"])]), out)
    return {"percent": plain(float(out[0])), "band": word(out[0], COMPLETENESS_LEVELS)}


ADAPTERS: dict[str, Adapter] = {
    "air.us_aqi": _us_aqi,
    "air.us_aqi_overall": _us_aqi_overall,
    "air.nowcast_pm": _nowcast_pm,
    "dq.completeness_eu": _completeness_eu,
    "dq.completeness": _completeness,
    **cases_energy.ADAPTERS,
    **cases_kpi.ADAPTERS,
    **cases_quality.ADAPTERS,
    **cases_traffic.ADAPTERS,
}


def run(path: Path, demand: Demand = demand_of_minutes) -> Outcome:
    """Run every case of the file. Raises `CasesError` where a case cannot be understood."""
    adapters: dict[str, Adapter] = {
        **ADAPTERS, "energy.demand_15min": partial(demand_case, demand=demand),
    }
    outcome = Outcome()
    for case in read(path):
        adapter = adapters.get(case.indicator)
        if adapter is None:
            outcome.not_built.append(case)
            continue
        try:
            got = adapter(case.inputs)
        except NotBuiltError:
            outcome.not_built.append(case)
        except KeyError as error:
            where = f"{path}: line {case.line}: inputs_json"
            raise CasesError(f"{where}: lacks {error.args[0]} for {case.indicator}") from None
        except (TypeError, ValueError, ZeroDivisionError) as error:
            raise CasesError(f"{path}: line {case.line}: inputs_json: {error}") from None
        else:
            if agrees(case.expected, got, case.tolerance):
                outcome.passed.append(case)
            else:
                outcome.differing.append((case, got))
    return outcome


def _tree(outcome: Outcome) -> dict[str, Any]:
    return {
        "passed": len(outcome.passed),
        "differing": [
            {"line": case.line, "indicator": case.indicator, "inputs": case.inputs,
             "expected": case.expected, "tolerance": case.tolerance, "got": got,
             "source": case.source}
            for case, got in outcome.differing
        ],
        "not_built": dict(sorted(Counter(case.indicator for case in outcome.not_built).items())),
    }


def _lines(path: Path, outcome: Outcome) -> list[str]:
    lines = [
        f"{path}: line {case.line}: {case.indicator} differs\n"
        f"  inputs   {json.dumps(case.inputs)}\n"
        f"  expected {json.dumps(case.expected)} within {case.tolerance:g} ({case.source})\n"
        f"  got      {json.dumps(got)}"
        for case, got in outcome.differing
    ]
    absent = Counter(case.indicator for case in outcome.not_built)
    if absent:
        names = ", ".join(f"{name} ({count})" for name, count in sorted(absent.items()))
        lines.append(f"not built: {names}")
    lines.append(
        f"{len(outcome.passed)} passed, {len(outcome.differing)} differ, "
        f"{len(outcome.not_built)} not built"
    )
    return lines


def command(path: Path, as_json: bool = False, demand: Demand = demand_of_minutes) -> int:
    """Run the file, print what differs and the counts, return the exit status.

    0 all pass, 1 a case differs, 2 the file is wrong (one line on stderr), 3 none differs but
    some indicators are not built.
    """
    try:
        outcome = run(path, demand)
    except CasesError as error:
        print(error, file=sys.stderr)
        return WRONG_INPUT
    if as_json:
        print(json.dumps(_tree(outcome)))
    else:
        print("\n".join(_lines(path, outcome)))
    return outcome.status
