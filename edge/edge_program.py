"""`cityvitals edge CONFIG`: one agent with one driver, until it is told to stop."""

import logging
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from edge.agent import Agent, AgentSettings
from edge.clock import DeviceClock
from edge.driver import Driver, DriverError
from edge.outbox_file import OutboxError
from edge.plantower import PlantowerDriver, PlantowerSettings
from edge.settings import SettingsError, check, load
from edge.stopping import Stopping

STEP_S_MAX = 0.2
"""How long a sample or an acknowledgement may wait for the next step."""

DriverFactory = Callable[[dict[str, Any], AgentSettings, str], Driver]
"""Makes a driver from its table without `kind`, the agent's settings and the file's name, which
its error messages start with. Raises `SettingsError` or `DriverError`."""

log = logging.getLogger(__name__)


class EdgeSettings(AgentSettings, kw_only=True):
    """The configuration file: the agent's keys and the table of its driver."""

    driver: dict[str, Any]


def _plantower(table: dict[str, Any], settings: AgentSettings, file: str) -> Driver:
    options = check(table, PlantowerSettings, f"{file}: [driver]")
    return PlantowerDriver(options.port, settings.period_s)


DRIVERS: Mapping[str, DriverFactory] = {"plantower": _plantower}


def make_driver(
    settings: EdgeSettings, file: str, factories: Mapping[str, DriverFactory]
) -> Driver:
    """The driver that the file asks for. Raises `SettingsError` or `DriverError`."""
    table = dict(settings.driver)
    kind = table.pop("kind", None)
    if not isinstance(kind, str) or kind not in factories:
        known = ", ".join(sorted(factories))
        raise SettingsError(f"{file}: key driver.kind = {kind!r}: must be one of {known}")
    return factories[kind](table, settings, file)


def run(config_path: Path, drivers: Mapping[str, DriverFactory] | None = None) -> int:
    """Run the agent of `config_path` until SIGINT or SIGTERM; returns the exit status.

    `drivers` are kinds beside those of this package. 0: ended as told; 2: something that its
    owner must correct, said in one line on standard error.
    """
    # A driver's own program has said nothing about its log; the command line has, and keeps its.
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s",
        stream=sys.stderr,
    )
    try:
        settings = load(config_path, EdgeSettings)
        # Relative paths are meant from the folder of the file, wherever we were started.
        settings.outbox = str(config_path.parent / settings.outbox)
        driver = make_driver(settings, str(config_path), {**DRIVERS, **(drivers or {})})
        try:
            clock = None if settings.trust_clock else DeviceClock(Path(settings.outbox + ".clock"))
            agent = Agent(settings, driver, clock=clock)
            agent.start()
        except BaseException:
            driver.close()
            raise
    except (SettingsError, DriverError, OutboxError) as error:
        print(error, file=sys.stderr)
        return 2
    _serve(agent)
    return 0


def _serve(agent: Agent) -> None:
    stopping = Stopping()
    previous = {
        number: signal.signal(number, stopping.set) for number in (signal.SIGINT, signal.SIGTERM)
    }
    pause_s = min(STEP_S_MAX, agent.settings.period_s)
    try:
        while not stopping.wait(pause_s):
            agent.step(round(time.time() * 1000))
    finally:
        agent.stop()
        for number, handler in previous.items():
            signal.signal(number, handler)
    log.info("stopped; %d messages wait in the outbox", agent.queued)
