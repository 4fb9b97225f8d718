"""What `up` starts, and where a recording lives."""

import tomllib
from pathlib import Path

import pytest

from cityvitals import plan
from edge import places
from edge.settings import SettingsError, load
from ingest.settings_ingest import IngestSettings


def options(data: Path, **changes: object) -> plan.Options:
    wanted: dict[str, object] = {
        "port": 8080, "for_s": None, "as_json": False, "influx": None, "replay": None,
        "speed": 600.0, "seed": 1, **changes,
    }
    return plan.options(data, **wanted)  # type: ignore[arg-type]


def test_a_recording_gets_a_folder_of_its_own(tmp_path: Path) -> None:
    assert options(tmp_path).folder == tmp_path
    sample = plan.recording("sample", None)
    assert options(tmp_path, replay=sample).folder == tmp_path / "replay-sample"
    other = sample._replace(path=Path("/x/My City.csv.gz"))
    assert options(tmp_path, replay=other).folder == tmp_path / "replay-my-city"


def test_a_recording_needs_its_file_and_its_places(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nowhere\.csv: no such file"):
        plan.recording("nowhere.csv", None)
    (tmp_path / "a.csv").write_text("")
    with pytest.raises(SettingsError, match="--places FILE"):
        plan.recording(str(tmp_path / "a.csv"), None)
    found = plan.recording(str(tmp_path / "a.csv"), tmp_path / "p.csv")
    assert found == (tmp_path / "a.csv", tmp_path / "p.csv")


def test_the_fleet_is_a_simulated_city_or_a_recording(tmp_path: Path) -> None:
    simulated = plan.fleet_command(options(tmp_path, seed=7), "mqtt://127.0.0.1:1")
    assert simulated[4:] == [
        "simulate", "--broker", "mqtt://127.0.0.1:1", "--data", str(tmp_path), "--seed", "7",
    ]
    sample = plan.recording("sample", None)
    recorded = plan.fleet_command(options(tmp_path, replay=sample), "mqtt://127.0.0.1:1")
    assert recorded[4:6] == ["replay", str(sample.path)]
    folder = tmp_path / "replay-sample"
    assert recorded[8:] == [
        "--data", str(folder), "--speed", "600.0", "--places", str(folder / "places.csv"),
    ]


def test_ingest_accepts_what_is_written_for_it(tmp_path: Path) -> None:
    wanted = options(tmp_path, influx="http://127.0.0.1:8086")
    plan.write_files(wanted, "mqtt://127.0.0.1:18830")
    settings = load(tmp_path / "ingest.toml", IngestSettings)
    assert settings.broker.url == "mqtt://127.0.0.1:18830"
    assert settings.clock == "wall"
    assert settings.influx is not None
    assert plan.page_port(tmp_path) == 8080
    assert settings.influx.url == "http://127.0.0.1:8086"


def test_a_token_goes_to_ingest_by_name_only(tmp_path: Path) -> None:
    keys = {"org": "city", "bucket": "", "token_env": "CITY_TOKEN", "token_file": ""}
    wanted = options(tmp_path, influx="http://127.0.0.1:8086", influx_keys=keys)
    plan.write_files(wanted, "mqtt://127.0.0.1:18830")
    influx = load(tmp_path / "ingest.toml", IngestSettings).influx
    assert influx is not None
    assert (influx.org, influx.bucket) == ("city", "cityvitals")
    assert (influx.token_env, influx.token_file) == ("CITY_TOKEN", "")
    with pytest.raises(SettingsError, match="--influx-token-env: give --influx URL"):
        options(tmp_path, influx_keys={"token_env": "CITY_TOKEN"})


def test_a_recording_brings_its_places_and_its_clock(tmp_path: Path) -> None:
    wanted = options(tmp_path, replay=plan.recording("sample", None))
    wanted.folder.mkdir()
    plan.write_files(wanted, "mqtt://127.0.0.1:18830")
    settings = load(wanted.folder / "ingest.toml", IngestSettings)
    assert settings.clock == "recorded"
    assert settings.influx is None
    assert len(places.load(wanted.folder / settings.places)) == 3


@pytest.mark.parametrize("value", ['a "quoted" path', "back\\slash", "Zürich"])
def test_text_survives_toml(value: str) -> None:
    assert tomllib.loads(f"key = {plan.text(value)}") == {"key": value}


def test_a_scenario_goes_to_the_fleet_and_begins_once(tmp_path: Path) -> None:
    wanted = options(tmp_path, scenario="stadium", truth="truth.jsonl")
    command = plan.fleet_command(wanted, "mqtt://127.0.0.1:1")
    assert command[-6:-1] == ["--scenario", "stadium", "--truth", "truth.jsonl", "--start"]
    assert plan.fleet_command(wanted, "mqtt://127.0.0.1:1") == command
    with pytest.raises(SettingsError, match="--scenario nowhere: no such file"):
        options(tmp_path, scenario="nowhere")
    with pytest.raises(SettingsError, match="--scenario: a recording happened"):
        options(tmp_path, scenario="stadium", replay=plan.recording("sample", None))
