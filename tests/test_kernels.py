"""Every kernel against its slow twin, over random input with every pattern of missing data."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import kernels, kernels_air, kernels_noise, kernels_traffic
from tests.kernels import Pair

PAIRS = kernels.PAIRS + kernels_traffic.PAIRS + kernels_noise.PAIRS + kernels_air.PAIRS
MODULES = (
    kernels.MODULES + kernels_traffic.MODULES + kernels_noise.MODULES + kernels_air.MODULES
)

ONLY_INSIDE = {"_table", "_max_1h", "_max_8h"}
"""Kernels that are no more than a step of another one, and tested through it."""


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
@given(seed=st.integers(0, 2**32 - 1), stations=st.integers(1, 5))
@settings(max_examples=30, deadline=None)
def test_kernel_equals_its_twin(pair: Pair, seed: int, stations: int) -> None:
    inputs, outputs = pair.make(np.random.default_rng(seed), stations)
    expected = tuple(out.copy() for out in outputs)
    before = [np.array(value) for value in inputs]
    got_scalar = pair.kernel(*inputs, *outputs)
    expected_scalar = pair.twin(*inputs, *expected)
    if not outputs:
        outputs, expected = (np.array([got_scalar]),), (np.array([expected_scalar]),)
    for got, wanted in zip(outputs, expected, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=0, atol=pair.absolute, equal_nan=True)
    for value, was in zip(inputs, before, strict=True):
        np.testing.assert_array_equal(value, was, "a kernel changed its input")


def test_every_kernel_has_a_twin() -> None:
    paired = {pair.name for pair in PAIRS}
    built = {
        name for module in MODULES for name, value in vars(module).items()
        if hasattr(value, "nopython_signatures")
    }
    assert built - paired == ONLY_INSIDE


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_kernels_are_compiled_ahead_and_free_the_lock(pair: Pair) -> None:
    # What only kernels call is compiled into each of them, and waits for nobody.
    lazy = pair.kernel._can_compile
    assert lazy or len(pair.kernel.nopython_signatures) == 1
    assert pair.kernel.targetoptions["nogil"] is True
