"""The entries of noise: bands of the directive (each entry: tests/test_catalogue.py)."""

from engine.catalogue import INDICATORS, POSITION
from engine.catalogue_noise import LDEN_LEVELS, NIGHT_LEVELS, NOISE


def test_they_stand_in_the_catalogue_one_after_the_other() -> None:
    first = POSITION[NOISE[0].key]
    assert INDICATORS[first : first + len(NOISE)] == NOISE


def test_bands_of_five_decibels() -> None:
    assert [level.word for level in LDEN_LEVELS][:2] == ["below 55 dB", "55-59 dB"]
    assert [level.upper for level in LDEN_LEVELS[:-1]] == [54.9, 59.9, 64.9, 69.9, 74.9]
    assert NIGHT_LEVELS[-1].word == "70 and more dB"
