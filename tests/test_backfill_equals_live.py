"""The same evening backfilled, live through a line, and computed: one output.

That a replay over MQTT says what `compute` says is in `tests/test_replay_equals_compute.py`.
"""

import csv
import shutil
from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from cityvitals import past
from cityvitals.backfill import backfill
from cityvitals.place import write
from edge import wire
from edge.places import load
from edge.quantities import QUANTITIES
from engine.catalogue import INDICATORS
from ingest.admission import Opened, opened
from ingest.archive import Kind, read
from ingest.compute import compute
from ingest.line import Line
from ingest.messages import Received
from simulators.city import City
from tests.line_city import MS, Kept

MIDNIGHT_MS = 1_790_208_000_000 - 3_600_000  # a Thursday, 2026-09-24, 00:00 in Lisbon
START_MS, END_MS = MIDNIGHT_MS - 3_600_000, MIDNIGHT_MS + 20 * 60_000
STEP_NS = 6 * 3600 * 10**9
FINAL_NS = 9 * 86_400 * 10**9
Windows = dict[tuple[str, str, int], tuple[Any, ...]]


class Reading(NamedTuple):
    """One archived reading."""

    time_ms: int
    place: str
    device: str
    quantity: str
    channel: str
    value: float


@pytest.fixture(scope="module", name="folder")
def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the backfilled evening."""
    folder = tmp_path_factory.mktemp("evening")
    city = City(1)
    write(folder / "places.csv", past.dated([], city, START_MS, END_MS))
    backfill(folder, city, START_MS, END_MS, lambda _share: None)
    return folder


def final(line: Line, kept: Kept) -> Windows:
    """Its points once all of the evening is final: value, level, n and coverage."""
    now_ns = max(line.vitals.now_ns, END_MS * MS)
    for tick_ns in range(now_ns + STEP_NS, now_ns + FINAL_NS, STEP_NS):
        line.tick(tick_ns, with_open=False)
    line.close(save=False)
    return {
        (place.path, INDICATORS[indicator].key, end_s): row[:4]
        for (place, indicator, end_s), row in kept.values.items() if end_s * 1000 <= END_MS
    }


def backfilled(folder: Path, copy: Path) -> Windows:
    """What the archive of the backfill yields."""
    shutil.copytree(folder / "ingest", copy / "ingest")
    kept = Kept()
    line = Line(copy / "ingest", kept, 60)
    line.open(whole=True)
    return final(line, kept)


def readings(folder: Path, copy: Path) -> list[Reading]:
    """All that the backfill archived, in its order."""
    shutil.copytree(folder / "ingest", copy / "ingest")
    line = Line(copy / "ingest", Kept(), 60)
    line.open()
    registry, names = line.vitals.registry, list(QUANTITIES)
    found = []
    for record in read(copy / "ingest" / "archive"):
        if record.kind == Kind.BATCH:
            batch = record.batch()
            for slot, time_ns, value in zip(batch.slot.tolist(), batch.time_ns.tolist(),
                                            batch.value.tolist(), strict=True):
                series = registry.series[slot]
                found.append(Reading(
                    time_ns // MS, registry.keys[series.place].path,
                    registry.devices[series.device], names[series.quantity], series.channel, value))
    line.close(save=False)
    return found


def payload_of(number: int, time_ms: int, channel: str, values: dict[str, float]) -> bytes:
    """A device's block; of a channel, which a block has none of, a reading alone."""
    if not channel:
        return wire.encode_device_block(1, number, time_ms, values)
    [(quantity, value)] = values.items()
    return wire.encode_single(1, number, quantity, time_ms, value, channel=channel)


def lived(folder: Path, copy: Path, told: list[Reading]) -> Windows:
    """The readings as messages of their devices, minute by minute, with a tick every three."""
    (city,) = {row.city for row in load(folder / "places.csv")}
    kept = Kept()
    line = Line(copy / "ingest", kept, 60)
    line.open()
    line.load_places(folder / "places.csv", START_MS * MS)
    minutes: dict[int, dict[tuple[str, str, int, str], dict[str, float]]] = defaultdict(dict)
    for one in told:
        blocks = minutes[one.time_ms // 60_000]
        of = (one.place, one.device, one.time_ms, one.channel)
        blocks.setdefault(of, {})[one.quantity] = one.value
    numbers: dict[str, int] = defaultdict(int)
    for minute in sorted(minutes):
        messages: list[Opened] = []
        received_ns = (minute + 1) * 60_000 * MS - 1
        for (place, device, time_ms, channel), values in minutes[minute].items():
            numbers[device] += 1
            payload = payload_of(numbers[device], time_ms, channel, values)
            where = f"cv/1/r/{city}/{place}/{device}"
            messages.append(opened(Received(where, payload), received_ns))
        line.take(messages, received_ns)
        if minute % 3 == 0:
            line.tick(received_ns, with_open=minute % 2 == 0)
    return final(line, kept)


def computed(folder: Path, told: list[Reading], where: Path) -> Windows:
    """The readings as a recording, through `compute`."""
    with (where / "evening.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["time", "place", "quantity", "channel", "value"])
        writer.writerows(
            (one.time_ms, one.place, one.quantity, one.channel, repr(one.value)) for one in told)
    done = compute(where / "evening.csv", folder / "places.csv")
    points, keys = done.points(), done.vitals.registry.keys
    columns = (points.place, points.indicator, points.end_s, points.value, points.level, points.n,
               points.cov)
    return {
        (keys[place].path, INDICATORS[indicator].key, end_s): row
        for place, indicator, end_s, *row in zip(
            *(column.tolist() for column in columns), strict=True)
        if end_s * 1000 <= END_MS
    }


def same(one: Windows, other: Windows) -> None:
    """Bit for bit, and neither has a window that the other has not."""
    assert sorted(one.keys() ^ other.keys())[:5] == []
    different = {key: (one[key], other[key]) for key in one
                 if not np.array_equal(one[key], other[key], equal_nan=True)}
    assert not different, (len(different), list(different.items())[:4])


def test_backfill_live_and_compute_say_the_same(folder: Path, tmp_path: Path) -> None:
    for name in ("past", "read", "live"):
        (tmp_path / name).mkdir()
    expected = backfilled(folder, tmp_path / "past")
    told = readings(folder, tmp_path / "read")
    assert len(told) > 10_000
    assert len(expected) > 3_000
    assert {key.split(".")[0] for _, key, _ in expected} == {
        "air", "traffic", "energy", "dq", "noise"}
    same(expected, lived(folder, tmp_path / "live", told))
    same(expected, computed(folder, told, tmp_path))
