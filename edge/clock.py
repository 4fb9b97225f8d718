"""Whether the computer's clock is set, and how a message says that it is not.

A computer without a battery clock starts in 1970, or where it was switched off, until NTP has set
it. What is measured until then carries `n`, what the clock shows when the message is sent: the
receive time less the difference is then the time of the reading, however long it waited here. A
steady clock, which counts since the start of the computer and is never set, tells that difference.
"""

import ctypes
import logging
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from edge.grouping import Encoder

log = logging.getLogger(__name__)

UNKNOWN = -1
"""In place of `n` if the computer was started anew since: nobody knows how long that took."""
STEP_MS_MAX = 1000
"""A clock that is not set and moves by more against the steady one was moved by hand."""
_TIMEX_BYTES = 512
_UNSYNCHRONISED = 5
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_RTC = Path("/sys/class/rtc")
_MARK = b'"boot":"'
WRITTEN_S = 1_767_225_600
"""2026-01-01: no clock that is right shows an earlier time."""
EPOCHS_UNSET = 1_000_000_000
"""Epochs of clocks that are not set are drawn below this; those of set clocks, Unix seconds, lie
above."""


def kernel_says_set() -> bool:
    """Whether the kernel calls its clock synchronised (adjtimex(2)); True where it cannot say."""
    try:
        adjtimex = ctypes.CDLL(None).adjtimex
    except (OSError, AttributeError):
        return True
    # All zero asks and sets nothing; the struct has 208 bytes at most.
    return bool(adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES)) != _UNSYNCHRONISED)


def battery_says_set(classes: Path = _RTC, now_s: Callable[[], float] = time.time) -> bool:
    """Whether the kernel took its time from a battery clock that still runs.

    Virtual machines whose host keeps the time, and computers whose NTP the kernel is not told of,
    are never called synchronised, but begin with a time that is right within seconds. A battery
    clock that has lost its power shows a time before this program was written.
    """
    try:
        found = any(path.read_text(encoding="ascii").strip() == "1"
                    for path in classes.glob("*/hctosys"))
    except (OSError, UnicodeDecodeError):
        return False
    return found and now_s() >= WRITTEN_S


def clock_is_set() -> bool:
    """Whether the kernel, or a battery clock, vouches for the time."""
    return kernel_says_set() or battery_says_set()


def boot_id() -> str:
    """What tells one start of this computer from another; empty where nothing does."""
    try:
        return _BOOT.read_text(encoding="ascii").strip()[:8]
    except OSError:
        return ""


class DeviceClock:
    """The clock of one agent. Once it was set it is believed until the computer starts anew.

    mark: a file that remembers that, beside the outbox; after some hours without NTP the kernel
    calls its clock unsynchronised again, though it is off by less than a second.
    """

    def __init__(
        self, mark: Path | None = None, *, is_set: Callable[[], bool] = clock_is_set,
        steady: Callable[[], float] = time.monotonic, boot: str | None = None,
    ) -> None:
        self._mark = mark
        self._is_set = is_set
        self._steady = steady
        self._boot = boot_id() if boot is None else boot
        self._believed = False
        self._base_ms: int | None = None
        self._drawn = 1 + secrets.randbelow(EPOCHS_UNSET - 1)
        if mark is not None and mark.exists():
            self._believed = bool(self._boot) and self._read(mark) == self._boot

    @staticmethod
    def _read(mark: Path) -> str:
        try:
            return mark.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            return ""

    def believed(self) -> bool:
        """Whether times of now are true; asks the kernel until it is so."""
        if self._believed or not self._is_set():
            return self._believed
        self._believed = True
        if self._mark is not None and self._boot:
            try:
                self._mark.write_text(self._boot, encoding="ascii")
            except OSError as error:
                log.warning("%s: %s", self._mark, error.strerror)
        return True

    def epoch(self) -> float:
        """What a new epoch begins with: Unix seconds, or a drawn number if the clock is not set.

        A new outbox knows no earlier epoch. Were its first one told by a clock that starts at the
        same time again and again, it could be that of an outbox that was lost, and its messages
        would pass for repetitions.
        """
        return time.time() if self.believed() else self._drawn

    def moved(self, now_ms: int) -> bool:
        """Whether the clock was begun or moved since the last call: another stretch begins."""
        base_ms = now_ms - round(self._steady() * 1000)
        before, self._base_ms = self._base_ms, base_ms
        return before is None or abs(base_ms - before) > STEP_MS_MAX

    def stamped(self, encode: Encoder, now_ms: int) -> Encoder:
        """An encoder that adds what the clock, not set, and the steady one show now."""
        up_ms = round(self._steady() * 1000)

        def stamp(epoch: int, number: int) -> bytes:
            told = f',"n":{now_ms},"boot":"{self._boot}","up":{up_ms}}}'
            return encode(epoch, number)[:-1] + told.encode()

        return stamp

    def sent(self, payload: bytes) -> bytes:
        """What is sent of a stored payload: `n` as of now, without what only we understand."""
        if _MARK not in payload:
            return payload
        body: dict[str, Any] = msgspec.json.decode(payload)
        boot, up_ms = body.pop("boot"), body.pop("up")
        waited_ms = round(self._steady() * 1000) - up_ms
        known = boot == self._boot != "" and waited_ms >= 0
        body["n"] = body["n"] + waited_ms if known else UNKNOWN
        return msgspec.json.encode(body)
