"""`edge_program.run`: one file, one agent, a clean end; wrong files end with status 2."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import edge.edge_program
from edge import connection, topics
from edge.agent import AgentSettings
from edge.broker_settings import BrokerSettings
from edge.connection import Connection
from edge.edge_program import EdgeSettings, run
from edge.outbox import Outbox
from edge.plantower import PlantowerSettings
from edge.settings import Section, check, load
from tests.brokers import Nats, free_port

ROOT = Path(edge.edge_program.__file__).parents[1]
EXAMPLE = ROOT / "cityvitals" / "examples" / "edge.toml"
FILE = """
city = "porto"
district = "centre"
station = "s1"
device = "pm-s1"
{agent}
[broker]
url = "{url}"
{broker}
[driver]
{driver}
"""


def written(folder: Path, *, url: str = "mqtt://127.0.0.1:1", agent: str = "", broker: str = "",
            driver: str = 'kind = "plantower"\nport = "/nonexistent"') -> Path:
    path = folder / "edge.toml"
    path.write_text(FILE.format(url=url, agent=agent, broker=broker, driver=driver))
    return path


def _keys(shape: type[Section]) -> set[str]:
    return set(shape.__struct_fields__) - {"broker", "driver"}


def test_the_example_loads() -> None:
    settings = load(EXAMPLE, EdgeSettings)
    assert settings.device == "pm-s1"


def test_example_names_every_key_with_its_default(tmp_path: Path) -> None:
    lines = EXAMPLE.read_text().splitlines()
    told = {line.removeprefix("# ").split(" = ")[0] for line in lines if " = " in line}
    keys = _keys(AgentSettings) | _keys(BrokerSettings) | _keys(PlantowerSettings) | {"kind"}
    assert keys <= told
    # With every comment that holds a key taken off, all values are the defaults.
    bare = [line.removeprefix("# ") if " = " in line and line.startswith("# ") else line
            for line in lines]
    path = tmp_path / "bare.toml"
    path.write_text("\n".join(bare))
    full = load(path, EdgeSettings)
    short = load(EXAMPLE, EdgeSettings)
    assert isinstance(full.broker, BrokerSettings)
    assert full.broker == BrokerSettings() == short.broker
    for name in _keys(AgentSettings):
        assert getattr(full, name) == getattr(short, name), name
    full.driver.pop("kind")
    assert check(full.driver, PlantowerSettings, "x") == PlantowerSettings()


@pytest.mark.parametrize(("options", "text"), [
    ({"agent": "perod_s = 1.0"}, "key perod_s (value 1.0) is unknown; the nearest known key is"),
    ({"agent": 'sync_s = "5"'}, "key sync_s = '5': expected float, got str"),
    ({"agent": "period_s = 0.0"}, "period_s must lie between 0.01 and"),
    ({"broker": "keepalive_s = 1"}, "keepalive_s = 1 must lie between 5 and 3600"),
    ({"broker": "passwd = 1"}, "passwd"),
    ({"url": "http://x"}, "must be mqtt://"),
    ({"driver": 'kind = "radar"'}, "key driver.kind = 'radar': must be one of plantower"),
    ({"driver": "port = 3"}, "key driver.kind = None: must be one of plantower"),
    ({"driver": 'kind = "plantower"\nprot = "x"'}, "key prot"),
    ({"broker": 'user = "a"\npassword_env = "CITYVITALS_NO_SUCH"'}, "CITYVITALS_NO_SUCH"),
])
def test_wrong_file_ends_with_status_2_and_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: dict[str, str], text: str
) -> None:
    assert run(written(tmp_path, **options)) == 2
    error = capsys.readouterr().err
    assert text in error
    assert error.count("\n") == 1


def test_file_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path / "edge.toml") == 2
    assert "no such file" in capsys.readouterr().err


def test_outbox_in_use_ends_with_status_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    box = Outbox(tmp_path / "outbox.db", bytes_max=1 << 20, sync_s=5.0)
    assert run(written(tmp_path)) == 2
    assert "in use by another agent" in capsys.readouterr().err
    box.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_program_runs_until_told_and_marks_a_clean_end(tmp_path: Path, number: int) -> None:
    path = written(tmp_path, url=f"mqtt://127.0.0.1:{free_port()}")
    code = ("import sys, pathlib; from edge.edge_program import run; "
            "sys.exit(run(pathlib.Path(sys.argv[1])))")
    program = subprocess.Popen(
        [sys.executable, "-c", code, str(path)], cwd=ROOT, stderr=subprocess.PIPE
    )
    deadline = time.monotonic() + 15
    while not (tmp_path / "outbox.db").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    time.sleep(0.3)  # for the signal handlers, which are set after the outbox is open
    program.send_signal(number)
    _, error = program.communicate(timeout=10)
    assert program.returncode == 0, error
    box = Outbox(tmp_path / "outbox.db", bytes_max=1 << 20, sync_s=5.0, clock=lambda: 0.0)
    assert box.counts.number == 0
    # By the clock, or drawn below a thousand million where nobody vouches for the clock.
    assert 0 < box.counts.epoch < 1_000_000_000 or box.counts.epoch > 1_700_000_000
    box.close()


@pytest.mark.timeout(30)
def test_bytes_of_a_sensor_arrive_at_the_broker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Captured frames on a pseudo-terminal, the program, a real broker, a subscriber."""
    pytest.importorskip("serial")
    monkeypatch.setattr(connection, "BACKOFF_S_MIN", 0.05)
    broker = Nats(tmp_path / "broker")
    broker.start()
    received: list[bytes] = []

    def take(_topic: str, payload: bytes, _q: int, _id: int, _retain: bool) -> None:
        received.append(payload)
        os.kill(os.getpid(), signal.SIGTERM)

    reader = Connection(
        BrokerSettings(url=broker.url), "reader", on_message=take,
        subscriptions=[(topics.READINGS_FILTER, 1)],
    )
    reader.start()
    assert reader.wait_ready(10)
    ours, theirs = os.openpty()
    frame = Path(__file__).parent / "samples" / "plantower" / "PMSx003.hexdump"
    data = bytes.fromhex(frame.read_text().splitlines()[0][10:].split("  ")[0])
    done = threading.Event()

    def sense() -> None:  # again and again: opening the port discards what came before
        while not done.wait(0.1):
            os.write(ours, data)

    sensor = threading.Thread(target=sense)
    sensor.start()
    try:
        port = f'kind = "plantower"\nport = "{os.ttyname(theirs)}"'
        assert run(written(tmp_path, url=broker.url, driver=port)) == 0
    finally:
        done.set()
        sensor.join()
        reader.stop(0)
        broker.kill()
        os.close(ours)
        os.close(theirs)
    assert b'"m":{"pm25":8.0,"pm10":8.0}' in received[0]


def test_edge_starts_without_numpy_and_the_server_packages(tmp_path: Path) -> None:
    """A lamp post installs the base package only."""
    code = (
        "import sys\n"
        "for name in ('numpy', 'numba', 'aiohttp', 'aiomqtt', 'influxdb_client', 'serial'):\n"
        "    sys.modules[name] = None\n"
        "import edge.edge_program\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=ROOT, check=True)
