"""Real hourly means as plain lists, for tests that compute slowly what the engine computes."""

import csv
import gzip
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

CASES = Path(__file__).parent / "cases"
NAMES = ("pm25", "pm10", "o3", "co", "so2", "no2")
AT_MARYLEBONE = int(datetime(2004, 1, 1, tzinfo=UTC).timestamp())
"""Start of the first hour, Unix seconds."""


def columns(file: Path, names: tuple[str, ...]) -> list[list[float]]:
    """Columns of a file in its order, NaN where it says NA."""
    with gzip.open(file, "rt", encoding="utf-8", newline="") as text:
        rows = [
            [float("nan") if row[name] == "NA" else float(row[name]) for name in names]
            for row in csv.DictReader(text)
        ]
    return [list(column) for column in zip(*rows, strict=True)]


@lru_cache(maxsize=1)
def marylebone() -> list[list[float]]:
    """8784 hours of 2004 by pollutant, in the units that sensors report: µg/m³, ppb, CO ppm."""
    return columns(CASES / "marylebone_2004.csv.gz", NAMES)
