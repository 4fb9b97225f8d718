"""Rare looks for garbage, and that nothing of it stays when the program has ended."""

import gc

from ingest import garbage


def test_what_stands_is_left_out_until_the_end() -> None:
    usual = gc.get_threshold()
    garbage.settled()
    try:
        assert gc.get_freeze_count() > 0
        assert gc.get_threshold() == garbage.RARE
    finally:
        garbage.ended()
    assert gc.get_freeze_count() == 0
    assert gc.get_threshold() == usual
