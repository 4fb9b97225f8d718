"""Programs that a measurement starts: brokers on free loopback ports, readers, publishers."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cityvitals import broker as embedded

ROOT = Path(__file__).resolve().parent.parent
START_S_MAX = 60.0
STOP_S_MAX = 10.0
BROKERS = ("nats", "mosquitto")

_MOSQUITTO = """\
# The values of deploy/broker/mosquitto.conf that bear on what it carries.
listener {port} 127.0.0.1
allow_anonymous true
persistence_location {folder}/
persistence true
autosave_interval 60
max_inflight_messages 32767
max_queued_messages 1000000
max_queued_bytes 536870912
max_packet_size 131072
set_tcp_nodelay true
"""


class MeasureError(RuntimeError):
    """A program of a measurement did not do its part; the text says which, and its last words."""


def wait(true: Callable[[], bool], what: str, timeout_s: float = START_S_MAX) -> None:
    """Poll until `true()`. Raises `MeasureError` naming `what` after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while not true():
        if time.monotonic() > deadline:
            raise MeasureError(f"not within {timeout_s:.0f} s: {what}")
        time.sleep(0.005)


def cpu_s(pid: int) -> float:
    """Seconds of processor time that a process has used (Linux; 0 once it has ended)."""
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:
        return 0.0


def resident_mb(pid: int) -> float:
    """Memory of a process that is resident, in MB (10^6 bytes); 0 once it has ended."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def module(name: str, *arguments: object) -> list[str]:
    """The command that runs a module of ours with this interpreter."""
    return [sys.executable, "-P", "-m", name, *map(str, arguments)]


@contextmanager
def running(command: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program, output into `log`, and end it: SIGTERM, and SIGKILL if that does not do."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    with log.open("ab") as file:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=file, stderr=file,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def missing(kind: str) -> str:
    """Why a broker cannot be run here; empty if it can."""
    if kind == "nats":
        try:
            embedded.program()
        except embedded.NoBrokerError as error:
            return str(error)
        return ""
    return "" if _mosquitto() else "mosquitto is not installed: apt install mosquitto"


def _mosquitto() -> str | None:
    return shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")


def version(kind: str) -> str:
    """What a broker says of itself, empty if it is not installed."""
    if missing(kind):
        return ""
    command = [str(embedded.program()), "--version"] if kind == "nats" else [_mosquitto() or ""]
    if kind == "mosquitto":
        command.append("-h")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    first = (done.stdout or done.stderr).splitlines()[0]
    return first.replace("nats-server: ", "nats-server ").replace(" version", "")


@contextmanager
def broker(kind: str, folder: Path) -> Iterator[tuple[int, int]]:
    """A broker with the settings that ship; yields its port and process id."""
    folder.mkdir(parents=True)
    port = free_port()
    if kind == "nats":
        command = embedded.command(folder, port)
    else:
        user = "user root\n" if os.geteuid() == 0 else ""
        (folder / "mosquitto.conf").write_text(
            _MOSQUITTO.format(port=port, folder=folder) + user, encoding="utf-8"
        )
        command = [_mosquitto() or "mosquitto", "-c", str(folder / "mosquitto.conf")]
    with running(command, folder / "log") as process:
        wait(lambda: _answers(process, port, folder / "log"), f"the broker {kind}")
        yield port, process.pid


def _answers(process: subprocess.Popen[bytes], port: int, log: Path) -> bool:
    if process.poll() is not None:
        raise MeasureError(f"the broker ended: {log.read_text(errors='replace')[-500:]}")
    return embedded.reachable("127.0.0.1", port)
