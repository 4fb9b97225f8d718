"""Rows that are replaced many times a second, packed: one row of SQLite holds a block of them.

What a write into SQLite costs is its rows: 10,000 latest readings, or 19,000 windows in progress,
took a fifth of a processor each. A block is an array of fixed length that fills one page of the
file, so a reading of a sparse city costs one page too. A row's number is its place: the block's
number times the rows of a block, and on from there. A row whose `seq` is 0 is not there.
"""

import sqlite3
from typing import Any

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]
Rows = npt.NDArray[np.void]

BLOCK_BYTES_MAX = 3900
"""So that a block, its number and its `seq` stay in one page of 4,096 bytes."""


class Packed:
    """A table `name` with columns block, seq (the newest of the block) and body.

    `dtype` is a structured one, little endian, with a field `seq`. The writer keeps all rows in
    memory; a reader only asks what `changed`.
    """

    def __init__(self, name: str, dtype: np.dtype[Any]) -> None:
        self._name = name
        self._dtype = dtype
        self._length = BLOCK_BYTES_MAX // dtype.itemsize
        self.rows: Rows = np.zeros(0, dtype)

    def load(self, file: sqlite3.Connection) -> None:
        """Read all rows into memory, to write from now on."""
        (last,) = file.execute(f"SELECT ifnull(max(block), -1) FROM {self._name}").fetchone()
        self.rows = np.zeros((last + 1) * self._length, self._dtype)
        for block, body in file.execute(f"SELECT block, body FROM {self._name}"):
            self.rows[block * self._length : (block + 1) * self._length] = self._unpack(body)

    def reach(self, number: int) -> None:
        """Have room for row `number`."""
        blocks = number // self._length + 1
        if blocks * self._length > len(self.rows):
            grown = np.zeros(max(blocks * self._length, 2 * len(self.rows)), self._dtype)
            grown[: len(self.rows)] = self.rows
            self.rows = grown

    def put(self, file: sqlite3.Connection, at: Integers, **columns: npt.NDArray[Any]) -> None:
        """Replace rows `at` (no number twice) in memory and in the file."""
        for name, column in columns.items():
            self.rows[name][at] = column
        self._write(file, at)

    def clear(self, file: sqlite3.Connection, at: Integers) -> None:
        """Take rows `at` away."""
        self.rows[at] = np.zeros((), self._dtype)
        self._write(file, at)

    def _write(self, file: sqlite3.Connection, at: Integers) -> None:
        blocks = np.unique(at // self._length)
        rows = self.rows.reshape(-1, self._length)
        newest = rows["seq"][blocks].max(axis=1) if len(blocks) else blocks
        file.executemany(
            f"INSERT OR REPLACE INTO {self._name} VALUES (?, ?, ?)",
            ((block, seq, rows[block].tobytes())
             for block, seq in zip(blocks.tolist(), newest.tolist(), strict=True)))

    def changed(
        self, file: sqlite3.Connection, after: int, most: int = 0
    ) -> tuple[Integers, Rows]:
        """Numbers and rows whose `seq` is greater than `after`, in the order of `seq`; of them the
        first `most`, if that is not 0."""
        found = file.execute(
            f"SELECT block, body FROM {self._name} WHERE seq > ?", (max(after, 0),)).fetchall()
        rows = self._unpack(b"".join(body for _, body in found), len(found))
        first = np.array([block for block, _ in found], np.int64) * self._length
        seq = np.ascontiguousarray(rows["seq"])
        at = np.flatnonzero(seq > after)
        at = at[np.argsort(seq[at])][: most or None]
        return first[at // self._length] + at % self._length, rows[at]

    def _unpack(self, body: bytes, blocks: int = 1) -> Rows:
        if len(body) != blocks * self._length * self._dtype.itemsize:
            raise sqlite3.DatabaseError(f"{self._name}: {blocks} blocks of {len(body)} bytes")
        return np.frombuffer(body, self._dtype)
