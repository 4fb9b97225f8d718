"""The category score through `conformance`: the published example, and what is left out."""

import pytest

from cityvitals.cases_kpi import ADAPTERS

score = ADAPTERS["kpi.u4ssc_category"]


def test_unreported_kpis_are_left_out() -> None:
    assert score({"points": [3, 4, 2, None]}) == {"score_pct": 75.0, "band": "66-95"}
    assert score({"points": [None]}) == {"score_pct": None, "band": None}


@pytest.mark.parametrize("points", [[0], [5], ["4"]])
def test_points_are_one_to_four(points: list[object]) -> None:
    with pytest.raises(ValueError, match="each is 1 to 4"):
        score({"points": points})
