"""The scorecard: counts add up, facts come first and name their source, ratings by benchmark."""

import json
from datetime import date

import pytest

from dashboards.benchmarks import SHIPPED, Benchmark, load
from dashboards.scorecard import Json, scorecard
from tests.kpi_town import days, town

ROWS = {("_/_", "traffic.tti_peak"): days("2026-01-05", 5, 1.8)}


def _card(known: str = "", extra: tuple[Benchmark, ...] = ()) -> Json:
    return scorecard(town(ROWS, known), "town", [*load(SHIPPED), *extra], 0)


def _kpi(card: Json, code: str) -> Json:
    (found,) = (row for row in card["kpis"] if row["code"] == code)
    assert isinstance(found, dict)
    return found


def test_a_value_is_held_against_its_benchmark_and_rated_in_the_manual_s_words() -> None:
    (point,) = _kpi(_card(), "EC:I:T:5A")["points"]
    assert point["rating"] == "Potentially Acceptable"
    assert point["per_cent"] == pytest.approx(100 * 1.5 / 1.8)
    assert (point["points"], point["band"]) == (3, "66-95")
    assert "p. 72" in point["benchmark"]["source"]


def test_a_fact_stands_for_what_no_sensor_measures() -> None:
    card = _card("_/_,u4ssc-ec-ict-ict-2c,20")
    row = _kpi(card, "EC:ICT:ICT:2C")
    assert row["from_fact"]
    assert row["points"][0]["value"] == 20
    assert row["points"][0]["note"] == "since 2020-01-01: Office"
    assert row["points"][0]["band"] == "66-95"
    assert card["counts"] == {
        "kpis": 91, "reported": 2, "rated": 2, "from_sensors": 1, "from_facts": 1,
    }


def test_without_a_benchmark_there_is_no_rating() -> None:
    card = _card("_/_,u4ssc-ec-ict-ict-1c,97")
    (point,) = _kpi(card, "EC:ICT:ICT:1C")["points"]
    assert (point["benchmark"], point["points"], point["band"]) == (None, None, "")
    own = Benchmark(date(2021, 1, 1), "EC:ICT:ICT:1C", "", 100, "higher", "%", "Council", "own")
    rated = _card("_/_,u4ssc-ec-ict-ict-1c,97", (own,))
    assert _kpi(rated, "EC:ICT:ICT:1C")["points"][0]["points"] == 4


def test_categories_leave_out_what_is_not_reported() -> None:
    card = _card()
    scores = {row["category"]: row for row in card["categories"]}
    assert scores["EC:I:T"]["score"] == pytest.approx(75.0)
    assert (scores["EC:I:T"]["rated"], scores["EC:I:T"]["kpis"]) == (1, 8)
    assert scores["EN:EN:AQ"]["score"] is None
    assert sum(row["kpis"] for row in card["categories"]) == 91


def test_what_has_no_value_says_why_and_the_object_is_json() -> None:
    card = _card()
    for row in card["kpis"]:
        for point in row["points"]:
            assert point["value"] is not None or point["why"], row["code"]
    assert json.loads(json.dumps(card, allow_nan=False)) == card
