"""The 91 KPIs as data: the grammar of the codes, the counts, and that each fed one is computed."""

import re

from dashboards.kpi_values import FED
from dashboards.kpis import COUNT, SUB_DIMENSIONS, by_code, kpis
from edge.topics import is_id


def test_there_are_91_with_the_grammar_of_the_manual() -> None:
    assert [kpi.number for kpi in kpis()] == list(range(1, COUNT + 1))
    assert len(by_code()) == COUNT
    for kpi in kpis():
        assert re.fullmatch(r"(EC|EN|SC):[A-Z]+:[A-Z]+:\d[CA]", kpi.code)
        assert kpi.sub_dimension in SUB_DIMENSIONS
        assert kpi.category == f"{kpi.sub_dimension}:{kpi.code.split(':')[2]}"
        assert kpi.unit
        assert re.fullmatch(r"\d+(\.[0-9a-c]{1,2})?(/\d+\.\d)?", kpi.sdg), kpi
        assert is_id(kpi.fact)


def test_the_core_count_is_the_one_that_is_marked_as_uncertain() -> None:
    ranks = [kpi.rank for kpi in kpis()]
    assert (ranks.count("core"), ranks.count("advanced"), ranks.count("unknown")) == (55, 35, 1)


def test_each_kpi_that_sensors_feed_is_computed() -> None:
    assert set(FED) == {kpi.code for kpi in kpis() if kpi.feed}


def test_what_was_not_read_in_the_manual_says_so() -> None:
    marks = {kpi.code: kpi.marks for kpi in kpis()}
    assert marks["EC:I:T:5A"] == ()
    assert "code and number from memory" in marks["EN:E:E:1C"]
    assert "code or rank uncertain" in marks["SC:EH:H:5A"]
