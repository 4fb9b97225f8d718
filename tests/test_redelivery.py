"""QoS 1 comes again through the hot path, from real brokers: nothing counts twice or is owed."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge import wire
from ingest import archive
from tests.brokers import Broker, Mosquitto, Nats
from tests.line_city import row, topic, write_places
from tests.live_ingest import LiveIngest, begun_ms, publish, until
from tests.tcp_proxy import TcpProxy

COUNT = 100
ACK_WAIT_S = 1.0


@pytest.fixture(params=[Nats, Mosquitto])
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Broker]:
    # By default Mosquitto keeps 1,000 for who is away, and confirms what it throws away beyond.
    options = (
        {"ack_wait": f"{ACK_WAIT_S:g}s"} if request.param is Nats else {"max_queued_messages": "0"}
    )
    server: Broker = request.param(tmp_path / "broker", **options)
    server.start()
    yield server
    server.kill()


def _send(broker: Broker, first: int, last: int) -> None:
    publish(broker.url, [
        (topic(f"d{1 + number % 2}"),
         wire.encode_single(1, 1 + number // 2, "pm25", begun_ms() + number, 12.5))
        for number in range(first, last)
    ])


def _counted(folder: Path) -> int:
    """Readings that the archive holds as counted, each by its device and number."""
    found = [
        key for record in archive.read(folder / "ingest" / "archive")
        if record.kind == archive.Kind.BATCH
        for batch in [record.batch()]
        for key in zip(batch.device.tolist(), batch.seq.tolist(), batch.verdict.tolist(),
                       strict=True)
        if key[2] == 0
    ]
    assert len(found) == len(set(found))
    return len(found)


def test_what_is_sent_again_while_or_after_ingest_hangs_counts_once(
    broker: Broker, tmp_path: Path
) -> None:
    """NATS sends again on the live connection after its `ack_wait`, both after a cut."""
    write_places(tmp_path / "places.csv", [row(f"d{n}", f"s{n}") for n in (1, 2)])
    proxy = TcpProxy(broker.port)
    ingest = LiveIngest(tmp_path, f"mqtt://127.0.0.1:{proxy.port}")
    ingest.start_and_wait()
    try:
        _send(broker, 0, COUNT)
        until(lambda: ingest.verdicts() == {"applied": COUNT}, "the first come once")
        os.kill(ingest.pid, signal.SIGSTOP)
        _send(broker, COUNT, 2 * COUNT)
        time.sleep(2.5 * ACK_WAIT_S)
        os.kill(ingest.pid, signal.SIGCONT)
        until(lambda: ingest.verdicts().get("applied") == 2 * COUNT, "what came meanwhile")
        if isinstance(broker, Nats):
            until(lambda: ingest.verdicts().get("duplicate", 0) > 0, "and came again")
        for part in range(4):
            _send(broker, (2 + part) * COUNT, (3 + part) * COUNT)
            proxy.cut()
        until(lambda: ingest.verdicts().get("applied") == 6 * COUNT, "all beside cuts", 90)
        time.sleep(2.5 * ACK_WAIT_S)
        told = ingest.verdicts()
        assert set(told) <= {"applied", "duplicate"}
        # Everything is acknowledged: a new start is sent nothing more.
        assert ingest.stop() == 0, ingest.log()
        ingest.start_and_wait()
        time.sleep(2.5 * ACK_WAIT_S)
        assert ingest.verdicts() == told
        assert ingest.stop() == 0, ingest.log()
        assert _counted(ingest.data) == 6 * COUNT
    finally:
        ingest.kill()
        proxy.close()
