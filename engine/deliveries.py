"""How readings came: latency, lateness, repeats and order, by station and hour of receipt.

Counted where a batch is folded in, so that a replay of the archive counts the same. An hour is
that in which a reading was received, in the station's standard time: nothing that comes later can
change it, so a ring of a few hours is enough, and what a sensor's clock says decides no window.
What is suspect is judged here in the order of arrival alone, by the rules of `engine.judge`: that
one may look again, when readings come late, and this count must be the same in every replay.
Recordings and simulated pasts have no receipts of their own: they are not counted (`counting`).
"""

from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from edge.places import PlaceKey
from edge.verdicts import Verdict
from engine.batch import Batch
from engine.judge import GAP_NS, LIMITS, OVER_S, RATE_S, RECENT, SPIKE_SUSPECT
from engine.kernel import inner, kernel, lean_inner
from engine.panes import MINUTE_NS
from engine.qartod import FAIL, MISSING, SUSPECT, rate_size
from engine.registry import Registry
from engine.series import STEADY, period_of

HOURS = 3
"""Hours kept: the present one, the one that closes, and one for a slow tick."""
STEPS = 8
"""Parts of an octave of latency: a percentile is off by an eighth at most, by 1 ms below 1 ms."""
OCTAVES = 30
"""From 1 ms to 12 days, more than the horizon."""
BINS = 1 + STEPS * OCTAVES
RECEIVED, LATE, AHEAD, DUPLICATE, DISORDER, SUSPICIOUS = range(6)
KINDS = 6
LATE_PERIODS = 2.0
AHEAD_NS = 2_000_000_000
"""A reading may be so far ahead of its receipt; beyond, a clock is wrong."""

Integers = npt.NDArray[np.int64]
_MS = 1e6
_ONE_MS = 1023 << 3
"""Exponent of 1.0, and three bits of its fraction, as they stand in a double."""
_APPLIED, _LATE, _TOO_LATE, _DUPLICATE = (
    int(Verdict.APPLIED), int(Verdict.LATE), int(Verdict.TOO_LATE), int(Verdict.DUPLICATE)
)
_i32, _i64 = nb.int32[::1], nb.int64[::1]
_table = (nb.int64[:, ::1], nb.uint32[:, :, ::1], nb.int64[:, :, ::1])


@lean_inner
def bin_of(latency_ns: int) -> int:
    """Bin of a latency: 0 below 1 ms, then eighths of octaves.

    The exponent of a double and the three bits after it are the octave and its eighth.
    """
    ms = latency_ns / _MS
    if ms < 1.0:
        return 0
    bits: Any = np.float64(ms).view(np.int64)
    return int(min(1 + (bits >> 49) - _ONE_MS, BINS - 1))


@kernel(nb.float64(nb.int64))
def edge_s(index: int) -> float:
    """Seconds at which a bin begins."""
    if index <= 0:
        return 0.0
    octave, step = (index - 1) // STEPS, (index - 1) % STEPS
    return float(2.0**octave * (1.0 + step / STEPS) / 1000.0)


@inner
def percentile_s(counts: Any, share: float) -> float:
    """Percentile of a histogram, seconds: readings lie evenly in their bin; NaN without any.

    counts: uint32[bins]. share: 0..1, position by Hyndman-Fan type 7. Cost: bins.
    """
    total = 0
    for index in range(counts.shape[0]):
        total += counts[index]
    if total == 0:
        return np.nan
    position = (total - 1) * share
    before = 0
    for index in range(counts.shape[0]):
        here = counts[index]
        if position < before + here:
            low, high = edge_s(index), edge_s(index + 1)
            return float(low + (high - low) * (position - before + 0.5) / here)
        before += here
    return float(edge_s(counts.shape[0]))


@lean_inner
def opened(place: int, hour: int, hours: Any, latency: Any, counts: Any) -> bool:
    """Make room for an hour of a place; False if a newer one has its room."""
    at = hour % hours.shape[1]
    if hours[place, at] > hour:
        return False
    if hours[place, at] < hour:
        hours[place, at] = hour
        for index in range(latency.shape[2]):
            latency[place, at, index] = 0
        for index in range(counts.shape[2]):
            counts[place, at, index] = 0
    return True


