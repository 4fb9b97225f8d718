"""Replay of a recording against a real broker: its readings, its times, its clock."""

import json
import os
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from edge.places import load as load_places
from edge.recorded import HOUR_MS, end_of_recording_ms, read
from edge.settings import SettingsError
from simulators import replay, sample_city
from simulators.recording import load
from tests.stand_in_ingest import Broker, StandInIngest, wait_until

ROOT = Path(__file__).parent.parent
PROGRAM = "import sys, pathlib; from simulators.replay import run; p = pathlib.Path; " \
    "sys.exit(run(p(sys.argv[1]), p(sys.argv[2]), sys.argv[3], p(sys.argv[4]), " \
    "float(sys.argv[5])))"
SAMPLE_END_MS = 1_407_715_800_000  # 2014-08-11T00:10:00Z
START_MS = 1_407_103_200_000  # 2014-08-03T22:00:00Z


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    server = Broker(tmp_path / "broker")
    yield server
    server.close()


@pytest.fixture
def ingest(broker: Broker) -> Iterator[StandInIngest]:
    stand_in = StandInIngest(broker.url)
    yield stand_in
    stand_in.close()


def start(
    url: str, data: Path, speed: float, recording: Path | None = None
) -> subprocess.Popen[str]:
    recording = recording or sample_city.recording()
    words = [recording, sample_city.places(), url, data, speed]
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *map(str, words)], cwd=ROOT,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "TZ": "UTC"},
    )


def recorded() -> list[tuple[str, str, int, float, int | None]]:
    """The rows of the sample as the stand-in lists them."""
    device = {f"{row.district}/{row.station}": row.device for row in load_places(
        sample_city.places())}
    return [
        (device[place], quantity, time_ms, value, received)
        for rows in read(sample_city.recording())
        for place, quantity, time_ms, value, received in zip(
            rows.place, rows.quantity, rows.time_ms, rows.value, rows.received_ms, strict=True
        )
    ]


def clocks(ingest: StandInIngest) -> dict[str, list[int]]:
    """The receive times of each device in order of arrival."""
    found = defaultdict(list)
    for device, message in list(ingest.order):
        assert message.r is not None
        found[device].append(message.r)
    return found


def test_every_reading_arrives_once_with_its_times_though_the_replay_was_stopped(
    tmp_path: Path, broker: Broker, ingest: StandInIngest
) -> None:
    first = start(broker.url, tmp_path, 40_000)
    wait_until(lambda: len(ingest.order) > 300, "the replay runs")
    first.send_signal(signal.SIGINT)
    _, log = first.communicate(timeout=30)
    assert first.returncode == 1, log
    reached = json.loads((tmp_path / "agents" / "replay.json").read_text())["at_ms"]
    assert START_MS < reached < SAMPLE_END_MS
    second = start(broker.url, tmp_path, 0)
    _, log = second.communicate(timeout=120)
    assert second.returncode == 0, log
    assert sorted(ingest.readings()) == sorted(recorded())
    for device, told in clocks(ingest).items():
        assert told == sorted(told), device
        assert told[-1] == SAMPLE_END_MS
        steps = [b - a for a, b in pairwise(told)]
        assert max(steps) <= HOUR_MS, device
    # The devices are interleaved: none is ever more than some virtual hours ahead of another.
    latest = dict.fromkeys(clocks(ingest), START_MS)
    for device, message in ingest.order:
        assert message.r is not None
        latest[device] = message.r
        assert max(latest.values()) - min(latest.values()) < 14 * HOUR_MS
    again = start(broker.url, tmp_path, 0)
    _, log = again.communicate(timeout=60)
    assert again.returncode == 0, log
    assert len(ingest.readings()) == 24_067


def test_the_clock_waits_for_ingest(tmp_path: Path, broker: Broker, ingest: StandInIngest) -> None:
    ingest.answering = False
    process = start(broker.url, tmp_path, 0)
    wait_until(lambda: len(ingest.states) == 3, "all agents are connected")
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(3)
    process.send_signal(signal.SIGTERM)
    _, log = process.communicate(timeout=30)
    reached = json.loads((tmp_path / "agents" / "replay.json").read_text())["at_ms"]
    # The meter sends 60 messages an hour.
    assert reached - START_MS < (replay.QUEUED_MAX / 60 + 3) * HOUR_MS, log


def test_speed_is_that_of_the_virtual_clock(
    tmp_path: Path, broker: Broker, ingest: StandInIngest
) -> None:
    process = start(broker.url, tmp_path, 600)
    wait_until(lambda: len(ingest.order) > 30, "the replay runs")
    counted = clocks(ingest)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    # Ten virtual minutes a second: even the hourly station tells the time each tick.
    assert len(counted["laqn-marylebone"]) > 3
    steps = [b - a for a, b in pairwise(counted["laqn-marylebone"])]
    assert max(steps) < 30 * 60_000


def test_driver_gives_each_row_once_when_its_time_comes() -> None:
    table = load(sample_city.recording(), load_places(sample_city.places()))
    driver = replay.ReplayDriver(table, 0)
    assert driver.samples(START_MS) == []
    hour = driver.samples(1_407_114_000_000)  # 2014-08-04T01:00:00Z
    assert [sample.quantity for sample in hour] == ["co", "no2", "o3", "pm10", "pm25", "so2"]
    assert hour[0].value == 0.5172414
    assert hour[0].time_ms == hour[0].received_ms - HOUR_MS == 1_407_110_400_000
    assert driver.samples(1_407_114_000_000) == []
    assert driver.given == 6
    later = replay.ReplayDriver(table, 0, after_ms=1_407_114_000_000)
    assert len(later.samples(SAMPLE_END_MS)) == 1003 - 6


def test_end_lies_ten_minutes_after_the_full_hour() -> None:
    hour = 1_407_711_600_000
    assert end_of_recording_ms(hour - 1) == hour + 600_000
    assert end_of_recording_ms(hour) == hour + 600_000
    assert end_of_recording_ms(hour + 1) == hour + HOUR_MS + 600_000


def test_progress_of_another_recording_or_a_torn_file_is_ignored(tmp_path: Path) -> None:
    (tmp_path / "agents").mkdir()
    one, other = tmp_path / "one.csv", tmp_path / "other.csv"
    one.write_text("time,place,quantity,value\n1,d/s,pm25,1\n")
    other.write_text("time,place,quantity,value\n1,d/s,pm25,2\n")
    progress = replay.Progress(tmp_path, one)
    assert progress.load() is None
    progress.save(77)
    assert progress.load() == 77
    assert replay.Progress(tmp_path, other).load() is None
    progress.path.write_text('{"format": 1, "rec')
    assert progress.load() is None


@pytest.mark.parametrize("speed", [-1.0, 2e6, float("nan")])
def test_speeds_that_cannot_be_are_refused(tmp_path: Path, speed: float) -> None:
    with pytest.raises(SettingsError, match=r"--speed .* must lie between"):
        replay.run(sample_city.recording(), sample_city.places(), "mqtt://x", tmp_path, speed)


def test_a_broker_that_cannot_be_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"--broker http://x: .* must be mqtt://"):
        replay.run(sample_city.recording(), sample_city.places(), "http://x", tmp_path)
