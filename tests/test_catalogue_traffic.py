"""The entries of traffic: what is shared by them (each entry: tests/test_catalogue.py)."""

from engine.catalogue import INDICATORS, POSITION
from engine.catalogue_traffic import LOS_LEVELS, PERIODS, RELIABILITY, STATE, TOTALS
from engine.service_level import LOS_WORDS


def test_they_stand_in_the_catalogue_one_after_the_other() -> None:
    for part in (STATE, TOTALS, RELIABILITY, PERIODS):
        first = POSITION[part[0].key]
        assert INDICATORS[first : first + len(part)] == part
        assert {entry.domain for entry in part} == {"traffic"}


def test_levels_of_service_are_numbered_from_a() -> None:
    assert "".join(level.word for level in LOS_LEVELS) == LOS_WORDS
    assert [level.upper for level in LOS_LEVELS[:-1]] == [1, 2, 3, 4, 5]


def test_what_is_from_memory_stays_marked() -> None:
    marked = next(entry for entry in STATE if entry.id == "los_urban_hcm2010").open_marks
    assert any("memory" in mark for mark in marked)
