"""Many frames at a time: rooms that are full, what is left to the general path, the fuzzer."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ingest.scan import Scanner
from tests.fuzz_frames import lane, run
from tests.line_city import START_MS, topic
from tests.mqtt_frames import frames, publish

ROOT = Path(__file__).resolve().parent.parent


def block(number: int, count: int) -> bytes:
    return publish(topic("d1"), json.dumps(
        {"e": 1, "s": number, "q": "pm25", "t0": START_MS, "dt": [0] * count, "v": [1] * count},
        separators=(",", ":")).encode(), mid=number)


def test_goes_on_where_messages_or_rows_had_no_more_room() -> None:
    known = lane().known
    found = frames(*(block(k, 20) for k in range(1, 8)))
    for scanner in (Scanner(known, rows=200, messages=50), Scanner(known, rows=5000, messages=2)):
        at, numbers, values = 0, [], 0
        rounds = 0
        while at < len(found.data):
            scanned, at = scanner.scan(found, at)
            assert len(scanned.value) <= 200
            numbers += scanned.messages["number"].tolist()
            values += len(scanned.value)
            rounds += 1
        assert (numbers, values) == (list(range(1, 8)), 140)
        assert rounds > 1


def test_a_payload_as_large_as_may_be_is_scanned_and_a_larger_one_is_not() -> None:
    scanner = Scanner(lane().known)
    head = len(publish(topic("d1"), b"x" * 65_536, mid=1)) - 65_536
    for size in (65_536, 65_537):
        raw = block(1, 4)
        payload = raw[raw.index(b"{") :]
        part = publish(topic("d1"), payload + b" " * (size - len(payload)), mid=1)
        assert len(part) == head + size
        scanned, _ = scanner.scan(frames(part))
        assert scanned.messages["rows"].tolist() == [4 if size == 65_536 else 0]
        assert len(scanned.received(0).payload) == size


def test_no_bytes_crash_the_scanner_or_make_it_read_too_far() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz_frames", "20261125", "20000"], cwd=ROOT,
        capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    scanned, fast = map(int, done.stdout.split())
    assert scanned >= 20_000
    assert fast > 1000


@pytest.mark.soak
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("seed", range(4))
def test_ten_million_frames(seed: int) -> None:
    scanned, fast = run(seed, 2_500_000)
    assert scanned >= 2_500_000
    assert fast > 100_000
