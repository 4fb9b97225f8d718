"""Epoch and message number as one integer that orders all messages of a device."""

from collections.abc import Iterable
from typing import NamedTuple

NUMBER_BITS = 28
NUMBER_MAX = (1 << NUMBER_BITS) - 1
"""The last number of an epoch; eight years at one message a second, then a new epoch begins."""


class Message(NamedTuple):
    """One message of the outbox."""

    key: int
    payload: bytes


def make_key(epoch: int, number: int) -> int:
    """The key of message `number` (1 to `NUMBER_MAX`) of `epoch`."""
    return epoch << NUMBER_BITS | number


def split_key(key: int) -> tuple[int, int]:
    """Epoch and number of a key."""
    return key >> NUMBER_BITS, key & NUMBER_MAX


def runs(keys: Iterable[int]) -> list[tuple[int, int]]:
    """Ascending keys as (first, last) of each unbroken run."""
    found: list[tuple[int, int]] = []
    for key in keys:
        if found and found[-1][1] + 1 == key:
            found[-1] = (found[-1][0], key)
        else:
            found.append((key, key))
    return found
