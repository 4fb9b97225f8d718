"""How fast a restart reads the archive that came after the last snapshot.

`python -m benchmarks.restart [--hours 24] [--devices 300]` writes such an archive twice, once in
batches of a second, as they arrive live, and once in batches of a minute, and opens a line on it:
readings a second from `Line.open` to the state and the points in the store. Ticks close the
windows of each minute, as they did live.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.machine import machine
from edge.places import PlaceKey, PlaceRow, render
from edge.quantities import INDEX
from edge.verdicts import Verdict
from engine.batch import Batch
from engine.registry import Series
from ingest.archive import Kind
from ingest.line import Line
from ingest.outlets import Outlets
from ingest.store import Store

START_S = 1_790_000_000 // 86_400 * 86_400
QUANTITIES = ("pm25", "no2", "speed", "count", "power")
DEVICES_A_DISTRICT = 60


def places(devices: int) -> list[PlaceRow]:
    """A device a station, each of one quantity, reporting every second."""
    return [
        PlaceRow(
            0, "bench", f"d{k // DEVICES_A_DISTRICT}", f"s{k}", f"dev{k}", f"S{k}", 41.0, -8.0,
            "Europe/Lisbon", 1.0, length_km=1.0, lanes=2, posted_kmh=50.0,
        )
        for k in range(devices)
    ]


def _line(folder: Path) -> tuple[Line, Store]:
    store = Store.create(folder / "store.db")
    line = Line(folder / "ingest", Outlets(store), 60)
    line.open()
    line.load_places(folder / "places.csv", START_S * 10**9)
    return line, store


def write(folder: Path, devices: int, seconds: int, batch_s: int) -> int:
    """A snapshot, and an archive of `seconds` after it; returns its readings."""
    (folder / "places.csv").write_text(render(places(devices)), encoding="utf-8")
    line, store = _line(folder)
    registry = line.vitals.registry
    slots = np.array([
        registry.slot(Series(
            registry.place(PlaceKey("bench", row.district, row.station)),
            registry.device(row.device), INDEX[QUANTITIES[k % len(QUANTITIES)]], "",
        ), line.vitals.panes)
        for k, row in enumerate(places(devices))
    ], np.int32)
    line.tick(START_S * 10**9, with_open=False)
    line.snapshot()
    device = np.array([registry.series[slot].device for slot in slots.tolist()], np.int32)
    rng = np.random.default_rng(1)
    total = 0
    for first in range(0, seconds, batch_s):
        count = devices * batch_s
        second = np.repeat(np.arange(first, first + batch_s, dtype=np.int64), devices)
        received_ns = (START_S + first + batch_s) * 10**9
        batch = Batch(
            np.tile(slots, batch_s), (START_S + second) * 10**9,
            np.round(rng.uniform(5, 60, count), 2), np.ones(count, np.uint8),
            np.tile(device, batch_s), np.ones(count, np.int64), second + 1,
            np.full(count, Verdict.APPLIED, np.uint8), received_ns,
        )
        line.archive.append_batch(Kind.BATCH, batch)
        total += count
        if (first + batch_s) % 60 == 0:
            line.archive.append(Kind.TICK, received_ns, b"")
    line.archive.close()
    line.inbox.close()
    store.close()
    return total


def restart(
    folder: Path, devices: int, seconds: int, batch_s: int
) -> tuple[int, float, float, int]:
    """Readings, seconds that opening took, those of CPU, and points that it gave."""
    total = write(folder, devices, seconds, batch_s)
    store = Store.create(folder / "store.db")
    line = Line(folder / "ingest", Outlets(store), 60)
    begun, cpu_s = time.perf_counter(), time.process_time()
    line.open()
    took_s, cpu_s = time.perf_counter() - begun, time.process_time() - cpu_s
    if line.recovered != total:
        raise SystemExit(f"{line.recovered} of {total} readings recovered")
    points = line.points_written
    line.close(save=False)
    store.close()
    return total, took_s, cpu_s, points


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--devices", type=int, default=300)
    asked = parser.parse_args()
    print(machine())
    for name, batch_s in (("batches of a second", 1), ("batches of a minute", 60)):
        with tempfile.TemporaryDirectory() as folder:
            total, took_s, cpu_s, points = restart(
                Path(folder), asked.devices, int(asked.hours * 3600), batch_s
            )
        print(
            f"{name}: {total:,} readings of {asked.devices} devices in {took_s:.1f} s: "
            f"{total / took_s / 1e6:.2f} million readings/s, "
            f"{total / cpu_s / 1e6:.2f} a CPU second, {points:,} points"
        )


if __name__ == "__main__":
    main()
