"""The services of a machine without docker, started together: from a serial line to the page."""

import json
import os
import shlex
import subprocess
import sys
import tty
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cityvitals.main import app
from tests.brokers import free_port
from tests.influxd import Influxd
from tests.live_ingest import until
from tests.test_deploy import DEPLOY, ROOT, _secrets, mosquitto, unit  # noqa: F401
from tests.test_plantower import FRAMES

SYSTEMD = DEPLOY / "systemd"
NAMES = ("ingest", "edge", "page")


class Machine:
    """The units' own commands and files; only paths, ports and host names are those of a test."""

    def __init__(self, folder: Path, secrets: Path, ports: tuple[int, int], influx: str) -> None:
        self.folder = folder
        self.sensor, self._line = os.openpty()
        tty.setraw(self._line)
        self.page = free_port()
        for name in ("edge", "data", "etc"):
            (folder / name).mkdir()
        plain, secure = ports
        self._changes = {
            **{f"/run/credentials/cityvitals-{name}.service/broker_password":
               str(secrets / f"{name}_password") for name in ("ingest", "edge")},
            "/var/lib/cityvitals-edge": str(folder / "edge"),
            "/var/lib/cityvitals": str(folder / "data"),
            "/etc/cityvitals/ca.pem": str(secrets / "ca.pem"),
            "/etc/cityvitals": str(folder / "etc"),
            "127.0.0.1:1883": f"127.0.0.1:{plain}",
            "city.example.org:8883": f"127.0.0.1:{secure}",
            "http://127.0.0.1:8086": influx,
            "--port 8080": f"--port {self.page}",
            'kind = "plantower"': f'kind = "plantower"\nport = "{os.ttyname(self._line)}"',
        }
        self._children: list[subprocess.Popen[bytes]] = []
        for name in ("ingest", "edge"):
            # Where this runs nobody keeps the clock.
            first = "trust_clock = true\n" if name == "edge" else ""
            text = first + self._here((SYSTEMD / f"{name}.toml").read_text())
            (folder / "etc" / f"{name}.toml").write_text(text)

    def _here(self, text: str) -> str:
        for old, new in self._changes.items():
            text = text.replace(old, new)
        return text

    def start(self, name: str) -> None:
        """As the unit of that name does."""
        (command,) = unit(SYSTEMD / f"cityvitals-{name}.service")["ExecStart"]
        words = shlex.split(self._here(command))[1:]
        with (self.folder / f"{name}.log").open("wb") as log:
            self._children.append(subprocess.Popen(
                [sys.executable, "-m", "cityvitals", *words], cwd=ROOT, stdout=log, stderr=log))

    def health(self) -> dict[str, Any]:
        """What the page says of ingest, nothing while it is not there; the sensor speaks once."""
        os.write(self.sensor, FRAMES[0])
        with suppress(OSError, ValueError):
            url = f"http://127.0.0.1:{self.page}/api/health"
            with urllib.request.urlopen(url, timeout=5) as answer:
                return dict(json.load(answer)["health"] or {})
        return {}

    def stop(self) -> list[int]:
        """End all; their exit statuses."""
        for child in self._children:
            child.terminate()
        statuses = [child.wait(30) for child in self._children]
        os.close(self.sensor)
        os.close(self._line)
        return statuses


def test_a_reading_comes_from_the_serial_line_to_the_page(
    secrets: Path, tmp_path: Path
) -> None:
    """Broker with users, rights and TLS, agent, ingest, InfluxDB and page; the device is placed."""
    pytest.importorskip("serial")
    influx = Influxd(tmp_path / "influxd")
    influx.start()
    try:
        with mosquitto(secrets, tmp_path) as ports:
            machine = Machine(tmp_path, secrets, ports, influx.url)
            try:
                for name in NAMES:
                    machine.start(name)
                until(lambda: bool(machine.health().get("held")), "the sensor is held", 90)
                said = CliRunner().invoke(app, [
                    "place", "add", "pm-s1", "--data", str(tmp_path / "data"), "--city", "porto",
                    "--district", "centre", "--station", "s1", "--lat", "41.1463",
                    "--lon=-8.6112", "--tz", "Europe/Lisbon", "--period", "1s"])
                assert said.exit_code == 0, said.output
                until(lambda: machine.health().get("verdicts", {}).get("applied", 0) > 3, "counts")
                until(lambda: machine.health()["sinks"][0]["written"] > 0, "InfluxDB has lines")
            finally:
                statuses = machine.stop()
    finally:
        influx.kill()
    assert statuses == [0, 0, 0], [(tmp_path / f"{name}.log").read_text() for name in NAMES]
