"""What ingest tells broker and agents of messages that its archive holds.

The broker is told of each message, the agents of the contiguous number of each device, both only
after the archive's fsync. What agents were not told, because a session ended just then, is told
again when the next one stands; if the broker has forgotten our session by then, they are asked
to send again what they lack an acknowledgement for.
"""

import logging
from collections import deque
from collections.abc import Iterable
from itertools import islice

from edge.connection import BrokerError, Connection
from edge.topics import acks
from edge.wire import Ack, encode_ack
from ingest.line import Line
from ingest.messages import Received
from ingest.publish_frames import Frames, acknowledgements

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

    def give(self, messages: Iterable[Received], told: Iterable[tuple[str, Ack]]) -> None:
        """Acknowledge `messages` to the broker, and tell the agents of `told`."""
        self._connection.acknowledge(message.receipt for message in messages if message.qos)
        self._tell(told)

    def give_frames(self, frames: Frames, told: Iterable[tuple[str, Ack]]) -> None:
        """As `give`, for frames: the broker is told of all in one write."""
        if frames.acknowledged:
            self._connection.acknowledge_all(frames.session, acknowledgements(frames))
        self._tell(told)

    def step(self) -> None:
        """In a new session: tell all devices again, some each time."""
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
