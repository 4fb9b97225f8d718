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
COUNTS_HELD = 1 << 16
"""Counts that are added up together."""
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


class Messages(NamedTuple):
    """Counts by hour (since 1970, UTC) and device (row of the registry), sorted; int64[n], and
    counts: int64[5, n], in the order of `Count`."""

    hour: npt.NDArray[np.int64]
    device: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]

    def total(self) -> Count:
        """All of them."""
        return Count(*self.counts.sum(axis=1).tolist())

    def by_key(self) -> dict[tuple[int, int], Count]:
        """Counts by (hour, device)."""
        keys = zip(self.hour.tolist(), self.device.tolist(), strict=True)
        return {key: Count(*of) for key, of in zip(keys, self.counts.T.tolist(), strict=True)}


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
        self._counts: list[tuple[int, ...]] = []
        self._columns: list[npt.NDArray[np.int64]] = []
        self._course = np.zeros((0, 2), np.int64)  # of each device: epoch, and how far it has come
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
        # A message repeats another only if all its readings do: of one whose hour begins where a
        # recording ended, one reading may be known already, and the next one is not.
        one = (device[1:] == device[:-1]) & (epoch[1:] == epoch[:-1])
        one &= (seq[1:] == seq[:-1]) & (record[1:] == record[:-1])
        starts = np.concatenate([[0], np.nonzero(~one)[0] + 1])
        lengths = np.diff(np.append(starts, len(order)))
        again = np.repeat(np.logical_and.reduceat(again, starts), lengths)
        same = (device[1:] == device[:-1]) & (epoch[1:] == epoch[:-1])
        same &= (again[1:] == again[:-1])
        step = seq[1:] - seq[:-1]
        same &= (step == 1) | ((step == 0) & ((record[1:] == record[:-1]) | again[1:]))
        begins = np.concatenate([[0], np.nonzero(~same)[0] + 1])
        ends = np.concatenate([begins[1:] - 1, [len(order) - 1]])
        runs = np.stack([device[begins], epoch[begins], seq[begins], seq[ends], again[begins]])
        slow = self._go_on(runs, hour)
        for row, number, first, last, repeated in runs[:, slow].T.tolist():
            fresh = self._take(row, number, first, last, hour)
            self._count(hour, row, Count(taken=fresh))
            if not repeated and fresh < last - first + 1:
                self.twice[row] = self.twice.get(row, 0) + last - first + 1 - fresh

    def _go_on(self, runs: npt.NDArray[np.int64], hour: int) -> npt.NDArray[np.bool_]:
        """Take runs that go on where their device had stopped; returns which are not of these."""
        device, epoch, first, last, _ = runs
        more = int(device.max()) + 1 - len(self._course)
        if more > 0:
            self._course = np.concatenate([self._course, np.zeros((more, 2), np.int64)])
        alone = np.ones(len(device), np.bool_)
        alone[1:] &= device[1:] != device[:-1]
        alone[:-1] &= device[1:] != device[:-1]
        at = self._course[device]
        goes_on: npt.NDArray[np.bool_] = alone & (at[:, 0] == epoch)
        goes_on &= (at[:, 1] + 1 == first) & (at[:, 1] > 0)
        goes_on &= last <= NUMBER_MAX
        fresh = (last - first + 1)[goes_on]
        self._course[device[goes_on], 1] = last[goes_on]
        columns = np.zeros((2 + len(NOTHING), len(fresh)), np.int64)
        columns[0], columns[1], columns[2], columns[3] = hour, device[goes_on], fresh, fresh
        self._columns.append(columns)
        return ~goes_on

    def drop(self, device: int, epoch: int, first: int, last: int, hour: int) -> None:
        """A range of messages that the agent dropped."""
        fresh = self._take(device, epoch, first, last, hour)
        self._count(hour, device, Count(dropped=fresh))

    def _count(self, hour: int, device: int, count: Count) -> None:
        self._counts.append((hour, device, *count))
        if len(self._counts) >= COUNTS_HELD:
            self._columns = [self._merged()]

    def _merged(self) -> npt.NDArray[np.int64]:
        """One column for each hour and device, sorted."""
        told = np.array(self._counts, np.int64).reshape(-1, 2 + len(NOTHING)).T
        self._counts = []
        columns = np.concatenate([*self._columns, told], axis=1)
        columns = columns[:, np.lexsort(columns[1::-1])]
        if not columns.shape[1]:
            return columns
        change = (columns[:2, 1:] != columns[:2, :-1]).any(axis=0)
        begins = np.concatenate([[0], np.nonzero(change)[0] + 1])
        return np.concatenate([columns[:2, begins], np.add.reduceat(columns[2:], begins, axis=1)])

    def _take(self, device: int, epoch: int, first: int, last: int, hour: int) -> int:
        """Take numbers in, note what they leave out; returns how many of them are new."""
        epochs = self._epochs.setdefault(device, {})
        self._catch_up(device)
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
        if device < len(self._course):
            self._course[device] = epoch, one.top
        return fresh

    def _catch_up(self, device: int) -> None:
        """Write down how far the device has gone on since its epoch was last looked at."""
        if device >= len(self._course) or not self._course[device, 1]:
            return
        epoch, top = self._course[device].tolist()
        one = self._epochs[device][epoch]
        if top > one.top:
            one.size += one.seen.add(one.top + 1, top)
            one.top = top
        self._course[device] = 0

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

    def finish(self) -> Messages:
        """Counts by hour and device; nothing may be added after."""
        for device, epochs in self._epochs.items():
            self._catch_up(device)
            later = 0
            for epoch in sorted(epochs, reverse=True):
                self._settle(device, epochs[epoch], later)
                later += epochs[epoch].size
        self._epochs.clear()
        columns = self._merged()
        return Messages(columns[0], columns[1], columns[2:])


def _size(seen: Intervals) -> int:
    return sum(seen.ends) - sum(seen.starts) + len(seen.starts)
