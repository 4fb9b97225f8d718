"""Arrays that begin at a line of memory."""

import numpy as np
import pytest

from engine.aligned import LINE_BYTES, blank, longer
from engine.judge import RECENT
from engine.panes import MINUTE, Panes
from engine.series import SERIES


@pytest.mark.parametrize("shape", [0, 7, (0, 64), (3, 0), (5, 64)])
def test_they_begin_there_and_are_zeros(shape: int | tuple[int, ...]) -> None:
    array = blank(shape, MINUTE)
    assert not array.size or array.ctypes.data % LINE_BYTES == 0
    assert array.shape == (shape if isinstance(shape, tuple) else (shape,))
    assert not array["n"].any()
    assert array.flags.c_contiguous


def test_they_grow_both_ways() -> None:
    array = blank((2, 3), np.dtype(np.int64))
    array[:] = 5
    for grown in (longer(array, 4), longer(array, 4, axis=1)):
        assert grown.ctypes.data % LINE_BYTES == 0
        assert grown.sum() == 30
        assert grown[:2, :3].tolist() == array.tolist()


def test_a_row_that_a_reading_touches_is_one_line() -> None:
    for dtype in (MINUTE, SERIES, RECENT):
        assert dtype.itemsize == LINE_BYTES
    panes = Panes()
    panes.fit(np.zeros(3, np.int32), [-1])
    assert panes.minutes.strides[0] == LINE_BYTES
    assert panes.minutes.ctypes.data % LINE_BYTES == 0
