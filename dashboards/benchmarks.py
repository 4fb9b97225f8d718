"""Benchmarks: what a KPI is held against, as a dated table with its source and licence.

A CSV file, first line `# cityvitals benchmarks 1`. U4SSC publishes no list of its benchmark
values, so the few that are shipped name where they come from; a city adds its own. A KPI without
a benchmark is reported without a rating, never held against a silent default.
"""

import csv
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple

from dashboards.kpis import U4SSC, by_code
from dashboards.scoring import Direction

FORMAT = 1
HEADING = f"# cityvitals benchmarks {FORMAT}"
COLUMNS = ("valid_from", "kpi", "part", "value", "direction", "unit", "source", "licence")
BENCHMARKS_MAX = 10_000
SHIPPED = U4SSC / "benchmarks.csv"
_DIRECTIONS: dict[str, Direction] = {"higher": "higher", "lower": "lower"}


class BenchmarksError(ValueError):
    """A file that its owner must correct; names file, line, field and value."""


class Benchmark(NamedTuple):
    """Holds from `valid_from` on. `part`: the pollutant of a KPI with several data points."""

    valid_from: date
    kpi: str
    part: str
    value: float
    direction: Direction
    unit: str
    source: str
    licence: str


def load(path: Path) -> list[Benchmark]:
    """Read a file, sorted by day. Raises `BenchmarksError`."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BenchmarksError(f"{path}: {error}") from None
    if not lines or lines[0].strip() != HEADING:
        raise BenchmarksError(f"{path}: line 1: should be {HEADING!r}")
    reader = csv.DictReader(lines[1:])
    if tuple(reader.fieldnames or ()) != COLUMNS:
        raise BenchmarksError(f"{path}: line 2: the header should be {','.join(COLUMNS)}")
    rows = []
    for record in reader:
        where = f"{path}: line {reader.line_num + 1}"
        if None in record or None in record.values():
            raise BenchmarksError(f"{where}: needs {len(COLUMNS)} fields")
        rows.append(_row(record, where))
        if len(rows) > BENCHMARKS_MAX:
            raise BenchmarksError(f"{where}: more than {BENCHMARKS_MAX} benchmarks")
    return sorted(rows, key=lambda row: row.valid_from)


def _row(record: dict[str, str], where: str) -> Benchmark:
    column, rule = "valid_from", "must be a day, for example 2026-01-31"
    try:
        day = date.fromisoformat(record["valid_from"])
        column, rule = "kpi", "is no code of U4SSC; `cityvitals report --list` shows them"
        known = by_code()[record["kpi"]]
        column, rule = "value", "must be a number from 0 on"
        value = float(record["value"])
        if not 0 <= value < float("inf"):
            raise ValueError
        column, rule = "direction", "must be higher or lower: which is better"
        direction = _DIRECTIONS[record["direction"]]
        column, rule = "unit", f"must be {known.unit}"
        if record["unit"] != known.unit:
            raise ValueError
        column, rule = "source", "must say where the value comes from"
        if not record["source"].strip():
            raise ValueError
    except (ValueError, KeyError):
        raise BenchmarksError(f"{where}: {column} = {record[column]!r}: {rule}") from None
    return Benchmark(
        day, known.code, record["part"], value, direction, known.unit, record["source"],
        record["licence"],
    )


def in_force(rows: Sequence[Benchmark], kpi: str, part: str, day: date) -> Benchmark | None:
    """The latest benchmark of a KPI's part on a day; None if there is none."""
    found = [row for row in rows if (row.kpi, row.part) == (kpi, part) and row.valid_from <= day]
    return found[-1] if found else None
