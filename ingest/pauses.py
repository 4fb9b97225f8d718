"""How long ingest's loop waits, so that what is done once is done for many readings.

Each batch has costs of its own, as each telling of the latest readings to the store has. Waiting
shares them out, and makes a reading later on the page; so where there is little, nothing waits.
"""

BUSY, DENSE, FULL = 1_000, 10_000, 100_000
BUSY_S, DENSE_S, FULL_S = 0.004, 0.016, 0.032
"""After a batch that came at so many messages a second the next begins so much after it began."""
ANSWERED_MIN = 50
"""At QoS 1 the broker waits for our answers: that long only for dense traffic, by `BUSY_S` at most,
and not for a broker that sends fewer messages at once."""
READINGS_S_MIN, READINGS_S_MAX = 0.04, 1.0
READINGS_SHARE, READINGS_SHARE_FULL = 0.2, 0.01
"""Latest readings go to the store every 40 ms; in a large city, where that takes more than a fifth
of a processor, more rarely, up to once a second. Above `FULL` readings a second, which need the
processor more, no more than a hundredth."""
OPEN_SHARE, OPEN_SHARE_FULL = 0.25, 0.03
"""Windows in progress take no more than a quarter of a processor, and above `FULL` readings a
second a thirtieth."""
OPEN_TOLD_PER_S, OPEN_TOLD_S_MAX = 30_000, 0.5
"""Points of theirs a second: each costs a page 5 us. Those of a minute that begins, when all
change, delay what follows by half a second at most."""


def open_s(every_s: float, took_s: float, told: int, per_s: float) -> float:
    """How long to wait until windows in progress are computed again, `every_s` at least, by how
    long the last time took, how many points were told, and how many readings come a second."""
    share = OPEN_SHARE_FULL if per_s >= FULL else OPEN_SHARE
    return max(every_s, took_s / share, min(told / OPEN_TOLD_PER_S, OPEN_TOLD_S_MAX))


def readings_s(took_s: float, per_s: float) -> float:
    """How long to wait until latest readings are told again, by how long the last time took and
    how many readings come a second."""
    share = READINGS_SHARE_FULL if per_s >= FULL else READINGS_SHARE
    return min(max(READINGS_S_MIN, took_s / share), READINGS_S_MAX)


def batch_s(count: int, acknowledged: int, since_s: float) -> float:
    """How long after its begin a batch of `count` messages, `acknowledged` of them at QoS 1, is
    followed by the next; it began `since_s` after the one before."""
    if acknowledged:
        return BUSY_S if count >= max(DENSE * since_s, ANSWERED_MIN) else 0.0
    if count >= FULL * since_s:
        return FULL_S
    if count >= DENSE * since_s:
        return DENSE_S
    return BUSY_S if count >= BUSY * since_s else 0.0
