"""The entries of energy: at the end of the catalogue, with their marks and areas."""

from engine.areas import RULES
from engine.catalogue import INDICATORS
from engine.catalogue_energy import ENERGY


def test_they_stand_together_in_the_catalogue() -> None:
    first = INDICATORS.index(ENERGY[0])
    assert INDICATORS[first : first + len(ENERGY)] == ENERGY


def test_all_are_of_energy_and_their_areas_have_a_rule() -> None:
    assert {entry.domain for entry in ENERGY} == {"energy"}
    assert {entry.area for entry in ENERGY} <= set(RULES)
    assert len({entry.id for entry in ENERGY}) == len(ENERGY)
