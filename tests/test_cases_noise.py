"""Adapters of noise: what they refuse (that they agree: tests/test_conformance.py)."""

import pytest

from cityvitals.cases_noise import ADAPTERS
from cityvitals.worked_cases import NotBuiltError


def test_other_percentiles_are_not_built_and_nothing_has_no_level() -> None:
    with pytest.raises(NotBuiltError):
        ADAPTERS["noise.lx"]({"levels_dB": [1], "quantile": "type6"})
    with pytest.raises(ValueError, match="no level"):
        ADAPTERS["noise.laeq"]({"levels_dB_equal_duration": []})
