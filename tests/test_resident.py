"""Memory under load: it fills its rings, and then stays as it is."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ingest.recall import RECENT_MAX
from tests.brokers import Nats
from tests.kill_publisher import DEVICES
from tests.line_city import row, write_places
from tests.live_ingest import ROOT, LiveIngest, until
from tests.resident import growth_mb, is_flat, resident_mb

SECONDS, RATE = 600.0, 6000
SAMPLES_MIN = 60


def test_what_is_flat() -> None:
    rng = random.Random(1)
    noise = [200.0 + rng.uniform(-4, 4) for _ in range(400)]
    assert is_flat(noise)
    assert is_flat([100.0] * 20 + noise)  # rings that fill
    assert is_flat([*noise[:-1], 900.0])  # one sample, in a snapshot
    assert not is_flat([size + 0.2 * at for at, size in enumerate(noise)])
    assert abs(growth_mb([1.0, 2.0, 3.0, 4.0]) - 2.0) < 1e-9


def test_this_process_has_a_size() -> None:
    before = resident_mb(os.getpid())
    held = bytearray(os.urandom(32_000_000))
    assert resident_mb(os.getpid()) > before + 16
    assert len(held) == 32_000_000


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_ingest_stays_as_large_as_it_is(tmp_path: Path) -> None:
    """Ten minutes of load with a snapshot every ten seconds, and every reading in the end.

    Looked at from when the memory of recent readings is full, `RECENT_MAX`.
    """
    seconds = float(os.environ.get("FLAT_SECONDS", "") or SECONDS)
    (tmp_path / "log").mkdir()
    write_places(tmp_path / "places.csv", [row(f"d{n}", f"s{n}", period_s=1.0)
                                           for n in range(1, DEVICES + 1)])
    broker = Nats(tmp_path / "broker")
    ingest = LiveIngest(tmp_path, broker.url, snapshot_every_s=10)
    sizes = []
    try:
        broker.start()
        ingest.start_and_wait()
        publisher = subprocess.Popen(
            [sys.executable, "-m", "tests.kill_publisher", broker.url, str(tmp_path / "log"),
             str(seconds), str(RATE), "120"], cwd=ROOT, env={**os.environ})
        while publisher.poll() is None:
            if sum(ingest.verdicts().values()) > RECENT_MAX:
                sizes.append(resident_mb(ingest.pid))
            time.sleep(1.0)
        assert publisher.returncode == 0
        until(lambda: not (ingest.health() or {"queue": 1})["queue"], "the queue is empty")
        print(ingest.verdicts(), len(sizes), "samples,", [round(size) for size in sizes[::30]],
              "MB, grew", round(growth_mb(sizes or [0.0]), 1))
        assert ingest.stop() == 0, ingest.log()
    finally:
        ingest.kill()
        broker.kill()
    assert len(sizes) >= SAMPLES_MIN, "too slow a machine: run it longer, by FLAT_SECONDS"
    assert is_flat(sizes), sizes
