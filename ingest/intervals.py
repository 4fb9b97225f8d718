"""Which messages have been taken in: interval sets per device and epoch.

Message numbers of an epoch begin at 1 and have no gaps, so almost all of an epoch is one
interval: kilobytes for ever.
"""

from bisect import bisect_right
from typing import Any

EPOCHS_MAX = 1000
"""Epochs remembered a device, newest kept; an agent makes one at each unclean start."""


class Intervals:
    """A set of positive integers as sorted, disjoint, not adjacent closed intervals."""

    __slots__ = ("ends", "starts")

    def __init__(self, starts: list[int] | None = None, ends: list[int] | None = None) -> None:
        self.starts = starts or []
        self.ends = ends or []

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self.starts, number) - 1
        return at >= 0 and number <= self.ends[at]

    def add(self, first: int, last: int) -> None:
        """Add all numbers from `first` to `last`."""
        low = bisect_right(self.starts, first) - 1
        if low < 0 or self.ends[low] < first - 1:
            low += 1
        high = bisect_right(self.starts, last + 1)
        if low < high:
            first = min(first, self.starts[low])
            last = max(last, self.ends[high - 1])
        self.starts[low:high] = [first]
        self.ends[low:high] = [last]

    @property
    def contiguous(self) -> int:
        """The largest number up to which, from 1, none is missing; 0 if 1 is missing."""
        return self.ends[0] if self.starts and self.starts[0] <= 1 else 0


class Seen:
    """The intervals of all devices (registry rows) and epochs."""

    def __init__(self) -> None:
        self._sets: dict[int, dict[int, Intervals]] = {}

    def has(self, device: int, epoch: int, number: int) -> bool:
        """Whether this message was taken in before."""
        found = self._sets.get(device, {}).get(epoch)
        return found is not None and number in found

    def add(self, device: int, epoch: int, first: int, last: int) -> None:
        """Remember messages `first` to `last`."""
        epochs = self._sets.setdefault(device, {})
        if epoch not in epochs:
            epochs[epoch] = Intervals()
            if len(epochs) > EPOCHS_MAX:
                del epochs[min(epochs)]
        if epoch in epochs:
            epochs[epoch].add(first, last)

    def contiguous(self, device: int, epoch: int) -> int:
        """What an acknowledgement of that device and epoch says."""
        found = self._sets.get(device, {}).get(epoch)
        return found.contiguous if found else 0

    def dump(self) -> list[Any]:
        """For a snapshot: [device, epoch, starts, ends] of each set."""
        return [
            [device, epoch, kept.starts, kept.ends]
            for device, epochs in self._sets.items()
            for epoch, kept in epochs.items()
        ]

    def restore(self, rows: list[Any]) -> None:
        """Rebuild from `dump`."""
        for device, epoch, starts, ends in rows:
            self._sets.setdefault(device, {})[epoch] = Intervals(list(starts), list(ends))
