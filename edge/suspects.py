"""Finds the one message on which a broker cuts the connection.

After a cut the unconfirmed messages go one at a time. A message is condemned when it was alone in
flight at its third cut, in a session in which the broker had confirmed another message of ours:
a broker that cuts on everything, because its disk is full or the user may not write, is no fault
of a message.
"""

CUTS_MAX = 3


class Suspects:
    """Keys of messages that may be at fault, and how often each was unconfirmed at a cut."""

    def __init__(self) -> None:
        self._cuts: dict[int, int] = {}
        self._witnessed = False

    def __len__(self) -> int:
        return len(self._cuts)

    def confirmed(self, key: int) -> None:
        """The broker took this one, and so takes messages."""
        self._cuts.pop(key, None)
        self._witnessed = True

    def forget(self, key: int) -> None:
        """The message is gone."""
        self._cuts.pop(key, None)

    def cut(self, unconfirmed: set[int]) -> int | None:
        """A session ended with these unconfirmed; returns the key that is at fault, if known."""
        witnessed, self._witnessed = self._witnessed, False
        for key in unconfirmed:
            self._cuts[key] = self._cuts.get(key, 0) + 1
        if witnessed and len(unconfirmed) == 1:
            (key,) = unconfirmed
            if self._cuts[key] >= CUTS_MAX:
                self.forget(key)
                return key
        return None

    def next(self) -> tuple[int, bool]:
        """The key to send alone, and whether another message must be confirmed before it."""
        key = min(self._cuts)
        return key, self._cuts[key] >= CUTS_MAX - 1 and not self._witnessed

    def cuts(self, key: int) -> int:
        """How often the message was unconfirmed at a cut."""
        return self._cuts.get(key, 0)
