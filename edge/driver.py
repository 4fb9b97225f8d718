"""What a sensor is to the agent: something that has samples due now."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class Sample(NamedTuple):
    """One reading as a driver gives it; times are Unix ms UTC.

    `unit` None means the quantity's canonical unit; `flag` is a QARTOD flag (1 good, 3 suspect,
    4 bad). `received_ms` is set by a replay: when the recorder had received the reading.
    """

    quantity: str
    time_ms: int
    value: float
    unit: str | None = None
    channel: str | None = None
    flag: int | None = None
    received_ms: int | None = None


class DriverError(Exception):
    """A driver that cannot start; the text says what its owner must do."""


class Driver(Protocol):
    """Reads one sensor or several. A driver never blocks and never raises while it runs:
    a sensor that is silent or unplugged simply has no samples until it is back."""

    def samples(self, now_ms: int) -> Sequence[Sample]:
        """What is due at `now_ms` (Unix ms UTC); may be empty."""

    def close(self) -> None:
        """Let go of the sensor."""
