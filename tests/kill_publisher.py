"""A publisher with its own log: `python -m tests.kill_publisher URL FOLDER SECONDS RATE DRAIN_S`.

Real agents, a log of every reading that is durable before the reading is given to its agent, and
the agents' own outboxes: what the log holds must end in the archive exactly once.
"""

import os
import random
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from edge.agent import Agent, AgentSettings
from edge.driver import Sample
from tests.line_city import CITY

DEVICES = 8
STEP_S = 0.05


class Logged:
    """A driver that logs what it gives: quantity, time, value; in the order of messages."""

    def __init__(self, device: str, path: Path, readings: int) -> None:
        self._device = device
        self._log = path.open("a")
        self._readings = readings
        self._rng = random.Random(device)
        self._last_ms = 0
        self.active = True

    def samples(self, now_ms: int) -> Sequence[Sample]:
        """Some readings of this moment, each at a time of its own; already in the log."""
        if not self.active:
            return []
        first_ms = max(now_ms, self._last_ms + 1)
        rows = [Sample("pm25", first_ms + i, round(self._rng.uniform(0, 90), 2))
                for i in range(self._readings)]
        self._last_ms = first_ms + self._readings
        self._log.writelines(
            f"{self._device} pm25 {row.time_ms} {row.value!r}\n" for row in rows)
        self._log.flush()
        os.fdatasync(self._log.fileno())
        return rows

    def close(self) -> None:
        """Close the log."""
        self._log.close()


def main(url: str, folder: Path, seconds: float, rate: int, drain_s: float) -> int:
    """Publish for `seconds`, then wait at most `drain_s` until ingest has acknowledged all."""
    count = max(1, round(rate * STEP_S / DEVICES))
    drivers = [Logged(f"d{n}", folder / f"d{n}.log", count) for n in range(1, DEVICES + 1)]
    agents = [
        Agent(AgentSettings(
            city=CITY, district="centre", station=f"s{n}", device=f"d{n}", broker=url,
            outbox=str(folder / f"d{n}.db"), resend_s=1.0,
        ), driver) for n, driver in enumerate(drivers, 1)
    ]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
    for agent in agents:
        agent.start()
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        begun = time.monotonic()
        for agent in agents:
            agent.step(time.time_ns() // 1_000_000)
        time.sleep(max(0.0, begun + STEP_S - time.monotonic()))
    for driver in drivers:
        driver.active = False
    give_up = time.monotonic() + drain_s
    while not all(agent.drained for agent in agents) and time.monotonic() < give_up:
        for agent in agents:
            agent.step(time.time_ns() // 1_000_000)
        time.sleep(0.01)
    left = sum(agent.queued for agent in agents)
    for agent in agents:
        agent.stop()
    print(f"{left} messages left", flush=True)
    return int(left > 0)


if __name__ == "__main__":
    words = sys.argv[1:]
    sys.exit(main(words[0], Path(words[1]), float(words[2]), int(words[3]), float(words[4])))
