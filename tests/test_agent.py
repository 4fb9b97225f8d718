"""The agent against real brokers and an ingest that is late, away, forgetful or wrong."""

import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from edge import agent as agent_module
from edge import connection, topics, wire
from edge.agent import Agent, AgentSettings
from edge.broker_settings import BrokerSettings
from edge.connection import Connection
from edge.driver import Sample
from edge.grouping import clock
from edge.message_keys import make_key
from edge.outbox_file import OutboxError
from edge.settings import SettingsError, check
from tests.brokers import Broker, Mosquitto, Nats, free_port

T = 1_763_836_000_000
DEVICE = "pm-s1"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "BACKOFF_S_MIN", 0.05)
    monkeypatch.setattr(connection, "BACKOFF_S_MAX", 0.2)


@pytest.fixture(params=[Nats, Mosquitto])
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Broker]:
    options = {"ack_wait": "2s"} if request.param is Nats else {}
    broker: Broker = request.param(tmp_path / "broker", **options)
    broker.start()
    yield broker
    broker.kill()


@pytest.fixture
def nats(tmp_path: Path) -> Iterator[Broker]:
    broker = Nats(tmp_path / "broker", max_payload="4096")
    broker.start()
    yield broker
    broker.kill()


class ListDriver:
    """Gives each batch of samples at one step."""

    def __init__(self, *batches: Sequence[Sample]) -> None:
        self.batches = list(batches)
        self.closed = False

    def samples(self, now_ms: int) -> Sequence[Sample]:
        return self.batches.pop(0) if self.batches else ()

    def close(self) -> None:
        self.closed = True


def readings(count: int) -> list[list[Sample]]:
    return [[Sample("pm25", T + n, float(n))] for n in range(count)]


class Ingest:
    """Keeps what arrives by (epoch, number) and acknowledges without gaps, when told to."""

    def __init__(self, url: str, *, client_id: str = "ingest", acking: bool = True) -> None:
        self.acking = acking
        self.seen: dict[tuple[int, int], wire.Message] = {}
        self.times: dict[tuple[int, int], int] = {}
        self.known: dict[int, set[int]] = {}
        self.states: list[tuple[wire.State, bool]] = []
        self.connection = Connection(
            BrokerSettings(url=url), client_id, on_message=self._take,
            subscriptions=[(topics.READINGS_FILTER, 1), (topics.STATE_FILTER, 1)],
        )
        self.connection.start()
        assert self.connection.wait_ready(10)

    def _take(self, topic: str, payload: bytes, _q: int, _r: int, retain: bool) -> None:
        if topic.startswith("cv/1/s/"):
            self.states.append((wire.decode_state(payload), retain))
            return
        message = wire.decode(payload)
        key = (message.e, message.s)
        self.seen[key] = message
        self.times[key] = self.times.get(key, 0) + 1
        self.known.setdefault(message.e, set()).add(message.s)
        for epoch, first, last in message.drop or ():
            self.known.setdefault(epoch, set()).update(range(first, last + 1))

    def acknowledge(self) -> None:
        if not self.acking or not self.connection.ready:
            return
        for epoch, known in list(self.known.items()):
            last = 0
            while last + 1 in known:
                last += 1
            self.send(epoch, last, highest=max(known))

    def send(self, epoch: int, number: int, again: bool = False, highest: int = 0) -> None:
        payload = wire.encode_ack(wire.Ack(epoch, number, again, highest))
        self.connection.publish(topics.acks(DEVICE), payload)

    def values(self) -> list[float]:
        return sorted(m.v for m in self.seen.values() if isinstance(m.v, float))

    def stop(self) -> None:
        self.connection.stop(0)


