"""Clocks of devices: readings whose clock is not set are placed; how far off each clock is.

A clock is not set when it shows a time before 2000 (1970, year 1, milliseconds since the start)
or when the message says so itself with `n`, what that clock showed when the message was sent.
Its readings keep their spacing: all of one stretch are moved by one offset, the least of
(receive time - what the clock showed), since a message may travel for long but never arrives
before it was sent. They keep the order of their message numbers and never lie later than their
receive time. Each is flagged suspect (QARTOD 3) and counts.

The archive holds the placed time, and beside it a row that says what the clock had shown and
by how much it was moved: a replay places nothing anew, and `explain` can tell.
"""

from dataclasses import astuple, dataclass
from typing import Any, NamedTuple

import numba as nb
import numpy as np
import numpy.typing as npt

from edge.wire import Message
from engine.batch import Batch, concatenate
from engine.kernel import kernel

EARLIEST_NS = 946_684_800 * 1_000_000_000
"""2000-01-01: a clock that shows an earlier time has not been set."""
NO_READING = 255
"""Verdict of an archive row that is no reading: a message was taken in, or a time was placed."""
SET = -(1 << 62)
"""In place of what a device's clock showed at sending: the clock is believed."""
BACK_NS = 1_000_000_000
"""A clock that is not set and goes back by more was started anew."""
STEP_NS = 1000
"""Messages of one time are placed this far apart: two readings of one time would be a conflict."""
SUSPECT = 3
WINDOW_NS = 600 * 1_000_000_000
NEAR_NS = 2 * 1_000_000_000
"""Delays this close to the least of a window speak for it."""
OFFSETS_MAX = 1000
AHEAD_NS_MAX = 2 * 1_000_000_000
BEHIND_NS_MAX = 60 * 1_000_000_000
"""A clock is off beyond these: nothing is measured after it came, but much is sent late."""
FAIR_MIN, SURE_MIN = 3, 10
"""So many arrivals near the least delay make an offset fair, or sure."""
NEVER_NS = np.iinfo(np.int64).max
_FAR_NS = 1 << 62
_LOW_NS = -_FAR_NS // 1_000_000 * 1_000_000 + 1_000_000
"""Years 1823 and 2116: between them differences fit; what a clock shows before counts as that."""

_MS = 1_000_000
_SAID_FROM = -2

CLOCK = np.dtype([
    ("window", "i8"), ("low_ns", "i8"), ("before_ns", "i8"), ("near", "i4"), ("near_before", "i4"),
    ("heard_ns", "i8"),
])
"""A device: the least delay of this window of 10 minutes and of the one before it, how many
arrivals were near it, when a reading with a clock that is set came last. 40 bytes."""

Integers = npt.NDArray[np.int64]


class Placed(NamedTuple):
    """Rows of a batch whose time was placed, what their clock had said, by how much it moved."""

    rows: Integers
    said_ns: Integers
    offset_ms: Integers


@dataclass(slots=True)
class Anchor:
    """The newest placed reading of a device, and how many there were."""

    epoch: int
    seq: int
    said_ns: int
    offset_ms: int
    placed_ns: int
    received_ns: int
    readings: int


class Offset(NamedTuple):
    """What is known of a device's clock.

    ahead_s: seconds that it is ahead of ours, negative behind or always late; of a clock that is
    not set what was added to it, negated. trust: `sure`, `fair`, `unsure` or `unset`. placed:
    readings that were placed since ingest began.
    """

    device: int
    ahead_s: float
    trust: str
    placed: int


@kernel(nb.types.UniTuple(nb.int64, 2)(
    nb.int32[::1], nb.int64[::1], nb.int64[::1], nb.boolean[::1], nb.int64[::1], nb.int32[::1],
))
def least_delays(
    device: Any, time_ns: Any, received_ns: Any, told: Any, low_ns: Any, devices: Any
) -> Any:
    """The least of (receive time - time) of each device; returns how many devices there are, and
    the latest receive time.

    device: int32[n]. time_ns, received_ns: int64[n], Unix ns. told: bool[n], which rows count.
    low_ns: int64[devices], in and out, NEVER_NS where none was heard. devices: int32[n], out, each
    device once. O(1) a row.
    """
    found, now_ns = nb.int64(0), nb.int64(0)
    for k in range(device.shape[0]):
        if not told[k]:
            continue
        d = device[k]
        if low_ns[d] == NEVER_NS:
            devices[found] = d
            found += 1
        low_ns[d] = min(low_ns[d], received_ns[k] - time_ns[k])
        now_ns = max(now_ns, received_ns[k])
    return found, now_ns


