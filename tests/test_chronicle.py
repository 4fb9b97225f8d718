"""A stretch of simville as files: byte for byte the same, readable, complete."""

from pathlib import Path

import pytest

from edge.places import load
from edge.recorded import read
from edge.settings import SettingsError
from simulators import chronicle, districts, scenario
from simulators.city import City

START_MS = 1_772_431_200_000
HOUR_MS = 3_600_000


def city_of(name: str = "faults", seed: int = 1) -> City:
    return City(seed, scenario.read(scenario.find(name), districts.stations()), START_MS)


def make(folder: Path, city: City, hours: float = 3, period_s: float = 60.0) -> int:
    folder.mkdir()
    return chronicle.write(
        city, folder / "r.csv", folder / "places.csv", START_MS,
        START_MS + round(hours * HOUR_MS), period_s, folder / "truth.jsonl",
    )


def test_the_same_seed_gives_the_same_bytes_another_one_others(tmp_path: Path) -> None:
    make(tmp_path / "a", city_of())
    make(tmp_path / "b", city_of())
    make(tmp_path / "c", city_of(seed=2))
    for name in ("r.csv", "places.csv", "truth.jsonl"):
        first = (tmp_path / "a" / name).read_bytes()
        assert first == (tmp_path / "b" / name).read_bytes()
    assert (tmp_path / "a" / "r.csv").read_bytes() != (tmp_path / "c" / "r.csv").read_bytes()


def test_the_recording_is_in_the_order_of_arrival_and_can_be_read(tmp_path: Path) -> None:
    count = make(tmp_path / "a", city_of())
    received: list[int] = []
    times: list[int] = []
    for rows in read(tmp_path / "a" / "r.csv"):
        received += rows.received_ms
        times += rows.time_ms
    assert len(received) == count
    assert received == sorted(received)
    assert times != sorted(times)
    assert max(received) < START_MS + 3 * HOUR_MS
    places = load(tmp_path / "a" / "places.csv")
    assert len(places) == 72
    assert {row.period_s for row in places} == {60.0}


def test_what_is_held_back_beyond_the_end_has_not_arrived(tmp_path: Path) -> None:
    whole = make(tmp_path / "a", city_of("outage"), 3)
    short = make(tmp_path / "b", city_of("outage"), 1)
    first = [line for line in (tmp_path / "a" / "r.csv").read_text().splitlines()[1:]
             if int(line.rsplit(",", 1)[1]) < START_MS + HOUR_MS]
    assert (tmp_path / "b" / "r.csv").read_text().splitlines()[1:] == first
    assert short == len(first) < whole


def test_a_recording_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    city = city_of()
    each = sum(len(station.quantities) for station in city.stations)
    monkeypatch.setattr(chronicle, "READINGS_MAX", 10 * each)
    make(tmp_path / "a", city, 10 / 60)
    with pytest.raises(SettingsError, match="give a shorter --for or a longer --period"):
        make(tmp_path / "b", city, 11 / 60)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nowhere.*No such file"):
        chronicle.write(
            city_of(), tmp_path / "nowhere" / "r.csv", tmp_path / "nowhere" / "p.csv", START_MS,
            START_MS + HOUR_MS, 60.0,
        )
