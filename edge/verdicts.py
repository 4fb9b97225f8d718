"""What became of a reading: one closed list for counters, archive, page and docs.

Every reading that reaches ingest ends in exactly one verdict, and the counts of all verdicts
add up to the readings received. A message that cannot be read counts as one reading.
The numbers are stored in archives: never reuse one, only append.
"""

from enum import IntEnum


class Verdict(IntEnum):
    """One row of the closed list; `WORDS` explains each to a reader of the page."""

    APPLIED = 0
    LATE = 1
    TOO_LATE = 2
    DUPLICATE = 3
    CONFLICT = 4
    HELD_FUTURE = 5
    HELD_UNKNOWN = 6
    REFUSED_UNPARSABLE = 7
    REFUSED_OVERSIZED = 8
    REFUSED_TYPE = 9
    REFUSED_NOT_A_NUMBER = 10
    REFUSED_IMPOSSIBLE = 11
    REFUSED_TOPIC = 12
    REFUSED_QUANTITY = 13
    REFUSED_UNIT = 14
    REFUSED_TIME = 15
    REFUSED_BOUND = 16
    DROPPED_QUEUE = 17
    DROPPED_OUTBOX = 18
    DROPPED_HELD = 19

    @property
    def label(self) -> str:
        """The name used in counters, files and on the page, for example `refused_type`."""
        return self.name.lower()


WORDS: dict[Verdict, str] = {
    Verdict.APPLIED: "counted in its window on time",
    Verdict.LATE: "came after its window had closed; the window was restated",
    Verdict.TOO_LATE: "older than the horizon of 8 days; kept in the archive only",
    Verdict.DUPLICATE: "this message had been counted before",
    Verdict.CONFLICT: "same series and time with another value; the later message stands",
    Verdict.HELD_FUTURE: "time lies beyond now plus the limit; waits until its time comes",
    Verdict.HELD_UNKNOWN: "device is not in the places file; waits for `cityvitals place add`",
    Verdict.REFUSED_UNPARSABLE: "payload is not JSON of our wire format",
    Verdict.REFUSED_OVERSIZED: "payload is larger than the limit",
    Verdict.REFUSED_TYPE: "a key has the wrong type, or a needed key is missing",
    Verdict.REFUSED_NOT_A_NUMBER: "value is NaN, infinite or null",
    Verdict.REFUSED_IMPOSSIBLE: "value lies outside what the quantity can be",
    Verdict.REFUSED_TOPIC: "topic is not one of ours",
    Verdict.REFUSED_QUANTITY: "quantity is not in the table",
    Verdict.REFUSED_UNIT: "unit is not one the quantity accepts",
    Verdict.REFUSED_TIME: "time cannot be true (before the year 2000) or cannot be known",
    Verdict.REFUSED_BOUND: "a bound on devices or series is reached",
    Verdict.DROPPED_QUEUE: "the queue was full and the publisher used QoS 0",
    Verdict.DROPPED_OUTBOX: "the agent dropped it by its own policy and reported the range",
    Verdict.DROPPED_HELD: "waited, and went when too much waited; see docs/bounds.md",
}

COUNTED = frozenset({Verdict.APPLIED, Verdict.LATE})
"""The verdicts whose readings enter panes and so indicators."""
