"""Worked cases against the engine's own functions: `cityvitals conformance CASES.csv`.

Each case goes through the very functions that the engine calls; a case with a time series of
power goes through the function given as `demand`. A variant or edition that the engine does not
have counts as not built.
"""

import json
import sys
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cityvitals import (
    cases_air,
    cases_energy,
    cases_kpi,
    cases_noise,
    cases_own,
    cases_quality,
    cases_traffic,
)
from cityvitals.cases_energy import Demand, demand_case, demand_of_minutes
from cityvitals.worked_cases import (
    Adapter,
    Case,
    CasesError,
    Inputs,
    NotBuiltError,
    agrees,
    number,
    plain,
    read,
    word,
)
from engine.catalogue import COMPLETENESS_LEVELS
from engine.completeness import completeness, enough

Floats = npt.NDArray[np.float64]
ALL_PASS, SOME_DIFFER, WRONG_INPUT, SOME_NOT_BUILT = 0, 1, 2, 3



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
    "dq.completeness_eu": _completeness_eu,
    "dq.completeness": _completeness,
    **cases_air.ADAPTERS,
    **cases_energy.ADAPTERS,
    **cases_kpi.ADAPTERS,
    **cases_quality.ADAPTERS,
    **cases_noise.ADAPTERS,
    **cases_own.ADAPTERS,
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
