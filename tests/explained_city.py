"""Data folders to explain numbers from: the sample week, and a day with every kind of trouble."""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from edge import wire
from edge.places import load
from edge.recorded import end_of_recording_ms, read
from edge.verdicts import Verdict
from engine.catalogue import POSITION
from ingest.admission import Opened, opened
from ingest.line import Line
from ingest.messages import Received
from ingest.outlets import Outlets
from ingest.store import Store
from simulators import sample_city
from tests.line_city import CITY, MINUTE_MS, MS, START_MS, row, single, topic, write_places

HOUR_MS = 3_600_000
YEARLY = {POSITION["air.year_pm25"], POSITION["air.who_o3_season"]}
HOURS = 3
STEP_MS = 1_800_000
SAMPLE_END_MS = 1_407_326_400_000
"""2014-08-06T12:00Z: two days and a half of the week are enough for every indicator."""


class _Row(NamedTuple):
    received_ms: int
    place: str
    quantity: str
    time_ms: int
    value: float


def _rows() -> Iterator[_Row]:
    for chunk in read(sample_city.recording()):
        yield from map(_Row, chunk.received_ms, chunk.place, chunk.quantity, chunk.time_ms,
                       chunk.value)


def told(store: Store, now_ms: int) -> None:
    """A health object on a recording's clock, so that no test depends on today."""
    verdicts = {verdict.label: 0 for verdict in Verdict}
    store.write_health({
        "format": 1, "at_ms": now_ms, "clock": {"kind": "recorded", "now_ms": now_ms},
        "city": CITY, "started_ms": now_ms,
        "broker": {"url": "mqtt://127.0.0.1:1", "connected": True, "since_ms": now_ms},
        "verdicts": verdicts, "received": 0, "readings_per_s": 0.0, "points": 0, "oldest_s": 0.0,
        "silent": [], "queue": 0, "archive": {"bytes": 0, "segments": 1, "synced_ms": now_ms},
        "sinks": [], "held": [], "dead_letters": [], "rss_mb": 1.0,
    })


