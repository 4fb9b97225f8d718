"""Arrays that begin at a line of memory.

numpy's own begin 16 bytes after a page, so that a row of 64 bytes lies in two lines, and whoever
takes one row waits for two. A tag of 0 would be 1970, which no reading is of: zeros are blank.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

LINE_BYTES = 64


def blank(shape: int | tuple[int, ...], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Zeros, in the order of C."""
    size = int(np.prod(shape)) * dtype.itemsize
    room = np.zeros(size + LINE_BYTES, np.uint8)
    first = -room.ctypes.data % LINE_BYTES
    out: npt.NDArray[Any] = room[first : first + size].view(dtype).reshape(shape)
    return out


def longer(array: npt.NDArray[Any], count: int, axis: int = 0) -> npt.NDArray[Any]:
    """A copy with `count` rows (or columns, axis 1); what is new is zeros."""
    shape = list(array.shape)
    shape[axis] = count
    out = blank(tuple(shape), array.dtype)
    target = out[: array.shape[0]] if axis == 0 else out[:, : array.shape[1]]
    target[...] = array
    return out
