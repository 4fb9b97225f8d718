"""On what a figure was measured: processor, versions, commit, date, and what else it did."""

import importlib.metadata
import os
import platform
import subprocess
import time
from pathlib import Path

from benchmarks import programs

PACKAGES = ("numpy", "numba", "msgspec", "paho-mqtt", "aiomqtt", "influxdb-client")


def processor() -> str:
    """The processor's name."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [row.split(":", 1)[1].strip() for row in info.read_text().splitlines()
                 if row.startswith("model name")]
        if names:
            return names[0]
    return platform.processor() or platform.machine() or "unknown processor"


def commit() -> str:
    """The commit of the sources, marked if they differ from it."""
    git = ["git", "-C", str(Path(__file__).parent)]
    found = subprocess.run(
        [*git, "describe", "--always", "--dirty=, changed", "--exclude", "*"],
        capture_output=True, text=True, check=False,
    ).stdout.strip()
    return found or "no commit"


def machine() -> str:
    """One line: processor, cores, Python, commit."""
    return f"{processor()}, {os.cpu_count()} cores, Python {platform.python_version()}, {commit()}"


def versions() -> str:
    """The packages and brokers that take part."""
    found = [f"Python {platform.python_version()}"]
    for name in PACKAGES:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            found.append(f"{name} not installed")
    return ", ".join(found + [programs.version(kind) for kind in programs.BROKERS
                              if programs.version(kind)])


def stamp() -> list[str]:
    """Lines that say on what, with what and when; the load average tells of other work."""
    now = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    busy = os.getloadavg()[0]
    return [
        f"{processor()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}; "
        f"load average before: {busy:.1f}.",
        f"{versions()}.",
        f"Commit {commit()}; {now}.",
    ]
