"""What one settling has computed: areas are made of the very windows that their stations closed."""

from collections.abc import Callable

import numpy as np

from engine.family import Integers, Result, blank

_WINDOW_BITS = 32


def keys_of(members: Integers, windows: Integers) -> Integers:
    """One number for each member and window, int64[k]; orders by member, then by window."""
    keys: Integers = (members << _WINDOW_BITS) + windows
    return keys


def parted(keys: Integers) -> tuple[Integers, Integers]:
    """Members and windows of `keys_of`."""
    return keys >> _WINDOW_BITS, keys & ((1 << _WINDOW_BITS) - 1)


class Computed:
    """Results of one family by member and window, for as long as the panes stay as they are."""

    def __init__(self, indicators: int) -> None:
        self._result = blank(0, indicators)
        self._keys: Integers = np.zeros(0, np.int64)
        self._rows: Integers = np.zeros(0, np.int64)

    def of(
        self, members: Integers, windows: Integers,
        compute: Callable[[Integers, Integers], Result],
    ) -> Result:
        """Results of windows, int64[k] each, no pair twice; the unknown ones are computed."""
        keys = keys_of(members, windows)
        if not len(self._keys):
            found = compute(members, windows)
            self._keep(keys, found)
            return found
        at = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        fresh = self._keys[at] != keys
        if fresh.any():
            found = compute(members[fresh], windows[fresh])
            self._keep(keys[fresh], found)
            if fresh.all():
                return found
        return self._result.take(self._rows[np.searchsorted(self._keys, keys)])

    def _keep(self, keys: Integers, found: Result) -> None:
        rows = np.arange(len(keys)) + len(self._rows)
        self._result = self._result.followed_by(found) if len(self._rows) else found
        every = np.concatenate([self._keys, keys])
        order = np.argsort(every)
        self._keys = every[order]
        self._rows = np.concatenate([self._rows, rows])[order]
