"""Timeliness of a station, each hour of receipt: latency, lateness, repeats, order, suspects.

Cityvitals data quality 5.4. A window is the hour in which readings were received: the points say
how they came, so they follow from the receipts and not, as all others do, from the readings alone
(docs/decisions/0011).
"""

from typing import Any

import numba as nb
import numpy as np

from engine.catalogue import POSITION
from engine.changed import Reaching
from engine.deliveries import (
    AHEAD,
    DISORDER,
    DUPLICATE,
    LATE,
    RECEIVED,
    SUSPICIOUS,
    Deliveries,
    percentile_s,
)
from engine.family import NO_WINDOW, Bools, Integers, Result, Slots, blank
from engine.kernel import kernel
from engine.panes import Panes
from engine.quality import Completeness
from engine.registry import Registry

SHARES = (0.5, 0.95, 0.99)
"""Percentiles of latency that are told."""
NAMES = (
    "latency_p50", "latency_p95", "latency_p99", "late_share", "duplicate_rate",
    "out_of_order_rate", "clock_ahead_share", "suspect_share",
)


@kernel(nb.void(
    nb.int64[::1], nb.int64[::1], nb.int64[:, ::1], nb.uint32[:, :, ::1], nb.int64[:, :, ::1],
    nb.float64[:, ::1], nb.int64[::1],
))
def tell_hours(
    places: Any, windows: Any, hours: Any, latency: Any, counts: Any, out: Any, n: Any
) -> None:
    """What is told of k hours of places.

    places, windows: int64[k]. hours, latency, counts: as `count_deliveries`. out: float64[k, 8],
    in the order of `NAMES`, seconds and percent, NaN where nothing was received. n: int64[k], out,
    readings received; -2 where the hour is not known (any more). Cost: 3 * bins * k.
    """
    for k in range(places.shape[0]):
        place, at = places[k], windows[k] % hours.shape[1]
        out[k, :] = np.nan
        n[k] = NO_WINDOW
        if place >= hours.shape[0] or hours[place, at] != windows[k]:
            continue
        of = counts[place, at]
        received, repeated = of[RECEIVED], of[DUPLICATE]
        n[k] = received
        for i in range(3):
            out[k, i] = percentile_s(latency[place, at], SHARES[i])
        if received + repeated > 0:
            out[k, 4] = 100.0 * repeated / (received + repeated)
        if received > 0:
            out[k, 3] = 100.0 * of[LATE] / received
            out[k, 5] = 100.0 * of[DISORDER] / received
            out[k, 6] = 100.0 * of[AHEAD] / received
            out[k, 7] = min(100.0 * of[SUSPICIOUS] / received, 100.0)


class Timeliness(Completeness):
    """How the readings of a station came, each hour of receipt."""

    indicators = tuple(POSITION[f"dq.{name}"] for name in NAMES)

    def __init__(self, deliveries: Deliveries) -> None:
        super().__init__()
        self.deliveries = deliveries
        self._place: Integers = np.zeros(0, np.int64)

    def enrol(self, registry: Registry) -> None:
        """Take in all stations."""
        super().enrol(registry)
        self._place = np.array(self.members.places, np.int64)

    def touched(self, changed: Reaching, member_of: Slots) -> tuple[Integers, Integers]:
        """The newest hour of stations that were heard."""
        fresh = self.deliveries.fresh
        if not fresh.any():
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        known = np.less(self._place, len(fresh))
        members = np.nonzero(known & fresh[np.where(known, self._place, 0)])[0].astype(np.int64)
        fresh[:] = False
        return members, self.deliveries.hours[self._place[members]].max(axis=1)

    def speaks(self, members: Integers, windows: Integers, panes: Panes) -> Bools:
        """Where something was received, and is still known."""
        hours, places = self.deliveries.hours, self._place[members]
        if not len(hours) or not self.deliveries.counting:
            return np.zeros(len(members), np.bool_)
        known = np.less(places, len(hours))
        at = hours[np.where(known, places, 0), windows % hours.shape[1]]
        told: Bools = known & (at == windows)
        return told

    def compute(self, members: Integers, windows: Integers, now_min: int, panes: Panes) -> Result:
        """One row a station and hour."""
        result = blank(len(members), len(NAMES))
        n = np.empty(len(members), np.int64)
        of = self.deliveries
        tell_hours(
            self._place[members], windows, of.hours, of.latency, of.counts, result.value, n
        )
        result.n[:] = n[:, None]
        result.cov[:] = (n > 0)[:, None]
        result.weight = np.maximum(n, 0).astype(np.float64)
        return result
