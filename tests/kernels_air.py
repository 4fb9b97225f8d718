"""The kernels of the indices beyond the US one beside their slow twins, with arguments."""

from typing import Any

import numpy as np

from engine import daqi, naqi, purpleair, who
from engine.nowcast import nowcast_o3_2016
from tests import reference_air
from tests.kernels import Pair, Random, gaps

MODULES = (daqi, naqi, purpleair, who)


def _conc(rng: Random) -> float:
    """Skewed, some on the limits of tables, some missing."""
    value = float(rng.choice([rng.lognormal(4, 1.5), rng.uniform(-3, 60), rng.integers(0, 900)]))
    return float(gaps(rng, np.array([value]))[0])


def _daqi(rng: Random, k: int) -> Any:
    return (int(rng.integers(0, 6)), _conc(rng)), ()


def _naqi(rng: Random, k: int) -> Any:
    conc = _conc(rng) * float(rng.choice([1.0, 0.01]))
    return (int(rng.integers(0, 8)), int(rng.choice([1, 8, 24])), conc), ()


def _two(rng: Random, k: int) -> Any:
    return (_conc(rng), float(gaps(rng, rng.uniform(0, 100, 1))[0])), ()


PAIRS: tuple[Pair, ...] = (
    Pair(daqi.daqi, reference_air.daqi, _daqi),
    Pair(naqi.naqi, reference_air.naqi, _naqi),
    Pair(naqi.naqi_overall, reference_air.naqi_overall,
         lambda rng, k: ((gaps(rng, np.floor(rng.uniform(0, 500, 8))),), ())),
    Pair(purpleair.corrected_cf1, reference_air.corrected_cf1, _two, 1e-9),
    Pair(purpleair.corrected_atm, reference_air.corrected_atm, _two, 1e-9),
    Pair(purpleair.channels_agree, reference_air.channels_agree, _two),
    Pair(who.who_ratio, reference_air.who_ratio,
         lambda rng, k: ((_conc(rng), float(rng.choice([5, 15, 37.5, 100]))), ())),
    Pair(nowcast_o3_2016, reference_air.nowcast_o3_2016,
         lambda rng, k: ((gaps(rng, np.round(rng.normal(40, 25, 8))),), (np.zeros(3),)), 1e-9),
)
