"""Electrical demand of 15-minute blocks, from power readings or from an energy register.

Utility practice: demand is the mean power of a block; a block needs 75 % of its minutes. A
register measures energy across gaps, so its differences are used and power is never invented.
"""

import numpy as np
import numpy.typing as npt
from numba import njit

from engine.completeness import enough

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Counts = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]

_UNITS_PER_KW = 1e6
_HOUR_MS = 3_600_000.0


@njit("void(int64[:, ::1], int32[:, ::1], boolean[:, ::1], float64[:, ::1])",
      cache=True, nogil=True)
def mean_demand(sums: Integers, counts: Counts, covered: Flags, out: Floats) -> None:
    """Mean power of blocks made of minutes; serves aligned and sliding blocks alike.

    sums: int64[k, m], sum of the minute's readings in 1e-6 kW. counts: int32[k, m], readings of
    the minute. covered: bool[k, m], whether the minute is vouched for by data (a meter that
    reports every 5 minutes covers five). out: float64[k, 2]: sum over count in kW, NaN under
    75 % of the minutes or without a reading; and the coverage 0..1. Cost: one pass.
    """
    minutes = sums.shape[1]
    for k in range(sums.shape[0]):
        total = 0
        readings = 0
        vouched = 0
        for m in range(minutes):
            total += sums[k, m]
            readings += counts[k, m]
            vouched += covered[k, m]
        out[k, 1] = vouched / minutes
        out[k, 0] = np.nan
        if readings > 0 and enough(vouched, minutes):
            out[k, 0] = total / (readings * _UNITS_PER_KW)


@njit("float64(float64, float64, float64, float64, float64)", cache=True, nogil=True)
def register_rise(
    before_kwh: float, after_kwh: float, hours: float, modulus_kwh: float, power_max_kw: float
) -> float:
    """Energy between two readings of a register, in kWh; NaN where the register was reset.

    A fall is a rollover if adding `modulus_kwh` (0: unknown) leaves at most `power_max_kw` for
    the `hours` between; every other fall is a reset.
    """
    rise = after_kwh - before_kwh
    if rise >= 0.0:
        return rise
    rise += modulus_kwh
    return rise if 0.0 <= rise <= power_max_kw * hours else np.nan


@njit("void(int64[::1], float64[::1], int64, int64, int64, float64, float64, float64[:, ::1])",
      cache=True, nogil=True)
def register_demand(
    time_ms: Integers, kwh: Floats, start_ms: int, block_ms: int, gap_max_ms: int,
    modulus_kwh: float, power_max_kw: float, out: Floats,
) -> None:
    """Mean power of blocks of one register; energy is conserved from block to block.

    time_ms: int64[n], Unix ms, strictly ascending. kwh: float64[n], the register. Block i is
    `[start_ms + i * block_ms, … + block_ms)`. The register at a block's edge is interpolated
    between its neighbours. Rollover and reset as `register_rise`. out: float64[b, 2]: kW, NaN
    under 75 % coverage or where a reset falls into the block; and the coverage 0..1: the share
    of the block whose energy is measured. A gap inside the block is measured by the readings
    around it; one longer than `gap_max_ms` that runs across an edge is not, and neither is the
    time before the first and after the last reading. Cost: one pass over n + b.
    """
    blocks = out.shape[0]
    energy = np.zeros(blocks)
    known_ms = np.zeros(blocks, np.int64)
    measured_ms = np.zeros(blocks, np.int64)
    first_block = 0
    for i in range(1, time_ms.shape[0]):
        begin, end = time_ms[i - 1], time_ms[i]
        span = end - begin
        rise = register_rise(kwh[i - 1], kwh[i], span / _HOUR_MS, modulus_kwh, power_max_kw)
        while first_block < blocks and start_ms + (first_block + 1) * block_ms <= begin:
            first_block += 1
        block = first_block
        while block < blocks and start_ms + block * block_ms < end:
            left = start_ms + block * block_ms
            inside = min(end, left + block_ms) - max(begin, left)
            energy[block] += rise * (inside / span)
            known_ms[block] += inside
            if inside == span or span <= gap_max_ms:
                measured_ms[block] += inside
            block += 1
    for block in range(blocks):
        out[block, 1] = measured_ms[block] / block_ms
        out[block, 0] = np.nan
        if enough(measured_ms[block], block_ms):
            out[block, 0] = energy[block] * (_HOUR_MS / known_ms[block])
