"""Which readings may be repeats: of a series and a time that was told before.

A reading newer than the newest of its series cannot be one; nothing else is looked at for it.
Of the others, the panes know of most that no reading was ever there.
"""

from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from engine.batch import Batch
from engine.kernel import inner, kernel
from engine.panes import COARSE, MINUTE, MINUTE_NS, UNCOUNTED, Panes
from engine.registry import Registry
from engine.series import SERIES

_i32 = nb.int32[::1]
_i64 = nb.int64[::1]
_ABSENT = -1
_MINUTES_OF_HOUR = np.uint64((1 << 60) - 1)


@kernel(nb.int64(_i32, _i64, nb.uint8[::1], nb.from_dtype(SERIES)[::1], _i32))
def find_suspects(slot: Any, time_ns: Any, verdict: Any, table: Any, out: Any) -> int:
    """Rows of a batch that are not newer than all before them in their series.

    slot: int32[k], -1 none. time_ns: int64[k], Unix ns. verdict: uint8[k], 0 and 1 count. table:
    SERIES[series]; its `last_ns` moves on. out: int32[k], the rows found. Returns how many.
    O(1) a reading.
    """
    found = 0
    for k in range(slot.shape[0]):
        if slot[k] < 0 or verdict[k] > 1:
            continue
        row = table[slot[k]]
        if time_ns[k] > row.last_ns:
            row.last_ns = time_ns[k]
        else:
            out[found] = k
            found += 1
    return found


@kernel(nb.void(
    _i32, _i64, nb.from_dtype(MINUTE)[::1, :], nb.from_dtype(COARSE)[:, ::1], _i32,
    nb.boolean[::1], nb.boolean[::1],
))
def find_occupied(
    slot: Any, time_ns: Any, minutes: Any, hours: Any, shift: Any, dated: Any, out: Any
) -> None:
    """Whether a series may have a reading in the minute of a time; false only if it has none.

    slot: int32[k]. time_ns: int64[k], Unix ns. minutes, hours, shift: as in `engine.panes`.
    dated: bool[series], whether its period changed with time: then an hour with readings is
    taken as full. out: bool[k]. O(1) each.
    """
    for k in range(slot.shape[0]):
        s = slot[k]
        minute = time_ns[k] // MINUTE_NS
        local = minute + shift[s]
        hour = hours[s, (local // 60) % hours.shape[1]]
        pane = minutes[s, minute & 63]
        here = hour.tag == local // 60
        bits = hour.covered & _MINUTES_OF_HOUR
        if hour.tag > local // 60 or (here and hour.covered & UNCOUNTED):
            out[k] = True
        elif pane.tag <= minute:
            out[k] = pane.tag == minute and pane.n > 0
        else:
            alone = bits == 0 or dated[s]  # readings that stand for hours vouch for no minute
            bit = (bits >> nb.uint64(local % 60)) & nb.uint64(1)
            out[k] = here and hour.n > 0 and (alone or bit == 1)


@inner
def _hash(slot: int, time_ns: int) -> Any:
    mixed = (nb.uint64(time_ns) ^ (nb.uint64(slot) * nb.uint64(0x9E3779B97F4A7C15)))
    mixed *= nb.uint64(0xD6E8FEB86659FD93)
    return nb.int64(mixed >> nb.uint64(33))


@kernel(nb.int64(_i32, _i64, _i32, _i32, _i64))
def _index(slot: Any, time_ns: Any, table: Any, key_slot: Any, key_time: Any) -> int:
    """Put series and times in a hash table, each once; returns how many there are."""
    mask = table.shape[0] - 1
    count = 0
    for k in range(slot.shape[0]):
        at = _hash(slot[k], time_ns[k]) & mask
        while table[at] >= 0:
            key = table[at]
            if key_slot[key] == slot[k] and key_time[key] == time_ns[k]:
                break
            at = (at + 1) & mask
        if table[at] < 0:
            table[at] = count
            key_slot[count] = slot[k]
            key_time[count] = time_ns[k]
            count += 1
    return count


@kernel(nb.int64(_i32, _i64, _i32, _i32, _i64, _i32, _i32))
def _match(
    slot: Any, time_ns: Any, table: Any, key_slot: Any, key_time: Any, rows: Any, keys: Any
) -> int:
    """Rows whose series and time are in the table, and which; returns how many."""
    mask = table.shape[0] - 1
    found = 0
    for k in range(slot.shape[0]):
        at = _hash(slot[k], time_ns[k]) & mask
        while table[at] >= 0:
            key = table[at]
            if key_slot[key] == slot[k] and key_time[key] == time_ns[k]:
                rows[found] = k
                keys[found] = key
                found += 1
                break
            at = (at + 1) & mask
    return found


class Keys:
    """Series and times to look for: slot int32[m] and time_ns int64[m], each pair once."""

    def __init__(self, slot: npt.NDArray[np.int32], time_ns: npt.NDArray[np.int64]) -> None:
        self._table = np.full(1 << (2 * len(slot)).bit_length(), _ABSENT, np.int32)
        self.slot = np.empty(len(slot), np.int32)
        self.time_ns = np.empty(len(slot), np.int64)
        count = _index(slot, time_ns, self._table, self.slot, self.time_ns)
        self.slot, self.time_ns = self.slot[:count], self.time_ns[:count]

    def __len__(self) -> int:
        return len(self.slot)

    def match(
        self, slot: npt.NDArray[np.int32], time_ns: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        """Rows of the columns that are among the keys, in their order, and the key of each."""
        rows, keys = np.empty(len(slot), np.int32), np.empty(len(slot), np.int32)
        found = _match(slot, time_ns, self._table, self.slot, self.time_ns, rows, keys)
        return rows[:found], keys[:found]

    def occupied(self, panes: Panes, registry: Registry) -> npt.NDArray[np.bool_]:
        """bool[m]: false where the panes know that the series had no reading in that minute."""
        out = np.empty(len(self), np.bool_)
        dated = registry.period_s[:, 0] != registry.period_s[:, -1]
        dated |= registry.period_s[:, 1] > 0
        find_occupied(
            self.slot, self.time_ns, panes.minutes, panes.coarse[0], registry.shift, dated, out
        )
        return out


def suspects(batch: Batch, table: npt.NDArray[np.void]) -> npt.NDArray[np.int32]:
    """int32[n], rows of `batch` that may repeat an earlier one; `table` as in `engine.series`."""
    out = np.empty(len(batch), np.int32)
    return out[: find_suspects(batch.slot, batch.time_ns, batch.verdict, table, out)]
