"""Worked cases of noise: the kernels of the engine."""

from typing import Any

import numpy as np

from cityvitals.worked_cases import Adapter, Inputs, NotBuiltError, number
from engine.sound_levels import LEVELS, energy_of, exceeded, lden, level_db, step_of


def _levels(inputs: Inputs, key: str) -> list[float]:
    levels = [number(value) for value in inputs[key]]
    if not levels:
        raise ValueError(f"{key} has no level")
    return levels


def _laeq(inputs: Inputs) -> dict[str, Any]:
    energies = [energy_of(level) for level in _levels(inputs, "levels_dB_equal_duration")]
    return {"laeq": level_db(sum(energies) / len(energies))}


def _lden(inputs: Inputs) -> dict[str, Any]:
    return {"lden": lden(*(number(inputs[key]) for key in ("lday", "levening", "lnight")))}


def _lx(inputs: Inputs) -> dict[str, Any]:
    if inputs.get("quantile", "type7") != "type7":
        raise NotBuiltError
    counts, out = np.zeros(LEVELS, np.int64), np.zeros(4)
    for level in _levels(inputs, "levels_dB"):
        counts[step_of(level)] += 1
    exceeded(counts, out)
    return dict(zip(("L10", "L50", "L90", "TNI"), out.tolist(), strict=True))


ADAPTERS: dict[str, Adapter] = {
    "noise.laeq": _laeq,
    "noise.lden": _lden,
    "noise.lx": _lx,
}