class World:
    """Agents and ingests of one test, all ended with it."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url = url
        self.running: list[Any] = []

    def agent(self, *batches: Sequence[Sample], **options: Any) -> Agent:
        monotonic = options.pop("monotonic", time.monotonic)
        settings = AgentSettings(
            city="porto", district="centre", station="s1", device=DEVICE, broker=self.url,
            outbox=str(self.folder / "agents" / "outbox.db"), **options,
        )
        agent = Agent(settings, ListDriver(*batches), monotonic=monotonic)
        agent.start()
        self.running.append(agent)
        return agent

    def ingest(self, **options: Any) -> Ingest:
        ingest = Ingest(self.url, **options)
        self.running.append(ingest)
        return ingest

    def stop(self, one: Any) -> None:
        self.running.remove(one)
        one.stop()


@pytest.fixture
def world(broker: Broker, tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path, broker.url)
    yield world
    for one in world.running[::-1]:
        one.stop()


@pytest.fixture
def nats_world(nats: Broker, tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path, nats.url)
    yield world
    for one in world.running[::-1]:
        one.stop()


def run(agent: Agent, condition: Callable[[], Any], ingest: Ingest | None = None,
        seconds: float = 20.0) -> None:
    """Step the agent (and let ingest acknowledge) until `condition`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        agent.step(T)
        if ingest:
            ingest.acknowledge()
        time.sleep(0.005)


def run_for(agent: Agent, seconds: float) -> None:
    end = time.monotonic() + seconds
    run(agent, lambda: time.monotonic() > end)


def test_readings_arrive_and_acknowledgement_frees_them(world: World) -> None:
    ingest = world.ingest()
    agent = world.agent([Sample("pm25", T, 1.0), Sample("pm10", T, 2.0)], *readings(20))
    agent.put(clock(T))
    run(agent, lambda: len(ingest.seen) == 22 and agent.drained, ingest)
    messages = [ingest.seen[key] for key in sorted(ingest.seen)]
    assert [m.s for m in messages] == list(range(1, 23))
    assert messages[0].r == T
    assert messages[1].m == {"pm25": 1.0, "pm10": 2.0}
    assert ingest.values() == [float(n) for n in range(20)]
    assert agent.dropped == agent.aside == agent.unwritten == 0


def test_nothing_is_published_before_the_subscription_to_acknowledgements_stands(
    world: World,
) -> None:
    """A broker slow to grant it: what came before would be acknowledged to nobody."""
    came = bytearray()
    grant, over = threading.Event(), threading.Event()

    def serve(server: socket.socket) -> None:
        client, _ = server.accept()
        with client:
            client.recv(1000)
            client.sendall(b"\x20\x02\x00\x00")
            asked = client.recv(1000)
            client.settimeout(0.05)
            while not over.is_set():
                if grant.is_set() and asked:
                    client.sendall(b"\x90\x03" + asked[2:4] + b"\x01")
                    asked = b""
                try:
                    came.extend(client.recv(65_536))
                except TimeoutError:
                    continue

    with socket.create_server(("127.0.0.1", 0)) as server:
        world.url = f"mqtt://127.0.0.1:{server.getsockname()[1]}"
        broker = threading.Thread(target=serve, args=(server,))
        broker.start()
        agent = world.agent(*readings(5))
        run_for(agent, 0.6)
        assert not came
        assert not agent.connected
        assert agent.queued == 5
        grant.set()
        run(agent, lambda: came.count(b"cv/1/r/") == 5)
        over.set()
        broker.join(5)


def test_nothing_is_freed_while_ingest_is_away(world: World) -> None:
    agent = world.agent(*readings(50))
    run(agent, lambda: agent.connected)
    run(agent, lambda: agent.queued == 50)
    run_for(agent, 0.5)
    assert agent.queued == 50, "PUBACK alone frees nothing"
    ingest = world.ingest()
    # What nobody had subscribed to is gone from the broker; a new session sends it again.
    world.stop(agent)
    agent = world.agent()
    run(agent, lambda: agent.drained, ingest)
    assert ingest.values() == [float(n) for n in range(50)]


def test_agent_that_finds_no_broker_samples_all_the_same(tmp_path: Path) -> None:
    world = World(tmp_path, f"mqtt://127.0.0.1:{free_port()}")
    agent = world.agent(*readings(100))
    for _ in range(100):
        begun = time.monotonic()
        agent.step(T)
        assert time.monotonic() - begun < 0.5
    assert agent.queued == 100
    agent.stop()


