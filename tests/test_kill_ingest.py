"""`kill -9` of ingest under load: every reading of the publisher's own log counts exactly once.

And the same comparison finds losses when the acknowledgement stands before the archive.
"""

import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from edge.quantities import QUANTITIES
from edge.verdicts import Verdict
from ingest.archive import Kind, read
from ingest.line import Line
from tests.brokers import Nats
from tests.kill_publisher import DEVICES
from tests.line_city import Kept, row, write_places
from tests.live_ingest import ROOT, LiveIngest, until

SECONDS, RATE = 9.0, 2400
KILLS = 5
Reading = tuple[str, str, int, float]

ACKNOWLEDGE_FIRST = """
import sys, pathlib, time
from ingest import program
from ingest.publish_frames import Frames, received_of
from ingest.intervals import Seen
from ingest.admission import opened
from ingest.messages import source_of

told = {}

def take_wall(self):
    now_ns = time.time_ns()
    arrived = self._arrivals(now_ns)
    frames = arrived if isinstance(arrived, Frames) else None
    arrived = received_of(frames) if frames else arrived
    messages = [opened(message, now_ns) for message in arrived]
    answers = {}
    for message in messages:
        device = source_of(message.received.topic).device
        told.setdefault(device, Seen()).add(0, message.content.e, message.content.s,
                                            message.content.s)
        row = self.line.vitals.registry.device_of[device]
        held = self.line.seen.contiguous(row, message.content.e)
        if held:
            told[device].add(0, message.content.e, 1, held)
        answers[device, message.content.e] = told[device].ack(0, message.content.e)
    if frames:
        self._receipts.give_frames(frames, set())
    else:
        self._receipts.give(arrived, set())
    self._receipts._tell([(device, ack) for (device, _), ack in answers.items()])
    if messages:
        time.sleep(0.5)
        self.line.take(messages, now_ns)

program.Program._take_wall = take_wall
sys.exit(program.run(pathlib.Path(sys.argv[1])))
"""


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Nats]:
    # Short, or what killed sessions had not acknowledged fills the window of the session.
    server = Nats(tmp_path / "broker", ack_wait="2s")
    server.start()
    yield server
    server.kill()


def logged(folder: Path) -> Counter[Reading]:
    """What the publisher's own log holds."""
    found: Counter[Reading] = Counter()
    for path in folder.glob("*.log"):
        for line in path.read_text().splitlines():
            device, quantity, time_ms, value = line.split()
            found[device, quantity, int(time_ms), float(value)] += 1
    return found


def counted(folder: Path) -> Counter[Reading]:
    """What the archive counts: applied and late rows, with what they are."""
    line = Line(folder / "ingest", Kept(), 60)
    line.open(whole=True)
    registry = line.vitals.registry
    names = list(QUANTITIES)
    found: Counter[Reading] = Counter()
    for record in read(folder / "ingest" / "archive"):
        if record.kind not in (Kind.BATCH, Kind.RELEASE_FUTURE, Kind.RELEASE_UNKNOWN):
            continue
        batch = record.batch()
        batch = batch.take((batch.verdict <= Verdict.LATE) & (batch.slot >= 0))
        for slot, time_ns, value in zip(
            batch.slot.tolist(), batch.time_ns.tolist(), batch.value.tolist(), strict=True
        ):
            series = registry.series[slot]
            key = (registry.devices[series.device], names[series.quantity],
                   time_ns // 1_000_000, value)
            found[key] += 1
    line.close()
    return found


def in_panes(folder: Path) -> int:
    """Readings in the hour panes of the state that ingest saved."""
    line = Line(folder / "ingest", Kept(), 60)
    line.open()
    hours = line.vitals.panes.coarse[0][: len(line.vitals.registry.series)]
    total = int(hours["n"].sum())
    line.close()
    return total


def under_load(
    folder: Path, ingest: LiveIngest, url: str, seed: int, seconds: float = SECONDS,
    kills: int = KILLS, drain_s: float = 60.0, moments: Sequence[float] = (),
) -> int:
    """Publish, and kill ingest at random moments; returns how many messages were left."""
    rng = random.Random(seed)
    (folder / "log").mkdir()
    ingest.start_and_wait()
    publisher = subprocess.Popen(
        [sys.executable, "-m", "tests.kill_publisher", url, str(folder / "log"), str(seconds),
         str(RATE), str(drain_s)], cwd=ROOT, env={**os.environ}, stdout=subprocess.PIPE, text=True,
    )
    try:
        begun = time.monotonic()
        drawn = sorted(rng.uniform(1.0, seconds + 0.5) for _ in range(kills))
        for moment in moments or drawn:
            time.sleep(max(0.0, begun + moment - time.monotonic()))
            ingest.kill()
            ingest.start()
        out, _ = publisher.communicate(timeout=seconds + 70)
        return int(out.split()[0])
    finally:
        publisher.kill()
        publisher.wait()
        if publisher.stdout is not None:
            publisher.stdout.close()


@pytest.fixture
def city(tmp_path: Path) -> Path:
    write_places(tmp_path / "places.csv", [row(f"d{n}", f"s{n}", period_s=1.0)
                                           for n in range(1, DEVICES + 1)])
    return tmp_path


@pytest.mark.parametrize(("seconds", "kills"), [
    (SECONDS, KILLS), pytest.param(180.0, 60, marks=pytest.mark.soak),
])
def test_every_logged_reading_counts_exactly_once(
    city: Path, broker: Nats, seconds: float, kills: int
) -> None:
    seed = int(os.environ.get("KILL_SEED", "") or random.SystemRandom().randrange(1 << 30))
    print(f"KILL_SEED={seed}")
    ingest = LiveIngest(city, broker.url, snapshot_every_s=2)
    try:
        assert under_load(city, ingest, broker.url, seed, seconds, kills) == 0
        until(lambda: bool(ingest.health()) and not ingest.health()["queue"],  # type: ignore[index]
              "the queue is empty")
        assert ingest.stop() == 0, ingest.log()
    finally:
        ingest.kill()
    expected, found = logged(city / "log"), counted(city)
    assert sum(expected.values()) > seconds * RATE * 0.4
    lost, twice = expected - found, found - expected
    assert not lost, f"seed {seed}: {sum(lost.values())} lost, such as {list(lost)[:3]}"
    assert not twice, f"seed {seed}: {sum(twice.values())} twice, such as {list(twice)[:3]}"
    assert in_panes(city) == sum(expected.values())


def test_acknowledged_before_the_archive_the_same_finds_losses(city: Path, broker: Nats) -> None:
    ingest = LiveIngest(city, broker.url, ACKNOWLEDGE_FIRST, snapshot_every_s=2)
    try:
        # At moments when it is surely running, seconds after its start.
        under_load(city, ingest, broker.url, 1, 13.0, drain_s=6.0, moments=(3.0, 8.0, 12.5))
        ingest.stop()
    finally:
        ingest.kill()
    lost = logged(city / "log") - counted(city)
    assert sum(lost.values()) > 0
