"""Data folders to explain roads from: a freeway of two lanes, a street, a loop; two weeks.

In `roads` weekdays have their peaks alone, the last day (Monday, 16 March 2026) has all of its
hours. `round_the_clock` has a street alone, and every hour of the first fortnight of that March.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from math import sin
from pathlib import Path

from edge import wire
from edge.places import PlaceRow
from ingest.admission import Opened, opened
from ingest.line import Line
from ingest.messages import Received
from ingest.outlets import Outlets
from ingest.store import Store
from tests.explained_city import HOUR_MS, MS, told
from tests.line_city import CITY, row, write_places

DAYS = [date(2026, 3, day) for day in (2, 3, 4, 5, 6, 9, 10, 11, 12, 13, 16)]
PEAK_HOURS = (6, 7, 8, 16, 17, 18)
STEP_MS = 300_000
LANES = {"f1": ("1", "2"), "s1": ("",), "l1": ("",), "n1": ("",)}
QUANTITIES = {"f1": ("speed", "count", "occupancy"), "s1": ("speed", "count"),
              "l1": ("count", "occupancy"), "n1": ("laeq",)}


def rows() -> list[PlaceRow]:
    """The places: stations sf1, ss1, sl1, and the microphone sn1."""
    freeway = replace(
        row("f1", "sf1", period_s=300.0), length_km=1.2, posted_kmh=100.0, capacity_vph=4000.0,
        road_class="freeway", occupants=1.5, heavy_share=0.1,
    )
    street = replace(
        row("s1", "ss1", period_s=300.0), lanes=1, road_class="urban-3", capacity_vph=900.0,
        occupants=1.5,
    )
    loop = replace(row("l1", "sl1", period_s=300.0), lanes=1, g_m=7.0)
    return [freeway, street, loop, row("n1", "sn1", period_s=300.0)]


def value_of(device: str, quantity: str, lane: int, k: int) -> float:
    """Something that never repeats: the queue grows and goes."""
    wave = sin(k / 7 + lane) + sin(k / 31)
    if quantity == "speed":
        return round((70 if device == "f1" else 32) + 14 * wave, 1)
    if quantity == "count":
        return float(round(60 - 20 * wave - 15 * lane))
    if quantity == "laeq":
        return round(55 + 6 * wave, 1)
    return round(0.16 - 0.05 * wave, 3)


def _hours() -> Iterator[int]:
    """Starts of the hours that have data, Unix ms."""
    for day in DAYS:
        begin = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000
        for hour in range(24) if day == DAYS[-1] else PEAK_HOURS:
            yield begin + hour * HOUR_MS


def _messages(hour_ms: int, numbers: dict[str, int], devices: set[str]) -> Iterator[Opened]:
    offsets = [STEP_MS * i for i in range(12)]
    for device, quantities in QUANTITIES.items():
        if device not in devices:
            continue
        for quantity in quantities:
            for lane, channel in enumerate(LANES[device]):
                numbers[device] = numbers.get(device, 0) + 1
                first = hour_ms // STEP_MS
                payload = wire.encode_block(
                    1, numbers[device], quantity, hour_ms, offsets_ms=offsets,
                    values=[value_of(device, quantity, lane, first + i) for i in range(12)],
                    channel=channel or None,
                )
                where = f"cv/1/r/{CITY}/centre/s{device}/{device}"
                yield opened(Received(where, payload), (hour_ms + HOUR_MS) * MS)


def roads(folder: Path) -> Path:
    """The data folder of peaks."""
    return _told_of(folder, rows(), [[hour] for hour in _hours()])


def round_the_clock(folder: Path) -> Path:
    """The data folder of a street whose every quarter of an hour has its vehicles."""
    begin = int(datetime(2026, 3, 1, tzinfo=UTC).timestamp()) * 1000
    street = [one for one in rows() if one.device == "s1"]
    days = [begin + day * 24 * HOUR_MS for day in range(14)]
    return _told_of(folder, street, [[day + k * HOUR_MS for k in range(24)] for day in days])


def _told_of(folder: Path, places: list[PlaceRow], steps: list[list[int]]) -> Path:
    """steps: hours that come together, with a tick before them; Unix ms of their starts."""
    path = write_places(folder / "places.csv", places)
    devices = {one.device for one in places}
    store = Store.create(folder / "store.db")
    line = Line(folder / "ingest", Outlets(store), 60)
    line.open()
    numbers: dict[str, int] = {}
    line.load_places(path, (steps[0][0] - HOUR_MS) * MS)
    for hours in steps:
        line.tick(hours[0] * MS, with_open=False)
        for hour_ms in hours:
            line.take(list(_messages(hour_ms, numbers, devices)), (hour_ms + HOUR_MS) * MS)
    end_ms = steps[-1][-1] + 2 * HOUR_MS
    line.tick(end_ms * MS, with_open=False)
    told(store, end_ms)
    line.close()
    store.close()
    return folder