def test_missing_acknowledgement_sends_again_ever_more_rarely_then_everything(
    world: World,
) -> None:
    now = [0.0]
    ingest = world.ingest(acking=False)
    agent = world.agent(*readings(10), resend_s=30.0, monotonic=lambda: now[0])
    run(agent, lambda: len(ingest.seen) == 10)
    first = min(ingest.seen)
    for at, times in ((29.0, 1), (31.0, 2), (80.0, 2), (92.0, 3)):
        now[0] = at
        run_for(agent, 0.1)
        assert ingest.times[first] == times
    # Only the oldest and the newest: while ingest is away the broker queues all we send.
    assert sum(ingest.times.values()) <= 10 + 2 * 2 + 2
    ingest.send(first[0], 4)
    run(agent, lambda: agent.queued <= 7 and ingest.times[max(ingest.seen)] >= 1)
    run(agent, lambda: ingest.times[(first[0], 9)] == 2)
    ingest.acking = True
    run(agent, lambda: agent.drained, ingest)


def test_broker_killed_in_the_middle_loses_and_doubles_nothing(
    broker: Broker, world: World
) -> None:
    ingest = world.ingest()
    # A broker that died may have forgotten ingest's session: what it then took is sent again.
    agent = world.agent(*readings(300), resend_s=1.0)
    for _ in range(2):
        before = agent.queued
        run(agent, lambda before=before: agent.queued > before or len(ingest.seen) > 50, ingest)
        broker.kill()
        run_for(agent, 0.2)
        broker.start()
        run(agent, lambda: agent.connected and ingest.connection.ready, ingest)
    run(agent, lambda: not agent.driver.batches and agent.drained, ingest)  # type: ignore[attr-defined]
    assert ingest.values() == [float(n) for n in range(300)]
    assert agent.aside == 0


def test_killed_agent_begins_an_epoch_and_sends_what_waited(world: World) -> None:
    ingest = world.ingest(acking=False)
    agent = world.agent(*readings(10))
    run(agent, lambda: len(ingest.seen) == 10)
    epoch = agent._box.counts.epoch
    agent._connection.stop(0)
    agent._box._file._shut()  # as `kill -9`: no mark of a clean end
    world.running.remove(agent)
    ingest.acking = True
    agent = world.agent(*readings(5))
    run(agent, lambda: agent.drained and not agent.driver.batches, ingest)  # type: ignore[attr-defined]
    assert {key[0] for key in ingest.seen} == {epoch, agent._box.counts.epoch}
    assert len(ingest.seen) == 15


def test_clean_stop_goes_on_with_the_next_number(world: World) -> None:
    ingest = world.ingest()
    agent = world.agent(*readings(3))
    run(agent, lambda: len(ingest.seen) == 3 and agent.drained, ingest)
    world.stop(agent)
    agent = world.agent(*readings(2))
    run(agent, lambda: len(ingest.seen) == 5 and agent.drained, ingest)
    assert len({epoch for epoch, _ in ingest.seen}) == 1
    assert sorted(number for _, number in ingest.seen) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("payload", [
    b"", b"{}", b"[]", b'{"e":1}', b'{"e":"x","s":1}', b"\xff\xfe", b"[" * 70_000,
    b'{"e":1,"s":5}', b'{"e":99999999999,"s":5}', b'{"e":-1,"s":-5}',
    b'{"e":99999999999999999999999999,"s":99999999999999999999999999}',
])
def test_strange_acknowledgements_free_nothing(tmp_path: Path, payload: bytes) -> None:
    world = World(tmp_path, f"mqtt://127.0.0.1:{free_port()}")
    agent = world.agent(*readings(2))
    agent._received("cv/1/a/pm-s1", payload, 1, 1, False)
    agent.step(T)
    agent._received("cv/1/a/pm-s1", payload, 1, 1, False)
    agent.step(T)
    assert agent.queued == 2
    agent.stop()


def test_acknowledgement_beyond_what_was_sent_begins_an_epoch(tmp_path: Path) -> None:
    """An outbox restored from a copy must not number what ingest would call repeated."""
    world = World(tmp_path, f"mqtt://127.0.0.1:{free_port()}")
    agent = world.agent(*readings(2))
    agent.step(T)
    epoch = agent._box.counts.epoch
    agent._received("cv/1/a/pm-s1", wire.encode_ack(wire.Ack(epoch, 1000)), 1, 1, False)
    agent.step(T)
    assert agent.queued == 2
    keys = [message.key for message in agent._box.pending(0, 10)]
    assert keys[0] == make_key(epoch, 1)
    assert keys[1] >= make_key(epoch + 1, 1) or agent._box.counts.epoch > epoch
    agent.stop()


