"""How to reach the broker: the URL, secrets by name only, certificates, and which MQTT to speak."""

from typing import Literal, NamedTuple
from urllib.parse import urlsplit

from edge.settings import Section

PORTS = {"mqtt": 1883, "mqtts": 8883, "ws": 80, "wss": 443}
WEB_PATH = "/mqtt"
"""Of a WebSocket, if the URL names none."""


class Address(NamedTuple):
    """What a broker URL names; `path` is that of a WebSocket, else empty."""

    host: str
    port: int
    tls: bool
    user: str
    path: str = ""


class BrokerSettings(Section):
    """How to reach the broker. Secrets stand in an environment variable or a file."""

    url: str = "mqtt://127.0.0.1:1883"
    mqtt_version: Literal["3.1.1", "5"] = "3.1.1"
    user: str = ""
    password_env: str = ""
    password_file: str = ""
    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""
    keepalive_s: int = 30

    def __post_init__(self) -> None:
        """Check what can be checked without I/O. Raises ValueError."""
        address = parse_url(self.url)
        if self.password_env and self.password_file:
            raise ValueError("give password_env or password_file, not both")
        if self.user and address.user and self.user != address.user:
            raise ValueError(f"user {self.user!r} differs from the user in url")
        if not address.tls and (self.ca_file or self.cert_file or self.key_file):
            raise ValueError("ca_file, cert_file and key_file need a mqtts:// or wss:// url")
        if not 5 <= self.keepalive_s <= 3600:
            raise ValueError(f"keepalive_s = {self.keepalive_s} must lie between 5 and 3600")

    @property
    def properties(self) -> bool:
        """Whether packets carry properties: those of MQTT 5 do."""
        return self.mqtt_version == "5"


def parse_url(url: str) -> Address:
    """Read `mqtt://[user@]host[:port]`, `mqtts://…`, `ws://…[/path]` or `wss://…`.

    Raises ValueError with the rule.
    """
    rule = "must be mqtt://[user@]host[:port], mqtts://…, or ws://…/path, wss://…/path"
    try:
        parts = urlsplit(url)
        port = parts.port
        host = (parts.hostname or "").encode("idna").decode()
    except ValueError as error:
        raise ValueError(f"url {rule} ({error})") from None
    if parts.password is not None:
        raise ValueError("url must not hold a password; use password_env or password_file")
    if parts.scheme not in PORTS or not host or port == 0:
        raise ValueError(f"url {url!r} {rule}")
    web = parts.scheme in ("ws", "wss")
    if (parts.path not in ("", "/") and not web) or parts.query or parts.fragment:
        raise ValueError(f"url {url!r} {rule}")
    return Address(
        host, port or PORTS[parts.scheme], parts.scheme in ("mqtts", "wss"), parts.username or "",
        (parts.path or WEB_PATH) if web else "",
    )
