"""`cityvitals bench`: each measurement runs with tiny counts; no time is asserted."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from benchmarks import (
    capacity_rows,
    edge_rows,
    ingest_rows,
    latency_rows,
    programs,
    sections,
    sink_rows,
)
from benchmarks.goals import goal
from cityvitals.bench_command import app
from edge.settings import SettingsError
from ingest.lines import PointLines


def bench(*arguments: str) -> list[dict[str, Any]]:
    done = CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("broker", [
    pytest.param(name, marks=[] if name == "nats" else pytest.mark.soak)
    for name in programs.BROKERS
])
def test_every_reader_takes_in_the_same_load(broker: str) -> None:
    if programs.missing(broker):
        pytest.skip(programs.missing(broker))
    rows = bench(
        "ingest", "--broker", broker, "--qos", "1", "--seconds", "0.5", "--rounds", "1",
        "--devices", "10", "--messages", "300",
    )
    assert [row["reader"] for row in rows] == list(ingest_rows.READERS)
    for row in rows:
        assert (row["broker"], row["qos"], row["block"]) == (broker, 1, 1)
        assert (row["readings"], row["lost"]) == (300, 0)
        assert row["readings_per_s"] > 0 <= row["cpu_us_per_reading"]


@pytest.mark.soak
def test_blocks_are_counted_in_readings() -> None:
    rows = bench(
        "ingest", "--block", "100", "--reader", "cityvitals", "--reader", "count-bytes",
        "--seconds", "0.5", "--rounds", "1", "--devices", "5", "--messages", "20",
    )
    assert [row["readings"] for row in rows] == [2000, 2000]


def test_capacity_says_what_the_limit_is(tmp_path: Path) -> None:
    config = tmp_path / "ingest.toml"
    config.write_text("grace_s = 30\n")
    *rows, last = bench("capacity", str(config), "--quick", "--messages", "600")
    assert {row["what"] for row in rows} >= {"cityvitals, QoS 0", "cityvitals, QoS 1", "disk sync"}
    assert last["what"] == "carries"
    assert last["limit"] in last["bounds"]
    assert last["sensors"] == min(last["bounds"].values()) > 0
    assert list(tmp_path.iterdir()) == [config]
    said = " ".join(capacity_rows.words(rows))
    assert f"carries {last['sensors']:,} sensors" in said
    assert f"limits it is {last['limit']}" in said


def test_capacity_without_a_broker_promises_nothing() -> None:
    row = {"what": "cityvitals, QoS 1", "not_run": "no broker"}
    assert "Nothing could be measured" in capacity_rows.words([row])[0]


def test_the_engine_is_measured() -> None:
    rows = {row["what"]: row for row in bench("engine", "--series", "50", "--minutes", "2")}
    assert rows["points closed"]["median"] > 0
    assert rows["minute ring"]["median"] == 4096
    assert rows["everything, mean of all series"]["median"] > 15_296
    assert {"tick of a minute", "state update", "hours and days"} <= rows.keys()


def test_the_edge_agent_is_measured_and_lives_through_an_outage(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edge_rows, "SETTLE_S", 0.5)
    live, out = bench("edge", "--sensors", "3", "--seconds", "1", "--outage-s", "120")
    assert (live["what"], out["what"]) == ("connected", "outage")
    assert live["cpu_percent"] >= 0 < live["resident_mb"]
    assert (out["messages"], out["dropped"]) == (120, 0)
    assert 0.8 <= out["syncs_per_5s"] <= 1.5
    assert out["days_held"] > 1


@pytest.mark.soak
def test_latency_is_measured_up_to_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latency_rows, "WARM_S", 1.0)
    monkeypatch.setattr(latency_rows, "TAIL_S", 3.0)
    readings, points = bench("latency", "--rate", "200", "--seconds", "1", "--devices", "10")
    assert (readings["what"], points["what"]) == ("readings", "open points")
    assert readings["sent"] > 30
    assert readings["lost"] == 0
    assert 0 < readings["p50_ms"] <= readings["p99_ms"] <= readings["max_ms"]
    assert 0 < points["p50_ms"] <= points["p99_ms"] <= points["max_ms"]


def test_a_delay_ends_with_the_reading_or_a_newer_one_and_with_the_point_that_it_changed() -> None:
    sent = [latency_rows.Sent(*row) for row in (
        ("p1", 50, False), ("p1", 100), ("p1", 200), ("p2", 100))]
    shown = [(150.0, "p1", 90), (250.0, "p1", 200), (260.0, "p3", 100)]
    points = [latency_rows.Counted(at_ms, "p1", 3_600_000, value, n) for at_ms, value, n in (
        (80.0, 0.1, 1), (170.0, 0.2, 2), (230.0, 0.23, 3), (240.0, 0.31, 3), (999.0, 0.31, 3))]
    assert latency_rows.delays(sent, shown, points) == ([150.0, 50.0], [70.0, 40.0], 1)
    assert latency_rows.percentiles(range(100)) == {
        "p50_ms": 50, "p95_ms": 95, "p99_ms": 99, "max_ms": 99,
    }
    assert latency_rows.percentiles([]) == {}


def test_sinks_are_measured_beside_point_objects() -> None:
    rows = bench("sinks", "--points", "1000")
    assert {row["points"] for row in rows} == {1000}
    assert len(rows) == 4


def test_point_objects_say_what_ingest_says() -> None:
    found, keys = sink_rows.ticks(sink_rows.Wanted(50, 10))
    ours = PointLines().encode(found[0], keys)[0].body.decode().splitlines()
    theirs = [point.to_line_protocol() for point in sink_rows.as_objects(found[0], keys)]

    def parts(line: str) -> tuple[list[str], set[str], str]:
        series, fields, time_s = line.split(" ")
        values = {field.replace(".0", "") for field in fields.split(",")}
        return sorted(series.split(",")), values, time_s

    assert [parts(line) for line in ours] == [parts(line) for line in theirs]


def test_a_broker_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "missing", lambda kind: f"{kind} is not installed")
    rows = bench("ingest", "--broker", "mosquitto", "--qos", "0", "--reader", "paho")
    assert rows == [{
        "broker": "mosquitto", "qos": 0, "block": 1, "reader": "paho",
        "not_run": "mosquitto is not installed",
    }]


@pytest.mark.parametrize("wrong", [
    ("--broker", "hivemq"), ("--reader", "mqttx"), ("--block", "7"),
    ("--write", "nowhere/benchmarks.md"),
], ids=lambda pair: pair[0])
def test_a_wrong_option_is_named(wrong: tuple[str, str]) -> None:
    with pytest.raises(SettingsError, match=wrong[0]):
        CliRunner().invoke(app, ["ingest", *wrong], catch_exceptions=False)


def test_each_benchmark_replaces_its_own_section(tmp_path: Path) -> None:
    path = tmp_path / "benchmarks.md"
    sections.put(path, "sinks", ["old"])
    sections.put(path, "ingest", ["first"])
    sections.put(path, "sinks", ["new"])
    text = path.read_text()
    assert text.startswith("# Benchmarks\n")
    assert "old" not in text
    assert text.index("first") < text.index("new")


def test_goals_hold_at_their_limit() -> None:
    assert goal("share", 0.9, 0.9, ".0%").reached
    assert not goal("share", 0.9, 0.89, ".0%").reached
    assert goal("cost", -0.5, 0.5, ".1f") == ("cost", "≤ 0.5", "0.5", True)
    assert goal("cost", -0.5, None, ".1f").reached is None


def test_a_reader_faster_than_the_ceiling_proves_nothing() -> None:
    case = {"broker": "nats", "qos": 1, "block": 1, "cpu_us_per_reading": 1.0}
    rows = [{**case, "reader": "count-bytes", "readings_per_s": 100},
            {**case, "reader": "cityvitals", "readings_per_s": 187}]
    last = ingest_rows.goals(rows)[-1]
    assert (last.measured, last.reached) == ("187%: measure longer", None)
