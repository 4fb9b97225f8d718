"""Finds the message that a broker confirms and does not deliver.

A broker of MQTT 3.1.1 confirms also what it throws away: too large, or not permitted. Whoever
judged by time would also condemn what waits in a queue or for its redelivery. So the oldest
message is sent again, and behind it a witness: a message that has never been sent before. A
broker keeps the order of a publisher; if ingest has the witness, and some time later still not
what was sent before it, that was thrown away, or lost with an ingest that was killed just then.
Three times in turn, and it is the message.
"""

from edge.message_keys import split_key

SWALLOWED_MAX = 3


class Swallowed:
    """The message under suspicion, and how often it was missing where its witness was not."""

    def __init__(self) -> None:
        self.key: int | None = None
        self.witness: int | None = None
        self._arrived = False
        self._missing = 0

    def ask(self, key: int) -> bool:
        """`key` is to be sent again; returns True if it was swallowed and must be set aside."""
        if key != self.key:
            self.forget()
            self.key = key
        elif self._arrived:
            self._missing += 1
            self.witness, self._arrived = None, False
        return self._missing >= SWALLOWED_MAX

    def answered(self, epoch: int, highest: int) -> bool:
        """Ingest has message `highest` of `epoch`; returns True if that is news of a witness."""
        if self.witness is None or self._arrived:
            return False
        of, number = split_key(self.witness)
        self._arrived = epoch == of and highest >= number
        return self._arrived

    def freed(self, first: int, last: int) -> None:
        """Ingest has all messages with keys from `first` to `last`."""
        if self.key is not None and first <= self.key <= last:
            self.forget()

    def new_session(self) -> None:
        """What was sent in another session, and in which order, says nothing in this one."""
        self.witness, self._arrived = None, False

    def forget(self) -> None:
        """Nothing is under suspicion."""
        self.key = self.witness = None
        self._arrived = False
        self._missing = 0
