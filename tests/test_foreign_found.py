"""Values at dotted paths, and what counts as a number."""

import math
from typing import Any

import pytest

from edge.verdicts import Verdict
from ingest.foreign_found import MISSING, at_path, number_of

TREE = {"a": {"b": [1, {"c": 2}]}, "pm2.5": 3, "x": {"y.z": 4, "n": None}}


@pytest.mark.parametrize(("path", "expected"), [
    ("", TREE), ("a.b.0", 1), ("a.b.1.c", 2), ("pm2.5", 3), ("x.y.z", 4), ("x.n", None),
    ("a.b.2", MISSING), ("a.b.-1", MISSING), ("a.b.x", MISSING), ("a.c", MISSING),
    ("pm2.5.x", MISSING), ("a.b.0.c", MISSING), ("a.b.²", MISSING), ("a.b.99999999999", MISSING),
])
def test_paths(path: str, expected: Any) -> None:
    assert at_path(TREE, path) is expected or at_path(TREE, path) == expected


@pytest.mark.parametrize(("value", "expected"), [
    (12, 12.0), (-0.5, -0.5), ("22.02", 22.02), (" -68 ", -68.0), ("1e3", 1000.0),
    (None, Verdict.REFUSED_NOT_A_NUMBER), ("NaN", Verdict.REFUSED_NOT_A_NUMBER),
    ("", Verdict.REFUSED_NOT_A_NUMBER), ("ON", Verdict.REFUSED_TYPE), (True, Verdict.REFUSED_TYPE),
    ([1], Verdict.REFUSED_TYPE), ("1_000", Verdict.REFUSED_TYPE), ("0x10", Verdict.REFUSED_TYPE),
    ("1" * 30, Verdict.REFUSED_TYPE), ("١", Verdict.REFUSED_TYPE), (10**400, math.inf),
])
def test_numbers(value: Any, expected: float) -> None:
    found = number_of(value)
    assert found == expected
    assert type(found) is type(expected)
