"""`cityvitals doctor`: what an operator would check first, in one list."""

import importlib.metadata
import json
import platform
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from cityvitals import broker, plan
from edge import places
from edge.places import PlacesError
from ingest.folder_lock import in_use

FREE_BYTES_MIN = 1_000_000_000
HEALTH_AGE_MS_MAX = 5_000
PACKAGES = ("msgspec", "paho-mqtt", "numpy", "numba", "aiohttp", "aiomqtt", "influxdb-client")


class Finding(NamedTuple):
    """One line of the report; `ok` None means: good to know, neither right nor wrong."""

    what: str
    ok: bool | None
    text: str


def _versions() -> Iterator[Finding]:
    # A Python that is too old cannot even import us; the machine is said for bug reports.
    yield Finding("python", None, f"{platform.python_version()} on {platform.platform()}")
    missing = []
    for name in PACKAGES:
        try:
            importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
    way = (
        "a station's agent (`cityvitals edge`) needs none of them; for all else, in the project: "
        "pip install -c constraints.txt '.[server]'"
    )
    text = f"missing: {', '.join(missing)}; {way}"
    yield Finding("packages", not missing, text if missing else "all of the server are there")
    try:
        yield Finding("broker program", True, str(broker.program()))
    except broker.NoBrokerError as error:
        yield Finding("broker program", False, str(error))


def _folder(folder: Path) -> Iterator[Finding]:
    if not folder.is_dir():
        yield Finding("data", None, f"{folder}: not there yet; `cityvitals up` makes it")
        return
    try:
        probe = folder / ".doctor"
        probe.write_bytes(b"")
        probe.unlink()
        yield Finding("data", True, f"{folder}: can be written")
    except OSError as error:
        yield Finding("data", False, f"{folder}: {error.strerror}")
    free = shutil.disk_usage(folder).free
    yield Finding("disk", free >= FREE_BYTES_MIN, f"{free / 1e9:.1f} GB free")
    try:
        count = len({row.device for row in places.load(folder / "places.csv")})
        yield Finding("places", True, f"{count} devices")
    except PlacesError as error:
        yield Finding("places", False, str(error))


def _health(folder: Path) -> Iterator[Finding]:
    from ingest.store import Store, StoreError

    try:
        store = Store.reader(folder / "store.db")
        health = store.health()
        store.close()
    except StoreError as error:
        yield Finding("store", False, str(error))
        return
    if health is None:
        yield Finding("ingest", False, "has written nothing yet")
        return
    age_ms = time.time_ns() // 1_000_000 - health["at_ms"]
    yield Finding("ingest", age_ms <= HEALTH_AGE_MS_MAX, f"wrote {age_ms / 1000:.0f} s ago")
    url, connected = health["broker"]["url"], bool(health["broker"]["connected"])
    yield Finding("broker", connected, f"{url} {'connected' if connected else 'not connected'}")
    for sink in health["sinks"]:
        text = f"{sink['queued']} waiting {sink['error']}".strip()
        yield Finding(f"sink {sink['name']}", not sink["error"], text)


def findings(folder: Path, port: int | None) -> list[Finding]:
    """Everything that was checked, in the order an operator would.

    `port`: of the page; None means that of the `up` which runs, or the one it takes by itself.
    Ingest may run without `up`, as a service does: then there should be a page, too.
    """
    found = [*_versions(), *_folder(folder)]
    running, alone = in_use(folder), in_use(folder / "ingest")
    if port is None:
        port = (plan.page_port(folder) if running else None) or plan.PAGE_PORT
    without = "; ingest runs without it" if alone else ""
    found.append(Finding("up", None, "running" if running else f"not running{without}"))
    free = broker.is_free(port)
    if running or alone:
        found.append(Finding("page", not free, f"port {port} {'is silent' if free else 'listens'}"))
        found += _health(folder)
    else:
        found.append(Finding("page", free, f"port {port} is {'free' if free else 'in use'}"))
    return found


def report(folder: Path, port: int | None, as_json: bool) -> int:
    """Print the findings; the exit status is 1 if one is wrong."""
    found = findings(folder, port)
    if as_json:
        json.dump([row._asdict() for row in found], sys.stdout, ensure_ascii=False)
        print()
    else:
        for row in found:
            mark = {True: "ok   ", False: "WRONG", None: "     "}[row.ok]
            print(f"{mark} {row.what:16} {row.text}")
    return int(any(row.ok is False for row in found))