@lean_inner
def was_spike(row: Any, time_ns: int, value: float, limits: Any, own: int) -> bool:
    """Whether a reading shows the newest of its series to be a spike, suspect at least.

    row: RECENT, the newest and the one before it. limits: `engine.judge.LIMITS`, own: its row.
    """
    near = (row.before_ns != 0) & (row.time_ns - row.before_ns <= GAP_NS)
    near &= time_ns - row.time_ns <= GAP_NS
    up, down = row.value - row.before, row.value - value
    limit = limits[own, SPIKE_SUSPECT]
    # `spike_size` without a branch: what comes next is anyone's guess, the processor's too.
    return bool(near & (up * down > 0.0) & (abs(up) > limit) & (abs(down) > limit))


@lean_inner
def fast(row: Any, time_ns: int, value: float, limits: Any, own: int) -> bool:
    """Whether a reading came about too fast after the newest of its series."""
    near = (row.time_ns != 0) & (row.time_ns != time_ns) & (time_ns - row.time_ns <= GAP_NS)
    seconds = max((time_ns - row.time_ns) / 1e9, limits[own, OVER_S])
    return bool(near & (rate_size(row.value, value, seconds) > limits[own, RATE_S]))


@kernel(nb.void(
    _i32, _i32, _i64, nb.float64[::1], nb.uint8[::1], nb.uint8[::1], _i64, _i32, _i32, _i64,
    nb.from_dtype(STEADY)[::1], nb.int64[:, ::1], nb.float64[:, ::1], nb.float64[:, ::1],
    nb.from_dtype(RECENT)[::1], nb.boolean[::1], *_table,
), lean=True)
def count_deliveries(
    slot: Any, device: Any, time_ns: Any, value: Any, flag: Any, verdict: Any, received_ns: Any,
    place_of: Any, place_of_device: Any, shift: Any, steady: Any, since_s: Any, period_s: Any,
    limits: Any, newest: Any, fresh: Any, hours: Any, latency: Any, counts: Any,
) -> None:
    """Count a batch in its order.

    slot, device: int32[n], -1 none. time_ns, received_ns: int64[n]. value: float64[n]. flag,
    verdict: uint8[n]. place_of: int32[series], place_of_device: int32[devices], rows of places, -1
    none. shift: int64[places]. steady: STEADY[series]. since_s, period_s: as `period_of`. limits:
    float64[quantities, 4]. newest: RECENT[series], in and out. fresh: bool[places], out, heard.
    hours: int64[places, 3], latency: uint32[places, 3, bins], counts: int64[places, 3, kinds].
    O(1) a reading; readings of one station that come together find their hour once.
    """
    last_place, last_ns, at, room = nb.int64(-1), nb.int64(0), nb.int64(0), False
    for k in range(slot.shape[0]):
        told = verdict[k]
        if told > _DUPLICATE:
            continue
        s = slot[k]
        place = place_of[s] if s >= 0 else (place_of_device[device[k]] if device[k] >= 0 else -1)
        if place < 0:
            continue
        if place != last_place or received_ns[k] != last_ns:
            last_place, last_ns = nb.int64(place), received_ns[k]
            hour = (last_ns // MINUTE_NS + shift[place]) // 60
            at = hour % hours.shape[1]
            room = opened(place, hour, hours, latency, counts)
        if not room:
            continue
        fresh[place] = True
        if told == _DUPLICATE:
            counts[place, at, DUPLICATE] += 1
            continue
        counts[place, at, RECEIVED] += 1
        behind = last_ns - time_ns[k]
        if behind < -AHEAD_NS:
            counts[place, at, AHEAD] += 1
        else:
            latency[place, at, bin_of(behind)] += 1
        if s < 0:
            counts[place, at, LATE] += 1
            continue
        known = steady[s]
        period = known.period_s
        if time_ns[k] // 1_000_000_000 >= known.until_s:
            period = period_of(s, time_ns[k] // 1_000_000_000, since_s, period_s)
        counts[place, at, LATE] += (period > 0.0) & (behind > LATE_PERIODS * period * 1e9)
        bad = flag[k] == SUSPECT or flag[k] == FAIL
        row = newest[s]
        older = time_ns[k] < row.time_ns
        if older or flag[k] == FAIL or flag[k] == MISSING:
            counts[place, at, DISORDER] += int(older)
            counts[place, at, SUSPICIOUS] += int(bad)
            continue
        own = known.quantity
        bad |= fast(row, time_ns[k], value[k], limits, own)
        spike = (row.flag != SUSPECT) & was_spike(row, time_ns[k], value[k], limits, own)
        counts[place, at, SUSPICIOUS] += nb.int64(bad) + nb.int64(spike)
        row.before_ns, row.before = row.time_ns, row.value
        row.time_ns, row.value = time_ns[k], value[k]
        row.flag = nb.uint8(SUSPECT) if bad else nb.uint8(0)


class Deliveries:
    """The hours of all places, by their row; arrays as `count_deliveries`."""

    ARRAYS = ("hours", "latency", "counts", "newest")

    def __init__(self) -> None:
        self.counting = False
        self.hours: Integers = np.zeros((0, HOURS), np.int64)
        self.latency = np.zeros((0, HOURS, BINS), np.uint32)
        self.counts: Integers = np.zeros((0, HOURS, KINDS), np.int64)
        self.newest = np.zeros(0, RECENT)
        self.place_of: npt.NDArray[np.int32] = np.zeros(0, np.int32)
        self._place_of_device: npt.NDArray[np.int32] = np.zeros(0, np.int32)
        self._shift: Integers = np.zeros(0, np.int64)
        self._seen = (-1, -1)
        self.fresh = np.zeros(0, np.bool_)

    def fit(self, registry: Registry) -> None:
        """Make room for what the registry knows."""
        seen = (registry.version, len(registry.devices))
        if seen == self._seen:
            return
        self._seen = seen
        self.place_of = np.array([series.place for series in registry.series], np.int32)
        rows = [registry.rows_of.get(name, []) for name in registry.devices]
        self._place_of_device = np.array([
            registry.place_of.get(
                PlaceKey(own[-1].city, own[-1].district, own[-1].station), -1
            ) if own else -1 for own in rows
        ], np.int32)
        self._shift = np.array([
            registry.attributes[place].shift_min if place in registry.attributes else 0
            for place in range(len(registry.keys))
        ], np.int64)
        self.fresh = np.concatenate([
            self.fresh, np.zeros(max(len(registry.keys) - len(self.fresh), 0), np.bool_)
        ])
        for name in self.ARRAYS:
            old = getattr(self, name)
            count = len(registry.series) if name == "newest" else len(registry.keys)
            if count > len(old):
                room = max(count, min(2 * len(old), count + 4096))
                grown = np.zeros((room, *old.shape[1:]), old.dtype)
                grown[: len(old)] = old
                setattr(self, name, grown)

    def take(self, batch: Batch, registry: Registry) -> None:
        """Count a batch with all its verdicts."""
        if not self.counting or not len(batch):
            return
        self.fit(registry)
        each = batch.each_received_ns
        received_ns = np.full(len(batch), batch.received_ns) if each is None else each
        count_deliveries(
            batch.slot, batch.device, batch.time_ns, batch.value, batch.flag, batch.verdict,
            received_ns, self.place_of, self._place_of_device, self._shift, registry.steady,
            registry.since_s, registry.period_s, LIMITS, self.newest, self.fresh, self.hours,
            self.latency, self.counts,
        )

    def dump(self, places: int, series: int) -> dict[str, npt.NDArray[Any]]:
        """What a snapshot keeps."""
        return {
            name: getattr(self, name)[: series if name == "newest" else places]
            for name in self.ARRAYS
        }

    def restore(self, kept: dict[str, npt.NDArray[Any]]) -> None:
        """Rebuild from `dump`."""
        for name in self.ARRAYS:
            # A file forgets that records are aligned, and kernels take no others.
            own = np.zeros(kept[name].shape, getattr(self, name).dtype)
            own[...] = kept[name]
            setattr(self, name, own)
