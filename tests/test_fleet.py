"""The fleet of simville against a real broker."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge import wire
from edge.grouping import Encoder
from edge.quantities import INDEX
from edge.settings import SettingsError
from simulators import districts, fleet, scenario
from simulators.city import City
from tests.stand_in_ingest import Broker, StandInIngest, wait_until

ROOT = Path(__file__).parent.parent
PROGRAM = "import sys, pathlib; from simulators.fleet import run; " \
    "from simulators.city import City; " \
    "sys.exit(run(sys.argv[1], pathlib.Path(sys.argv[2]), City(int(sys.argv[3]))))"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    server = Broker(tmp_path / "broker")
    yield server
    server.close()


@pytest.fixture
def ingest(broker: Broker) -> Iterator[StandInIngest]:
    stand_in = StandInIngest(broker.url)
    yield stand_in
    stand_in.close()


def start(url: str, data: Path, seed: int = 1) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, url, str(data), str(seed)], cwd=ROOT,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )


@pytest.mark.parametrize(
    "number", [pytest.param(signal.SIGINT, marks=pytest.mark.soak), signal.SIGTERM]
)
def test_every_station_reports_each_second_and_the_fleet_stops_cleanly(
    tmp_path: Path, broker: Broker, ingest: StandInIngest, number: signal.Signals
) -> None:
    process = start(broker.url, tmp_path)
    city = City(1)
    wait_until(lambda: len(ingest.messages) >= 71, "all stations that are not silent report")
    wait_until(
        lambda: all(len(messages) >= 4 for messages in list(ingest.messages.values())),
        "each has reported four times",
    )
    process.send_signal(number)
    out, log = process.communicate(timeout=30)
    assert process.returncode == 0, log
    assert out == ""
    assert log == ""
    wait_until(lambda: not any(s.online for s in ingest.states.values()), "all say offline")
    assert len(ingest.states) == 72
    row = {station.device: i for i, station in enumerate(city.stations)}
    for device, quantity, time_ms, value, received in ingest.readings():
        station = row[device]
        place = city.stations[station].quantities.index(quantity)
        assert city.at(station, time_ms, 1.0)[place] == value
        assert time_ms % 1000 == 0
        assert received is None
        assert quantity in INDEX
    for messages in ingest.messages.values():
        assert [message.s for message in messages] == list(range(1, len(messages) + 1))
        # A feeder with a plant behind it sends that by itself, for a block has no channel.
        for alone in (False, True):
            times = [message.t for message in messages if bool(message.ch) == alone]
            assert times == sorted(set(times))


def test_what_ingest_never_acknowledged_is_sent_by_the_next_run(
    tmp_path: Path, broker: Broker, ingest: StandInIngest
) -> None:
    ingest.answering = False
    process = start(broker.url, tmp_path)
    wait_until(lambda: len(ingest.states) == 72, "all agents are connected")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    ingest.answering = True
    again = start(broker.url, tmp_path)
    wait_until(lambda: len(ingest.messages) >= 71, "all stations report")
    again.send_signal(signal.SIGTERM)
    again.communicate(timeout=30)
    for messages in ingest.messages.values():
        assert len({message.e for message in messages}) == 1
        assert min(message.s for message in messages) == 1


def test_a_second_fleet_in_the_same_folder_is_refused(
    tmp_path: Path, broker: Broker, ingest: StandInIngest
) -> None:
    first = start(broker.url, tmp_path)
    wait_until(lambda: bool(ingest.states), "the first fleet runs")
    second = start(broker.url, tmp_path)
    _, log = second.communicate(timeout=30)
    assert second.returncode == 1
    assert "in use by another agent" in log
    first.send_signal(signal.SIGTERM)
    first.communicate(timeout=30)
    assert first.returncode == 0


def test_a_fleet_without_a_broker_stops_quickly(tmp_path: Path) -> None:
    process = start("mqtt://127.0.0.1:1", tmp_path)
    path = fleet.outbox_path(tmp_path, City(1).stations[-1].device)
    wait_until(path.exists, "the last agent has started")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 0


def test_what_cannot_be_is_refused_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"--period 0s: period .* must lie between"):
        fleet.run("mqtt://127.0.0.1:1", tmp_path, City(1), period_s=0.0)
    with pytest.raises(SettingsError, match=r"--broker http://x .* must be mqtt://"):
        fleet.run("http://x", tmp_path, City(1))
    assert not list(tmp_path.iterdir())


class _Heard:
    """In place of an agent: what it was given."""

    def __init__(self) -> None:
        self.messages: list[wire.Message] = []

    def put(self, message: Encoder) -> None:
        self.messages.append(wire.decode(message(1, len(self.messages) + 1)))


def test_outages_are_told_once_by_their_feeders_when_power_is_back() -> None:
    found = scenario.read(scenario.find("outage"), districts.stations())
    start_ms, minute_ms = 1_772_431_200_000, 60_000
    city = City(1, found, start_ms)
    agents = [_Heard() for _ in city.stations]
    outages = fleet.Outages(city, agents, start_ms)  # type: ignore[arg-type]
    for minute in range(100):
        outages.tell(start_ms + minute * minute_ms)
        told = {
            city.stations[row].station: agent.messages[0]
            for row, agent in enumerate(agents) if agent.messages
        }
        assert set(told) == (
            set() if minute < 35 else {"feeder-04"} if minute < 85 else {"feeder-03", "feeder-04"}
        )
    assert all(len(agent.messages) <= 1 for agent in agents)
    assert told["feeder-03"].customers == 310
    assert told["feeder-03"].end == start_ms + 85 * minute_ms
    late = fleet.Outages(city, agents, start_ms + 50 * minute_ms)  # type: ignore[arg-type]
    late.tell(start_ms + 99 * minute_ms)
    assert sum(len(agent.messages) for agent in agents) == 3
