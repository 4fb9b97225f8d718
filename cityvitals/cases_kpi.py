"""Worked cases of U4SSC: the score of a category, by the function that the report calls."""

from typing import Any

from cityvitals.worked_cases import Adapter, Inputs
from dashboards.scoring import POINTS_MAX, category_score


def _category(inputs: Inputs) -> dict[str, Any]:
    given = inputs["points"]
    if not all(isinstance(one, int) and 1 <= one <= POINTS_MAX for one in given if one is not None):
        raise ValueError(f"points = {given!r}: each is 1 to {POINTS_MAX}, or null if not reported")
    score = category_score([one for one in given if one is not None])
    if score is None:
        return {"score_pct": None, "band": None}
    return {"score_pct": score.per_cent, "band": score.band}


ADAPTERS: dict[str, Adapter] = {"kpi.u4ssc_category": _category}
