"""The configuration of ingest: defaults, and one line for what its owner must correct."""

from pathlib import Path

import pytest

from edge.settings import SettingsError, load
from ingest.settings_ingest import IngestSettings


def _load(tmp_path: Path, text: str) -> IngestSettings:
    path = tmp_path / "ingest.toml"
    path.write_text(text)
    return load(path, IngestSettings)


def test_an_empty_file_is_a_whole_configuration(tmp_path: Path) -> None:
    settings = _load(tmp_path, "")
    assert (settings.clock, settings.grace_s, settings.influx) == ("wall", 60, None)
    assert settings.broker.url == "mqtt://127.0.0.1:1883"


def test_two_files_do_not_share_a_broker(tmp_path: Path) -> None:
    one, other = _load(tmp_path, ""), _load(tmp_path, "")
    one.broker.url = "mqtt://elsewhere:1"
    assert other.broker.url == "mqtt://127.0.0.1:1883"


@pytest.mark.parametrize(("text", "words"), [
    ("grace = 60", ["key grace", "60", "unknown", "grace_s"]),
    ("[broker]\nurls = 'x'", ["key broker.urls", "'x'", "unknown", "broker.url"]),
    ("[influx]\nbuket = 'x'", ["key influx.buket", "'x'", "unknown", "influx.bucket"]),
    ("grace_s = 'long'", ["grace_s", "'long'", "expected int"]),
    ("clock = 'sun'", ["clock", "'sun'"]),
    ("grace_s = -1", ["grace_s = -1", "between 0 and 86400"]),
    ("open_every_s = 0.0", ["open_every_s = 0.0", "between 0.05 and 3600"]),
    ("keep_points_days = 3", ["keep_points_days = 3", "between 9 and 36500"]),
    ("archive_days = 9", ["archive_days = 9", "between 10 and 36500"]),
    ("archive_bytes_max = 1", ["archive_bytes_max = 1", "between 1048576"]),
    ("[broker]\nurl = 'http://x'", ["http://x", "mqtt://"]),
    ("= 1", ["ingest.toml"]),
])
def test_what_is_wrong_is_one_line_with_file_key_value_and_rule(
    tmp_path: Path, text: str, words: list[str]
) -> None:
    with pytest.raises(SettingsError) as caught:
        _load(tmp_path, text)
    said = str(caught.value)
    assert "\n" not in said
    assert said.startswith(str(tmp_path / "ingest.toml"))
    for word in words:
        assert word in said
