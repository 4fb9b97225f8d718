"""What the scanner knows: topics of placed devices and their series, in tables for kernels.

The general path decides who a topic and a series is, and tells it here; the scanner then finds
both by their bytes. A hash only says where to look: keys are compared whole. Both tables are
bounded; a full one begins anew, and whatever is not in them takes the general path once more.
"""

import random
from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from edge.quantities import INDEX, QUANTITIES
from engine.kernel import inner, kernel, lean_inner
from engine.raw_bytes import octets
from ingest.scan_json import word_at

TOPICS_KNOWN_MAX = 262_144
"""Topics found without a general path, at most 250 bytes each."""
SERIES_KNOWN_MAX = 1_000_000
"""Series found without a general path, at most two thirds of 100 bytes each."""
CHANNEL_BYTES_MAX = 16
"""A series on a channel with a longer name takes the general path."""
PROBES_MAX = 64
"""Steps from where a hash points; what is further is not found."""
ALWAYS_NS = 1 << 62
SPARE = 8
"""Bytes behind the keys of topics, so that the last one is read a word at a time, too."""

SERIES_ENTRY = np.dtype([
    ("key", "u8"), ("first_word", "u8"), ("second_word", "u8"), ("from_ns", "i8"),
    ("until_ns", "i8"), ("slot", "i4"), ("used", "i4"),
])
TOPIC_ENTRY = np.dtype([("begin", "i8"), ("end", "i4"), ("device", "i4"), ("hash", "u8")])
"""`end` - `begin` bytes of the key in the arena; device -1: free."""

_topics = nb.from_dtype(TOPIC_ENTRY)[::1]
_series = nb.from_dtype(SERIES_ENTRY)[::1]
_i64, _u64 = nb.int64, nb.uint64
_PRIME = 0x9E3779B97F4A7C15

# Names of quantities: two words of 8 bytes each, found by a hash without collisions.
_NAME_BITS = 8


def _name_words(name: bytes) -> tuple[int, int]:
    return int.from_bytes(name[:8], "little"), int.from_bytes(name[8:16], "little")


def _name_table() -> tuple[npt.NDArray[np.uint64], int]:
    """uint64[256, 3]: both words and the quantity plus 1; and the odd factor of its hash."""
    factor = _PRIME
    while True:
        table = np.zeros((1 << _NAME_BITS, 3), np.uint64)
        for name, row in INDEX.items():
            first, second = _name_words(name.encode())
            mixed = (first ^ second * 31) * factor & 0xFFFFFFFFFFFFFFFF
            entry = table[mixed >> (64 - _NAME_BITS)]
            if entry[2]:
                break
            entry[:] = first, second, row + 1
        else:
            return table, factor
        factor = factor * 6364136223846793005 + 1442695040888963407 & 0xFFFFFFFFFFFFFFFF | 1


_NAMES, _NAME_FACTOR = _name_table()
_UNIT_ROWS = [
    (INDEX[row.id], unit.encode(), factor, offset)
    for row in QUANTITIES.values()
    for unit, (factor, offset) in {**row.units, row.unit: (1.0, 0.0)}.items()
]
UNIT_QUANTITY = np.array([row[0] for row in _UNIT_ROWS], np.int64)
UNIT_WORD = np.array([int.from_bytes(row[1], "little") for row in _UNIT_ROWS], np.uint64)
UNIT_FACTOR = np.array([row[2] for row in _UNIT_ROWS])
UNIT_OFFSET = np.array([row[3] for row in _UNIT_ROWS])


@inner
def quantity_at(data: int, at: int, end: int, last: int) -> Any:
    """Row of the quantity that data[at:end] names; -1 if none. Bytes before `last` may be read."""
    if end - at > 16 or end <= at:
        return -1
    first = word_at(data, at, end, last)
    second = word_at(data, at + 8, end, last) if end - at > 8 else _u64(0)
    mixed = (first ^ second * _u64(31)) * _u64(_NAME_FACTOR)
    row = mixed >> _u64(64 - _NAME_BITS)
    if _NAMES[row, 0] != first or _NAMES[row, 1] != second:
        return -1
    return _i64(_NAMES[row, 2]) - 1


