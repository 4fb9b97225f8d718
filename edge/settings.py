"""Configuration files: strict TOML into typed structs, checked before anything starts.

An unknown key is refused and the nearest known one named; a wrong type or an impossible value
is refused with what would be right. Each error is one line that names file, key and value.
"""

import difflib
import re
import tomllib
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

import msgspec

FORMAT = 1
"""Every file may say `format = 1`; those that a program writes do."""


class SettingsError(Exception):
    """A configuration that its owner must correct; programs print it and exit with status 2."""


class Section(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Base of every table in a configuration file."""


SectionType = TypeVar("SectionType", bound=Section)


def load(path: Path, shape: type[SectionType]) -> SectionType:
    """Read `path` into `shape`. Raises `SettingsError` with one line."""
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path}: {error}") from None
    number = tree.pop("format", FORMAT)
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise SettingsError(f"{path}: key format = {number!r}: expected a number from 1 on")
    if number > FORMAT:
        raise SettingsError(f"{path}: has format {number}, this program knows up to {FORMAT}")
    return check(tree, shape, str(path))


def check(tree: dict[str, Any], shape: type[SectionType], file: str) -> SectionType:
    """Turn a parsed file into `shape`. Raises `SettingsError` naming `file`, key and value."""
    unknown = _unknown_key(tree, shape, "")
    if unknown:
        raise SettingsError(f"{file}: {unknown}")
    try:
        return msgspec.convert(tree, shape)
    except (msgspec.ValidationError, ValueError) as error:
        raise SettingsError(f"{file}: {_explain(str(error), tree)}") from None


def _unknown_key(tree: dict[str, Any], shape: Any, prefix: str) -> str | None:
    fields = {field.encode_name: field.type for field in msgspec.structs.fields(shape)}
    for key, value in tree.items():
        name = f"{prefix}{key}"
        if key not in fields:
            near = difflib.get_close_matches(key, fields, n=1, cutoff=0.0)
            hint = f"; the nearest known key is {prefix}{near[0]}" if near else ""
            return f"key {name} (value {value!r}) is unknown{hint}"
        inside = _section(fields[key])
        if inside is None:
            continue
        for table, where in _tables(value, fields[key], name):
            inner = _unknown_key(table, inside, f"{where}.")
            if inner:
                return inner
    return None


def _tables(value: Any, kind: Any, name: str) -> list[tuple[dict[str, Any], str]]:
    """The tables of a key, which may be one, a list of them, or one for each name."""
    if isinstance(value, list):
        return [(one, f"{name}[{k}]") for k, one in enumerate(value) if isinstance(one, dict)]
    if not isinstance(value, dict):
        return []
    if get_origin(kind) is dict:
        return [(one, f"{name}.{of}") for of, one in value.items() if isinstance(one, dict)]
    return [(value, name)]


def _section(kind: Any) -> type[Section] | None:
    """The table that a field holds, also where it may be left out."""
    for option in get_args(kind) or (kind,):
        if isinstance(option, type) and issubclass(option, Section):
            return option
    return None


def _explain(message: str, tree: dict[str, Any]) -> str:
    """`Expected `int`, got `str` - at `$.mqtt.port`` becomes key, value and the rule."""
    found = re.search(r"^(?P<rule>.*) - at `\$\.?(?P<key>[^`]*)`$", message, re.S)
    if not found:
        return message
    key = found["key"]
    value: Any = tree
    for part in re.findall(r"[^.\[\]]+", key):
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdigit():
            value = value[int(part)]
        else:
            return f"{found['rule']}, in {key or 'the file'}"
    rule = found["rule"].replace("`", "")
    if isinstance(value, dict | list):
        return f"key {key}: {rule[0].lower()}{rule[1:]}"
    return f"key {key} = {value!r}: {rule[0].lower()}{rule[1:]}"
