"""The entries of energy: at the end of the catalogue, with their marks and areas."""

from engine.areas import RULES
from engine.catalogue import INDICATORS
from engine.catalogue_energy import ENERGY, GENERATION, RELIABILITY, SUPPLY

PARTS = (ENERGY, SUPPLY, RELIABILITY, GENERATION)
EVERY = sum(PARTS, ())


def test_they_stand_together_in_the_catalogue() -> None:
    for entries in PARTS:
        first = INDICATORS.index(entries[0])
        assert INDICATORS[first : first + len(entries)] == entries


def test_all_are_of_energy_and_their_areas_have_a_rule() -> None:
    assert {entry.domain for entry in EVERY} == {"energy"}
    assert {entry.area for entry in EVERY} <= set(RULES)
    assert len({entry.id for entry in EVERY}) == len(EVERY)
