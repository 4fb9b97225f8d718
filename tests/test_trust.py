"""Is the data trustworthy: each reason, its grade, and the recording's clock."""

from typing import Any

import pytest

from dashboards import trust

NOW = 1_763_836_000_000
STATIONS = {f"centre/s{i}": f"Station {i}" for i in range(20)}


def health(**changes: Any) -> dict[str, Any]:
    """A health object in which everything is well."""
    body = {
        "at_ms": NOW - 500, "clock": {"kind": "wall", "now_ms": NOW - 500}, "city": "c",
        "broker": {"url": "mqtt://h:1", "connected": True, "since_ms": NOW - 9_000},
        "verdicts": {"applied": 990, "late": 10}, "received": 1000, "silent": [], "sinks": [],
        "held": [],
    }
    return body | changes


def judged(**changes: Any) -> tuple[str, list[str]]:
    """Trust and the codes of its reasons."""
    found = trust.judge(health(**changes), NOW, STATIONS)
    return found.trust, [reason.code for reason in found.why]


def silent(count: int) -> list[dict[str, Any]]:
    return [{"place": f"centre/s{i}", "age_s": 100.0 + i} for i in range(count)]


def sink(error: str) -> list[dict[str, Any]]:
    return [{"name": "influx", "queued": 7, "error": error, "ok_ms": NOW - 60_000}]


@pytest.mark.parametrize(("changes", "word", "codes"), [
    ({}, "good", []),
    ({"at_ms": NOW - 5_000}, "good", []),
    ({"at_ms": NOW - 5_001}, "bad", ["ingest_stopped"]),
    ({"broker": {"url": "mqtt://h:1", "connected": False, "since_ms": NOW - 9_000}}, "bad",
     ["broker_away"]),
    ({"sinks": sink("")}, "good", []),
    ({"sinks": sink("connection refused")}, "degraded", ["sink_error"]),
    ({"silent": silent(1)}, "good", ["stations_silent", "station_silent"]),
    ({"silent": silent(2)}, "degraded", ["stations_silent", *["station_silent"] * 2]),
    ({"silent": silent(11)}, "bad", ["stations_silent", *["station_silent"] * 3]),
    ({"silent": [{"place": "gone/s1", "age_s": 9.0}]}, "good", []),
    ({"verdicts": {"applied": 990, "refused_type": 10}}, "good", ["refused"]),
    ({"verdicts": {"applied": 989, "refused_type": 11}}, "degraded", ["refused"]),
    ({"held": [{"first_ms": NOW - 60_000}]}, "good", ["held"]),
])
def test_reasons(changes: dict[str, Any], word: str, codes: list[str]) -> None:
    assert judged(**changes) == (word, codes)


def test_the_longest_silent_are_named_with_their_place() -> None:
    found = trust.judge(health(silent=silent(5)), NOW, STATIONS)
    assert [reason.place for reason in found.why[1:]] == ["centre/s4", "centre/s3", "centre/s2"]
    assert found.why[1].text == "Station 4 has been silent for 104 s"
    assert found.why[1].since_ms == NOW - 500 - 104_000
    assert (found.stations, found.reporting) == (20, 15)


def test_silence_grows_on_when_ingest_has_stopped() -> None:
    found = trust.judge(health(silent=silent(1), at_ms=NOW - 500), NOW + 60_000, STATIONS)
    assert found.why[-1].text == "Station 0 has been silent for 2 min"


def test_a_station_that_never_sent_has_no_age() -> None:
    found = trust.judge(health(silent=[{"place": "centre/s1", "age_s": 1e9}]), NOW, STATIONS)
    assert found.why[-1] == ("station_never", "note", "Station 1 has never sent a reading",
                             "centre/s1", None)


def test_no_health_yet_is_not_trusted() -> None:
    found = trust.judge(None, NOW, STATIONS)
    assert (found.trust, found.reporting) == ("bad", 0)
    assert found.why[0].code == "no_health"


def test_the_worst_reason_comes_first() -> None:
    _, codes = judged(held=[{"first_ms": 1}], sinks=sink("no"), at_ms=NOW - 60_000)
    assert codes == ["ingest_stopped", "sink_error", "held"]


def test_a_recordings_clock_stands_while_ingest_lives_and_goes_on_when_it_has_stopped() -> None:
    recorded = health(clock={"kind": "recorded", "now_ms": 1_000_000}, at_ms=NOW)
    assert trust.now_ms(recorded, NOW + 4_000) == 1_000_000
    assert trust.now_ms(recorded, NOW + 60_000) == 1_060_000
    assert trust.clock(recorded, NOW + 60_000) == {
        "kind": "recorded", "now_ms": 1_060_000, "wall_ms": NOW + 60_000, "moving": False,
        "past": None,
    }
    assert trust.now_ms(health(), NOW) == NOW


def test_retired_stations_neither_report_nor_are_silent() -> None:
    found = trust.judge(health(places=15, silent=silent(3), silent_count=3), NOW, STATIONS)
    assert (found.stations, found.reporting) == (15, 12)
    assert found.why[0].text == "Silent stations: 3 of 15"
    nobody = trust.judge(health(places=0), NOW, STATIONS)
    assert (nobody.trust, nobody.stations, nobody.reporting) == ("good", 0, 0)


def test_an_ingest_that_catches_up_says_so_and_is_trusted() -> None:
    found = trust.judge(health(catching_up=True, started_ms=NOW - 40_000), NOW, STATIONS)
    assert found.trust == "good"
    [why] = found.why
    assert (why.code, why.grade, why.since_ms) == ("catching_up", "note", NOW - 40_000)
    assert why.text.startswith("Ingest started 40 s ago and reads what waited for it")


def test_silent_stations_beyond_the_listed_ones_count() -> None:
    found = trust.judge(health(silent=silent(3), silent_count=12), NOW, STATIONS)
    assert found.trust == "bad"
    assert found.reporting == len(STATIONS) - 12
    assert found.why[0].code == "stations_silent"


def test_while_the_past_is_computed_nothing_else_is_said_of_ingest() -> None:
    """First without a word from it, and when it runs again after hours; not once it lives."""
    for before in (None, health(at_ms=NOW - 3 * 3_600_000)):
        found = trust.judge(before, NOW, STATIONS, past=0.374)
        assert found.trust == "bad"
        [why] = found.why
        assert why.text.startswith("The city's past is being computed, 37\u00a0% so far")
        assert trust.clock(before, NOW, 0.374)["past"] == 0.374
    assert trust.judge(health(), NOW, STATIONS, past=1.0).trust == "good"
    assert trust.clock(health(), NOW, 1.0)["past"] is None


def test_a_broker_that_was_never_there_has_no_age() -> None:
    found = trust.judge(
        health(broker={"connected": False, "since_ms": 0, "url": "mqtt://b"}), NOW, STATIONS)
    assert [why.text for why in found.why] == [
        "Ingest is not connected with its broker mqtt://b yet"]


def test_without_a_station_that_is_said() -> None:
    assert [why.text for why in trust.judge(health(), NOW, {}).why] == ["No station is known yet"]
