"""Units, words, colours and limits of panels are the catalogue's."""

import pytest

from dashboards import grafana_scale as scale
from engine.catalogue import INDICATORS, POSITION
from engine.indicator import INF, Level


def entry(key: str) -> scale.Indicator:
    return INDICATORS[POSITION[key]]


def test_levels_are_words_numbers_and_the_standards_colours() -> None:
    (mapping,) = scale.level_mappings(entry("air.us_aqi").levels)
    assert mapping["options"]["2"] == {
        "text": "2 Unhealthy for Sensitive Groups", "color": "#FF7E00", "index": 2}
    steps = scale.level_steps(entry("air.us_aqi").levels)
    assert [row["value"] for row in steps] == [None, 0, 1, 2, 3, 4, 5]
    assert steps[0]["color"] == scale.GREY, "never green where nothing is known"


def test_limits_of_a_value_whichever_way_is_good() -> None:
    low = scale.value_steps(entry("traffic.tti").levels)
    assert [(row["value"], row["color"]) for row in low] == [
        (None, "#1A9850"), (1.5, "#FEE08B"), (2.5, "#D73027")]
    high = scale.value_steps(entry("dq.completeness").levels)
    assert [(row["value"], row["color"]) for row in high] == [
        (None, "#D73027"), (75, "#FEE08B"), (90, "#1A9850")]
    assert scale.limit_of(entry("air.us_aqi")) == ("gt", 100)
    assert scale.limit_of(entry("dq.completeness")) == ("lt", 75)
    assert scale.limit_of(entry("energy.demand_15min")) is None


def test_bounds_in_no_order_are_not_drawn() -> None:
    band = (Level("In band", "#000000", INF), Level("Low", "#111111", 207),
            Level("High", "#222222", 253))
    assert scale.value_steps(band) == []


def test_every_unit_of_the_catalogue_is_told() -> None:
    for one in INDICATORS:
        unit = scale.unit_of(one)
        assert unit
        assert unit == "none" or one.unit not in ("", "1")
    assert scale.unit_of(entry("air.nowcast_pm25")) == "con\u03bcgm3", "the mu is U+03BC"


@pytest.mark.parametrize("domain", sorted({one.domain for one in INDICATORS}))
def test_groups_share_unit_cadence_and_scale_and_leave_nothing_out(domain: str) -> None:
    found = scale.groups(domain)
    entries = [one for group in found for one in group.entries]
    assert sorted(one.key for one in entries) == sorted(
        one.key for one in INDICATORS if one.domain == domain)
    for group in found:
        assert group.title.startswith(group.first.name)
        for one in group.entries:
            assert (one.unit, one.cadence_s) == (group.first.unit, group.first.cadence_s)
            if scale.has_levels(one):
                assert one.levels == group.first.levels


def test_graded_headlines() -> None:
    assert "air.us_aqi" in {one.key for one in scale.levelled(("air", "energy"))}
    assert "energy.demand_15min" not in {one.key for one in scale.levelled(("energy",))}
