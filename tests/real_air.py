"""Real hourly means as plain lists, for tests that compute slowly what the engine computes."""

import csv
import gzip
import math
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from tests.town import Reading, Town, row

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


def year_at_marylebone(place: str, days: int, *kept: str) -> Town:
    """A town that heard 2004, hour by hour; its clock goes so many days at a time."""
    year = marylebone()
    town = Town([row("a1", place, 3600, since="2004-01-01")])
    town.keep(*kept)
    for day in range(366):
        town.take(
            Reading("a1", name, AT_MARYLEBONE + hour * 3600, year[i][hour])
            for hour in range(24 * day, 24 * day + 24)
            for i, name in enumerate(NAMES) if not math.isnan(year[i][hour])
        )
        if day % days == days - 1:
            town.tick(AT_MARYLEBONE + (day + 1) * 86_400)
    town.tick(AT_MARYLEBONE + 366 * 86_400 + 7200)
    return town
