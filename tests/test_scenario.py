"""Scenario files: all that are built in can be read; what cannot be is refused by its key."""

from pathlib import Path

import pytest

from edge.settings import SettingsError
from simulators import districts, scenario

STATIONS = districts.stations()


@pytest.mark.parametrize("name", scenario.names())
def test_built_in_scenarios_can_be_read_and_say_what_they_are(name: str) -> None:
    found = scenario.read(scenario.find(name), STATIONS)
    assert found.title
    assert found.tables()


def test_the_scenarios_that_are_promised_are_built_in() -> None:
    promised = {"pollution", "stadium", "snow", "outage", "road_closed", "faults"}
    assert promised <= set(scenario.names())


def test_one_fault_of_each_kind_is_built_in() -> None:
    found = scenario.read(scenario.find("faults"), STATIONS)
    assert {fault.kind for fault in found.fault} == {
        "dropout", "stuck", "spike", "drift", "unit", "duplicate", "reorder", "late",
        "fast_clock", "jumping_clock", "battery",
    }


@pytest.mark.parametrize(("text", "words"), [
    ('[[fault]]\nkind = "stuck"\nwhere = "moon/*"', "key fault[0].where = 'moon/*': names no"),
    ('[[fault]]\nkind = "asleep"\nwhere = "*"', "fault[0].kind"),
    ('[[fault]]\nkind = "drift"\nwhere = "*/air-01"', "key fault[0].quantity: say which"),
    ('[[fault]]\nkind = "drift"\nwhere = "*/air-01"\nquantity = "speed"',
     "'speed': */air-01 measures co, "),
    ('[[road]]\nwhere = "centre/air-01"', "names no road station; write for example harbour/road"),
    ('[[road]]\nwhere = "*/road-01"\ndivert = "x/y"', "key road[0].divert = 'x/y'"),
    ('[[weather]]\nfor = "1 hour"', "key weather[0].for = '1 hour': write a duration"),
    ('[[weather]]\nfor = "91d"', "longer than 90 days"),
    ('[[weather]]\nwind = 0.0', "weather[0].wind = 0.0: expected float >= 0.05"),
    ("[[weather]]\nwinds = 1.0", "winds"),
    ("wheather = 1", "key wheather (value 1) is unknown; the nearest known key is weather"),
    ("[[weather]]\n" * (scenario.ENTRIES_MAX + 1), "has 501 tables, at most 500"),
])
def test_what_cannot_be_is_refused_in_one_line(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "mine.toml"
    # Top-level keys stand before the tables.
    path.write_text('title = "x"\n' + text + "\n")
    with pytest.raises(SettingsError) as caught:
        scenario.read(path, STATIONS)
    assert str(caught.value).startswith(f"{path}: ")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_exactly_as_many_tables_as_allowed_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('title = "x"\n' + "[[weather]]\n" * scenario.ENTRIES_MAX)
    assert len(scenario.read(path, STATIONS).weather) == scenario.ENTRIES_MAX


def test_a_file_of_ones_own_or_a_name(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('title = "x"')
    assert scenario.find(str(path)) == path
    with pytest.raises(SettingsError, match="--scenario stadion: no such file; built in are"):
        scenario.find("stadion")


@pytest.mark.parametrize(("text", "ms"), [
    ("0s", 0), ("250ms", 250), ("90s", 90_000), ("1h30m", 5_400_000), ("0.5h", 1_800_000),
    ("90d", 90 * 86_400_000),
])
def test_durations(text: str, ms: int) -> None:
    assert scenario.duration_ms(text) == ms
