"""All agents of simville in one process: the real agent code, simulated sensors.

Each station has its own agent, connection and outbox, as if it were a device of its own. What a
scenario does to sensors happens in their drivers; an outage is told by the feeder's agent when
power is back.
"""

import logging
import signal
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from edge.agent import Agent, AgentSettings
from edge.grouping import interruption
from edge.outbox_file import OutboxError
from edge.settings import SettingsError
from edge.stopping import Stopping
from simulators.city import City, period_ms
from simulators.faults import Faults
from simulators.sensors import SimulatedDriver
from simulators.truth import Truth, interruption_id

START_GAP_S = 0.02
"""Between the starts of two agents, so that a broker never sees all of them at once."""
STEP_S_MAX = 1.0
"""Agents are stepped at least so often: acknowledgements arrive between samples too."""
STOPPING_THREADS_MAX = 32

log = logging.getLogger(__name__)


def outbox_path(data_dir: Path, device: str) -> Path:
    """Where the agent of `device` keeps what ingest has not acknowledged."""
    return data_dir / "agents" / f"{device}.db"


def agents_of(
    city: City, broker_url: str, data_dir: Path, period_s: float,
    faults: Faults | None = None, truth: Truth | None = None,
) -> list[Agent]:
    """One agent for each station of `city`, not yet started."""
    return [
        Agent(
            AgentSettings(
                city=city.name, district=station.district, station=station.station,
                device=station.device, broker=broker_url, period_s=period_s,
                outbox=str(outbox_path(data_dir, station.device)),
            ),
            SimulatedDriver(city, row, period_s, faults, truth),
        )
        for row, station in enumerate(city.stations)
    ]


def start_all(agents: Iterable[Agent], stopping: Stopping, started: list[Agent]) -> None:
    """Start one agent after the other, adding each to `started`; ends early on `stopping`.

    Raises `OutboxError` or `BrokerSettingsError`; agents started before then run on.
    """
    for agent in agents:
        if stopping.is_set():
            return
        agent.start()
        started.append(agent)
        stopping.wait(START_GAP_S)


def stop_all(agents: Sequence[Agent]) -> None:
    """Stop all agents, many at a time: with a broker that hangs each takes seconds."""
    if agents:
        with ThreadPoolExecutor(min(len(agents), STOPPING_THREADS_MAX)) as pool:
            list(pool.map(Agent.stop, agents))


def stop_on_signals() -> Stopping:
    """An event that SIGINT and SIGTERM set; only the main thread may ask for it."""
    stopping = Stopping()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stopping.set)
    return stopping


class Outages:
    """Tells of the outages of a scenario that end from now on, each when it is over."""

    def __init__(self, city: City, agents: Sequence[Agent], now_ms: int) -> None:
        self._city = city
        self._agents = agents
        self._left = [one for one in city.forces.interruptions() if one[1].end_ms > now_ms]
        self._left.sort(key=lambda one: -one[1].end_ms)

    def tell(self, now_ms: int) -> None:
        """Give the agents the events that are due."""
        while self._left and self._left[-1][1].end_ms <= now_ms:
            row, span = self._left.pop()
            station = self._city.stations[row]
            self._agents[row].put(interruption(
                interruption_id(station.station, span), span.start_ms, span.end_ms,
                station.customers,
            ))


def serve(
    agents: Sequence[Agent], period_s: float, stopping: Stopping,
    outages: Outages | None = None,
) -> None:
    """Step all agents on the grid of the period until `stopping` is set."""
    step = min(period_s, STEP_S_MAX)
    while not stopping.is_set():
        now_ms = time.time_ns() // 1_000_000
        if outages is not None:
            outages.tell(now_ms)
        for agent in agents:
            agent.step(now_ms)
        stopping.wait(step - time.time() % step)


def run(
    broker_url: str, data_dir: Path, city: City, period_s: float = 1.0,
    truth_path: Path | None = None,
) -> int:
    """Run the city until SIGINT or SIGTERM; the exit status of `cityvitals simulate`.

    Raises `SettingsError` for a broker URL or a period that cannot be, or a truth file that
    cannot be written. 1: an outbox cannot be opened, for example because another fleet runs in
    `data_dir`.
    """
    truth: Truth | None = None
    try:
        period_ms(period_s)
        faults = Faults(city)
        if truth_path is not None:
            truth = Truth(truth_path, city, faults, period_s)
        agents = agents_of(city, broker_url, data_dir, period_s, faults, truth)
    except ValueError as error:
        raise SettingsError(f"--broker {broker_url} --period {period_s:g}s: {error}") from None
    stopping = stop_on_signals()
    started: list[Agent] = []
    try:
        start_all(agents, stopping, started)
        log.info("%s: %d agents on %s; %s", city.name, len(started), broker_url,
                 city.scenario.title)
        serve(started, period_s, stopping, Outages(city, agents, time.time_ns() // 1_000_000))
    except OutboxError as error:
        log.error("%s", error)
        return 1
    finally:
        stop_all(started)
        if truth is not None:
            truth.close()
    log.info("%s: stopped", city.name)
    return 0
