"""Air entries of the catalogue: what is uncertain is marked, editions are told, bands are whole."""

import pytest

from engine.catalogue import INDICATORS
from engine.catalogue_air import EAQI, EAQI_2017_WORDS, EAQI_2019_WORDS, EAQI_LEVELS
from engine.eaqi import BANDS
from engine.indicator import Indicator


def test_entries_are_in_the_catalogue_once_and_together() -> None:
    first = INDICATORS.index(EAQI[0])
    assert INDICATORS[first : first + len(EAQI)] == EAQI


@pytest.mark.parametrize("entry", EAQI, ids=lambda entry: entry.key)
def test_the_edition_is_told_and_what_was_not_read_is_marked(entry: Indicator) -> None:
    assert "2024" in entry.standard
    assert "2024" in entry.name
    assert any("5.4" in mark for mark in entry.open_marks)
    assert any("colours" in mark for mark in entry.open_marks)


def test_each_edition_has_a_word_for_each_band() -> None:
    assert (len(EAQI_LEVELS), len(EAQI_2019_WORDS), len(EAQI_2017_WORDS)) == BANDS