def test_double_and_old_acknowledgements_change_nothing(world: World) -> None:
    ingest = world.ingest(acking=False)
    agent = world.agent(*readings(10))
    run(agent, lambda: len(ingest.seen) == 10)
    epoch = min(ingest.seen)[0]
    for number in (5, 5, 3, 1, 5):
        ingest.send(epoch, number)
    ingest.send(epoch - 1, 10)
    run(agent, lambda: agent.queued == 5)
    run_for(agent, 0.2)
    assert agent.queued == 5
    assert sum(ingest.times.values()) == 10


def test_what_the_bound_dropped_is_told_first_and_the_rest_arrives(world: World) -> None:
    url, world.url = world.url, f"mqtt://127.0.0.1:{free_port()}"
    long = [[Sample("pm25", T + n, float(n), channel="x" * 20_000)] for n in range(100)]
    agent = world.agent(*long, outbox_bytes_max=1 << 20)
    for _ in range(100):
        agent.step(T)
    dropped = agent.dropped
    assert dropped > 40
    world.stop(agent)
    world.url = url
    ingest = world.ingest()
    agent = world.agent(outbox_bytes_max=1 << 20)
    assert agent.dropped == dropped
    run(agent, lambda: agent.drained and agent.connected, ingest)
    assert ingest.values() == [float(n) for n in range(dropped, 100)]
    [drop] = [message.drop for message in ingest.seen.values() if message.drop]
    assert [last - first + 1 for _, first, last in drop] == [dropped]


def test_ingest_that_lost_its_memory_is_told_what_will_not_come(world: World) -> None:
    now = [0.0]
    ingest = world.ingest()
    agent = world.agent(*readings(5), resend_s=30.0, monotonic=lambda: now[0])
    run(agent, lambda: len(ingest.seen) == 5 and agent.drained, ingest)
    ingest.known.clear()
    agent.driver.batches += readings(1)  # type: ignore[attr-defined]
    run(agent, lambda: len(ingest.seen) == 6, ingest)
    run_for(agent, 0.1)
    assert agent.queued == 1
    now[0] = 31.0
    run(agent, lambda: agent.drained, ingest)
    assert [m.drop for m in ingest.seen.values() if m.drop] == [[(min(ingest.seen)[0], 1, 5)]]


def test_message_that_makes_the_broker_cut_is_set_aside_and_blocks_nothing(
    nats_world: World,
) -> None:
    poison = [Sample("pm25", T + 5, 5.0, channel="x" * 6000)]  # max_payload is 4096
    batches = readings(10)
    batches[5] = poison
    ingest = nats_world.ingest()
    agent = nats_world.agent(*batches)
    run(agent, lambda: not agent.driver.batches and agent.drained, ingest, 30)  # type: ignore[attr-defined]
    assert agent.aside == 1
    assert ingest.values() == [0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 7.0, 8.0, 9.0]
    [drop] = [message.drop for message in ingest.seen.values() if message.drop]
    assert [(first, last) for _, first, last in drop] == [(6, 6)]


def test_ingest_that_asks_gets_everything_again_but_not_in_a_flood(world: World) -> None:
    now = [0.0]
    ingest = world.ingest(acking=False)
    agent = world.agent(*readings(10), monotonic=lambda: now[0])
    run(agent, lambda: len(ingest.seen) == 10)
    epoch, last = max(ingest.seen)
    for _ in range(20):
        ingest.send(epoch, 4, again=True)
    run(agent, lambda: ingest.times[epoch, last] == 2)
    run_for(agent, 0.2)
    assert agent.queued == 6
    assert ingest.times[epoch, 1] == 1
    ingest.send(epoch, 4, again=True)
    run_for(agent, 0.2)
    assert max(ingest.times.values()) == 2
    now[0] = 1.5
    run(agent, lambda: ingest.times[epoch, last] == 3)


def test_broker_that_dies_again_and_again_sets_nothing_aside(
    broker: Broker, world: World
) -> None:
    ingest = world.ingest()
    agent = world.agent(*readings(400), resend_s=1.0)
    for _ in range(4):
        run(agent, lambda: agent.connected and agent.queued, ingest)
        broker.kill()
        broker.start()
    run(agent, lambda: not agent.driver.batches and agent.drained, ingest)  # type: ignore[attr-defined]
    assert agent.aside == 0
    assert ingest.values() == [float(n) for n in range(400)]


