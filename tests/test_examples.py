"""The example files hold every key with its default, and load as they are and with all keys."""

import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from edge.edge_program import EdgeSettings
from edge.settings import Section, check
from ingest.settings_ingest import IngestSettings

FOLDER = Path(__file__).resolve().parent.parent / "cityvitals" / "examples"
GOLDEN = Path(__file__).parent / "golden"
SHAPES: dict[str, type[Section]] = {"edge.toml": EdgeSettings, "ingest.toml": IngestSettings}
OPEN_TABLES = {"driver"}
"""Tables whose keys depend on a kind; their own tests check them."""


def _with_all_keys(name: str) -> str:
    """The text with every `# key = value` and `# [table]` line taken in."""
    text = (FOLDER / name).read_text(encoding="utf-8")
    return re.sub(r"^# (\w+ = .+|\[+[\w.]+\]+)$", r"\1", text, flags=re.M)


def test_every_example_is_tried() -> None:
    assert {path.name for path in FOLDER.glob("*.toml")} == set(SHAPES)


@pytest.mark.parametrize("name", SHAPES)
def test_the_file_is_the_golden_one(name: str) -> None:
    assert (FOLDER / name).read_bytes() == (GOLDEN / name).read_bytes()


@pytest.mark.parametrize("name", SHAPES)
def test_the_file_as_it_stands_is_valid(name: str) -> None:
    text = (FOLDER / name).read_text(encoding="utf-8")
    check(tomllib.loads(text), SHAPES[name], name)


def test_a_copy_of_the_example_asks_for_no_influxdb() -> None:
    text = (FOLDER / "ingest.toml").read_text(encoding="utf-8")
    assert check(tomllib.loads(text), IngestSettings, "ingest.toml").influx is None


@pytest.mark.parametrize("name", SHAPES)
def test_every_key_is_there_with_its_default(name: str) -> None:
    tree = tomllib.loads(_with_all_keys(name))
    check(tree, SHAPES[name], name)
    for field in msgspec.structs.fields(SHAPES[name]):
        key = field.encode_name
        assert key in tree, f"{name} lacks {key}"
        table = _table(field.type)
        if table is not None and isinstance(tree[key], list):
            _compare(tree[key][0], table, f"{name}: [[{key}]]")
        elif table is not None:
            assert tree[key] == msgspec.to_builtins(table()), f"{name}: [{key}]"
        elif not field.required and key not in OPEN_TABLES:
            assert tree[key] == field.default, f"{name}: {key}"


def _compare(tree: dict[str, Any], table: type[Section], where: str) -> None:
    """A table of which there may be several holds every key, and its default where it has one."""
    for field in msgspec.structs.fields(table):
        key = field.encode_name
        assert key in tree, f"{where} lacks {key}"
        inner = _table(field.type)
        if inner is not None:
            _compare(next(iter(tree[key].values())), inner, f"{where} {key}")
        elif field.default is not msgspec.NODEFAULT:
            assert tree[key] == field.default, f"{where} {key}"


def _table(kind: Any) -> type[Section] | None:
    """The struct of a key that is a table, also where it may be left out."""
    options = getattr(kind, "__args__", (kind,))
    tables = [one for one in options if isinstance(one, type) and issubclass(one, Section)]
    return tables[0] if tables else None
