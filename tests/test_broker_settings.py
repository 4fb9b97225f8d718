"""The broker's address and settings: what is read, what is refused and why."""

from typing import Any

import pytest

from edge.broker_settings import BrokerSettings, parse_url
from edge.settings import SettingsError, check


@pytest.mark.parametrize(("url", "address"), [
    ("mqtt://broker", ("broker", 1883, False, "")),
    ("mqtts://broker.example", ("broker.example", 8883, True, "")),
    ("mqtt://ann@10.0.0.1:1999/", ("10.0.0.1", 1999, False, "ann")),
    ("mqtt://[::1]:1884", ("::1", 1884, False, "")),
])
def test_url(url: str, address: tuple[str, int, bool, str]) -> None:
    assert parse_url(url) == (*address, "")


@pytest.mark.parametrize(("url", "address"), [
    ("ws://broker", ("broker", 80, False, "", "/mqtt")),
    ("wss://ann@broker:8084/mqtt/in", ("broker", 8084, True, "ann", "/mqtt/in")),
    ("ws://broker:9001/", ("broker", 9001, False, "", "/")),
])
def test_url_of_a_web_socket(url: str, address: tuple[str, int, bool, str, str]) -> None:
    assert parse_url(url) == address


@pytest.mark.parametrize("url", [
    "", "broker", "http://broker", "mqtt://", "mqtt://broker:0", "mqtt://broker:99999",
    "mqtt://broker/path", "ws://broker/mqtt?x=1", "ws://", "mqtt://broker?x=1",
    f"mqtt://{'a' * 70}.example", "mqtt://[::1",
])
def test_url_that_cannot_work_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"must be mqtt://"):
        parse_url(url)


def test_password_in_the_url_is_refused_and_not_repeated() -> None:
    with pytest.raises(SettingsError) as caught:
        check({"url": "mqtt://ann:hunter2@broker"}, BrokerSettings, "edge.toml")
    assert "password_env" in str(caught.value)
    with pytest.raises(ValueError, match="password_env") as direct:
        parse_url("mqtt://ann:hunter2@broker")
    assert "hunter2" not in str(direct.value)


@pytest.mark.parametrize(("table", "rule"), [
    ({"password_env": "A", "password_file": "b"}, "not both"),
    ({"url": "mqtt://ann@h", "user": "bob"}, "differs"),
    ({"ca_file": "ca.pem"}, "mqtts"),
    ({"url": "ws://h", "ca_file": "ca.pem"}, "wss"),
    ({"mqtt_version": "4"}, "mqtt_version"),
    ({"keepalive_s": 4}, "between 5 and 3600"),
])
def test_contradictions_are_refused(table: dict[str, Any], rule: str) -> None:
    with pytest.raises(SettingsError, match=rule):
        check(table, BrokerSettings, "edge.toml")