@inner
def unit_at(data: int, at: int, end: int, last: int, quantity: int) -> Any:
    """Row of the unit that data[at:end] names for a quantity; -1 if it is not accepted."""
    if end - at > 8 or end <= at:
        return -1
    word = word_at(data, at, end, last)
    for row in range(UNIT_WORD.shape[0]):
        if UNIT_QUANTITY[row] == quantity and UNIT_WORD[row] == word:
            return row
    return -1


@lean_inner
def hash_of(data: int, at: int, end: int, last: int, seed: int) -> Any:
    """A hash of data[at:end]; the seed is drawn at each start, so no publisher can aim at it."""
    out = seed ^ _u64(end - at)
    while at + 8 <= end:
        out = (out ^ octets(data + at)) * _u64(_PRIME)
        out ^= out >> _u64(29)
        at += 8
    if at < end:
        out = (out ^ word_at(data, at, end, last)) * _u64(_PRIME)
        out ^= out >> _u64(29)
    out *= _u64(0xD6E8FEB86659FD93)
    return out ^ out >> _u64(32)


@lean_inner
def topic_entry(
    data: int, at: int, end: int, last: int, topics: Any, arena: int, seed: int
) -> Any:
    """Where in `topics` the key data[at:end] is, or where it may be put as -2 - row; -1 if the
    table is full around there.

    topics: TOPIC_ENTRY[2^k]. arena: address of the bytes of the keys, with `SPARE` behind them.
    Bytes before `last` may be read.
    """
    mixed = hash_of(data, at, end, last, seed)
    mask = topics.shape[0] - 1
    row = _i64(mixed) & mask
    for _ in range(PROBES_MAX):
        entry = topics[row]
        if entry.device < 0:
            return -2 - row
        if entry.hash == mixed and entry.end - entry.begin == end - at:
            key, same = entry.begin, at
            while same < end and (
                word_at(arena, key, entry.end, entry.end + SPARE)
                == word_at(data, same, end, last)
            ):
                key += 8
                same += 8
            if same >= end:
                return row
        row = (row + 1) & mask
    return -1


@inner
def _mixed(key: int, first: int, second: int) -> Any:
    out = (key ^ first * _u64(0xD6E8FEB86659FD93) ^ second * _u64(31)) * _u64(_PRIME)
    return out ^ out >> _u64(32)


@kernel(_i64(_series, _u64, _u64, _u64, _i64), lean=True)
def series_entry(series: Any, key: int, first: int, second: int, time_ns: int) -> Any:
    """Row of a series at a time, -1 if it is not known. series: SERIES_ENTRY[2^k]. key: device
    and quantity; first, second: the bytes of its channel."""
    mask = series.shape[0] - 1
    row = _i64(_mixed(key, first, second)) & mask
    for _ in range(PROBES_MAX):
        entry = series[row]
        if not entry.used:
            return -1
        if (entry.key == key and entry.first_word == first and entry.second_word == second
                and entry.from_ns <= time_ns < entry.until_ns):
            return row
        row = (row + 1) & mask
    return -1


@kernel(nb.boolean(_series, _u64, _u64, _u64, _i64, _i64, _i64))
def put_series(
    series: Any, key: int, first: int, second: int, from_ns: int, until_ns: int, slot: int
) -> Any:
    """Add a series to the table; False if it is full around there."""
    mask = series.shape[0] - 1
    row = _i64(_mixed(key, first, second)) & mask
    for _ in range(PROBES_MAX):
        entry = series[row]
        if not entry.used:
            entry.key = key
            entry.first_word = first
            entry.second_word = second
            entry.from_ns = from_ns
            entry.until_ns = until_ns
            entry.slot = slot
            entry.used = 1
            return True
        row = (row + 1) & mask
    return False


