"""Plantower PMS1003, PMS5003, PMS7003 and PMSA003: fine dust over a serial line.

Frames of 32 bytes as in the PMS5003 series data manual V2.5, appendix I: `BM`, the length 28,
13 big-endian words, and a checksum, at 9600 baud. We report the values "under atmospheric
environment" (words 4 to 6), not the factory ones (CF=1).
"""

import logging
import struct
import time
from collections import Counter
from collections.abc import Callable
from enum import Enum
from typing import NamedTuple, Protocol

from edge.driver import DriverError, Sample
from edge.settings import Section

HEADER = b"BM\x00\x1c"
FRAME_BYTES = 32
BUFFER_BYTES_MAX = 4096
BAUD = 9600
REOPEN_S = 5.0

log = logging.getLogger(__name__)


class Reason(Enum):
    """Why bytes were not taken as a frame."""

    SHORT = "short"
    HEADER = "header"
    CHECKSUM = "checksum"
    WARMING_UP = "warming_up"


class FrameError(ValueError):
    """Bytes that are no measurement; `reason` says why."""

    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class Frame(NamedTuple):
    """One measurement: µg/m³ with the factory factor and in air, then particles per 0.1 litre
    larger than 0.3, 0.5, 1, 2.5, 5 and 10 µm."""

    raw01: int
    raw25: int
    raw10: int
    pm01: int
    pm25: int
    pm10: int
    n0_3: int
    n0_5: int
    n1_0: int
    n2_5: int
    n5_0: int
    n10_0: int


def read_frame(data: bytes) -> Frame:
    """Read exactly one frame. Raises `FrameError`."""
    if data[: len(HEADER)] != HEADER[: len(data)]:
        raise FrameError(Reason.HEADER, f"header {data[:4].hex()} is not {HEADER.hex()}")
    if len(data) < FRAME_BYTES:
        raise FrameError(Reason.SHORT, f"{len(data)} bytes, a frame has {FRAME_BYTES}")
    *words, _version, checksum = struct.unpack(">14H", data[4:FRAME_BYTES])
    total = sum(data[: FRAME_BYTES - 2])
    if checksum != total:
        raise FrameError(Reason.CHECKSUM, f"checksum {checksum} is not {total}")
    if not any(words):
        raise FrameError(Reason.WARMING_UP, "all values are 0: the sensor is warming up")
    return Frame(*words)


class FrameStream:
    """Finds frames in a stream that may hold anything; `rejected` counts what was not one."""

    def __init__(self) -> None:
        self.rejected: Counter[Reason] = Counter()
        self._buffer = b""

    def feed(self, data: bytes) -> list[Frame]:
        """Take the next bytes and return the frames completed by them."""
        self._buffer += data
        frames = []
        while True:
            start = self._buffer.find(HEADER)
            if start < 0:
                self._skip(max(0, len(self._buffer) - len(HEADER) + 1))
                break
            self._skip(start)
            if len(self._buffer) < FRAME_BYTES:
                break
            try:
                frames.append(read_frame(self._buffer[:FRAME_BYTES]))
            except FrameError as error:
                self.rejected[error.reason] += 1
                # A frame cut short is followed by a whole one: only its header is skipped.
                whole = error.reason is Reason.WARMING_UP
                self._buffer = self._buffer[FRAME_BYTES if whole else len(HEADER) :]
            else:
                self._buffer = self._buffer[FRAME_BYTES:]
        self._buffer = self._buffer[-BUFFER_BYTES_MAX:]
        return frames

    def _skip(self, count: int) -> None:
        if count:
            self.rejected[Reason.HEADER] += 1
            self._buffer = self._buffer[count:]


class PlantowerSettings(Section):
    """The `[driver]` table for `kind = "plantower"`."""

    port: str = "/dev/ttyUSB0"


class Line(Protocol):
    """A serial line: gives what has arrived, without waiting."""

    def read(self) -> bytes:
        """The bytes that have arrived. Raises OSError if the line is gone."""

    def close(self) -> None:
        """Let go of the line."""


class SerialLine:
    """A serial port at 9600 baud, by pyserial."""

    def __init__(self, port: str) -> None:
        """Open `port`. Raises `DriverError` without pyserial and OSError without the port."""
        try:
            import serial  # noqa: PLC0415  # an extra: only a machine with a sensor has it
        except ImportError:
            text = ("reading a serial sensor needs pyserial; in the project: "
                    "pip install -c constraints.txt '.[drivers]'")
            raise DriverError(text) from None
        # SerialException is an OSError; what the port cannot do is a ValueError.
        try:
            self._port = serial.Serial(port, BAUD, timeout=0)
        except ValueError as error:
            raise DriverError(f"port = {port!r}: {error}") from None

    def read(self) -> bytes:
        """The bytes that have arrived. Raises OSError if the port is gone."""
        data: bytes = self._port.read(BUFFER_BYTES_MAX)
        return data

    def close(self) -> None:
        """Let go of the port."""
        self._port.close()


class PlantowerDriver:
    """Gives pm25 and pm10 in µg/m³ each `period_s`: the mean of the frames that came in it.

    An unplugged sensor has no samples; its port is tried again every 5 s.
    """

    def __init__(
        self, port: str, period_s: float, *,
        open_line: Callable[[str], Line] = SerialLine,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Open the port. Raises `DriverError` if pyserial is missing."""
        self.stream = FrameStream()
        self._port = port
        self._period_ms = round(period_s * 1000)
        self._open_line = open_line
        self._monotonic = monotonic
        self._line: Line | None = None
        self._frames: list[Frame] = []
        self._due_ms = 0
        self._reopen_at_s = monotonic()
        self._lost = False
        self._open()

    def _open(self) -> None:
        try:
            self._line = self._open_line(self._port)
        except OSError as error:
            self._lose(error)
        else:
            self._lost = False
            log.info("sensor on %s", self._port)

    def _lose(self, error: OSError) -> None:
        if not self._lost:
            log.warning("no sensor on %s: %s", self._port, error)
        self._lost = True
        self._reopen_at_s = self._monotonic() + REOPEN_S
        if self._line is not None:
            self._line.close()
            self._line = None

    def samples(self, now_ms: int) -> list[Sample]:
        """The means of the period that ended, at `now_ms`; empty if none is due or none came."""
        if self._line is None and self._monotonic() >= self._reopen_at_s:
            self._open()
        if self._line is not None:
            try:
                self._frames += self.stream.feed(self._line.read())
            except OSError as error:
                self._lose(error)
        if now_ms < self._due_ms or not self._frames:
            return []
        frames, self._frames = self._frames, []
        self._due_ms = now_ms - now_ms % self._period_ms + self._period_ms
        count = len(frames)
        return [
            Sample("pm25", now_ms, round(sum(frame.pm25 for frame in frames) / count, 1)),
            Sample("pm10", now_ms, round(sum(frame.pm10 for frame in frames) / count, 1)),
        ]

    def close(self) -> None:
        """Let go of the port."""
        if self._line is not None:
            self._line.close()
            self._line = None
