"""What ingest tells broker and agents of messages that its archive holds.

The broker is told of each message, the agents of the contiguous number of each device, both only
after the archive's fsync. An agent that was told just now waits a moment for the next word, which
then covers more, unless it sends so much that it might wait for us. What agents were not told,
because a session ended just then, is told again when the next one stands; if the broker has
forgotten our session by then, they are asked to send again what they lack an acknowledgement for.
"""

import logging
import time
from collections import deque
from collections.abc import Iterable
from itertools import islice

from edge.connection import BrokerError, Connection
from edge.topics import acks
from edge.wire import Ack, encode_ack
from ingest.line import Heard, Line
from ingest.messages import Received
from ingest.publish_frames import Frames, acknowledgements

TELL_S = 0.2
TELL_MESSAGES = 64
"""Agents are told that often at most, or when so many messages came of each that is to be told: a
quarter of what an agent sends ahead."""
AGAIN_MAX = 500
"""Devices told again in one round of the loop, so that their answers come spread over time."""

log = logging.getLogger(__name__)


class Receipts:
    """Gives receipts on one connection, from the loop's thread."""

    def __init__(self, connection: Connection, line: Line) -> None:
        self._connection = connection
        self._line = line
        self._session = 0
        self._repeat: deque[tuple[str, Ack]] = deque()
        self._heard: Heard = set()
        self._messages = 0
        self._told_s = 0.0

    def give(self, messages: Iterable[Received], heard: Heard) -> None:
        """Acknowledge `messages` to the broker, and soon to the agents that were heard."""
        receipts = [message.receipt for message in messages if message.qos]
        self._connection.acknowledge(receipts)
        self._heard |= heard
        self._messages += len(receipts)

    def give_frames(self, frames: Frames, heard: Heard) -> None:
        """As `give`, for frames: the broker is told of all in one write."""
        if frames.acknowledged:
            self._connection.acknowledge_all(frames.session, acknowledgements(frames))
        self._heard |= heard
        self._messages += frames.acknowledged

    def flush(self) -> None:
        """Tell the agents that were heard."""
        heard, self._heard, self._messages = self._heard, set(), 0
        if heard:
            self._told_s = time.monotonic()
            self._tell(self._line.acks(heard))

    def step(self) -> None:
        """Tell whom it is time to tell. In a new session: all devices again, some each time."""
        many = self._messages >= TELL_MESSAGES * len(self._heard)
        if many or time.monotonic() >= self._told_s + TELL_S:
            self.flush()
        connection = self._connection
        if not connection.ready:
            return
        if connection.session != self._session:
            self._session = connection.session
            self._begin(again=not connection.session_present)
        count = min(AGAIN_MAX, len(self._repeat))
        if count and self._tell(islice(self._repeat, count)):
            for _ in range(count):
                self._repeat.popleft()

    def _begin(self, *, again: bool) -> None:
        devices, seen = self._line.vitals.registry.devices, self._line.seen
        self._repeat = deque(
            (devices[device], seen.ack(device, epoch, again=again))
            for device, epoch in seen.newest()
        )
        if again and self._repeat:
            log.warning(
                "the broker has forgotten our session; %d devices are asked to send again what "
                "was not acknowledged", len(self._repeat),
            )

    def _tell(self, told: Iterable[tuple[str, Ack]]) -> bool:
        """QoS 0: a lost word is made good by the next one, or when the agent sends again.

        Returns False if the session has ended; in the next one all is told again.
        """
        try:
            self._connection.publish_all((acks(device), encode_ack(ack)) for device, ack in told)
        except BrokerError:
            return False
        return True
