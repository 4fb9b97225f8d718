"""Builds simulators/samples/sample.csv.gz from its three sources.

    python tests/build_sample.py SOURCES

SOURCES is a folder with the three files named in `simulators/samples/PROVENANCE.md`; they are
not in this repository. The result is committed; this shows how it came about.
"""

import csv
import gzip
import io
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

SAMPLE = Path(__file__).parent.parent / "simulators" / "samples" / "sample.csv.gz"
AIR = "marylebone_road_2004.csv.gz"
TRAFFIC = "trafficData158324_2014-08.csv.gz"
ENERGY = "household_1min_2006-12-16_2007-01-07.csv.gz"
MONDAY = datetime(2014, 8, 4)
WEEK = timedelta(days=7)
AIR_LATER = timedelta(days=3654)
ENERGY_LATER = timedelta(days=2786)
AIR_COLUMNS = ("no2", "o3", "so2", "co", "pm10", "pm25")


class Reading(NamedTuple):
    """One row of the sample; `value` is the text of the source without idle zeros."""

    received: datetime
    time: datetime
    place: str
    quantity: str
    value: str


def _rows(path: Path, delimiter: str = ",") -> Iterator[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file, delimiter=delimiter)


def _readings(local: datetime, zone: str, takes: timedelta, place: str, values: dict[str, str]) -> (
    Iterator[Reading]
):
    """The readings of one source row, if it lies in the week (wall clock of the place)."""
    if MONDAY <= local < MONDAY + WEEK:
        time = local.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
        for quantity, value in values.items():
            if value not in ("", "NA", "?"):
                text = value.rstrip("0").rstrip(".") if "." in value else value
                yield Reading(time + takes, time, place, quantity, text)


def air(path: Path) -> Iterator[Reading]:
    """Hourly means; a mean of an hour is known when the hour is over. The clock is UTC."""
    for row in _rows(path):
        time = datetime.fromisoformat(row["date"]).replace(tzinfo=None) + AIR_LATER
        values = {name: row[name] for name in AIR_COLUMNS}
        yield from _readings(time, "UTC", timedelta(hours=1), "kerbside/marylebone", values)


def traffic(path: Path) -> Iterator[Reading]:
    """Five minutes of one road segment; without a vehicle there is no speed."""
    for row in _rows(path):
        time = datetime.fromisoformat(row["TIMESTAMP"])
        values = {"speed": row["avgSpeed"], "count": row["vehicleCount"]}
        if row["vehicleCount"] == "0":
            values["speed"] = ""
        takes = timedelta(minutes=5)
        yield from _readings(time, "Europe/Copenhagen", takes, "ringroad/segment-158324", values)


def energy(path: Path) -> Iterator[Reading]:
    """Minute means of one meter."""
    for row in _rows(path, ";"):
        day, month, year = map(int, row["Date"].split("/"))
        clock = datetime.strptime(row["Time"], "%H:%M:%S")
        time = clock.replace(year=year, month=month, day=day) + ENERGY_LATER
        values = {"power": row["Global_active_power"], "voltage": row["Voltage"]}
        yield from _readings(time, "Europe/Paris", timedelta(minutes=1), "suburb/sceaux", values)


def _find(folder: Path, name: str) -> Path:
    found = sorted(folder.rglob(name))
    if not found:
        raise SystemExit(f"{folder}: has no {name}")
    return found[0]


def build(folder: Path) -> str:
    """The text of the sample, rows sorted by receive time, then time, place and quantity."""
    rows = [
        *air(_find(folder, AIR)), *traffic(_find(folder, TRAFFIC)), *energy(_find(folder, ENERGY)),
    ]
    rows.sort(key=lambda row: row[:4])
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("time", "place", "quantity", "value", "received"))
    for row in rows:
        instants = [f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in (row.time, row.received)]
        writer.writerow((instants[0], row.place, row.quantity, row.value, instants[1]))
    return out.getvalue()


if __name__ == "__main__":
    text = build(Path(sys.argv[1]))
    # No file name and no date in the gzip header, so that the same sources give the same bytes.
    SAMPLE.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    print(f"{text.count(chr(10)) - 1} readings, {SAMPLE.stat().st_size} bytes")
