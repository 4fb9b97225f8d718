"""What the payload of another publisher holds, before it is held against the configuration."""

import math
import re
from typing import Any, NamedTuple

from edge.verdicts import Verdict

ENTRIES_MAX = 1_000
"""Objects or records of one message; one with more is refused as too large."""
MISSING = object()
"""In place of what is not there; null is there."""
_NUMBER = re.compile(r"[+-]?\d{1,20}(\.\d{1,20})?([eE][+-]?\d{1,3})?", re.ASCII)
_NO_NUMBER = frozenset({"nan", "inf", "-inf", "infinity", "-infinity", "null", "none", ""})


class WrongError(Exception):
    """A message of which nothing can be read; `verdict` says why."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.label)
        self.verdict = verdict


class Found(NamedTuple):
    """One value as the payload tells it.

    name: by which the configuration knows it. time_ms: Unix ms, None if it is not told; relative:
    it counts from when the message came. unit: what the payload says, empty if it should and does
    not, None if the configuration does. refused: why it cannot be taken. bad: it must not count.
    """

    name: str
    value: Any
    time_ms: int | None = None
    unit: str | None = None
    refused: Verdict | None = None
    bad: bool = False
    relative: bool = False


def at_path(tree: Any, path: str) -> Any:
    """What stands at a dotted path, `MISSING` if nothing does; a list counts from 0.

    A key may hold dots itself: `pm2.5` is the key of that name, if there is one.
    """
    while path:
        if isinstance(tree, dict) and path in tree:
            return tree[path]
        head, _, path = path.partition(".")
        if isinstance(tree, dict):
            tree = tree.get(head, MISSING)
        elif isinstance(tree, list) and head.isascii() and head.isdigit() and len(head) < 5:
            tree = tree[int(head)] if int(head) < len(tree) else MISSING
        else:
            return MISSING
    return tree


def number_of(value: Any) -> float | Verdict:
    """A number, also one that is written as a text, or the verdict that refuses it."""
    if value is None:
        return Verdict.REFUSED_NOT_A_NUMBER
    if isinstance(value, str):
        text = value.strip()
        if _NUMBER.fullmatch(text):
            return float(text)
        return Verdict.REFUSED_NOT_A_NUMBER if text.lower() in _NO_NUMBER else Verdict.REFUSED_TYPE
    if isinstance(value, bool) or not isinstance(value, int | float):
        return Verdict.REFUSED_TYPE
    try:
        return float(value)
    except OverflowError:
        return math.inf
