"""Where electricity comes from: renewable share and carbon intensity of a mix.

Emission factors are the life-cycle medians of IPCC AR5 WGIII Annex III, in g CO2e per kWh.
"""

import math
from collections.abc import Mapping
from typing import NamedTuple

EF_SET = "IPCC_AR5_median_LCA"
UNKNOWN_ALLOWED = 0.05
"""With more of unknown origin there is no carbon intensity."""


class Source(NamedTuple):
    """A source of electricity: its emission factor (NaN: the set has none), renewable or not."""

    g_per_kwh: float
    renewable: bool


SOURCES: dict[str, Source] = {
    "coal": Source(820.0, False), "gas_cc": Source(490.0, False),
    "biomass": Source(230.0, True), "biomass_cofiring": Source(740.0, False),
    "solar_pv_utility": Source(48.0, True), "solar_pv_roof": Source(41.0, True),
    "geothermal": Source(38.0, True), "solar_csp": Source(27.0, True),
    "hydro": Source(24.0, True), "nuclear": Source(12.0, False),
    "wind_offshore": Source(12.0, True), "wind_onshore": Source(11.0, True),
    "wind": Source(math.nan, True), "solar": Source(math.nan, True),
    "gas": Source(math.nan, False), "oil": Source(math.nan, False),
    "waste": Source(math.nan, False),
}
"""By the channel of a series of generation. Sources that the set has no median for are named,
so that it is known whether they are renewable."""


def renewable_share(energy: Mapping[str, float], unknown: float = 0.0) -> float:
    """Renewable energy over all energy, 0..1.

    energy: by source, any unit of energy. unknown: of origin or amount that is not known; what is
    not known to be renewable is not. NaN where more than 5 % is unknown, or there is none.
    """
    total = math.fsum(energy.values()) + unknown
    strange = unknown + math.fsum(e for name, e in energy.items() if name not in SOURCES)
    if not total > 0.0 or strange > UNKNOWN_ALLOWED * total:
        return math.nan
    clean = [e for name, e in energy.items() if name in SOURCES and SOURCES[name].renewable]
    return math.fsum(clean) / total


def carbon_intensity(
    energy: Mapping[str, float], factors: Mapping[str, float], unknown: float = 0.0
) -> float:
    """Grams of CO2e per kWh of the energy of known origin.

    energy: by source. factors: g/kWh by source, NaN or absent unknown. unknown: as above. NaN where
    more than 5 % is of unknown origin, or there is none.
    """
    known = {name: e for name, e in energy.items()
             if not math.isnan(factors.get(name, math.nan))}
    total = math.fsum(energy.values()) + unknown
    had = math.fsum(known.values())
    if not had > 0.0 or total - had > UNKNOWN_ALLOWED * total:
        return math.nan
    return math.fsum(e * factors[name] for name, e in known.items()) / had


MEDIANS: dict[str, float] = {name: source.g_per_kwh for name, source in SOURCES.items()}
"""The emission factors by source."""