@kernel(nb.void(_series, _series))
def _move_series(old: Any, series: Any) -> None:
    for row in range(old.shape[0]):
        one = old[row]
        if one.used:
            put_series(
                series, one.key, one.first_word, one.second_word, one.from_ns, one.until_ns,
                one.slot,
            )


@kernel(nb.void(_topics, _topics))
def _move_topics(old: Any, topics: Any) -> None:
    mask = topics.shape[0] - 1
    for row in range(old.shape[0]):
        if old[row].device < 0:
            continue
        at = _i64(old[row].hash) & mask
        for _ in range(PROBES_MAX):
            if topics[at].device < 0:
                topics[at] = old[row]
                break
            at = (at + 1) & mask


class Known:
    """The tables of one ingest; what they hold is true until `forget`."""

    def __init__(self) -> None:
        self.seed = np.uint64(random.SystemRandom().getrandbits(64))
        self.forget()

    def forget(self) -> None:
        """Places have changed: begin anew."""
        self._clear_topics()
        self._clear_series()

    def _clear_topics(self) -> None:
        self.topics = _free_topics(1 << 10)
        self.arena = np.zeros(1 << 16, np.uint8)
        self.topic_count = self._arena_used = 0

    def _clear_series(self) -> None:
        self.series = np.zeros(1 << 10, SERIES_ENTRY)
        self.series_count = 0

    def learn_topic(self, topic: str, device: int) -> None:
        """A topic that the general path took for one of a placed device."""
        key = np.frombuffer(topic.encode(), np.uint8)
        where = (key.ctypes.data, 0, len(key), len(key))
        if topic_entry(*where, self.topics, self.arena.ctypes.data, self.seed) >= 0:
            return
        if self.topic_count >= TOPICS_KNOWN_MAX:
            self._clear_topics()
        if 4 * self.topic_count >= len(self.topics):  # few are not where their hash points
            self._grow_topics()
        if self._arena_used + len(key) + SPARE > len(self.arena):
            more = np.zeros(max(len(self.arena), len(key)), np.uint8)
            self.arena = np.concatenate([self.arena, more])
        row = -2 - topic_entry(*where, self.topics, self.arena.ctypes.data, self.seed)
        if row < 0:
            return
        end = self._arena_used + len(key)
        self.arena[self._arena_used : end] = key
        self.topics[row] = (self._arena_used, end, device, hash_of(*where, self.seed))
        self._arena_used = end
        self.topic_count += 1

    def _grow_topics(self) -> None:
        old, self.topics = self.topics, _free_topics(2 * len(self.topics))
        _move_topics(old, self.topics)

    def learn_series(
        self, device: int, quantity: int, channel: str, span_ns: tuple[int, int], slot: int
    ) -> None:
        """The slot of a series at times from and before, as the general path resolved it."""
        name = channel.encode()
        if len(name) > CHANNEL_BYTES_MAX:
            return
        if self.series_count >= SERIES_KNOWN_MAX:
            self._clear_series()
        key, words = key_of(device, quantity), [np.uint64(word) for word in _name_words(name)]
        if series_entry(self.series, key, *words, span_ns[0]) >= 0:
            return
        if 2 * self.series_count >= len(self.series):
            old, self.series = self.series, np.zeros(2 * len(self.series), SERIES_ENTRY)
            _move_series(old, self.series)
        self.series_count += put_series(self.series, key, *words, *span_ns, slot)


def _free_topics(size: int) -> npt.NDArray[Any]:
    out = np.zeros(size, TOPIC_ENTRY)
    out["device"] = -1
    return out


def key_of(device: int, quantity: int) -> np.uint64:
    """How a kernel names a device and a quantity in one number."""
    return np.uint64(device << 8 | quantity)
