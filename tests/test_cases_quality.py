"""Worked cases of data quality: what they refuse; that they pass is tested with all others."""

import pytest

from cityvitals.cases_quality import ADAPTERS
from cityvitals.worked_cases import NotBuiltError


def test_spans_left_out_hold_everything() -> None:
    run = ADAPTERS["dq.gross_range"]
    assert run({"x": [1e9, None], "fail_span": [0, 5]}) == {"flags": [4, 9]}
    assert run({"x": [-3], "suspect_span": [0, 5]}) == {"flags": [3]}


def test_a_span_has_two_ends() -> None:
    with pytest.raises(ValueError, match=r"fail_span = \[1\]: write two numbers"):
        ADAPTERS["dq.gross_range"]({"x": [1], "fail_span": [1]})


def test_an_unknown_method_names_those_there_are() -> None:
    with pytest.raises(ValueError, match="'median' is none of average, differential"):
        ADAPTERS["dq.spike"]({"x": [1], "suspect": 1, "fail": 2, "method": "median"})


def test_flags_of_another_scheme_are_not_built() -> None:
    with pytest.raises(NotBuiltError):
        ADAPTERS["dq.aggregate"]({"flags_by_test": [[7]]})
