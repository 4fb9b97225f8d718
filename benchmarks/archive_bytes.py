"""What a reading takes in the archive, and what writing and reading it there costs.

`python -m benchmarks.archive_bytes [--rows 200000]` prints a row for each way in which readings
arrive: bytes of the segment a reading (heads of the records included), and nanoseconds of one
core to encode and to decode one.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.machine import machine
from edge.verdicts import Verdict
from engine.batch import Batch
from ingest.archive import Archive, Kind
from ingest.archive_code import decode, encode

START_MS = 1_790_000_000_000
DEVICES = 1000
EPOCH = 1_790_000_000


def columns(of: np.ndarray, time_ms: np.ndarray, seq: np.ndarray, decimals: int) -> Batch:
    """A batch of readings of series `of`, each about a level of its own."""
    rng = np.random.default_rng(7)
    value = np.round(20.0 + of % 50 + rng.normal(0.0, 2.0, len(of)), decimals)
    return Batch(
        of.astype(np.int32), time_ms * 1_000_000, value, np.ones(len(of), np.uint8),
        of.astype(np.int32), np.full(len(of), EPOCH), seq,
        np.full(len(of), Verdict.APPLIED, np.uint8), int(time_ms.max()) * 1_000_000,
    )


def single(rows: int, decimals: int) -> Batch:
    """A message a reading, of a thousand devices in no order, once a second each."""
    rng = np.random.default_rng(5)
    k = np.arange(rows)
    of = np.concatenate([rng.permutation(DEVICES) for _ in range(-(-rows // DEVICES))])[:rows]
    return columns(of, START_MS + k + rng.integers(-40, 1, rows), k // DEVICES + 1, decimals)


def blocks(rows: int) -> Batch:
    """Blocks of 100 readings, a second apart."""
    k = np.arange(rows)
    block = k // 100
    return columns(block % DEVICES, START_MS + block // DEVICES * 100_000 + k % 100 * 1000,
                   block // DEVICES + 1, 1)


def parts(batch: Batch, size: int) -> list[Batch]:
    """The batch in pieces as they would be taken in."""
    return [batch.take(np.arange(first, min(first + size, len(batch))))
            for first in range(0, len(batch), size)]


def measured(name: str, batch: Batch, size: int) -> str:
    """A row of the table: one way of arriving, `size` readings a batch."""
    pieces = parts(batch, size)
    with tempfile.TemporaryDirectory() as folder:
        archive = Archive(Path(folder))
        for piece in pieces:
            archive.append_batch(Kind.BATCH, piece)
        each = archive.size_bytes / len(batch)
        archive.close()
    begun = time.perf_counter()
    bodies = [encode(piece) for piece in pieces]
    encoded = time.perf_counter()
    for body, piece in zip(bodies, pieces, strict=True):
        if decode(body, len(piece)) is None:
            raise SystemExit(f"{name}: does not decode")
    decoded = time.perf_counter()
    cost = (encoded - begun) / len(batch) * 1e9, (decoded - encoded) / len(batch) * 1e9
    return f"| {name} | {each:.1f} | {cost[0]:.0f} | {cost[1]:.0f} |"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    rows = parser.parse_args().rows
    print(machine())
    print("| readings | bytes each | ns to encode | ns to decode |\n|---|---|---|---|")
    print(measured("blocks of 100 of one series, batches of 10,000", blocks(rows), 10_000))
    print(measured("single, one decimal, batches of 5,000", single(rows, 1), 5_000))
    print(measured("single, one decimal, batches of 20", single(rows, 1), 20))
    print(measured("single, four decimals, batches of 5,000", single(rows, 4), 5_000))
    print(measured("single, all 17 digits, batches of 5,000", single(rows, 15), 5_000))


if __name__ == "__main__":
    main()