@kernel(nb.void(nb.from_dtype(CLOCK)[::1], nb.int32[::1], nb.int64[::1], nb.int64))
def note_delays(table: Any, devices: Any, low_ns: Any, now_ns: int) -> None:
    """Take the least delays of `devices` into their rows, and out of `low_ns`.

    table: CLOCK[devices], in and out. devices: int32[k], rows of it, each once. low_ns:
    int64[devices], as `least_delays` leaves it, in and out. now_ns: Unix ns. O(1) a device.
    """
    window = now_ns // WINDOW_NS
    for k in range(devices.shape[0]):
        row, low = table[devices[k]], low_ns[devices[k]]
        low_ns[devices[k]] = NEVER_NS
        if row.window != window:
            follows = row.window == window - 1
            row.before_ns = row.low_ns if follows else NEVER_NS
            row.near_before = row.near if follows else 0
            row.window, row.low_ns, row.near = window, low, 0
        elif low < row.low_ns - NEAR_NS:
            row.near = 0
        row.low_ns = min(row.low_ns, low)
        row.near += low <= row.low_ns + NEAR_NS
        row.heard_ns = now_ns


NOTHING = Placed(*(np.zeros(0, np.int64) for _ in range(3)))


class Clocks:
    """Of each device that was ever not set one anchor, of each device one row of `CLOCK`.

    The anchors follow from the archive (`learn`), so a restart places as if it had not been; the
    rows are for health alone and begin anew.
    """

    def __init__(self) -> None:
        self._anchors: dict[int, Anchor] = {}
        self._table = np.zeros(0, CLOCK)
        self._low_ns = np.zeros(0, np.int64)

    def place(
        self, batch: Batch, rows: Integers, received_ns: Integers, sent_ms: Integers
    ) -> Placed:
        """Give readings of clocks that are not set their time and flag, in place.

        rows: int64[k], readings of the batch that are not refused. received_ns: int64[n], Unix
        ns. sent_ms: int64[n], what the clock showed when the message was sent, -1 if that is not
        known, `SET` where the clock is believed.
        """
        known_when = (received_ns[rows] >= EARLIEST_NS) & (received_ns[rows] < _FAR_NS)
        unset = (batch.time_ns[rows] < EARLIEST_NS) | (sent_ms[rows] != SET)
        trusted, rows = rows[~unset], rows[unset & known_when]
        if not len(rows):
            return NOTHING
        keys = (batch.time_ns[rows], batch.seq[rows], batch.epoch[rows], batch.device[rows])
        rows = rows[np.lexsort(keys)]
        device, epoch = batch.device[rows], batch.epoch[rows]
        offset_ms = np.zeros(len(rows), np.int64)
        placed = np.zeros(len(rows), np.int64)
        said = np.maximum(batch.time_ns[rows], _LOW_NS)
        cuts = np.nonzero((device[1:] != device[:-1]) | (epoch[1:] != epoch[:-1]))[0] + 1
        for part in np.split(np.arange(len(rows)), cuts):
            own = rows[part]
            same = trusted[(batch.device[trusted] == device[part[0]])
                           & (batch.epoch[trusted] == epoch[part[0]])]
            ceiling, next_set = _ceiling(batch, own, same, received_ns[own])
            sent_ns = np.where(sent_ms[own] >= 0, sent_ms[own], 0) * _MS
            showed = np.where(sent_ms[own] >= 0, np.maximum(said[part], sent_ns), said[part])
            reach = np.minimum(received_ns[own] - showed, ceiling - said[part])
            offset_ms[part], placed[part] = self._one(
                int(device[part[0]]), int(epoch[part[0]]), batch.seq[own], said[part], reach,
                ceiling, next_set,
            )
        batch.time_ns[rows] = placed
        batch.flag[rows] = np.where(batch.flag[rows] <= SUSPECT, SUSPECT, batch.flag[rows])
        order = np.argsort(rows)
        return Placed(rows[order], said[order], offset_ms[order])

    def _one(
        self, device: int, epoch: int, seq: Integers, said: Integers, reach: Integers,
        ceiling: Integers, next_set: Integers,
    ) -> tuple[Integers, Integers]:
        """Offsets (ms) and times of one device and epoch, by message number."""
        anchor = self._anchors.get(device)
        offset_ms, placed = np.zeros(len(seq), np.int64), np.zeros(len(seq), np.int64)
        back = (said[1:] < said[:-1] - BACK_NS) & (seq[1:] > seq[:-1])
        cuts = np.nonzero(back | (next_set[1:] != next_set[:-1]))[0] + 1
        latest = NEVER_NS
        for part in reversed(np.split(np.arange(len(seq)), cuts)):
            first, last = part[0], part[-1]
            offset_ns = int(reach[part].min())
            if latest != NEVER_NS:
                offset_ns = min(offset_ns, latest - int(said[last]))
            floor, roof = -NEVER_NS, latest
            if anchor is not None and anchor.epoch <= epoch:
                newer = (epoch, int(seq[first])) > (anchor.epoch, anchor.seq)
                gone_ns = int(said[first if newer else last]) - anchor.said_ns
                if epoch == anchor.epoch and (gone_ns if newer else -gone_ns) >= -BACK_NS:
                    offset_ns = min(offset_ns, anchor.offset_ms * _MS)
                if newer:
                    floor = anchor.placed_ns + STEP_NS
                else:
                    roof = min(roof, anchor.placed_ns - STEP_NS)
            offset_ms[part] = offset_ns // _MS
            moved = np.maximum(said[part] + offset_ms[part] * _MS, floor)
            moved = np.minimum(np.maximum.accumulate(moved), np.minimum(ceiling[part], roof))
            behind = np.cumsum(np.append(False, seq[part][1:] != seq[part][:-1])) * STEP_NS
            moved = np.minimum.accumulate((moved - behind)[::-1])[::-1] + behind
            placed[part] = moved
            latest = int(moved[0]) - STEP_NS
        return offset_ms, placed

    def learn(self, batch: Batch) -> None:
        """Take note of what an archived batch has placed, the same live and in a replay."""
        said = np.nonzero((batch.verdict == NO_READING) & (batch.slot <= _SAID_FROM))[0]
        if not len(said):
            return
        keys = (batch.time_ns[said], batch.seq[said], batch.epoch[said], batch.device[said])
        said = said[np.lexsort(keys)]
        device = batch.device[said]
        ends = np.nonzero(np.append(device[1:] != device[:-1], True))[0]
        counts = np.diff(np.append(-1, ends))
        for row, count in zip(said[ends].tolist(), counts.tolist(), strict=True):
            anchor = Anchor(
                int(batch.epoch[row]), int(batch.seq[row]), int(batch.time_ns[row]),
                int(batch.value[row]), int(batch.time_ns[_SAID_FROM - batch.slot[row]]),
                batch.received_ns, count,
            )
            before = self._anchors.get(int(batch.device[row]))
            if before is not None:
                anchor.readings += before.readings
                if (before.epoch, before.seq) > (anchor.epoch, anchor.seq):
                    before.readings = anchor.readings
                    continue
            self._anchors[int(batch.device[row])] = anchor

    def watch(
        self, device: npt.NDArray[np.int32], time_ns: Integers, received_ns: Integers,
        told: npt.NDArray[np.bool_],
    ) -> None:
        """Estimate offsets from readings that came just now, of clocks that are believed.

        device: int32[k], rows of the registry's devices. time_ns, received_ns: int64[k], Unix ns.
        told: bool[k], which readings those are. A backlog only brings longer delays, so it does
        not count. O(1) a reading.
        """
        self._fit(int(device.max(initial=-1)) + 1)
        devices = np.empty(len(device), np.int32)
        found, now_ns = least_delays(device, time_ns, received_ns, told, self._low_ns, devices)
        note_delays(self._table, devices[:found], self._low_ns, now_ns)

    def _fit(self, count: int) -> None:
        if count > len(self._table):
            more = np.zeros(max(count, 2 * len(self._table), 64) - len(self._table), CLOCK)
            more["low_ns"] = more["before_ns"] = NEVER_NS
            self._table = np.concatenate([self._table, more])
            self._low_ns = np.full(len(self._table), NEVER_NS)

    def offsets(self, most: int = OFFSETS_MAX) -> list[Offset]:
        """What is known of `most` clocks: those that are not set, then the furthest off."""
        unset = self._unset()
        device, delay_ns, near = self._believed(unset)
        order = np.lexsort((device, -np.abs(delay_ns)))[:most]
        words = np.select([near >= SURE_MIN, near >= FAIR_MIN], ["sure", "fair"], "unsure")
        found = [
            Offset(device, -anchor.offset_ms / 1e3, "unset", anchor.readings)
            for device, anchor in sorted(unset.items())[:most]
        ]
        for row in order.tolist()[: most - len(found)]:
            anchor = self._anchors.get(int(device[row]))
            placed = 0 if anchor is None else anchor.readings
            ahead_s = -int(delay_ns[row]) / 1e9
            found.append(Offset(int(device[row]), ahead_s, str(words[row]), placed))
        return found

    def counts(self) -> tuple[int, int, int]:
        """How many clocks are known, are not set, and are off by more than may be."""
        unset = self._unset()
        delay_ns = self._believed(unset)[1]
        off = (delay_ns < -AHEAD_NS_MAX) | (delay_ns > BEHIND_NS_MAX)
        return len(unset) + len(delay_ns), len(unset), int(off.sum())

    def _unset(self) -> dict[int, Anchor]:
        """Devices whose latest reading was placed."""
        heard = self._table["heard_ns"]
        return {
            device: anchor for device, anchor in self._anchors.items()
            if device >= len(heard) or anchor.received_ns >= heard[device]
        }

    def _believed(self, unset: dict[int, Anchor]) -> tuple[Integers, Integers, Integers]:
        """Other devices: row, least delay in ns, and how many arrivals were near it."""
        heard = self._table["heard_ns"] > 0
        heard[[device for device in unset if device < len(heard)]] = False
        row = self._table[heard]
        low = np.minimum(row["low_ns"], row["before_ns"])
        near = np.where(row["low_ns"] <= low + NEAR_NS, row["near"], 0).astype(np.int64)
        near += np.where(row["before_ns"] - NEAR_NS <= low, row["near_before"], 0)
        return np.nonzero(heard)[0], low, near

    def dump(self) -> list[list[int]]:
        """What a snapshot keeps."""
        return [[device, *astuple(anchor)] for device, anchor in sorted(self._anchors.items())]

    def restore(self, kept: list[list[int]]) -> None:
        """The reverse of `dump`."""
        self._anchors = {row[0]: Anchor(*row[1:]) for row in kept}


