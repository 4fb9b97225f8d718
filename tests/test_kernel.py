"""Kernels are compiled when they are first needed, for the types they say and for no other."""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from engine.kernel import Kernel, inner, kernel


@pytest.fixture(autouse=True)
def _not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test makes functions of its own: kept on disk they would add up, run by run."""
    monkeypatch.setattr(Kernel, "enable_caching", lambda _: None)


@inner
def _twice(value: float) -> float:
    return 2.0 * value


def _made() -> Any:
    """A kernel, one that calls it, neither of them compiled."""

    @kernel("float64(float64[::1])")
    def total(values: Any) -> Any:
        found = 0.0
        for value in values:
            found += _twice(value)
        return found

    @kernel("float64(float64[::1], int64)", lean=True)
    def several(values: Any, times: Any) -> Any:
        return total(values) * times

    return total, several


def test_it_is_compiled_when_it_is_first_called() -> None:
    total, _ = _made()
    assert isinstance(total, Kernel)
    assert total.signatures == []
    assert total(np.array([1.0, 2.5])) == 7.0
    assert [str(signature) for signature in total.nopython_signatures] == [
        "(Array(float64, 1, 'C', False, aligned=True),) -> float64"
    ]


def test_it_is_compiled_where_another_calls_it() -> None:
    total, several = _made()
    assert several(np.array([1.0, 2.5]), 3) == 21.0
    assert len(total.signatures) == 1


@pytest.mark.parametrize(
    "other", [np.arange(4.0)[::2], np.arange(4), np.zeros((2, 2)), [1.0, 2.0]],
    ids=["strided", "integers", "table", "list"],
)
def test_other_types_are_refused_first_and_later(other: Any) -> None:
    total, _ = _made()
    for _ in range(2):
        with pytest.raises(TypeError, match="No matching definition"):
            total(other)
    assert total(np.array([1.0])) == 2.0


def test_importing_the_program_loads_none() -> None:
    said = (
        "import ingest.program; from engine import kernel;"
        "print(len(kernel._declared), sum(bool(each.overloads) for each in kernel._declared))"
    )
    shown = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)
    declared, loaded = map(int, shown.stdout.split())
    assert declared > 100
    assert loaded == 0
