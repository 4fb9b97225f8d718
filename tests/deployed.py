"""Real brokers with the very files of `deploy/broker`, changed where docs/brokers.md says."""

import os
import re
from pathlib import Path

from tests.brokers import Broker, Mosquitto, Nats

DEPLOY = Path(__file__).parent.parent / "deploy" / "broker"


def changed(text: str, rules: dict[str, str]) -> str:
    """`text` with each pattern replaced; each must match one line, as in the documented sed."""
    for pattern, line in rules.items():
        text, count = re.subn(pattern, line, text, flags=re.M)
        assert count == 1, pattern
    return text


class DeployedMosquitto(Mosquitto):
    """Mosquitto with `deploy/broker/mosquitto.conf`."""

    def command(self) -> list[str]:
        """As `Broker.command`."""
        program = super().command()[0]
        path = self.folder / "mosquitto.conf"
        text = changed((DEPLOY / "mosquitto.conf").read_text(), {
            r"^listener .*$": f"listener {self.port} 127.0.0.1",
            r"^persistence_location .*$": f"persistence_location {self.folder}/",
        })
        # Root would become the user `mosquitto`, who may not enter the folder of a test.
        path.write_text(text + ("user root\n" if os.geteuid() == 0 else ""))
        return [program, "-c", str(path)]


class DeployedNats(Nats):
    """nats-server with `deploy/broker/nats.conf`."""

    def command(self) -> list[str]:
        """As `Broker.command`."""
        program = super().command()[0]
        path = self.folder / "nats.conf"
        path.write_text(changed((DEPLOY / "nats.conf").read_text(), {
            r'^listen: .*$': 'listen: "127.0.0.1:-1"',
            r'^  store_dir: .*$': f'  store_dir: "{self.folder}/store"',
            r'^  listen: .*$': f'  listen: "127.0.0.1:{self.port}"',
        }))
        return [program, "-c", str(path)]


DEPLOYED: tuple[type[Broker], ...] = (DeployedNats, DeployedMosquitto)
