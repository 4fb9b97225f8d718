"""The files that Grafana reads at its start, for each version of InfluxDB."""

import json
from pathlib import Path

import pytest
import yaml

from dashboards.grafana_board import SOURCE_UID, Site
from dashboards.grafana_files import export, provider, source
from edge.settings import SettingsError

QUICK = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Reads as the safe loader does, in a tenth of the time where it is compiled."""


def test_one_uid_for_every_version_and_secrets_stay_names() -> None:
    made = {version: source(version, "http://influx:8086", "city") for version in (1, 2, 3)}
    assert {row["uid"] for row in made.values()} == {SOURCE_UID}
    assert {row["jsonData"]["version"] for row in made.values()} == {"InfluxQL"}
    assert made[1]["secureJsonData"] == {"password": "$INFLUX_PASSWORD"}
    assert made[2]["secureJsonData"] == {"httpHeaderValue1": "Token $INFLUX_TOKEN"}
    assert made[3]["secureJsonData"] == {"httpHeaderValue1": "Bearer $INFLUX_TOKEN"}
    assert ("user" in made[1], "user" in made[2]) == (True, False)


@pytest.mark.parametrize(("version", "url", "words"), [
    (4, "http://influx:8086", "--influx-version = 4"),
    (2, "influx:8086", "--influx-url = 'influx:8086'"),
    (2, "http://u:p@influx:8086", "without a user"),
])
def test_a_source_that_cannot_be(version: int, url: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        source(version, url, "city")


def test_everything_is_written_and_reads_back_as_yaml(tmp_path: Path) -> None:
    old = tmp_path / "cityvitals" / "cv-old.json"
    old.parent.mkdir()
    old.write_text("{}")
    theirs = tmp_path / "cityvitals" / "mine.json"
    theirs.write_text("{}")
    written = export(tmp_path, Site(), source(2, "http://influx:8086", "city"))
    assert not old.exists()
    assert theirs.exists()
    assert len(written) == 3 + 9
    for path in written:
        assert QUICK(path.read_text()).get_single_data() == json.loads(path.read_text())
    (alerts,) = QUICK(
        (tmp_path / "alerting/cityvitals.yaml").read_text()
    ).get_single_data()["groups"]
    assert alerts["rules"][0]["uid"] == "cv-ingest-silent"
    assert provider("/x")["providers"][0]["options"]["path"] == "/x"
