"""Debian's real InfluxDB 1.6.7, started and killed by a test, on free ports."""

import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from ingest.influx_began import began_ms

BINARY = shutil.which("influxd") or "/usr/bin/influxd"
START_S_MAX = 30.0


def free_port() -> int:
    """A TCP port on the loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Influxd:
    """One server whose files live under `folder`; it may be killed and started again."""

    def __init__(self, folder: Path, auth: bool = False) -> None:
        if not Path(BINARY).exists():
            pytest.skip("influxd is not installed (Debian package influxdb)")
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._config = folder / "influxdb.conf"
        folder.mkdir(parents=True, exist_ok=True)
        self._config.write_text(f"""
reporting-disabled = true
bind-address = "127.0.0.1:{free_port()}"
[meta]
  dir = "{folder}/meta"
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
  query-log-enabled = false
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:{self.port}"
  auth-enabled = {str(auth).lower()}
  log-enabled = false
[continuous_queries]
  enabled = false
""")

    def start(self) -> None:
        """Start and wait until it answers."""
        with (self._folder / "influxd.log").open("ab") as log:
            self._process = subprocess.Popen(
                [BINARY, "-config", str(self._config)], stdout=log, stderr=log)
        deadline = time.monotonic() + START_S_MAX
        while True:
            try:
                with urllib.request.urlopen(f"{self.url}/ping", timeout=2):
                    return
            except OSError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    self.kill()
                    log_text = (self._folder / "influxd.log").read_text()[-2000:]
                    raise RuntimeError(f"influxd does not answer:\n{log_text}") from None
                time.sleep(0.05)

    def kill(self) -> None:
        """`kill -9`; nothing is flushed."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def began_ms(self) -> int:
        """When this process began, as it says itself."""
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=5) as answer:
            return began_ms(answer.read())

    def query(self, statement: str, database: str = "cityvitals", **more: str) -> list[Any]:
        """The series of an InfluxQL statement: dicts with name, tags, columns, values."""
        data = urllib.parse.urlencode({"q": statement, "db": database, "epoch": "ns", **more})
        request = urllib.request.Request(f"{self.url}/query", data.encode(), method="POST")
        with urllib.request.urlopen(request, timeout=30) as answer:
            result = json.load(answer)["results"][0]
        if "error" in result:
            raise RuntimeError(result["error"])
        found: list[Any] = result.get("series", [])
        return found

    def count(self, measurement: str, field: str = "value") -> int:
        """Points of a measurement, over all its series."""
        found = self.query(f'SELECT count("{field}") FROM "{measurement}"')
        return int(found[0]["values"][0][1]) if found else 0
