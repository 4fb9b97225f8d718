"""What a settling computed: each window once, and always the result of its own window."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from engine.computed import Computed, keys_of, parted
from engine.family import Integers, Result, blank

Pairs = list[tuple[int, int]]
PAIR = st.tuples(st.integers(0, 5), st.integers(-3, 9))


def columns(pairs: Pairs) -> tuple[Integers, Integers]:
    return (np.array([member for member, _ in pairs], np.int64),
            np.array([window for _, window in pairs], np.int64))


@given(st.lists(st.lists(PAIR, unique=True), max_size=6))
def test_each_window_once_and_its_own(asked: list[Pairs]) -> None:
    computed, seen = Computed(2), []

    def compute(members: Integers, windows: Integers) -> Result:
        seen.extend(zip(members.tolist(), windows.tolist(), strict=True))
        result = blank(len(members), 2)
        result.value[:, 0], result.value[:, 1] = members, windows
        result.n[:, 0], result.weight[:] = windows, members
        result.cov[:, 1], result.between[:] = members / 8, windows % 2 == 0
        return result

    for pairs in asked:
        result = computed.of(*columns(pairs), compute)
        assert result.value.tolist() == [[float(m), float(w)] for m, w in pairs]
        assert result.n[:, 0].tolist() == [w for _, w in pairs]
        assert result.weight.tolist() == [float(m) for m, _ in pairs]
        assert result.cov[:, 1].tolist() == [m / 8 for m, _ in pairs]
        assert result.between.tolist() == [w % 2 == 0 for _, w in pairs]
    assert len(seen) == len(set(seen))
    assert set(seen) == {pair for pairs in asked for pair in pairs}


@given(st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(0, (1 << 32) - 1))))
def test_keys_keep_both_and_their_order(pairs: Pairs) -> None:
    keys = keys_of(*columns(pairs))
    members, windows = parted(keys)
    assert list(zip(members.tolist(), windows.tolist(), strict=True)) == pairs
    assert parted(np.sort(keys))[0].tolist() == [member for member, _ in sorted(pairs)]
