"""`cityvitals place`: rows of the places file in the data folder, replaced in one step.

A running ingest notices that the file has changed and takes it whole or refuses it whole.
"""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple
from pathlib import Path
from typing import Any, NamedTuple

from edge import places
from edge.places import PlaceRow, PlacesError
from edge.recorded import instant_ms

FILE = "places.csv"


class Wanted(NamedTuple):
    """What `place add` was given; empty text and None mean: not given."""

    device: str
    district: str
    station: str
    name: str
    lat: float | None
    lon: float | None
    tz: str
    period_s: float
    since: str
    length_km: float
    lanes: int
    posted_kmh: float
    customers: int
    modulus_kwh: float
    city: str
    road_class: str = ""
    capacity_vph: float = 0.0
    g_m: float = 0.0
    occupants: float = 0.0
    heavy_share: float = 0.0
    correction: str = ""
    note: str = ""


STATION = (
    "length_km", "lanes", "posted_kmh", "customers", "road_class", "capacity_vph", "g_m",
    "occupants", "heavy_share",
)
"""What belongs to the station: a device that comes to it takes what the one before said."""


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Two `place add` at the same time go one after the other."""
    if not folder.is_dir():
        raise PlacesError(f"--data {folder}: no such folder; name the one that ingest uses")
    with (folder / "places.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def write(path: Path, rows: list[PlaceRow]) -> None:
    """Replace the places file at once, after it is on the disk."""
    fresh = path.with_suffix(".new")
    with fresh.open("w", encoding="utf-8") as file:
        file.write(places.render(rows))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def _held_since_ms(folder: Path, device: str) -> int | None:
    """When the first reading that ingest holds for `device` was taken, if it says so."""
    from ingest.store import Store, StoreError

    try:
        store = Store.reader(folder / "store.db")
        health = store.health()
        store.close()
    except StoreError:
        return None
    held = health["held"] if health else []
    return next((int(row["first_ms"]) for row in held if row["device"] == device), None)


def _row(wanted: Wanted, rows: list[PlaceRow], since_ms: int) -> PlaceRow:
    """The new row; what was not given comes from the station's latest row."""
    place = f"{wanted.district}/{wanted.station}"
    same = [row for row in rows if (row.district, row.station) == wanted[1:3]]
    known = same[-1] if same else None
    lat, lon = (known.lat, known.lon) if known else (None, None)
    lat = lat if wanted.lat is None else wanted.lat
    lon = lon if wanted.lon is None else wanted.lon
    if lat is None or lon is None:
        raise PlacesError(f"{place} is a new station: say where it is with --lat and --lon")
    city, tz = (rows[-1].city, rows[-1].tz) if rows else (wanted.city, "")
    tz = wanted.tz or (known.tz if known else tz)
    if not city or not tz:
        raise PlacesError(f"{place} is the first place: say its city and zone, --city and --tz")
    name = wanted.name or (known.name if known else wanted.station)
    own = {name: getattr(wanted, name) or getattr(known, name, 0) for name in STATION}
    own["road_class"] = own["road_class"] or ""
    return PlaceRow(
        since_ms, city, wanted.district, wanted.station, wanted.device, name, lat, lon,
        tz, wanted.period_s, modulus_kwh=wanted.modulus_kwh,
        private=known.private if known else False, correction=wanted.correction,
        note=wanted.note, **own,
    )


def _since_ms(folder: Path, wanted: Wanted) -> int:
    if not wanted.since:
        held_ms = _held_since_ms(folder, wanted.device)
        return time.time_ns() // 1_000_000 if held_ms is None else held_ms
    try:
        return instant_ms(wanted.since)
    except ValueError as error:
        raise PlacesError(f"--from = {wanted.since!r}: {error}") from None


def add(folder: Path, wanted: Wanted) -> PlaceRow:
    """Append a row for the device. Raises `PlacesError` naming what must be corrected."""
    path = folder / FILE
    with _alone(folder):
        rows = places.load(path) if path.exists() else []
        row = _row(wanted, rows, _since_ms(folder, wanted))
        # Read what will be written: every rule of the file holds for the new row, too.
        places.parse(places.render([*rows, row]), str(path))
        write(path, [*rows, row])
    return row


def listing(folder: Path, as_json: bool) -> list[str]:
    """A line for each device as it stands now, retired ones too."""
    now_ms = time.time_ns() // 1_000_000
    latest = {row.device: row for row in places.load(folder / FILE) if row.valid_from_ms <= now_ms}
    if as_json:
        return [json.dumps(_as_dict(row), ensure_ascii=False) for row in latest.values()]
    return [
        f"{row.device:32} {row.district}/{row.station:24} {row.status:8} "
        f"every {row.period_s:g} s  {row.lat:.5f} {row.lon:.5f}  {row.name}"
        for row in latest.values()
    ]


def _as_dict(row: PlaceRow) -> dict[str, Any]:
    return dict(zip(("valid_from_ms", *places.COLUMNS[1:]), astuple(row), strict=True))
