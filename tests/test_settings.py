"""Configuration files: one line that names file, key, value and what would be right."""

from pathlib import Path

import msgspec
import pytest

from edge.settings import Section, SettingsError, check, load


class Broker(Section):
    port: int = 1883
    hosts: list[str] = msgspec.field(default_factory=list)

    def __post_init__(self) -> None:
        if self.port < 1:
            raise ValueError(f"port = {self.port} must be positive")


class Shape(Section):
    city: str
    share: float = 0.5
    broker: Broker = msgspec.field(default_factory=Broker)

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise ValueError(f"share = {self.share} must lie between 0 and 1")


def test_defaults_and_values() -> None:
    shape = check({"city": "porto", "broker": {"port": 9}}, Shape, "x.toml")
    assert (shape.city, shape.share, shape.broker.port) == ("porto", 0.5, 9)


@pytest.mark.parametrize(("tree", "text"), [
    ({}, "Object missing required field `city`"),
    ({"city": "a", "chare": 1.0},
     "key chare (value 1.0) is unknown; the nearest known key is share"),
    ({"city": "a", "broker": {"prot": 1}},
     "key broker.prot (value 1) is unknown; the nearest known key is broker.port"),
    ({"city": 7}, "key city = 7: expected str, got int"),
    ({"city": "a", "broker": {"port": "1883"}}, "key broker.port = '1883': expected int, got str"),
    ({"city": "a", "broker": {"hosts": ["a", 1]}}, "key broker.hosts[1] = 1: expected str"),
    ({"city": "a", "broker": 5}, "key broker = 5: expected object, got int"),
    ({"city": "a", "broker": {"port": -1}}, "key broker: port = -1 must be positive"),
    ({"city": "a", "share": 2.0}, "share = 2.0 must lie between 0 and 1"),
])
def test_one_line_names_file_key_value_and_rule(tree: dict[str, object], text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        check(tree, Shape, "x.toml")
    message = str(caught.value)
    assert message.startswith("x.toml: ")
    assert text in message
    assert "\n" not in message
    assert "{" not in message, "the whole file is not repeated"


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    with pytest.raises(SettingsError, match=r"x\.toml: no such file"):
        load(path, Shape)
    path.write_text("city = \n")
    with pytest.raises(SettingsError, match=r"x\.toml: .*line 1"):
        load(path, Shape)
    path.write_bytes(b'city = "\xff"')
    with pytest.raises(SettingsError, match=r"x\.toml: .*utf-8"):
        load(path, Shape)
    path.write_text('city = "porto"')
    assert load(path, Shape).city == "porto"
