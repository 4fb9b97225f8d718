"""The Plantower driver on captured bytes, on broken ones, and on a port that comes and goes."""

import csv
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.driver import DriverError, Sample
from edge.plantower import (
    BUFFER_BYTES_MAX,
    FRAME_BYTES,
    FrameError,
    FrameStream,
    PlantowerDriver,
    Reason,
    SerialLine,
    read_frame,
)

SAMPLES = Path(__file__).parent / "samples" / "plantower"
T = 1_763_836_000_000


def captured() -> list[bytes]:
    lines = (SAMPLES / "PMSx003.hexdump").read_text().splitlines()
    return [bytes.fromhex(line[10:].split("  ")[0]) for line in lines]


def expected() -> list[dict[str, str]]:
    with (SAMPLES / "PMSx003.csv").open() as file:
        return list(csv.DictReader(file, skipinitialspace=True))


FRAMES = captured()


def test_captured_frames_give_the_published_values() -> None:
    assert len(FRAMES) == 10
    for data, row in zip(FRAMES, expected(), strict=True):
        frame = read_frame(data)
        for name in ("raw01", "raw25", "raw10", "pm01", "pm25", "pm10"):
            assert getattr(frame, name) == float(row[name])
        for name in ("n0_3", "n0_5", "n1_0", "n2_5", "n5_0", "n10_0"):
            assert getattr(frame, name) / 100 == float(row[name])


@pytest.mark.parametrize(("name", "reason"), [
    ("PMSx003 short message", Reason.SHORT),
    ("PMSx003 wrong header", Reason.HEADER),
    ("PMSx003 wrong checksum", Reason.CHECKSUM),
    ("PMSx003 empty message", Reason.WARMING_UP),
    ("PMS3003 wrong checksum", Reason.HEADER),
    ("SDS01x wrong checksum", Reason.HEADER),
])
def test_bad_frames_have_their_reason(name: str, reason: Reason) -> None:
    rows = {row["id"]: row for row in json.loads((SAMPLES / "bad_frames.json").read_text())}
    with pytest.raises(FrameError) as caught:
        read_frame(bytes.fromhex(rows[name]["hex"]))
    assert caught.value.reason is reason


def test_every_single_wrong_byte_is_refused() -> None:
    for position in range(FRAME_BYTES):
        broken = bytearray(FRAMES[0])
        broken[position] ^= 0x01
        with pytest.raises(FrameError):
            read_frame(bytes(broken))


@given(st.data())
def test_stream_gives_the_same_frames_however_it_is_cut(data: st.DataObject) -> None:
    whole = b"".join(FRAMES)
    stream = FrameStream()
    found = []
    while whole:
        size = data.draw(st.integers(1, 100))
        found += stream.feed(whole[:size])
        whole = whole[size:]
    assert found == [read_frame(frame) for frame in FRAMES]
    assert not stream.rejected


@given(st.lists(st.binary(max_size=40).filter(lambda junk: b"B" not in junk), min_size=11,
                max_size=11))
def test_frames_are_found_between_junk(junk: list[bytes]) -> None:
    stream = FrameStream()
    mixed = b"".join(noise + frame for noise, frame in zip(junk, FRAMES, strict=False)) + junk[-1]
    assert stream.feed(mixed) == [read_frame(frame) for frame in FRAMES]


@given(st.binary(max_size=300))
def test_junk_never_raises_and_never_hides_what_follows(junk: bytes) -> None:
    """At most the junk's last header can swallow a frame, so the second one is always found."""
    stream = FrameStream()
    stream.feed(junk)
    assert read_frame(FRAMES[3]) in stream.feed(FRAMES[2] + FRAMES[3])


def test_frame_cut_short_does_not_swallow_the_next() -> None:
    stream = FrameStream()
    assert stream.feed(FRAMES[0][:20] + FRAMES[1]) == [read_frame(FRAMES[1])]
    assert stream.feed(FRAMES[2]) == [read_frame(FRAMES[2])]
    assert stream.rejected[Reason.CHECKSUM] == 1


def test_buffer_is_bounded() -> None:
    stream = FrameStream()
    stream.feed(b"B" * (10 * BUFFER_BYTES_MAX))
    assert len(stream._buffer) <= BUFFER_BYTES_MAX


class FakeLine:
    """A line that gives each chunk at one read, and fails on None."""

    def __init__(self, *chunks: bytes | None) -> None:
        self.chunks = list(chunks)
        self.closed = False

    def read(self) -> bytes:
        chunk = self.chunks.pop(0) if self.chunks else b""
        if chunk is None:
            raise OSError("device reports readiness to read but returned no data")
        return chunk

    def close(self) -> None:
        self.closed = True


def test_driver_gives_the_mean_of_a_period() -> None:
    line = FakeLine(FRAMES[0], FRAMES[1] + FRAMES[2], FRAMES[9], b"", FRAMES[9])
    driver = PlantowerDriver("x", 10.0, open_line=lambda _: line)
    assert driver.samples(T) == [Sample("pm25", T, 8.0), Sample("pm10", T, 8.0)]
    assert driver.samples(T + 4000) == []
    assert driver.samples(T + 10_000) == [
        Sample("pm25", T + 10_000, 6.3), Sample("pm10", T + 10_000, 6.3)
    ]
    assert driver.samples(T + 20_000) == [], "no frame came, so there is no reading"
    assert driver.samples(T + 21_000) == [
        Sample("pm25", T + 21_000, 5.0), Sample("pm10", T + 21_000, 5.0)
    ]
    driver.close()
    assert line.closed


def test_unplugged_sensor_is_silent_and_comes_back(caplog: pytest.LogCaptureFixture) -> None:
    now = [0.0]
    lines: list[Any] = [FakeLine(FRAMES[0], None), OSError("gone"), FakeLine(FRAMES[1])]

    def open_line(_port: str) -> FakeLine:
        found = lines.pop(0)
        if isinstance(found, OSError):
            raise found
        return found

    driver = PlantowerDriver("/dev/x", 1.0, open_line=open_line, monotonic=lambda: now[0])
    first = driver
    assert len(driver.samples(T)) == 2
    assert driver.samples(T + 1000) == []
    now[0] = 5.0
    assert driver.samples(T + 6000) == []
    now[0] = 10.0
    assert len(first.samples(T + 11_000)) == 2
    assert caplog.text.count("no sensor on /dev/x") == 1


def test_missing_pyserial_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "serial", None)
    with pytest.raises(DriverError, match=r"pip install .* '\.\[drivers\]'"):
        PlantowerDriver("/dev/x", 1.0)


def test_real_serial_line(tmp_path: Path) -> None:
    """pyserial on a pseudo-terminal."""
    import os
    import time

    pytest.importorskip("serial")
    ours, theirs = os.openpty()
    try:
        line = SerialLine(os.ttyname(theirs))
        assert line.read() == b""
        os.write(ours, FRAMES[0])
        data = b""
        deadline = time.monotonic() + 5
        while len(data) < FRAME_BYTES and time.monotonic() < deadline:
            data += line.read()
        assert data == FRAMES[0]
        line.close()
        with pytest.raises(OSError, match="no-such-port"):
            SerialLine(str(tmp_path / "no-such-port"))
    finally:
        os.close(ours)
        os.close(theirs)
