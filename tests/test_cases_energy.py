"""Worked cases of energy: variants that are not built, and inputs that are wrong."""

from typing import Any

import pytest

from cityvitals.cases_energy import ADAPTERS
from cityvitals.worked_cases import NotBuiltError


@pytest.mark.parametrize(("key", "inputs", "expected"), [
    ("power_factor", {"kw": 3, "kvar": 4}, {"pf": 0.6}),
    ("power_factor", {"kwh": 12, "kvarh": 5}, {"pf": 12 / 13}),
    ("power_factor", {"kw": 3, "kva": 5, "rated_kva": 501}, {"pf": None}),
    ("unbalance", {"U": [400, 400, 400]}, {"u2_pct": 0.0}),
    ("carbon_intensity", {"gen_mwh": {"oil": 1, "hydro": 2}}, {"g_per_kwh": None}),
    ("tmed", {"daily_saidi_min": [1]}, {"tmed": None}),
])
def test_variants(key: str, inputs: dict[str, Any], expected: dict[str, Any]) -> None:
    got = ADAPTERS[f"energy.{key}"](inputs)
    for name, value in expected.items():
        assert got[name] == (value if value is None else pytest.approx(value))


@pytest.mark.parametrize(("key", "inputs"), [
    ("carbon_intensity", {"gen_mwh": {"coal": 1}, "factors": "eGRID 2022"}),
    ("renewable_share", {"gen_mwh": {"coal": 1, "hydro": 1}, "renewables": []}),
])
def test_other_sets_are_not_built(key: str, inputs: dict[str, Any]) -> None:
    with pytest.raises(NotBuiltError):
        ADAPTERS[f"energy.{key}"](inputs)


def test_three_voltages() -> None:
    with pytest.raises(ValueError, match="2 voltages"):
        ADAPTERS["energy.unbalance"]({"U": [1, 2]})
