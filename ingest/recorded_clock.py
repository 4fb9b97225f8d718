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

from edge.wire import Message
from engine.registry import Registry
from ingest.admission import Opened
from ingest.intervals import Intervals, Seen
from ingest.messages import drops_of, source_of

STEP_NS = 600 * 1_000_000_000
"""Windows close every ten minutes of recorded time: readings received in a step are judged by
what had closed when it began. The minute ring must never be overrun between two ticks."""
QUORUM_S_MAX = 10.0
"""The clock starts when every placed device was heard, or after this long."""
STALL_S_MAX = 120.0
"""After a restart it waits longer: for what agents send again of what was not acknowledged, four
times their `resend_s`. After this long without a step it goes on without what is missing."""


def step_start_ns(received_ns: int) -> int:
    """Start of the step that holds a receive time: the clock ticks there, before its readings."""
    return received_ns // STEP_NS * STEP_NS


class _Course:
    """How far one device has told its recording: up to the first message that is missing."""

    def __init__(self) -> None:
        self.reached_ns = 0
        self._numbers: dict[int, Intervals] = {}
        self._ahead: dict[int, dict[int, int]] = {}

    def note(self, message: Message, received_ns: int, contiguous: int) -> None:
        """Take note of a message; `contiguous` is what the archive has of its epoch."""
        numbers = self._epoch(message.e, contiguous)
        numbers.add(message.s, message.s)
        for epoch, first, last in drops_of(message) or ():
            self._epoch(epoch, 0).add(first, last)
        ahead = self._ahead.setdefault(message.e, {})
        ahead[message.s] = received_ns
        for number in [number for number in ahead if number <= numbers.contiguous]:
            self.reached_ns = max(self.reached_ns, ahead.pop(number))

    def give_up(self) -> None:
        """Do not wait for what is missing."""
        for ahead in self._ahead.values():
            for number in list(ahead):
                self.reached_ns = max(self.reached_ns, ahead.pop(number))

    def _epoch(self, epoch: int, contiguous: int) -> Intervals:
        numbers = self._numbers.setdefault(epoch, Intervals())
        if contiguous:
            numbers.add(1, contiguous)
        return numbers


class RecordedClock:
    """Puts messages of many devices in order of their recorded receive time."""

    def __init__(self, registry: Registry, seen: Seen, now_ns: int) -> None:
        self._registry = registry
        self._seen = seen
        self.now_ns = now_ns
        self._courses: dict[str, _Course] = {}
        self._waiting: list[tuple[int, int, Opened]] = []
        self._count = 0
        self._moved_s = 0.0
        self._patience_s = STALL_S_MAX if now_ns else QUORUM_S_MAX
        self._excused: set[str] = set()
        if now_ns:  # after a restart only those are waited for that were heard before
            heard = seen.devices()
            self._excused = {
                name for name in registry.rows_of if registry.device_of.get(name) not in heard
            }

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, message: Opened) -> None:
        """Take in one message."""
        received_ns = _recorded_ns(message)
        source = source_of(message.received.topic)
        content = message.content
        if (source is not None and isinstance(content, Message)
                and source.device in self._registry.rows_of):
            row = self._registry.device_of.get(source.device, -1)
            course = self._courses.setdefault(source.device, _Course())
            course.note(content, received_ns, self._seen.contiguous(row, content.e))
            self._moved_s = self._moved_s or time.monotonic()
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
        if clock_ns > self.now_ns or not self._waiting:
            self._moved_s = time.monotonic()
        self.now_ns = clock_ns
        yield step_start_ns(clock_ns), ()

    def _clock_ns(self) -> int:
        """The time that all devices have reached; 0 while some are missing."""
        courses, placed = self._courses, self._registry.rows_of
        if self._moved_s and time.monotonic() > self._moved_s + self._patience_s:
            self._moved_s, self._patience_s = time.monotonic(), STALL_S_MAX
            self._excused |= placed.keys() - courses.keys()
            for course in courses.values():
                course.give_up()
        if not courses or any(d not in courses and d not in self._excused for d in placed):
            return 0
        return min(course.reached_ns for course in courses.values())

def _recorded_ns(message: Opened) -> int:
    """Receive time that a message of a recording carries, Unix ns; 0 if it carries none."""
    content = message.content
    return content.r * 1_000_000 if isinstance(content, Message) and content.r else 0
