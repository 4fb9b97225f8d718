"""Sound levels: energetic means, the day-evening-night level, percentile levels of a histogram.

Standards: IEC 61672-1 and ISO 1996-1 (LAeq); Directive 2002/49/EC Annex I (Lden). Levels are
averaged as energies, 10^(L/10), never as decibels.
"""

import numpy as np
import numpy.typing as npt

from engine.kernel import inner, kernel

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

DAY_H, EVENING_H, NIGHT_H = 12.0, 4.0, 8.0
EVENING_DB, NIGHT_DB = 5.0, 10.0
LOWEST_DB = 30.0
STEPS_A_DB = 10.0
LEVELS = 901
"""Levels of a histogram: 30.0, 30.1 … 120.0 dB; what lies outside counts at the nearer end."""


@kernel("float64(float64)")
def level_db(energy: float) -> float:
    """Level of a mean energy 10^(L/10), NaN of none."""
    return 10.0 * np.log10(energy) if energy > 0.0 else np.nan


@kernel("float64(float64)")
def energy_of(level: float) -> float:
    """10^(L/10)."""
    energy: float = 10.0 ** (level / 10.0)
    return energy


@kernel("float64(float64, float64, float64)")
def lden(day: float, evening: float, night: float) -> float:
    """Day-evening-night level of the LAeq of 12, 4 and 8 hours; NaN with one of them missing."""
    energy = DAY_H * energy_of(day) + EVENING_H * energy_of(evening + EVENING_DB)
    energy += NIGHT_H * energy_of(night + NIGHT_DB)
    level: float = level_db(energy / 24.0)
    return level


@kernel("int64(float64)")
def step_of(level: float) -> int:
    """Row of a level in a histogram of 0.1 dB."""
    step = int(np.floor((level - LOWEST_DB) * STEPS_A_DB + 0.5))
    return min(max(step, 0), LEVELS - 1)


@inner
def level_at(counts: Counts, position: float) -> float:
    """Level of the sample at `position` (0 the quietest) of a histogram, halves by weight.

    counts: int64[901]. Between two samples the level is joined linearly. Cost: 901.
    """
    below = int(np.floor(position))
    share = position - below
    seen = 0
    low = np.nan
    for step in range(counts.shape[0]):
        seen += counts[step]
        level = LOWEST_DB + step / STEPS_A_DB
        if np.isnan(low) and seen > below:
            low = level
        if seen > below + 1 or (share == 0.0 and seen > below):
            return low + share * (level - low)
    return low


@kernel("void(int64[::1], float64[::1])")
def exceeded(counts: Counts, out: Floats) -> None:
    """Levels exceeded 10, 50 and 90 % of the time, and the traffic noise index.

    counts: int64[901], samples by 0.1 dB from 30 dB on. out: float64[4]: L10, L50, L90 (the
    90th, 50th and 10th percentile of type 7) and TNI = 4 (L10 - L90) + L90 - 30; NaN of none.
    """
    total = counts.sum()
    out[:] = np.nan
    if total > 0:
        out[0] = level_at(counts, (total - 1) * 0.9)
        out[1] = level_at(counts, (total - 1) * 0.5)
        out[2] = level_at(counts, (total - 1) * 0.1)
        out[3] = 4.0 * (out[0] - out[2]) + out[2] - 30.0