def test_window_bounds_what_is_in_flight(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent_module, "IN_FLIGHT_MAX", 8)
    ingest = world.ingest(acking=False)
    agent = world.agent(*readings(30))
    run(agent, lambda: agent.queued == 30 and len(ingest.seen) == 8)
    run_for(agent, 0.3)
    assert len(ingest.seen) == 8
    ingest.acking = True
    run(agent, lambda: agent.drained, ingest)
    assert len(ingest.seen) == 30


def test_state_and_will_are_seen_by_others(world: World) -> None:
    now = [0.0]
    ingest = world.ingest(acking=False)
    agent = world.agent(*readings(2), monotonic=lambda: now[0])
    run(agent, lambda: ingest.states)
    assert (ingest.states[0][0].online, ingest.states[0][0].t) == (True, T)
    run(agent, lambda: len(ingest.seen) == 2)
    now[0] = 61.0
    run(agent, lambda: len(ingest.states) == 2)
    assert ingest.states[1][0].queued == 2
    assert ingest.states[1][0].e == min(ingest.seen)[0]
    late = world.ingest(client_id="late")
    run(agent, lambda: late.states)
    assert late.states[0] == (ingest.states[1][0], True)
    world.stop(agent)
    run_until(lambda: len(ingest.states) == 3)
    assert ingest.states[2][0].online is False
    assert agent.driver.closed  # type: ignore[attr-defined]


def test_will_says_offline_when_the_agent_dies(world: World) -> None:
    ingest = world.ingest(acking=False)
    agent = world.agent()
    run(agent, lambda: ingest.states)
    agent._connection._stopping.set()
    sock = agent._connection._client.socket()
    assert sock is not None
    sock.close()
    run_until(lambda: len(ingest.states) == 2)
    assert ingest.states[1][0] == wire.State(online=False)


def run_until(condition: Callable[[], Any], seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.01)


def test_disk_that_takes_nothing_is_counted_and_sampling_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    world = World(tmp_path, f"mqtt://127.0.0.1:{free_port()}")
    agent = world.agent(*readings(3))
    agent._box._file.db.execute("PRAGMA query_only=1")
    for _ in range(3):
        agent.step(T)
    assert (agent.unwritten, agent.queued) == (3, 0)
    assert caplog.text.count("readings are lost until the disk is writable") == 1
    agent._box._file.db.execute("PRAGMA query_only=0")
    agent.driver.batches += readings(1)  # type: ignore[attr-defined]
    agent.step(T)
    assert agent.queued == 1
    agent.stop()


def test_second_agent_on_one_outbox_is_refused(tmp_path: Path) -> None:
    world = World(tmp_path, f"mqtt://127.0.0.1:{free_port()}")
    agent = world.agent()
    with pytest.raises(OutboxError, match="in use"):
        world.agent()
    agent.stop()


@pytest.mark.parametrize(("key", "value", "rule"), [
    ("city", "São Paulo", "use 1 to 64 of a-z"),
    ("broker", "http://x", "must be mqtt://"),
    ("outbox_bytes_max", 1000, "at least 1048576"),
    ("sync_s", -1.0, "between 0 and 3600"),
    ("period_s", 0.0, "between 0.01 and"),
    ("publish_s", 1e9, "between 0 and 3600"),
    ("resend_s", 0.0, "between 1 and 3600"),
])
def test_impossible_settings_are_refused(key: str, value: object, rule: str) -> None:
    table = {"city": "porto", "district": "centre", "station": "s1", "device": "pm-s1", key: value}
    with pytest.raises(SettingsError, match=rule):
        check(table, AgentSettings, "edge.toml")


def test_step_of_many_agents_is_cheap(tmp_path: Path) -> None:
    """72 idle agents must leave a core free: far under a millisecond a step."""
    world = World(tmp_path, f"mqtt://127.0.0.1:{free_port()}")
    agent = world.agent(*readings(300))
    for _ in range(300):
        agent.step(T)
    begun = time.process_time()
    for _ in range(1000):
        agent.step(T)
    assert (time.process_time() - begun) / 1000 < 0.001
    agent.stop()
