"""Python's looks for garbage, made rare in a program that keeps much and answers soon.

Half a million objects that stand for good were looked through again and again, 0.4 s each time;
and what a page keeps of 1,000 stations, always new objects, three times in twenty seconds for 50 ms
of the processor. Almost all of it is freed without such a look, when its last reference goes.
"""

import gc

RARE = (20_000, 10, 100)
"""Objects that came and did not go until the youngest are looked at, how many such looks until
those that outlived one are, and how many of these until all are."""
_usual = gc.get_threshold()


def settled() -> None:
    """What there is now stands for good: it is left out, and looks are rare."""
    gc.freeze()
    gc.set_threshold(*RARE)


def ended() -> None:
    """As it was before."""
    gc.unfreeze()
    gc.set_threshold(*_usual)
