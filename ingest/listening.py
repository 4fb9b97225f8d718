"""When ingest has listened: after a restart nobody is silent for what it has not read yet.

While ingest was away, devices went on sending; what they sent waits at the broker and in their
outboxes, and comes oldest first. Until that is read, the age of a station says how far ingest has
got, not that the station is silent. So the time in which ingest could not hear does not count as
silence: a station that was silent before stays so, and one that has died since is found out once
it was listened to for as long as silence takes.
"""

import numpy as np
import numpy.typing as npt

from engine.vitals import Vitals

BACKLOG_NS = 10 * 1_000_000_000
"""A reading that is older when it comes, beyond the period it stands for, has waited somewhere."""
QUIET_NS = 35 * 1_000_000_000
"""Listening begins so long after the last that had waited: a broker may keep what a killed session
had not acknowledged for its `ack_wait` (30 s) before it sends it again."""
CATCH_UP_NS_MAX = 300 * 1_000_000_000
"""After so long it is the stations' fault, or the clock of a device that is slow for ever."""


class Listening:
    """The stretch in which ingest could not hear: from `ended_ns` until it has caught up."""

    def __init__(self, ended_ns: int) -> None:
        self.ended_ns = ended_ns
        self._started_ns = 0
        self._waited_ns = 0
        self._begun_ns = 0
        self._last_ns = np.zeros(0, np.int64)

    def look(self, vitals: Vitals, now_ns: int, *, connected: bool) -> None:
        """Once a second: whether readings still come that had waited, or none can come."""
        if self._begun_ns:
            return
        if not self._started_ns:
            self._started_ns = now_ns
            self._last_ns = vitals.series.last_ns[: len(vitals.registry.series)].copy()
        if not connected or self._backlog(vitals, now_ns) or not self._waited_ns:
            self._waited_ns = now_ns
        if now_ns > min(self._waited_ns + QUIET_NS, self._started_ns + CATCH_UP_NS_MAX):
            self._begun_ns = now_ns

    def _backlog(self, vitals: Vitals, now_ns: int) -> bool:
        """Whether the newest reading of a series came since the last look, and had waited."""
        used = len(vitals.registry.series)
        last_ns = vitals.series.last_ns[:used].copy()
        before = np.zeros(used, np.int64)
        before[: len(self._last_ns)] = self._last_ns[:used]
        self._last_ns = last_ns
        came = np.nonzero(last_ns > before)[0].astype(np.int32)
        seconds = np.full(len(came), now_ns // 1_000_000_000, np.int64)
        stands_ns = (vitals.registry.period_at(came, seconds) * 1e9).astype(np.int64)
        return bool((last_ns[came] + stands_ns < now_ns - BACKLOG_NS).any())

    def catching_up(self, now_ns: int) -> bool:
        """True until it has listened long enough to tell who is silent."""
        return not self._begun_ns and now_ns > self.ended_ns

    def unheard_ns(
        self, reached_ns: npt.NDArray[np.int64], now_ns: int
    ) -> npt.NDArray[np.int64]:
        """How much of the time from each instant until now ingest could not hear."""
        until_ns = min(self._begun_ns or now_ns, now_ns)
        away: npt.NDArray[np.int64] = np.maximum(
            until_ns - np.maximum(reached_ns, self.ended_ns), 0)
        return away


def after_restart(ended_ns: int, clock: str) -> Listening | None:
    """For an ingest whose last run ended then, 0 for a first one; None where nothing was missed.

    A recording's own clock stands while ingest is away.
    """
    return Listening(ended_ns) if ended_ns and clock != "recorded" else None