def sample(folder: Path) -> Path:
    """The begin of the sample city's week through the line, as a replay would bring it."""
    placed = load(sample_city.places())
    device = {f"{r.district}/{r.station}": r.device for r in placed}
    city = placed[0].city
    path = folder / "places.csv"
    path.write_bytes(sample_city.places().read_bytes())
    store = Store.create(folder / "store.db")
    line = Line(folder / "ingest", Outlets(store), 60)
    line.open()
    rows = sorted(
        (row for row in _rows() if row.received_ms < SAMPLE_END_MS),
        key=lambda row: row.received_ms,
    )
    line.load_places(path, rows[0].received_ms * MS)
    numbers: dict[str, int] = {}
    for number, step in groupby(rows, lambda row: row.received_ms // STEP_MS):
        line.tick(number * STEP_MS * MS, with_open=False)
        messages: list[Opened] = []
        for one in step:
            name = device[one.place]
            numbers[name] = numbers.get(name, 0) + 1
            payload = wire.encode_single(1, numbers[name], one.quantity, one.time_ms, one.value)
            where = f"cv/1/r/{city}/{one.place}/{name}"
            messages.append(opened(Received(where, payload), one.received_ms * MS))
        line.take(messages, (number + 1) * STEP_MS * MS - 1)
    end_ms = end_of_recording_ms(rows[-1].received_ms)
    line.tick(end_ms * MS, with_open=False)
    told(store, end_ms)
    line.close()
    store.close()
    return folder


def _message(device: str, number: int, minute: int, value: float, quantity: str = "pm25",
             received: int | None = None) -> Opened:
    time_ms = START_MS + minute * MINUTE_MS
    at_ms = START_MS + (minute if received is None else received) * MINUTE_MS + 1000
    body = single(number, value, time_ms, quantity)
    return opened(Received(topic(device), body), at_ms * MS)


def troubled(folder: Path) -> Path:
    """Three stations of a district over three hours, with every reason to leave a reading out.

    d1 at s1: refused, flagged, duplicated, contested and late readings; d2 at s2: 40 of 60
    minutes; d3 at s3 joins in the second hour.
    """
    path = write_places(folder / "places.csv", [row("d1", "s1"), row("d2", "s2"), row("d3", "s3")])
    store = Store.create(folder / "store.db")
    line = Line(folder / "ingest", Outlets(store), 60)
    line.open()
    line.load_places(path, (START_MS - HOUR_MS) * MS)
    late: list[Opened] = []
    for number, minute in enumerate(range(60 * HOURS), 1):
        now_ns = (START_MS + minute * MINUTE_MS + 1500) * MS
        messages = [_message("d1", number, minute, 10.0 + minute % 7)]
        if minute % 60 < 40:
            messages.append(_message("d2", number, minute, 30.0))
        if minute >= 60:
            messages.append(_message("d3", number, minute, 5.0))
        if minute % 60 == 20:
            messages.append(_message("d1", 1000 + number, minute, 99_999.0))
        if minute % 60 == 30:
            messages.append(messages[0])
        if 5 <= minute < 10:
            late.append(_message("d1", 4000 + number, minute, 50.0 + minute, received=120))
        if minute == 65:
            flagged = wire.encode_single(1, 6000, "pm25", START_MS + minute * MINUTE_MS + 30_000,
                                         400.0, flag=4)
            messages.append(opened(Received(topic("d1"), flagged), now_ns))
        line.tick(now_ns - 1, with_open=False)
        line.take(messages, now_ns)
        if minute == 120:
            line.take(late, now_ns)
    end_ms = START_MS + HOURS * HOUR_MS + 2 * MINUTE_MS
    line.tick(end_ms * MS, with_open=False)
    told(store, end_ms)
    line.close()
    store.close()
    return folder


def metered(folder: Path) -> Path:
    """Two meters that only tell their energy register, one with a gap of ten minutes.

    And SO2 by the minute at a station of its own.
    """
    path = write_places(
        folder / "places.csv", [row("d1", "s1"), row("d2", "s2"), row("d3", "s3")])
    store = Store.create(folder / "store.db")
    line = Line(folder / "ingest", Outlets(store), 60)
    line.open()
    line.load_places(path, (START_MS - HOUR_MS) * MS)
    for number, minute in enumerate(range(60 * HOURS), 1):
        now_ns = (START_MS + minute * MINUTE_MS + 1500) * MS
        line.tick(now_ns - 1, with_open=False)
        line.take([
            _message(device, number, minute, 100 + minute * minute / 60, "energy")
            for device in ("d1", "d2") if device == "d1" or not 50 <= minute < 60
        ] + [_message("d3", number, minute, 60.0 + minute % 70, "so2")], now_ns)
    end_ms = START_MS + HOURS * HOUR_MS + 2 * MINUTE_MS
    line.tick(end_ms * MS, with_open=False)
    told(store, end_ms)
    line.close()
    store.close()
    return folder


def powered(folder: Path) -> Path:
    """Two meters of power by the minute; of one, minutes 21 to 23 come two hours late."""
    path = write_places(folder / "places.csv", [row("d1", "s1"), row("d2", "s2")])
    store = Store.create(folder / "store.db")
    line = Line(folder / "ingest", Outlets(store), 60)
    line.open()
    line.load_places(path, (START_MS - HOUR_MS) * MS)
    late: list[Opened] = []
    for number, minute in enumerate(range(60 * HOURS), 1):
        now_ns = (START_MS + minute * MINUTE_MS + 1500) * MS
        line.tick(now_ns - 1, with_open=False)
        own = 10.0 + minute % 7
        messages = [_message("d2", number, minute, 3.0, "power")]
        if 21 <= minute < 24:
            late.append(_message("d1", number, minute, own, "power", received=144))
        else:
            messages.append(_message("d1", number, minute, own, "power"))
        line.take(messages + (late if minute == 144 else []), now_ns)
    end_ms = START_MS + HOURS * HOUR_MS + 2 * MINUTE_MS
    line.tick(end_ms * MS, with_open=False)
    told(store, end_ms)
    line.close()
    store.close()
    return folder


def yearly(folder: Path, days: int) -> Path:
    """One station that tells five pollutants each hour for so many days, with gaps.

    Only the families of days and years are computed, three days at a time.
    """
    path = write_places(folder / "places.csv", [row("d1", "s1", period_s=3600)])
    store = Store.create(folder / "store.db")
    line = Line(folder / "ingest", Outlets(store), 60)
    line.open()
    line.vitals.windows = [
        windows for windows in line.vitals.windows
        if YEARLY & set(windows.family.indicators)
    ]
    line.load_places(path, (START_MS - HOUR_MS) * MS)
    number = 0
    for day in range(days):
        messages = []
        for hour in range(24 * day, 24 * day + 24):
            for quantity, value in (
                ("pm25", 5.0 + hour % 13 + day % 30), ("no2", 8.0 + hour % 24 * 5),
                ("o3", 20.0 + hour % 24 + day % 50), ("pm10", 9.0 + hour % 11 + day % 40),
                ("so2", 2.0 + hour % 24 / 4),
            ):
                if hour % 50 < 47:
                    number += 1
                    messages.append(_message("d1", number, 60 * hour, value, quantity))
        now_ns = (START_MS + (day + 1) * 24 * HOUR_MS) * MS
        line.take(messages, now_ns - 1)
        if day % 3 == 2 or day == days - 1:
            line.tick(now_ns + 90_000 * MS, with_open=False)
    told(store, START_MS + days * 24 * HOUR_MS + 90_000)
    line.close()
    store.close()
    return folder


def spiked(folder: Path) -> Path:
    """One station over three hours with two spikes in the first: one in its turn, one late."""
    path = write_places(folder / "places.csv", [row("d1", "s1")])
    store = Store.create(folder / "store.db")
    line = Line(folder / "ingest", Outlets(store), 60)
    line.open()
    line.load_places(path, (START_MS - HOUR_MS) * MS)
    for number, minute in enumerate(range(60 * HOURS), 1):
        now_ns = (START_MS + minute * MINUTE_MS + 1500) * MS
        line.tick(now_ns - 1, with_open=False)
        if minute == 90:
            line.take([_message("d1", 5000, 40, 320.0)], now_ns)
        if minute != 40:
            value = 250.0 if minute == 25 else 10.0 + minute % 7
            line.take([_message("d1", number, minute, value)], now_ns)
    end_ms = START_MS + HOURS * HOUR_MS + 2 * MINUTE_MS
    line.tick(end_ms * MS, with_open=False)
    told(store, end_ms)
    line.close()
    store.close()
    return folder


__all__ = ["CITY", "HOUR_MS", "MS", "START_MS", "metered", "powered", "sample", "spiked", "told",
           "troubled", "yearly"]


def warm(folder: Path) -> Path:
    """Two thermometers and a hygrometer at a station for three hours; the last lacks humidity."""
    rows = [row(device, "s1") for device in ("d1", "d2", "d3")]
    path = write_places(folder / "places.csv", rows)
    store = Store.create(folder / "store.db")
    line = Line(folder / "ingest", Outlets(store), 60)
    line.open()
    line.load_places(path, (START_MS - HOUR_MS) * MS)
    for number, minute in enumerate(range(60 * HOURS), 1):
        messages = []
        for device, quantity, value in (
            ("d1", "temp", 33.0 + minute % 5), ("d2", "temp", 35.0),
            ("d3", "rh", 50.0 + minute % 9),
        ):
            if quantity == "temp" or minute < 150:
                payload = single(number, value, START_MS + minute * MINUTE_MS, quantity)
                where = f"cv/1/r/{CITY}/centre/s1/{device}"
                at_ms = START_MS + minute * MINUTE_MS + 1000
                messages.append(opened(Received(where, payload), at_ms * MS))
        line.take(messages, (START_MS + minute * MINUTE_MS + 1500) * MS)
        line.tick((START_MS + (minute + 1) * MINUTE_MS) * MS, with_open=False)
    end_ms = START_MS + HOURS * HOUR_MS + 120_000
    line.tick(end_ms * MS, with_open=False)
    told(store, end_ms)
    line.close()
    store.close()
    return folder
