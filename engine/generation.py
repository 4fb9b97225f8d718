"""Where electricity comes from: renewable share and carbon intensity of a mix.

Emission factors are the life-cycle medians of IPCC AR5 WGIII Annex III, in g CO2e per kWh.
"""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numba as nb
import numpy as np

from engine.kernel import kernel

EF_SET = "IPCC_AR5_median_LCA"
UNKNOWN_ALLOWED = 0.05
"""With more of unknown origin there is no carbon intensity."""


class Source(NamedTuple):
    """A source of electricity: its emission factor (NaN: the set has none), and how much of it is
    renewable, 0..1 (NaN: not known)."""

    g_per_kwh: float
    renewable: float


SOURCES: dict[str, Source] = {
    "coal": Source(820.0, 0.0), "gas_cc": Source(490.0, 0.0),
    "biomass": Source(230.0, 1.0), "biomass_cofiring": Source(740.0, 0.0),
    "solar_pv_utility": Source(48.0, 1.0), "solar_pv_roof": Source(41.0, 1.0),
    "geothermal": Source(38.0, 1.0), "solar_csp": Source(27.0, 1.0),
    "hydro": Source(24.0, 1.0), "nuclear": Source(12.0, 0.0),
    "wind_offshore": Source(12.0, 1.0), "wind_onshore": Source(11.0, 1.0),
    "wind": Source(math.nan, 1.0), "solar": Source(math.nan, 1.0),
    "gas": Source(math.nan, 0.0), "oil": Source(math.nan, 0.0),
    "waste": Source(math.nan, 0.0), "import": Source(math.nan, math.nan),
}
"""By the channel of a series of generation. Sources that the set has no median for are named,
so that it is known whether they are renewable. `import` is what comes from the grid outside: a
fact says its carbon intensity, and what share of it is renewable."""
NAMES = tuple(SOURCES)
CODE: dict[str, int] = {name: i for i, name in enumerate(NAMES)}
"""Column of each source in the arrays of the kernels; one more column, the last, is of channels
that name none."""
COLUMNS = len(NAMES) + 1
MEDIANS: dict[str, float] = {name: source.g_per_kwh for name, source in SOURCES.items()}
"""The emission factors by source."""

_rows = nb.float64[:, ::1]
_f64 = nb.float64[::1]


@kernel(nb.void(_rows, _f64, _rows, _f64, _f64))
def known_means(energy: Any, unknown: Any, property_of: Any, out: Any, known: Any) -> None:
    """Mean of a property of the sources over the energy of which it is known.

    energy: float64[k, sources], any unit of energy. unknown: float64[k], energy of unknown origin
    or amount, infinite where nobody knows how much. property_of: float64[k, sources], NaN
    unknown. out: float64[k], NaN where it is unknown of more than 5 % of all energy, or there is
    none. known: float64[k], out, the energy of which it is known. Cost: k * sources.
    """
    for k in range(energy.shape[0]):
        total = unknown[k]
        had = weighted = 0.0
        for s in range(energy.shape[1]):
            total += energy[k, s]
            if not np.isnan(property_of[k, s]):
                had += energy[k, s]
                weighted += energy[k, s] * property_of[k, s]
        known[k] = had
        out[k] = np.nan
        if had > 0.0 and total < np.inf and total - had <= UNKNOWN_ALLOWED * total:
            out[k] = weighted / had


@kernel(nb.void(_rows, _f64, _rows, _f64, _f64))
def known_shares(energy: Any, unknown: Any, property_of: Any, out: Any, known: Any) -> None:
    """As `known_means`, but over all energy: what is not known to have the property has not.

    known: float64[k], out, all energy, 0 where that is not known.
    """
    known_means(energy, unknown, property_of, out, known)
    for k in range(energy.shape[0]):
        if np.isnan(out[k]):
            known[k] = 0.0
            continue
        total = unknown[k]
        for s in range(energy.shape[1]):
            total += energy[k, s]
        out[k] *= known[k] / total
        known[k] = total


def renewable_share(energy: Mapping[str, float], unknown: float = 0.0) -> float:
    """Renewable energy over all energy, 0..1.

    energy: by source, any unit of energy. unknown: of origin or amount that is not known; what is
    not known to be renewable is not. NaN where more than 5 % is unknown, or there is none.
    """
    shares = {name: source.renewable for name, source in SOURCES.items()}
    return _one(known_shares, energy, unknown, shares)


def carbon_intensity(
    energy: Mapping[str, float], factors: Mapping[str, float], unknown: float = 0.0
) -> float:
    """Grams of CO2e per kWh of the energy of known origin.

    energy: by source. factors: g/kWh by source, NaN or absent unknown. unknown: as above. NaN where
    more than 5 % is of unknown origin, or there is none.
    """
    return _one(known_means, energy, unknown, factors)


def _one(of: Any, energy: Mapping[str, float], unknown: float, told: Mapping[str, float]) -> float:
    """One mix through a kernel."""
    amounts = np.array([list(energy.values())], np.float64).reshape(1, -1)
    properties = np.array([[told.get(name, math.nan) for name in energy]]).reshape(1, -1)
    out, known = np.empty(1), np.empty(1)
    of(amounts, np.array([float(unknown)]), properties, out, known)
    return float(out[0])
