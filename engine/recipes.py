"""How every indicator of the catalogue is explained: one recipe each, by its key."""

from engine import (
    account_air,
    account_consumption,
    account_daqi,
    account_drift,
    account_energy,
    account_frequency,
    account_indices,
    account_limits,
    account_load,
    account_mix,
    account_noise,
    account_outages,
    account_own,
    account_quality,
    account_roads,
    account_supply,
    account_timeliness,
    account_totals,
    account_traffic,
    account_years,
)
from engine.account import Recipe

RECIPES: dict[str, Recipe] = {
    **account_air.RECIPES, **account_traffic.RECIPES, **account_energy.RECIPES,
    **account_quality.RECIPES, **account_load.RECIPES,
    **account_roads.RECIPES,
    **account_supply.RECIPES, **account_outages.RECIPES,
    **account_totals.RECIPES,
    **account_indices.RECIPES,
    **account_noise.RECIPES,
    **account_mix.RECIPES,
    **account_timeliness.RECIPES,
    **account_daqi.RECIPES, **account_years.RECIPES,
    **account_limits.RECIPES, **account_drift.RECIPES,
    **account_frequency.RECIPES, **account_consumption.RECIPES,
    **account_own.RECIPES,
}
