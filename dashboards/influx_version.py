"""Which InfluxDB answers at an address: Grafana asks 1.x, 2.x and 3.x in different ways."""

import re
import urllib.error
import urllib.request
from urllib.parse import urlsplit

from edge.settings import SettingsError

TIMEOUT_S = 5.0
HEADER = "X-Influxdb-Version"


def major(told: str | None) -> int:
    """1, 2 or 3 of what a server says of itself (`1.6.7`, `v2.7.12`); one that is silent is 2."""
    found = re.match(r"v?(\d+)\.", told or "")
    return int(found[1]) if found and found[1] in "123" else 2


def ask(url: str) -> int:
    """The major version of the server at `url`. Raises `SettingsError` if it does not answer."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise SettingsError(f"--influx-url = {url!r}: must be http://host:port, without a user")
    try:
        # The scheme was looked at above.
        with urllib.request.urlopen(  # noqa: S310
            f"{url.rstrip('/')}/ping", timeout=TIMEOUT_S
        ) as answer:
            return major(answer.headers.get(HEADER))
    except urllib.error.HTTPError as error:
        return major(error.headers.get(HEADER))
    except OSError as error:
        reason = getattr(error, "reason", None) or error
        raise SettingsError(
            f"--influx-url = {url!r}: does not answer here ({reason}), so its version is not "
            "known: say --influx-version 1, 2 or 3"
        ) from None
