"""What an indicator is: its key, and levels that cover all values."""

from engine.catalogue import INDICATORS
from engine.indicator import INF, PLAIN, Indicator


def test_the_key_names_domain_and_id() -> None:
    entry = Indicator("air", "x", "X", "1", 0, "s", "c", "r", 60, 60, PLAIN, None, "mean", "none")
    assert entry.key == "air.x"


def test_every_value_has_a_level() -> None:
    for entry in INDICATORS:
        assert INF in {level.upper for level in entry.levels}, entry.key
