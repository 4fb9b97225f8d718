"""PM2.5 of PurpleAir sensors, corrected as US EPA does it.

(a) Barkjohn et al. 2021 (Atmos. Meas. Tech. 14, 4617-4637), for means of 24 hours of the
channels with cf = 1. (b) The piecewise form of the AirNow Fire and Smoke Map, in daily use, for
`pm2.5_atm`. Both are meant for means of ten minutes to a day, never for single readings, and need
the relative humidity that the sensor itself reports.

`engine.corrected_hours` applies them to the hours of sensors whose places rows say so.
"""

import numpy as np

from engine.kernel import kernel

GATE_UGM3, GATE_SHARE = 5.0, 0.61
"""Channels that differ by both of these and more do not agree: the paper drops them."""
HOUR_UGM3, HOUR_SHARE = 5.0, 0.7
"""Of an hour: by more than both of these (Cityvitals data quality 5.5)."""
CF1, ATM = 1, 2
"""Which channel a sensor publishes, as `Registry.correction` numbers it."""


@kernel("float64(float64, float64)")
def corrected_cf1(pa_cf1: float, rh_pct: float) -> float:
    """(a): µg/m³ of the mean of both channels (cf = 1), humidity in %; NaN without one. O(1)."""
    if np.isnan(pa_cf1) or np.isnan(rh_pct):
        return np.nan
    return max(0.524 * pa_cf1 - 0.0862 * rh_pct + 5.75, 0.0)


@kernel("float64(float64, float64)")
def corrected_atm(pa_atm: float, rh_pct: float) -> float:
    """(b): µg/m³ of `pm2.5_atm`, humidity in %; NaN where one is missing, below zero as zero.

    Between two pieces the slopes go over into each other. Cost: O(1).
    """
    if np.isnan(pa_atm) or np.isnan(rh_pct):
        return np.nan
    moist = 0.0862 * rh_pct
    if pa_atm < 30.0:
        value = 0.524 * pa_atm - moist + 5.75
    elif pa_atm < 50.0:
        x = pa_atm / 20.0 - 1.5
        value = (0.786 * x + 0.524 * (1.0 - x)) * pa_atm - moist + 5.75
    elif pa_atm < 210.0:
        value = 0.786 * pa_atm - moist + 5.75
    elif pa_atm < 260.0:
        x = pa_atm / 50.0 - 4.2
        value = (
            (0.69 * x + 0.786 * (1.0 - x)) * pa_atm - moist * (1.0 - x) + 2.966 * x
            + 5.75 * (1.0 - x) + 8.84e-4 * pa_atm * pa_atm * x
        )
    else:
        value = 2.966 + 0.69 * pa_atm + 8.84e-4 * pa_atm * pa_atm
    return max(value, 0.0)


@kernel("boolean(float64, float64)")
def channels_agree(a: float, b: float) -> bool:
    """Whether the means of both channels (µg/m³, 24 h) are near enough to be used. O(1)."""
    if np.isnan(a) or np.isnan(b):
        return False
    apart = abs(a - b)
    return not (apart >= GATE_UGM3 and apart >= GATE_SHARE * (a + b) / 2.0)


@kernel("float64(float64, float64, float64)")
def corrected_pair(a_cf1: float, b_cf1: float, rh_pct: float) -> float:
    """(a) of the means of both channels (cf = 1, 24 h); NaN where they do not agree. O(1)."""
    if not channels_agree(a_cf1, b_cf1):
        return np.nan
    return float(corrected_cf1((a_cf1 + b_cf1) / 2.0, rh_pct))


@kernel("boolean(float64, float64)")
def channels_agree_1h(a: float, b: float) -> bool:
    """As `channels_agree`, of means of an hour. O(1)."""
    if np.isnan(a) or np.isnan(b):
        return False
    apart = abs(a - b)
    return not (apart > HOUR_UGM3 and apart > HOUR_SHARE * (a + b) / 2.0)


@kernel("float64(int64, float64, float64)")
def corrected(kind: int, pa: float, rh_pct: float) -> float:
    """(a) or (b), by the channel that the sensor publishes. O(1)."""
    return float(corrected_cf1(pa, rh_pct) if kind == CF1 else corrected_atm(pa, rh_pct))
