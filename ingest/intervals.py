"""Which messages have been taken in: interval sets per device and epoch.

Message numbers of an epoch begin at 1 and have no gaps, so almost all of an epoch is one
interval: kilobytes for ever.
"""

from bisect import bisect_right
from typing import Any

import numpy as np

from edge.wire import Ack

EPOCHS_MAX = 1000
"""Epochs remembered a device, those heard of last; an agent makes one at each unclean start."""
INTERVALS_MAX = 2_000
"""Intervals kept an epoch. An agent has at most 256 messages in flight, so it never makes as many;
of a publisher that leaves more gaps than this the oldest gap is taken as seen."""

DEVICE_INTERVALS_MAX = 4_000
"""Intervals kept a device, 64 KB; beyond, the gaps of the epoch heard of first count as seen."""


class Intervals:
    """A set of positive integers as sorted, disjoint, not adjacent closed intervals."""

    __slots__ = ("ends", "starts")

    def __init__(self, starts: list[int] | None = None, ends: list[int] | None = None) -> None:
        self.starts = starts or []
        self.ends = ends or []

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self.starts, number) - 1
        return at >= 0 and number <= self.ends[at]

    def add(self, first: int, last: int) -> int:
        """Add all numbers from `first` to `last`; returns how many of them are new."""
        starts, ends = self.starts, self.ends
        low = bisect_right(starts, first) - 1
        if low < 0 or ends[low] < first - 1:
            low += 1
        high = bisect_right(starts, last + 1)
        known = 0
        if low < high:
            known = sum(ends[low:high]) - sum(starts[low:high]) + high - low
            first = min(first, starts[low])
            last = max(last, ends[high - 1])
        starts[low:high] = [first]
        ends[low:high] = [last]
        if len(starts) > INTERVALS_MAX:
            del starts[1], ends[0]
        return last - first + 1 - known

    @property
    def contiguous(self) -> int:
        """The largest number up to which, from 1, none is missing; 0 if 1 is missing."""
        return self.ends[0] if self.starts and self.starts[0] <= 1 else 0


EPOCH, FIRST, LAST, KEPT = range(4)
"""Columns of `Seen.runs`."""


class Seen:
    """The intervals of all devices (registry rows) and epochs.

    runs: int64[devices, 4]: of each device the epoch that was heard of last, first and last number
    of its newest interval, and up to which the intervals here know of it; last 0: none. A kernel
    that finds the next number only moves `LAST` on. Every call here catches up first.
    """

    def __init__(self) -> None:
        self._sets: dict[int, dict[int, Intervals]] = {}
        self.runs = np.zeros((0, 4), np.int64)

    def fit(self, devices: int) -> None:
        """Have runs for so many devices."""
        if devices > len(self.runs):
            more = np.zeros((max(devices, 2 * len(self.runs)) - len(self.runs), 4), np.int64)
            self.runs = np.concatenate([self.runs, more])

    def _catch_up(self, device: int) -> None:
        if 0 <= device < len(self.runs):
            epoch, first, last, kept = self.runs[device].tolist()
            if last > kept:
                self._sets[device][epoch].add(first, last)
                self.runs[device, KEPT] = last

    def _catch_up_all(self) -> None:
        for device in np.nonzero(self.runs[:, LAST] > self.runs[:, KEPT])[0].tolist():
            self._catch_up(device)

    def has(self, device: int, epoch: int, number: int) -> bool:
        """Whether this message was taken in before."""
        self._catch_up(device)
        found = self._sets.get(device, {}).get(epoch)
        return found is not None and number in found

    def add(self, device: int, epoch: int, first: int, last: int) -> int:
        """Remember messages `first` to `last`; returns how many of them are new.

        Beyond `EPOCHS_MAX` the epoch is forgotten that was heard of first. A message of it that
        comes again is taken as new, and its agent, told a lower number than before, reports what
        it has freed: so nothing of it waits for ever.
        """
        self._catch_up(device)
        epochs = self._sets.setdefault(device, {})
        kept = epochs.get(epoch)
        if kept is None:
            kept = epochs[epoch] = Intervals()
            if len(epochs) > EPOCHS_MAX:
                del epochs[next(iter(epochs))]
        fresh = kept.add(first, last)
        if len(kept.starts) > 1:
            _close_gaps(epochs)
        if 0 <= device < len(self.runs):
            self.runs[device] = epoch, kept.starts[-1], kept.ends[-1], kept.ends[-1]
        return fresh

    def contiguous(self, device: int, epoch: int) -> int:
        """Up to which number, from 1, none of that device and epoch is missing."""
        self._catch_up(device)
        found = self._sets.get(device, {}).get(epoch)
        return found.contiguous if found else 0

    def ack(self, device: int, epoch: int, *, again: bool = False) -> Ack:
        """The acknowledgement of that device and epoch."""
        through = self.contiguous(device, epoch)
        found = self._sets.get(device, {}).get(epoch)
        highest = found.ends[-1] if found else 0
        return Ack(epoch, through, again, highest if highest > through else 0)

    def newest(self) -> list[tuple[int, int]]:
        """(device, newest epoch) of each device."""
        return [(device, max(epochs)) for device, epochs in self._sets.items()]

    def devices(self) -> set[int]:
        """The devices of which a message was taken in."""
        return set(self._sets)

    def dump(self) -> list[Any]:
        """For a snapshot: [device, epoch, starts, ends] of each set."""
        self._catch_up_all()
        return [
            [device, epoch, kept.starts, kept.ends]
            for device, epochs in self._sets.items()
            for epoch, kept in epochs.items()
        ]

    def restore(self, rows: list[Any]) -> None:
        """Rebuild from `dump`."""
        self.runs = np.zeros((0, 4), np.int64)
        for device, epoch, starts, ends in rows:
            self._sets.setdefault(device, {})[epoch] = Intervals(list(starts), list(ends))


def _close_gaps(epochs: dict[int, Intervals]) -> None:
    """Keep the intervals of a device within their bound."""
    size = sum(len(kept.starts) for kept in epochs.values())
    for kept in epochs.values():
        if size <= DEVICE_INTERVALS_MAX:
            return
        size -= len(kept.starts) - 1
        kept.starts[1:], kept.ends[:-1] = [], []
