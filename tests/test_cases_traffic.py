"""Adapters of traffic: what they refuse (that they agree: tests/test_conformance.py)."""

from typing import Any

import pytest

from cityvitals.cases_traffic import ADAPTERS
from cityvitals.worked_cases import NotBuiltError


@pytest.mark.parametrize(("key", "inputs"), [
    ("traffic.pti", {"tt_min": [1], "freeflow_tt_min": 1, "quantile": "type6"}),
    ("traffic.lottr", {"tt_s": {}, "quantile": "type1"}),
    ("traffic.ffs_p85", {"offpeak_speeds_kmh": [1], "quantile": "type6"}),
])
def test_other_percentiles_are_not_built(key: str, inputs: dict[str, Any]) -> None:
    with pytest.raises(NotBuiltError):
        ADAPTERS[key](inputs)


@pytest.mark.parametrize(("key", "inputs", "words"), [
    ("traffic.los_urban_hcm2000", {"class": "V", "speed_mph": 5}, "none of I, II, III, IV"),
    ("traffic.mean_speeds", {"spot_speeds_kmh": [0]}, "no value above zero"),
    ("traffic.lottr", {"tt_s": {"sundays": [1]}}, "sundays"),
    ("traffic.tttr", {"tt_s": {"nights 20-6": [0]}}, "nights 20-6 has no value above zero"),
    ("traffic.pti", {"tt_min": [], "freeflow_tt_min": 1}, "no value above zero"),
])
def test_wrong_inputs_are_named(key: str, inputs: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        ADAPTERS[key](inputs)


def test_no_vehicle_no_speed() -> None:
    found = ADAPTERS["traffic.gfactor_speed"]({"volume_5min": 0, "occupancy": 0.1, "g_ft": 22})
    assert found["speed_mph"] is None
