"""Every indicator of the catalogue can be explained."""

import pytest

from edge.quantities import QUANTITIES
from engine.catalogue import INDICATORS, POSITION
from engine.indicator import Indicator
from engine.recipes import RECIPES


def test_every_indicator_has_a_recipe() -> None:
    assert set(RECIPES) == set(POSITION)


@pytest.mark.parametrize("entry", INDICATORS, ids=lambda entry: entry.key)
def test_a_recipe_reads_quantities_and_looks_back(entry: Indicator) -> None:
    recipe = RECIPES[entry.key]
    assert set(recipe.inputs) <= set(QUANTITIES)
    assert recipe.back_min * 60 >= entry.cadence_s or recipe.back_min >= 5
    assert recipe.url == "" or recipe.url.startswith("https://")
