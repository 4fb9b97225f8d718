"""The entries of data quality: levels that fit their values."""

from engine.catalogue import COMPLETENESS_LEVELS
from engine.catalogue_quality import FLAT_LEVELS, entries


def test_completeness_has_the_levels_it_is_given_and_higher_is_better() -> None:
    found = {entry.key: entry for entry in entries(COMPLETENESS_LEVELS)}
    for key in ("dq.completeness_24h", "dq.completeness_30d"):
        assert found[key].levels is COMPLETENESS_LEVELS
        assert found[key].better == "high"


def test_one_stuck_series_is_over_the_limit() -> None:
    found = {entry.key: entry for entry in entries(COMPLETENESS_LEVELS)}
    assert found["dq.flat_line"].levels is FLAT_LEVELS
    assert found["dq.flat_line"].over_level == 1
    assert FLAT_LEVELS[0].upper == 0
