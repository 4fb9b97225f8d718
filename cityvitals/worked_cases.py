"""Files of worked cases: what goes into an indicator and what must come out.

CSV with the columns `indicator, inputs_json, expected_json, tolerance, source`; inputs and
expected are JSON objects, the tolerance is absolute.
"""

import csv
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.catalogue import COMPLETENESS_LEVELS
from engine.indicator import Level
from engine.levels import bands_of, levels_of

COLUMNS = ("indicator", "inputs_json", "expected_json", "tolerance", "source")
Inputs = dict[str, Any]
Adapter = Callable[[Inputs], dict[str, Any]]
"""Runs the inputs of a case through the engine's own function."""


class CasesError(ValueError):
    """A case file that its owner must correct; names file, line and field."""


class NotBuiltError(Exception):
    """The case asks for an edition or variant that the engine does not have."""


@dataclass(frozen=True, slots=True)
class Case:
    """One line of a case file."""

    line: int
    indicator: str
    inputs: Inputs
    expected: dict[str, Any]
    tolerance: float
    source: str


def choose(table: dict[str, Any], inputs: Inputs, key: str) -> Any:
    """What the table has for an input. Raises ValueError naming what it could be."""
    if inputs[key] not in table:
        raise ValueError(f"{key} = {inputs[key]!r} is none of {', '.join(table)}")
    return table[inputs[key]]


def number(value: Any) -> float:
    """A number, NaN for null. Raises TypeError for anything else, also for true and false."""
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{value!r} is not a number")
    return float(value)


def plain(value: float) -> float | None:
    """As JSON has it: NaN is null."""
    return None if math.isnan(value) else value


def word(value: float, levels: tuple[Level, ...]) -> str | None:
    """The category's word by the catalogue's own limits."""
    out = np.zeros(1, np.int8)
    kernel = bands_of if levels is COMPLETENESS_LEVELS else levels_of
    kernel(np.array([value]), np.array([level.upper for level in levels]), out)
    return None if out[0] < 0 else levels[out[0]].word


def agrees(expected: Any, got: Any, tolerance: float) -> bool:
    """Whether everything expected was given; what was given beyond it does not matter."""
    if isinstance(expected, dict):
        return isinstance(got, dict) and all(
            key in got and agrees(value, got[key], tolerance) for key, value in expected.items()
        )
    if isinstance(expected, list):
        return isinstance(got, list) and len(got) == len(expected) and all(
            agrees(*pair, tolerance) for pair in zip(expected, got, strict=True)
        )
    if isinstance(expected, int | float) and not isinstance(expected, bool):
        number = isinstance(got, int | float) and not isinstance(got, bool)
        return number and abs(got - expected) <= tolerance
    return type(expected) is type(got) and bool(expected == got)


def _object(record: dict[str, str], column: str) -> dict[str, Any]:
    value = json.loads(record[column])
    if not isinstance(value, dict):
        raise ValueError("must be a JSON object")
    return value


def _case(record: dict[str, str], line: int) -> Case:
    """Raises ValueError(column, rule)."""
    column = "inputs_json"
    try:
        inputs = _object(record, column)
        column = "expected_json"
        expected = _object(record, column)
        column = "tolerance"
        tolerance = float(record[column])
        if not 0 <= tolerance < math.inf:
            raise ValueError("must be a number from 0 on")
    except ValueError as error:
        raise ValueError(column, str(error)) from None
    return Case(line, record["indicator"], inputs, expected, tolerance, record["source"])


def read(path: Path) -> list[Case]:
    """Read a case file. Raises `CasesError` naming file, line and field."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
            if missing:
                raise CasesError(f"{path}: line 1: the header lacks {', '.join(missing)}")
            cases = []
            for record in reader:
                if None in record or None in record.values():
                    raise CasesError(f"{path}: line {reader.line_num}: not {len(COLUMNS)} fields")
                try:
                    cases.append(_case(record, reader.line_num))
                except ValueError as error:
                    column, rule = error.args
                    where = f"{path}: line {reader.line_num}: {column}"
                    raise CasesError(f"{where} = {record[column]!r}: {rule}") from None
            return cases
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CasesError(f"{path}: {error}") from None
