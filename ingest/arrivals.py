"""What arrived and waits for the loop, bounded: frames as they came, and single messages.

The network thread puts, the loop takes. What the tap diverts comes as frames of one read; what it
leaves to the MQTT client (a message larger than any that is taken in) comes alone. They are taken
in the order in which they came.
"""

import threading
from collections import deque

from ingest.messages import Received
from ingest.publish_frames import Frames, join, only_acknowledged

QUEUE_MAX = 200_000
QUEUE_BYTES_MAX = 256 << 20
"""Messages that wait for the loop; beyond, QoS 0 is dropped and counted. QoS 1 is bounded by
what the broker sends unacknowledged. One read more may wait."""
BATCH_MAX = 20_000
BATCH_BYTES_MAX = 8 << 20
"""Messages taken in at once: a byte of payload takes up to 25 bytes of columns."""

Arrived = list[Received] | Frames


class Arrivals:
    """The queue; `wake` is set when there is something to take."""

    def __init__(self, wake: threading.Event) -> None:
        self._wake = wake
        self._lock = threading.Lock()
        self._queue: deque[Received | Frames] = deque()
        self._count = 0
        self._dropped = 0
        self.bytes = 0
        self.held_back = 0

    def __len__(self) -> int:
        return self._count

    def _full(self) -> bool:
        return self._count + self.held_back >= QUEUE_MAX or self.bytes >= QUEUE_BYTES_MAX

    def put_message(self, message: Received) -> None:
        """Take in one message that the MQTT client read."""
        with self._lock:
            if message.qos == 0 and self._full():
                self._dropped += 1
                return
            self._put(message, 1, len(message.payload))

    def put_frames(self, frames: Frames) -> None:
        """Take in what one read brought."""
        with self._lock:
            if self._full():
                self._dropped += frames.count - frames.acknowledged
                if not frames.acknowledged:
                    return
                frames = only_acknowledged(frames)
            self._put(frames, frames.count, len(frames.data))

    def _put(self, one: Received | Frames, count: int, size: int) -> None:
        self._queue.append(one)
        self._count += count
        self.bytes += size
        self._wake.set()

    def take(self) -> tuple[Arrived, int]:
        """What came first, of one kind and session, up to the bounds of a batch; and how many
        messages were dropped since the last call."""
        with self._lock:
            taken = self._next()
            count = taken.count if isinstance(taken, Frames) else len(taken)
            self._count -= count
            dropped, self._dropped = self._dropped, 0
            if self._queue:
                self._wake.set()
        return taken, dropped

    def _next(self) -> Arrived:
        queue, count, size = self._queue, 0, 0
        messages: list[Received] = []
        parts: list[Frames] = []
        while queue:
            one = queue[0]
            if isinstance(one, Frames):
                more, length = one.count, len(one.data)
                other = bool(messages) or (parts and parts[0].session != one.session)
            else:
                more, length, other = 1, len(one.payload), bool(parts)
            full = count + more > BATCH_MAX or size + length > BATCH_BYTES_MAX
            if other or (count and full):
                break
            queue.popleft()
            if isinstance(one, Frames):
                parts.append(one)
            else:
                messages.append(one)
            count, size = count + more, size + length
        self.bytes -= size
        return join(parts) if parts else messages

    def unsafe(self) -> int:
        """Messages of QoS 0 that wait or were dropped and not told yet: nobody sends them again."""
        with self._lock:
            return self._dropped + sum(unsafe_of(one) for one in self._queue)


def unsafe_of(arrived: Arrived | Received) -> int:
    """How many messages of QoS 0 are among them."""
    if isinstance(arrived, Frames):
        return arrived.count - arrived.acknowledged
    if isinstance(arrived, Received):
        return int(arrived.qos == 0)
    return sum(message.qos == 0 for message in arrived)