def sent_ms(content: object) -> int:
    """What a clock that is not set showed when a message was sent; `SET` of all other messages."""
    return content.n if isinstance(content, Message) and content.n is not None else SET


def with_said(batch: Batch, placed: Placed) -> Batch:
    """The batch with a row behind it for each placed one, for the archive.

    Verdict 255, slot: -2 - row of the reading. time_ns: what the clock had shown. value: ms
    that were added to it before the order of numbers and the receive time had their say.
    """
    if not len(placed.rows):
        return batch
    more = batch.take(placed.rows)
    more.slot[:] = _SAID_FROM - placed.rows
    more.time_ns[:] = placed.said_ns
    more.value[:] = placed.offset_ms
    more.verdict[:] = NO_READING
    return concatenate([batch, more])


def _ceiling(
    batch: Batch, rows: Integers, trusted: Integers, received_ns: Integers
) -> tuple[Integers, Integers]:
    """The latest that each row can be, and which reading with a clock that is set comes next.

    That is its receive time, or the time of the next such reading by message number if that is
    earlier (and not ahead of us).
    """
    seq, time_ns = batch.seq[trusted], batch.time_ns[trusted]
    believed = time_ns <= received_ns.min()
    seq, time_ns = seq[believed], time_ns[believed]
    order = np.lexsort((time_ns, seq))
    seq, time_ns = seq[order], np.append(time_ns[order], NEVER_NS)
    following = np.searchsorted(seq, batch.seq[rows], side="right")
    return np.minimum(received_ns, time_ns[following]), following
