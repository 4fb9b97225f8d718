"""What of the messages that devices numbered has come, and what never did.

Numbers of an epoch begin at 1 and have no gaps. So the highest number that was heard of says how
many messages were sent, and the intervals of those that came say which are missing. A missing
number is pending while its agent may still send it, and lost beyond.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from edge.agent import IN_FLIGHT_MAX
from edge.message_keys import NUMBER_MAX
from ingest.intervals import EPOCHS_MAX, Intervals

BEFORE = -1
"""The hour of what was before the first record that is read."""
_ROW_BITS = 32


class Count(NamedTuple):
    """Messages. sent: by the highest number heard of. taken: came, whatever their verdict.
    dropped: reported as dropped by the agent before they came. pending: missing, but the agent may
    still send them. lost: missing for good. sent = taken + dropped + pending + lost."""

    sent: int = 0
    taken: int = 0
    dropped: int = 0
    pending: int = 0
    lost: int = 0

    def plus(self, other: "Count") -> "Count":
        """The sum, field by field."""
        return Count(*(a + b for a, b in zip(self, other, strict=True)))


NOTHING = Count()


@dataclass(slots=True)
class _Epoch:
    """`jumps`: the first number of each stretch that was missing, and the hour that told it."""

    seen: Intervals = field(default_factory=Intervals)
    strange: Intervals = field(default_factory=Intervals)
    top: int = 0
    size: int = 0
    jumps: list[tuple[int, int]] = field(default_factory=list)


class Numbering:
    """The messages of all devices, by hour.

    `base` is what was taken in before the first record, as `Seen.dump` gives it. `partial`: what
    was before is not known, so each epoch begins with the first number that is heard of.
    """

    def __init__(self, base: Sequence[Any] = (), *, partial: bool = False) -> None:
        self._partial = partial
        self._epochs: dict[int, dict[int, _Epoch]] = {}
        self._counts: dict[tuple[int, int], Count] = {}
        self.twice: dict[int, int] = {}
        for device, epoch, starts, ends in base:
            one = _Epoch(Intervals(list(starts), list(ends)), top=ends[-1])
            one.size = _size(one.seen)
            one.jumps.append((1, BEFORE))
            self._epochs.setdefault(device, {})[epoch] = one
            self._count(BEFORE, device, Count(sent=one.top, taken=one.size))

    def add(
        self, device: npt.NDArray[np.int32], epoch: npt.NDArray[np.int64],
        seq: npt.NDArray[np.int64], record: npt.NDArray[np.int32], again: npt.NDArray[np.bool_],
        hour: int,
    ) -> None:
        """Messages of one hour, a row for each reading, in the order of the archive.

        record: the record a row is from. again: rows that may repeat a message (duplicates, and
        messages without readings, which are not counted). Any other message that came before is
        noted in `twice` with its device.
        """
        order = np.sort(
            device.astype(np.int64) << _ROW_BITS | np.arange(len(device))
        ) & ((1 << _ROW_BITS) - 1)
        device, epoch, seq = device[order], epoch[order], seq[order]
        record, again = record[order], again[order]
        same = (device[1:] == device[:-1]) & (epoch[1:] == epoch[:-1])
        same &= (again[1:] == again[:-1])
        step = seq[1:] - seq[:-1]
        same &= (step == 1) | ((step == 0) & ((record[1:] == record[:-1]) | again[1:]))
        begins = np.concatenate([[0], np.nonzero(~same)[0] + 1])
        ends = np.concatenate([begins[1:] - 1, [len(order) - 1]])
        for row, number, first, last, repeated in zip(
            device[begins].tolist(), epoch[begins].tolist(), seq[begins].tolist(),
            seq[ends].tolist(), again[begins].tolist(), strict=True,
        ):
            fresh = self._take(row, number, first, last, hour)
            self._count(hour, row, Count(taken=fresh))
            if not repeated and fresh < last - first + 1:
                self.twice[row] = self.twice.get(row, 0) + last - first + 1 - fresh

    def drop(self, device: int, epoch: int, first: int, last: int, hour: int) -> None:
        """A range of messages that the agent dropped."""
        fresh = self._take(device, epoch, first, last, hour)
        self._count(hour, device, Count(dropped=fresh))

    def _count(self, hour: int, device: int, count: Count) -> None:
        key = (hour, device)
        self._counts[key] = self._counts.get(key, NOTHING).plus(count)

    def _take(self, device: int, epoch: int, first: int, last: int, hour: int) -> int:
        """Take numbers in, note what they leave out; returns how many of them are new."""
        epochs = self._epochs.setdefault(device, {})
        one = epochs.get(epoch)
        if one is None:
            one = epochs[epoch] = _Epoch()
            if self._partial:
                one.top = one.size = first - 1
                one.seen.add(1, first - 1) if first > 1 else None
            if len(epochs) > EPOCHS_MAX:
                oldest = next(iter(epochs))
                self._settle(device, epochs.pop(oldest), IN_FLIGHT_MAX)
        if last > NUMBER_MAX:  # not numbered as an agent does: it says nothing of what is missing
            fresh = one.strange.add(first, last)
            self._count(hour, device, Count(sent=fresh))
            return fresh
        if first > one.top + 1:
            one.jumps.append((one.top + 1, hour))
        if last > one.top:
            self._count(hour, device, Count(sent=last - one.top))
            one.top = last
        fresh = one.seen.add(first, last)
        one.size += fresh
        return fresh

    def _settle(self, device: int, one: _Epoch, later: int) -> None:
        """Say of each missing number whether it is pending; `later` messages came after all."""
        starts, ends = one.seen.starts, one.seen.ends
        known = 0
        for k in range(len(starts) - 1, -1, -1):
            later += ends[k] - starts[k] + 1
            first = ends[k - 1] + 1 if k else 1
            missing = starts[k] - first
            known += missing
            if missing:
                at = bisect_right(one.jumps, first, key=lambda jump: jump[0]) - 1
                hour = one.jumps[max(at, 0)][1]
                pending = later < IN_FLIGHT_MAX
                self._count(hour, device, Count(pending=missing) if pending
                            else Count(lost=missing))
        forgotten = one.top - one.size - known
        if forgotten:  # gaps beyond `INTERVALS_MAX`
            self._count(one.jumps[0][1], device, Count(lost=forgotten))

    def finish(self) -> dict[tuple[int, int], Count]:
        """Counts by (hour, device); nothing may be added after."""
        for device, epochs in self._epochs.items():
            later = 0
            for epoch in sorted(epochs, reverse=True):
                self._settle(device, epochs[epoch], later)
                later += epochs[epoch].size
        self._epochs.clear()
        return self._counts


def _size(seen: Intervals) -> int:
    return sum(seen.ends) - sum(seen.starts) + len(seen.starts)
