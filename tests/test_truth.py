"""The truth file: complete for what was touched, one for one run, bounded."""

import json
from pathlib import Path

import numpy as np
import pytest

from edge.settings import SettingsError
from simulators import districts, scenario
from simulators.city import City
from simulators.faults import Faults
from simulators.truth import Truth

START_MS = 1_772_431_200_000


def city_of(name: str, seed: int = 1) -> City:
    return City(seed, scenario.read(scenario.find(name), districts.stations()), START_MS)


def written(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def fill(path: Path, city: City, hours: int = 3) -> None:
    faults = Faults(city)
    truth = Truth(path, city, faults, 60.0)
    for true in city.readings(START_MS, START_MS + hours * 3_600_000, 60.0):
        truth.readings(true, faults.apply(true, 60_000))
    truth.close()


def test_head_names_faults_spells_and_events(tmp_path: Path) -> None:
    path = tmp_path / "truth.jsonl"
    fill(path, city_of("outage"))
    lines = written(path)
    assert lines[0] == {
        "type": "truth", "format": 1, "city": "simville", "seed": 1,
        "scenario": "Feeder outage", "start_ms": START_MS, "period_s": 60.0,
    }
    events = [line for line in lines if line["type"] == "event"]
    assert [(e["place"], e["customers"]) for e in events] == [
        ("harbour/feeder-03", 310), ("harbour/feeder-04", 420)
    ]
    assert [line["key"] for line in lines if line["type"] == "spell"] == [
        "people[0]", "outage[0]", "outage[1]"
    ]
    faults = [line for line in lines if line["type"] == "fault"]
    assert [f["kind"] for f in faults] == ["dropout", "late", "unit"]
    assert faults[1]["end_ms"] == START_MS + 85 * 60_000


def test_each_touched_reading_has_a_line_with_its_true_value(tmp_path: Path) -> None:
    path, city = tmp_path / "truth.jsonl", city_of("faults")
    fill(path, city)
    readings = [line for line in written(path) if line["type"] == "reading"]
    faults = Faults(city)
    count = 0
    for true in city.readings(START_MS, START_MS + 3 * 3_600_000, 60.0):
        count += int(np.count_nonzero(faults.apply(true, 60_000).faults))
    assert len(readings) == count > 1000
    lost = [r for r in readings if r["faults"] == [0]]
    assert lost
    assert all(r["published"] == [] for r in lost)
    spikes = [r for r in readings if r["faults"] == [2]]
    for one in spikes:
        ((_, at, value),) = one["published"]  # type: ignore[misc]
        assert at == one["time_ms"]
        assert value == pytest.approx(one["value"] + 180.0)  # type: ignore[operator]


def test_a_run_that_is_started_again_goes_on_in_its_file(tmp_path: Path) -> None:
    path = tmp_path / "truth.jsonl"
    fill(path, city_of("faults"), 1)
    before = path.read_text()
    fill(path, city_of("faults"), 1)
    assert path.read_text().startswith(before)
    assert sum(line["type"] == "truth" for line in written(path)) == 1


def test_the_file_of_another_run_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "truth.jsonl"
    fill(path, city_of("faults"), 1)
    before = path.read_bytes()
    with pytest.raises(SettingsError, match="another seed, scenario or start"):
        fill(path, city_of("faults", 2), 1)
    assert path.read_bytes() == before
    with pytest.raises(SettingsError, match=r"--truth .*no/such/folder"):
        fill(tmp_path / "no/such/folder", city_of("faults"), 1)


def test_a_full_file_says_so_and_grows_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("simulators.truth.TRUTH_BYTES_MAX", 20_000)
    path = tmp_path / "truth.jsonl"
    fill(path, city_of("faults"))
    assert path.stat().st_size < 21_000
    assert written(path)[-1]["type"] == "cut"
    assert sum(line["type"] == "cut" for line in written(path)) == 1
