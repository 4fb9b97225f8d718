"""The tables `[[foreign]]`: what they may say, and the one line that refuses the rest."""

from pathlib import Path
from typing import Any

import pytest

from edge.settings import SettingsError, load
from ingest.program import run
from ingest.settings_foreign import FIELDS_MAX, SOURCES_MAX
from ingest.settings_ingest import IngestSettings

GOOD = '[[foreign]]\ntopic = "z/{device}"\nformat = "json"\n[foreign.fields]\n'
FIELD = 'power = { quantity = "power", unit = "W" }\n'


def settings(tmp_path: Path, text: str) -> IngestSettings:
    (tmp_path / "ingest.toml").write_text(text)
    return load(tmp_path / "ingest.toml", IngestSettings)


def test_a_table_and_its_defaults(tmp_path: Path) -> None:
    [one] = settings(tmp_path, GOOD + FIELD).foreign
    assert (one.device, one.value, one.time) == ("{device}", "", "")
    assert (one.time_unit, one.tz) == ("ms", "")
    field = one.fields["power"]
    assert (field.quantity, field.unit, field.channel) == ("power", "W", "")
    assert (field.factor, field.offset) == (1.0, 0.0)
    senml = '[[foreign]]\ntopic = "s/{site}/{node}"\nformat = "senml"\ndevice = "{site}-{node}"\n'
    assert not settings(tmp_path, senml).foreign[0].fields


def table(**keys: str) -> str:
    known = {"topic": '"z/{device}"', "format": '"json"'} | keys
    return "[[foreign]]\n" + "".join(f"{key} = {value}\n" for key, value in known.items() if value)


@pytest.mark.parametrize(("text", "words"), [
    (table(topic='"z/+"'), "foreign[0]: topic = 'z/+': give parts a name in braces"),
    (table(format='"xml"'), "foreign[0].format = 'xml': invalid enum value"),
    (table(topic=""), "foreign[0]: object missing required field topic"),
    (table(tpic='"x"'), "key foreign[0].tpic (value 'x') is unknown; the nearest known key is "
                        "foreign[0].topic"),
    (table(device='"{node}"'), "device = '{node}': must be made of parts of the topic, {device}"),
    (table(device='"z"'), "device = 'z': must be made of parts"),
    (table(device='"{dev"'), "device = '{dev': a part is a name"),
    (table(), "fields: format 'json' needs at least one"),
    (table(format='"things-stack"', time='"t"') + "[foreign.fields]\n" + FIELD,
     "time = 't': format 'things-stack' says this"),
    (table(format='"senml"', tz='"UTC"'), "tz = 'UTC': format 'senml' says this"),
    (table(format='"senml"', topic='"z/{device}/{quantity}"'), "{quantity} is for format 'json'"),
    (table(tz='"Mars/X"') + "[foreign.fields]\n" + FIELD, "tz = 'Mars/X': must be an IANA"),
    (table(value='"v"') + "[foreign.fields]\n" + FIELD, "value = 'v': is for topics with a part"),
    (table(time_unit='"h"') + "[foreign.fields]\n" + FIELD, "foreign[0].time_unit = 'h'"),
    (GOOD + 'x = { quantity = "pm2" }', "quantity = 'pm2': not known; the nearest is 'pm25'"),
    (GOOD + 'x = { quantity = "no2", unit = "ug/m3" }', "unit = 'ug/m3': no2 accepts ppb, ppm"),
    (GOOD + 'x = { quantity = "temp", channel = "A b" }', "channel = 'A b': use 1 to 64"),
    (GOOD + 'x = { quantity = "temp", factor = 0.0 }', "factor = 0.0"),
    (GOOD + 'x = { quantity = "temp", factor = nan }', "factor = nan"),
    (GOOD + 'x = { quantity = "temp", units = "K" }', "key foreign[0].fields.x.units "
     "(value 'K') is unknown; the nearest known key is foreign[0].fields.x.unit"),
    (GOOD + FIELD + GOOD + FIELD, "topic = 'z/{device}' stands in two tables"),
    ('clock = "recorded"\n' + GOOD + FIELD, "clock = 'recorded'"),
])
def test_one_line_names_key_and_value(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(SettingsError) as error:
        settings(tmp_path, text)
    line = str(error.value)
    assert words in line
    assert line.startswith(str(tmp_path / "ingest.toml"))
    assert "\n" not in line


def test_ingest_ends_with_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "ingest.toml"
    config.write_text(GOOD + 'x = { quantity = "pm2" }')
    assert run(config) == 2
    assert capsys.readouterr().err.strip().endswith("the nearest is 'pm25'")


def many(count: int) -> str:
    return "".join(f'f{k} = {{ quantity = "temp" }}\n' for k in range(count))


def test_fields_at_their_limit(tmp_path: Path) -> None:
    assert len(settings(tmp_path, GOOD + many(FIELDS_MAX)).foreign[0].fields) == FIELDS_MAX
    with pytest.raises(SettingsError, match=f"at most {FIELDS_MAX}"):
        settings(tmp_path, GOOD + many(FIELDS_MAX + 1))


def test_tables_at_their_limit(tmp_path: Path) -> None:
    def text(count: int) -> str:
        return "".join(GOOD.replace("z/", f"z{k}/") + FIELD for k in range(count))

    assert len(settings(tmp_path, text(SOURCES_MAX)).foreign) == SOURCES_MAX
    with pytest.raises(SettingsError, match=f"at most {SOURCES_MAX}"):
        settings(tmp_path, text(SOURCES_MAX + 1))


def test_a_broken_shape_is_refused(tmp_path: Path) -> None:
    broken: Any
    for broken in ("foreign = 1", "foreign = [1]", '[foreign]\ntopic = "z"'):
        with pytest.raises(SettingsError, match="foreign"):
            settings(tmp_path, broken)
