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
    account_periods,
    account_purpleair,
    account_quality,
    account_roads,
    account_supply,
    account_timeliness,
    account_totals,
    account_traffic,
    account_years,
)
from engine.account import Recipe

_OF_AIR = {
    key: account_purpleair.with_corrections(recipe)
    for of in (account_air, account_indices, account_daqi, account_years, account_limits)
    for key, recipe in of.RECIPES.items()
}

RECIPES: dict[str, Recipe] = {
    **_OF_AIR, **account_traffic.RECIPES, **account_energy.RECIPES,
    **account_quality.RECIPES, **account_load.RECIPES,
    **account_roads.RECIPES,
    **account_supply.RECIPES, **account_outages.RECIPES,
    **account_totals.RECIPES, **account_periods.RECIPES,
    **account_noise.RECIPES,
    **account_mix.RECIPES,
    **account_timeliness.RECIPES,
    **account_drift.RECIPES, **account_purpleair.RECIPES,
    **account_frequency.RECIPES, **account_consumption.RECIPES,
    **account_own.RECIPES,
}
