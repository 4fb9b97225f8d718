"""The health object: ages against the line's clock, who is silent, and verdicts that add up."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ingest import health
from ingest.health import Health, ages
from ingest.line import Line
from tests.line_city import MINUTE_MS, MS, ROWS, START_MS, line_of, message, single, write_places

GOLDEN = Path(__file__).parent / "golden" / "health.json"
BROKER = {"url": "mqtt://127.0.0.1:1883", "connected": True, "since_ms": START_MS, "error": ""}


def take(line: Line, device: str, number: int, time_ms: int) -> None:
    line.take([message(device, single(number, time_ms=time_ms), time_ms)], time_ms * MS)


def by_path(line: Line, now_ms: int) -> dict[str, tuple[float, bool]]:
    keys = line.vitals.registry.keys
    return {keys[place].path: found for place, found in ages(line.vitals, now_ms * MS).items()}


def test_age_is_counted_from_when_the_next_reading_was_due(tmp_path: Path) -> None:
    write_places(tmp_path / "places.csv")
    line = line_of(tmp_path)
    take(line, "d1", 1, START_MS)
    limit_ms = MINUTE_MS + 3 * MINUTE_MS  # the period it stands for, then three periods
    assert by_path(line, START_MS + MINUTE_MS)["centre/s1"] == (0.0, True)
    assert by_path(line, START_MS + limit_ms)["centre/s1"] == (180.0, True)
    assert by_path(line, START_MS + limit_ms + 1000)["centre/s1"] == (181.0, False)
    assert by_path(line, START_MS)["centre/s2"] == (float("inf"), False)
    line.close()


def test_retired_and_moved_devices_leave_no_silent_station(tmp_path: Path) -> None:
    moved = replace(ROWS[2], valid_from_ms=START_MS, station="s4")
    retired = replace(ROWS[1], valid_from_ms=START_MS, status="retired")
    write_places(tmp_path / "places.csv", [*ROWS, moved, retired])
    line = line_of(tmp_path)
    assert set(by_path(line, START_MS - 1)) == {"centre/s1", "centre/s2", "centre/s3"}
    assert set(by_path(line, START_MS)) == {"centre/s1", "centre/s4"}
    line.close()


def test_a_clock_that_is_off_is_named_with_its_offset_and_how_sure_that_is(
    tmp_path: Path
) -> None:
    write_places(tmp_path / "places.csv")
    line = line_of(tmp_path)
    for number in range(1, 12):
        now_ms = START_MS + number * MINUTE_MS
        line.take([message("d1", single(number, time_ms=now_ms), now_ms),
                   message("d2", single(number, time_ms=now_ms - 400_000), now_ms)], now_ms * MS)
    said = Health(line, "wall").build(now_ns=now_ms * MS, queue=0, broker=BROKER, sinks=[])
    assert (said["clocks"]["known"], said["clocks"]["unset"], said["clocks"]["off"]) == (2, 0, 1)
    assert said["clocks"]["worst"][0] == {
        "device": "d2", "ahead_s": -400.0, "trust": "sure", "placed": 0}
    line.close()


def test_the_list_of_the_silent_is_bounded_and_their_count_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "SILENT_SHOWN", 2)
    write_places(tmp_path / "places.csv")
    line = line_of(tmp_path)
    take(line, "d1", 1, START_MS)
    now_ms = START_MS + 3_600_000
    said = Health(line, "wall").build(now_ns=now_ms * MS, queue=0, broker=BROKER, sinks=[])
    assert said["silent_count"] == 3
    assert [row["age_s"] for row in said["silent"]] == [1e9, 1e9]  # never heard comes first
    assert said["oldest_s"] == 3540.0
    line.close()


def test_the_object_is_the_one_that_is_documented(tmp_path: Path) -> None:
    write_places(tmp_path / "places.csv")
    line = line_of(tmp_path)
    take(line, "d1", 1, START_MS)
    line.take([message("d1", b"no", START_MS)], START_MS * MS)
    line.take([message("d9", single(1), START_MS)], START_MS * MS)
    said = Health(line, "wall").build(
        now_ns=START_MS * MS, queue=3, broker=BROKER, sinks=[{"name": "influxdb", "queued": 0}]
    )
    assert sum(said["verdicts"].values()) == said["received"] == 3
    said |= {"at_ms": 0, "started_ms": 0, "rss_mb": 0.0}  # of this run
    said["archive"] |= {"bytes": 0}
    got = msgspec.json.format(msgspec.json.encode(said), indent=1)
    assert got.decode() + "\n" == GOLDEN.read_text(encoding="utf-8")
    line.close()


def test_the_rate_is_of_the_last_ten_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = line_of(tmp_path)
    now = [100.0]
    monkeypatch.setattr(health.time, "monotonic", lambda: now[0])
    said = Health(line, "wall")

    def rate(received: int) -> float:
        line.counts[0] = received
        built: dict[str, Any] = said.build(now_ns=1, queue=0, broker=BROKER, sinks=[])
        return float(built["readings_per_s"])

    assert rate(0) == 0.0
    now[0] += 1
    assert rate(50) == 50.0
    now[0] += 20
    assert rate(50) == 0.0
    line.close()


def test_windows_that_are_left_out_are_counted_and_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    line = line_of(tmp_path)
    said = Health(line, "wall")
    line.vitals.windows[0].left_out, line.vitals.windows[1].left_out = 5, 2
    for _ in range(2):
        built = said.build(now_ns=1, queue=0, broker=BROKER, sinks=[])
        assert built["windows_left_out"] == 7
    (told,) = [row.getMessage() for row in caplog.records if "not computed" in row.getMessage()]
    assert told.startswith("7 windows")
    assert "cityvitals recompute" in told
    line.close()
