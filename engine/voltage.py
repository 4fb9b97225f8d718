"""Quality of the supply voltage: EN 50160 and the measures of IEC 61000-4-30.

Every value is an rms value of 10 minutes, formed as the root of the mean of squares.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

NOMINAL_V = 230.0
"""Between phase and neutral; a station whose fact `nominal_voltage` says otherwise has that."""
NOMINAL_HZ = 50.0
OUTSIDE_PERCENT, FAR_LOW_PERCENT = 10.0, 15.0
SHARE_PERCENT = 5
"""Share of a week that may lie outside; unbalance, THD and flicker are held to the same 95 %."""
FREQUENCY_PER_MILLE = 5
"""Share of the 10-s means of frequency in a year that may lie outside +-1 %."""
UNBALANCE_LIMIT, THD_LIMIT, FLICKER_LIMIT = 2.0, 8.0, 1.0
HARMONICS = range(2, 41)
HARMONIC_LIMITS = {
    2: 2.0, 3: 5.0, 4: 1.0, 5: 6.0, 7: 5.0, 9: 1.5, 11: 3.5, 13: 3.0, 15: 0.5, 17: 2.0, 19: 1.5,
    21: 0.5, 23: 1.5, 25: 1.5, **dict.fromkeys(range(6, 25, 2), 0.5),
}
"""Limits of single harmonics, % of the fundamental, 95 % of the week."""


class Outside(NamedTuple):
    """bool[...]: values outside +-10 % of the nominal voltage, and outside +10/-15 %."""

    near: Bools
    far: Bools


def outside(volts: Floats, nominal: Floats | float) -> Outside:
    """Which values lie outside; one on a limit does not, NaN is nowhere."""
    high = volts > nominal * (100.0 + OUTSIDE_PERCENT) / 100.0
    near = high | (volts < nominal * (100.0 - OUTSIDE_PERCENT) / 100.0)
    far = high | (volts < nominal * (100.0 - FAR_LOW_PERCENT) / 100.0)
    return Outside(near, far)


def compliant(valid: int, near: int, far: int) -> bool:
    """EN 50160 voltage variation of a week: N1/N <= 5 % and N2 = 0; false of nothing."""
    return valid > 0 and 100 * near <= SHARE_PERCENT * valid and far == 0


def off_hertz(hertz: Floats, nominal: float = NOMINAL_HZ) -> Outside:
    """10-s means outside +-1 % of the nominal frequency, and outside +4/-6 %."""
    near = (hertz > nominal * 101.0 / 100.0) | (hertz < nominal * 99.0 / 100.0)
    far = (hertz > nominal * 104.0 / 100.0) | (hertz < nominal * 94.0 / 100.0)
    return Outside(near, far)


def steady(valid: float, near: float, far: float) -> bool:
    """EN 50160 frequency of a year: 99.5 % within +-1 %, all within +4/-6 %; false of nothing."""
    return valid > 0 and 1000 * near <= FREQUENCY_PER_MILLE * valid and far == 0


def deviation(volts: Floats, declared: float) -> tuple[float, float]:
    """Under- and overdeviation in % of the declared voltage (IEC 61000-4-30); NaN of nothing."""
    valid = volts[~np.isnan(volts)]
    if not len(valid):
        return math.nan, math.nan
    low = math.fsum(np.minimum(valid, declared) ** 2) / len(valid)
    high = math.fsum(np.maximum(valid, declared) ** 2) / len(valid)
    under, over = deviation_of(np.array([low]), np.array([high]), np.array([declared]))
    return float(under[0]), float(over[0])


def deviation_of(low: Floats, high: Floats, declared: Floats) -> tuple[Floats, Floats]:
    """The same of the mean squares of what is at most, and at least, the declared voltage."""
    under = (declared - np.sqrt(low)) / declared * 100.0
    over = (np.sqrt(high) - declared) / declared * 100.0
    return np.maximum(under, 0.0), np.maximum(over, 0.0)


def sequences(volts: Sequence[float], degrees: Sequence[float]) -> tuple[float, float]:
    """Negative and zero sequence in % of the positive one, by Fortescue: (u2, u0); NaN of none."""
    phasors = [u * complex(math.cos(math.radians(a)), math.sin(math.radians(a)))
               for u, a in zip(volts, degrees, strict=True)]
    turn = complex(-0.5, math.sqrt(3.0) / 2.0)
    one, two, three = phasors
    positive = abs(one + turn * two + turn * turn * three)
    negative = abs(one + turn * turn * two + turn * three)
    zero = abs(one + two + three)
    if not positive > 0.0:
        return math.nan, math.nan
    return 100.0 * negative / positive, 100.0 * zero / positive


def unbalance(volts: Floats) -> Floats:
    """Negative sequence in % of the positive one, from three line voltages without angles.

    volts: float64[k, 3], NaN unknown. With beta = sum U^4 / (sum U^2)^2 (IEC 61000-4-30):
    sqrt((1 - sqrt(3 - 6 beta)) / (1 + sqrt(3 - 6 beta))); NaN where no triangle has such sides.
    """
    squares = volts * volts
    total = squares.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        beta = (squares * squares).sum(axis=1) / (total * total)
        # One third is balanced; the dust of binary fractions must not make it less.
        root = np.sqrt(np.minimum(3.0 - 6.0 * beta, 1.0))
        found: Floats = 100.0 * np.sqrt((1.0 - root) / (1.0 + root))
    return found


def thd(fundamental: float, harmonics: dict[int, float]) -> float:
    """Total harmonic distortion in % of the fundamental, harmonics 2 to 40; NaN without one."""
    if not fundamental > 0.0:
        return math.nan
    squares = (harmonics.get(order, 0.0) ** 2 for order in HARMONICS)
    return 100.0 * math.sqrt(math.fsum(squares)) / fundamental


def over_limit(fundamental: float, harmonics: dict[int, float]) -> list[int]:
    """Orders of the harmonics that exceed their own limit."""
    return [
        order for order, limit in sorted(HARMONIC_LIMITS.items())
        if 100.0 * harmonics.get(order, 0.0) > limit * fundamental
    ]


def long_term_flicker(short: Sequence[float]) -> float:
    """Plt of two hours from 12 values of Pst; NaN if one is missing."""
    if len(short) != 12 or any(math.isnan(value) for value in short):
        return math.nan
    return float(np.cbrt(math.fsum(value**3 for value in short) / 12.0))
