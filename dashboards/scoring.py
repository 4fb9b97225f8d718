"""How U4SSC rates a value against a benchmark: per cent, points, and the score of a category.

Source: the legend of the verification reports (for example Kristiansund, p. 4). The edges 33, 66
and 95 are printed on both sides there; here a class begins with its lower edge. The direction of
"lower is better" is not printed either: per cent = 100 * benchmark / value, at most 100.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

Direction = Literal["higher", "lower"]
MARKS = (
    "of a KPI where lower is better, per cent = 100 x benchmark / value, at most 100: the manual "
    "prints no formula",
    "a class begins with its lower edge: 33, 66 and 95 are printed on both sides",
)
"""What is not confirmed of the rating."""
EDGES = (33.0, 66.0, 95.0)
POINTS_MAX = len(EDGES) + 1
BANDS = ("0-33", "33-66", "66-95", "95+")
COLOURS = ("#d73027", "#fc8d59", "#fee08b", "#1a9850")
"""Ours: the manual colours the classes, but names no colour values."""


class Score(NamedTuple):
    """per_cent: of what could be reached, 0..100. band: of `BANDS`. kpis: how many count."""

    per_cent: float
    band: str
    kpis: int


def performance(value: float, benchmark: float, direction: Direction) -> float:
    """Per cent of the benchmark, 0..100. Raises ValueError where a ratio says nothing."""
    if benchmark < 0 or value < 0:
        raise ValueError("a ratio to a benchmark needs numbers from 0 on")
    better, worse = (value, benchmark) if direction == "higher" else (benchmark, value)
    if worse == 0:
        return 100.0
    return min(100.0, 100.0 * better / worse)


def points(per_cent: float) -> int:
    """1 to 4 points."""
    return 1 + sum(per_cent >= edge for edge in EDGES)


def band(per_cent: float) -> str:
    """The class of a percentage, by the same edges."""
    return BANDS[points(per_cent) - 1]


def category_score(given: Sequence[int]) -> Score | None:
    """Score of a category from the points of its KPIs that were reported and have a benchmark.

    None if there are none: what was not reported is left out, not counted as 0.
    """
    if not given:
        return None
    per_cent = 100.0 * sum(given) / (POINTS_MAX * len(given))
    return Score(per_cent, band(per_cent), len(given))
