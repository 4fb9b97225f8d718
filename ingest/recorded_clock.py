"""The clock of a recording: the receive time of the device that is least far.

Messages of a replay carry `r`, when the recording received them. A reading is taken in when the
clock reaches its `r`, in the order of `r`, so that no device is late because another's messages
travel faster. Windows close in steps on one grid, whatever the speed: replay and `compute` then
give every reading the same verdict. Messages wait here unacknowledged, so the broker and the
agents' outboxes hold them.
"""

import heapq
import time
from collections.abc import Iterator, Sequence

from engine.registry import Registry
from ingest.admission import Opened
from ingest.line import recorded_ns
from ingest.messages import source_of

STEP_NS = 600 * 1_000_000_000
"""Windows close every ten minutes of recorded time: readings received in a step are judged by
what had closed when it began. The minute ring must never be overrun between two ticks."""
QUORUM_S_MAX = 10.0
"""The clock starts when every placed device was heard, or after this long."""


def step_start_ns(received_ns: int) -> int:
    """Start of the step that holds a receive time: the clock ticks there, before its readings."""
    return received_ns // STEP_NS * STEP_NS


class RecordedClock:
    """Puts messages of many devices in order of their recorded receive time."""

    def __init__(self, registry: Registry, now_ns: int) -> None:
        self._registry = registry
        self.now_ns = now_ns
        self._reached: dict[str, int] = {}
        self._waiting: list[tuple[int, int, Opened]] = []
        self._count = 0
        self._heard_s = 0.0

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, message: Opened) -> None:
        """Take in one message."""
        received_ns = recorded_ns(message)
        source = source_of(message.received.topic)
        if source is not None and received_ns and source.device in self._registry.rows_of:
            reached = self._reached.get(source.device, 0)
            self._reached[source.device] = max(reached, received_ns)
            self._heard_s = self._heard_s or time.monotonic()
        self._count += 1
        # What cannot be read has no time of its own; a clock that has not started has none.
        opened = message._replace(received_ns=received_ns or self.now_ns)
        heapq.heappush(self._waiting, (opened.received_ns, self._count, opened))

    def steps(self) -> Iterator[tuple[int, Sequence[Opened]]]:
        """What the clock has reached: (time of the tick before, messages in order)."""
        clock_ns = max(self._clock_ns(), self.now_ns)
        while self._waiting and self._waiting[0][0] <= clock_ns:
            start_ns = step_start_ns(self._waiting[0][0])
            last_ns = min(clock_ns, start_ns + STEP_NS - 1)
            messages = []
            while self._waiting and self._waiting[0][0] <= last_ns:
                messages.append(heapq.heappop(self._waiting)[2])
            self.now_ns = max(self.now_ns, messages[-1].received_ns)
            yield start_ns, messages
        self.now_ns = clock_ns
        yield step_start_ns(clock_ns), ()

    def _clock_ns(self) -> int:
        if not self._reached:
            return 0
        missing = set(self._registry.rows_of) - set(self._reached)
        if missing and time.monotonic() < self._heard_s + QUORUM_S_MAX:
            return 0
        return min(self._reached.values())
