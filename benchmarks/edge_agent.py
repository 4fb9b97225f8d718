"""The edge agent of a measurement: what `cityvitals edge` runs, with sensors that do not exist.

As a process it serves its broker until it is told to stop, and writes after each second how often
it had the disk sync, and how many messages wait. In a process of the measurement it lives through a
day without a broker, as fast as it goes.
"""

import argparse
import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edge import edge_program
from edge.agent import Agent, AgentSettings
from edge.driver import Sample
from edge.outbox_file import OutboxFile
from edge.quantities import QUANTITIES

CHECKPOINT_SYNCS = 2
"""Of the log and of the file; SQLite makes them itself."""


class Sensors:
    """A driver: each of the first quantities once a second."""

    def __init__(self, count: int, period_ms: int = 1000) -> None:
        self._names = list(QUANTITIES)[:count]
        self._period_ms = period_ms
        self._due_ms = 0

    def samples(self, now_ms: int) -> Sequence[Sample]:
        """What is due, one reading a sensor, with up to six digits."""
        if now_ms < self._due_ms:
            return ()
        time_ms = now_ms - now_ms % self._period_ms
        self._due_ms = time_ms + self._period_ms
        step = time_ms // self._period_ms
        return [
            Sample(name, time_ms, round(0.1 + (step * 7 + k * 13) % 997 / 1000, 3))
            for k, name in enumerate(self._names)
        ]

    def close(self) -> None:
        """There is nothing to let go of."""


class Syncs:
    """Counts what the outbox asks of the disk while it is entered."""

    def __init__(self) -> None:
        self.count = 0
        self._fsync: Any = os.fsync
        self._checkpoint: Any = OutboxFile._checkpoint

    def __enter__(self) -> "Syncs":
        fsync, checkpoint = self._fsync, self._checkpoint

        def counted_fsync(descriptor: int) -> None:
            self.count += 1
            fsync(descriptor)

        def counted_checkpoint(file: OutboxFile) -> None:
            self.count += CHECKPOINT_SYNCS
            checkpoint(file)

        self._put(counted_fsync, counted_checkpoint)
        return self

    def __exit__(self, *_: object) -> None:
        self._put(self._fsync, self._checkpoint)

    def _put(self, fsync: Any, checkpoint: Any) -> None:
        os.fsync = fsync
        setattr(OutboxFile, "_checkpoint", checkpoint)  # noqa: B010 - of a class that is not ours


def serve(config: Path, sensors: int, told: Path) -> int:
    """Be the agent of `config`; syncs and waiting messages go to `told` with each sample."""
    syncs = Syncs()

    class Telling(Sensors):
        def samples(self, now_ms: int) -> Sequence[Sample]:
            found = super().samples(now_ms)
            if found:
                told.with_suffix(".new").write_text(f"{syncs.count}", encoding="ascii")
                told.with_suffix(".new").replace(told)
            return found

    def driver(_table: dict[str, Any], _settings: AgentSettings, _file: str) -> Sensors:
        return Telling(sensors)

    with syncs:
        return edge_program.run(config, {"bench": driver})


def outage(settings: AgentSettings, sensors: int, seconds: int, start_ms: int) -> dict[str, Any]:
    """An agent without a broker for so long, by its own clock; what its outbox then holds."""
    now_s = [0.0]
    agent = Agent(settings, Sensors(sensors), monotonic=lambda: now_s[0])
    agent.start()
    with Syncs() as syncs:
        for second in range(seconds):
            now_s[0] = float(second)
            agent.step(start_ms + second * 1000)
    queued, dropped = agent.queued, agent.dropped
    agent.stop()
    path = Path(settings.outbox)
    file = sqlite3.connect(path)
    held = file.execute("SELECT count(*), sum(length(payload)) FROM message").fetchone()
    file.close()
    return {"queued": queued, "dropped": dropped, "held": held[0], "payload_bytes": held[1],
            "bytes": path.stat().st_size, "syncs": syncs.count}


def main() -> None:
    """Be the agent that the arguments name."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--sensors", type=int, required=True)
    parser.add_argument("--told", type=Path, required=True)
    asked = parser.parse_args()
    raise SystemExit(serve(asked.config, asked.sensors, asked.told))


if __name__ == "__main__":
    main()
