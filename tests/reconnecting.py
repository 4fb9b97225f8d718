"""An agent, a real ingest and a broker between them, for tests of what reconnects."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edge.agent import Agent, AgentSettings
from edge.broker_settings import BrokerSettings
from edge.driver import Sample
from tests.line_city import CITY, row, write_places
from tests.live_ingest import LiveIngest

DEVICE = "d1"


class Feed:
    """A driver that gives as many samples as it was asked for."""

    def __init__(self) -> None:
        self.wanted = 0

    def samples(self, now_ms: int) -> list[Sample]:
        if not self.wanted:
            return []
        self.wanted -= 1
        return [Sample("pm25", now_ms, 12.5)]

    def close(self) -> None:
        return


class Pair:
    """One agent in this process and one ingest in another; `broker` are keys of their table."""

    def __init__(self, folder: Path, url: str, **broker: Any) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        write_places(folder / "places.csv", [row(DEVICE, "s1")])
        self.ingest = LiveIngest(folder, url)
        with self.ingest.config.open("a") as config:
            config.writelines(f"{key} = {json.dumps(value)}\n" for key, value in broker.items())
        self.feed = Feed()
        self.agent = Agent(AgentSettings(
            city=CITY, district="centre", station="s1", device=DEVICE,
            broker=BrokerSettings(url=url, **broker), outbox=str(folder / "outbox.db"),
        ), self.feed)
        self.agent.start()

    def run(self, condition: Callable[[], Any], what: str, seconds: float = 25.0) -> float:
        """Step the agent until `condition`; returns the seconds it took."""
        begun = time.monotonic()
        while not condition():
            assert time.monotonic() < begun + seconds, f"{what}\n{self.ingest.log()}"
            self.agent.step(time.time_ns() // 1_000_000)
            time.sleep(0.01)
        return time.monotonic() - begun

    def send(self, count: int) -> None:
        """Take `count` samples, and go on until ingest has acknowledged them all."""
        self.take(count)
        self.run(lambda: self.agent.drained, f"{count} samples arrive")

    def take(self, count: int) -> None:
        """Take `count` samples."""
        self.feed.wanted = count
        self.run(lambda: not self.feed.wanted, "samples are taken")

    def health(self) -> dict[str, Any]:
        """What ingest says of the broker."""
        broker: dict[str, Any] = (self.ingest.health() or {"broker": {}})["broker"]
        return broker

    def applied(self) -> int:
        """Readings that ingest has counted."""
        return self.ingest.verdicts().get("applied", 0)

    def end(self) -> None:
        """End both."""
        self.agent.stop()
        self.ingest.kill()
