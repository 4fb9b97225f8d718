"""Panels: fixed ids, units, no-data texts, and nothing that is not asked for."""

from dashboards import grafana_panel as panel
from engine.catalogue import INDICATORS, POSITION

ONE = [panel.target('SELECT last("a") FROM "b" WHERE $timeFilter')]


def test_an_id_follows_from_the_key_alone() -> None:
    assert panel.panel_id("trust.online") == panel.panel_id("trust.online") == 492_185
    assert panel.panel_id("trust.online") != panel.panel_id("trust.oldest")
    assert panel.stat("trust.online", "A", ONE)["id"] == panel.panel_id("trust.online")


def test_each_kind_has_unit_no_data_text_and_no_threshold_of_its_own() -> None:
    made = [
        panel.stat("a", "A", ONE), panel.timeseries("a", "A", ONE), panel.bars("a", "A", ONE),
        panel.state_timeline("a", "A", ONE), panel.table("a", "A", ONE),
        panel.geomap("a", "A", ONE, colour_by="level", text_by="station"),
    ]
    for one in made:
        defaults = one["fieldConfig"]["defaults"]
        assert (defaults["unit"], defaults["noValue"]) == ("none", "no data")
        assert [row["value"] for row in defaults["thresholds"]["steps"]] == [None]


def test_a_gap_stays_a_gap_and_limits_are_drawn_when_asked_for() -> None:
    custom = panel.timeseries("a", "A", ONE, lines=True)["fieldConfig"]["defaults"]["custom"]
    assert (custom["spanNulls"], custom["thresholdsStyle"]) == (False, {"mode": "line"})
    assert panel.timeseries("a", "A", ONE, zero=False)["fieldConfig"]["defaults"]["custom"].get(
        "axisSoftMin") is None


def test_an_override_names_nested_properties() -> None:
    assert panel.override("level", unit="none", custom__displayMode="auto") == {
        "matcher": {"id": "byName", "options": "level"},
        "properties": [{"id": "unit", "value": "none"},
                       {"id": "custom.displayMode", "value": "auto"}],
    }


def test_a_table_renames_hides_and_sorts() -> None:
    made = panel.table("a", "A", ONE, names={"Time": "when"}, hide=("x",), sort="when")
    (transformation,) = made["transformations"]
    assert transformation["options"]["excludeByName"] == {"x": True}
    assert transformation["options"]["renameByName"] == {"Time": "when"}
    assert made["options"]["sortBy"] == [{"displayName": "when", "desc": True}]


def test_words_and_alerts_have_no_query() -> None:
    assert "targets" not in panel.text("a", "A", "words")
    assert 'product="cityvitals"' in panel.alert_list("a", "A", "cityvitals")["options"][
        "alertInstanceLabelFilter"]


def test_targets_and_decimals() -> None:
    assert panel.target("q", "B", table=True, alias="$tag_x") == {
        "refId": "B", "rawQuery": True, "query": "q", "resultFormat": "table", "alias": "$tag_x"}
    assert panel.decimals(INDICATORS[POSITION["traffic.tti"]]) == 2
    assert panel.decimals(INDICATORS[POSITION["energy.demand_peak_at"]]) is None


def test_silence_is_a_word() -> None:
    (mapping,) = panel.ONLINE
    assert mapping["options"]["0"]["text"] == "0 silent"
    (never,) = panel.NEVER
    assert never["options"]["result"]["text"] == "never heard"
    assert panel.ONLINE_STEPS[0]["color"] == "#8E8E8E"


def test_cells_for_old_and_new_versions() -> None:
    assert panel.cell("auto")["displayMode"] == "auto"
    assert panel.organized({}, ("Time",))["options"]["excludeByName"] == {"Time": True}
    assert panel.thresholds([{"value": None}])["mode"] == "absolute"
