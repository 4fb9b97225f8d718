"""An agent as `cityvitals edge` runs it, with a sensor that keeps a log of its own.

`python -m tests.kill_agent CONFIG`. The log is durable before the agent gets a reading, and says
which readings an agent may have lost because it was killed between the two: those of the last
group before a `restart`.
"""

import os
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edge.agent import AgentSettings
from edge.driver import Driver, Sample
from edge.edge_program import run
from edge.settings import Section, check

SPANS = {"pm25": (0.0, 90.0), "speed": (5.0, 60.0), "power": (1.0, 400.0)}


class LoggedSettings(Section):
    """What it measures, how many readings each time, and how it lives through `span_ms`.

    It begins `behind_ms` before `begin_ms` and has caught up with the present after `span_ms`.
    `stop` is a file: once it is there, there are no more readings.
    """

    log: str
    stop: str
    quantity: str
    readings: int
    begin_ms: int
    behind_ms: int
    span_ms: int


class Logged:
    """The sensor."""

    def __init__(self, settings: LoggedSettings) -> None:
        self._settings = settings
        path = Path(settings.log)
        before = path.read_text().splitlines() if path.exists() else []
        times = [int(line.split()[0]) for line in before if line[:1].isdigit()]
        self._last_ms = max(times, default=0)
        self._log = path.open("a")
        self._rng = random.Random(f"{settings.quantity}{self._last_ms}")
        self._ended = False
        if before:
            # A kill may have cut the last line short: that one never reached the agent.
            self._write("\nrestart\n")

    def _write(self, text: str) -> None:
        self._log.write(text)
        self._log.flush()
        os.fdatasync(self._log.fileno())

    def samples(self, now_ms: int) -> Sequence[Sample]:
        """Some readings, each at a time of its own; already in the log."""
        it = self._settings
        if self._ended:
            return []
        if Path(it.stop).exists():
            self._ended = True
            self._write("end\n")
            return []
        lived = min(1.0, (now_ms - it.begin_ms) / it.span_ms)
        time_ms = now_ms - round(it.behind_ms * (1.0 - lived))
        first_ms = max(time_ms, self._last_ms + 1)
        low, high = SPANS[it.quantity]
        rows = [Sample(it.quantity, first_ms + i, round(self._rng.uniform(low, high), 2))
                for i in range(it.readings)]
        self._last_ms = first_ms + it.readings - 1
        self._write("begin\n" + "".join(f"{row.time_ms} {row.value!r}\n" for row in rows))
        return rows

    def close(self) -> None:
        """Close the log."""
        self._log.close()


def logged(table: dict[str, Any], _settings: AgentSettings, file: str) -> Driver:
    """The factory of the kind `logged`."""
    return Logged(check(table, LoggedSettings, file))


if __name__ == "__main__":
    import logging

    logging.basicConfig(level=logging.INFO, stream=sys.stderr,
                        format="%(asctime)s %(levelname)s %(name)s %(message)s")
    sys.exit(run(Path(sys.argv[1]), {"logged": logged}))
