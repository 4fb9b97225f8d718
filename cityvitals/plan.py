"""What `up` starts: the files it writes into the data folder, and the command of each program."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from cityvitals.children import python_command
from cityvitals.simulate_command import city_of
from edge import places
from edge.settings import SettingsError

PAGE_HOST = "127.0.0.1"
PAGE_PORT = 8080
"""Port of the page unless another is asked for."""
PAGE_FILE = "page.url"
"""In the folder of the `up` that runs, or of the last one: where its page is."""
INGEST_CLIENT = "cityvitals-ingest"
"""Client id of ingest: the broker keeps its session, and so its messages, under this name."""


class Recording(NamedTuple):
    """A recording and its places file."""

    path: Path
    places: Path


def recording(name: str, places_file: Path | None) -> Recording:
    """The recording `name`, a file, or `sample`. Raises `SettingsError` if a file is missing."""
    if name == "sample":
        from simulators import sample_city

        return Recording(sample_city.recording(), places_file or sample_city.places())
    path = Path(name)
    if not path.is_file():
        raise SettingsError(f"{name}: no such file; `sample` is built in")
    if places_file is None:
        raise SettingsError(f"{name}: say where its devices stand, with --places FILE")
    return Recording(path, places_file)


@dataclass(frozen=True, slots=True)
class Options:
    """What `cityvitals up` was asked for. `folder` holds all data of this run.

    `influx_keys`: further keys of the table `[influx]` of ingest, such as `token_env`. `fleet`:
    further arguments of `simulate`: the same at each start of it, so that it goes on.
    """

    folder: Path
    port: int
    for_s: float | None
    as_json: bool
    influx: str | None
    replay: "Recording | None"
    speed: float
    seed: int
    influx_keys: Mapping[str, str] = field(default_factory=dict)
    fleet: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://{PAGE_HOST}:{self.port}"

    @property
    def store(self) -> Path:
        """The embedded store."""
        return self.folder / "store.db"


def text(value: str | Path) -> str:
    """`value` as a TOML string."""
    return json.dumps(str(value), ensure_ascii=False)


def options(
    data: Path, *, port: int, for_s: float | None, as_json: bool, influx: str | None,
    replay: Recording | None, speed: float, seed: int,
    influx_keys: Mapping[str, str] | None = None, scenario: str = "", truth: str = "",
) -> Options:
    """What was asked for. A recording gets a folder of its own: its time is not ours.

    Raises `SettingsError` for keys of InfluxDB without its address, and for a scenario that
    cannot be.
    """
    fleet: tuple[str, ...] = ()
    for option, given in (("--scenario", scenario), ("--truth", truth)):
        if given and replay is not None:
            raise SettingsError(f"{option}: a recording happened as it did; leave out --replay")
        fleet += (option, given) if given else ()
    if fleet:
        begins = datetime.now(UTC).replace(microsecond=0)
        fleet += ("--start", begins.isoformat())
    if scenario:
        city_of(seed, scenario, "")  # said now, not by a child that starts again and again
    keys = {key: value for key, value in (influx_keys or {}).items() if value}
    if keys and influx is None:
        names = ", ".join(f"--influx-{key.replace('_', '-')}" for key in keys)
        raise SettingsError(f"{names}: give --influx URL as well")
    folder = data
    if replay is not None:
        name = re.sub(r"[^a-z0-9_-]+", "-", replay.path.name.split(".")[0].lower())
        folder = data / f"replay-{name}"
    return Options(folder, port, for_s, as_json, influx, replay, speed, seed, keys, fleet)


def page_port(folder: Path) -> int | None:
    """Port of the page of the `up` that ran last in a folder; None if that cannot be read."""
    try:
        return urlsplit((folder / PAGE_FILE).read_text(encoding="utf-8").strip()).port
    except (OSError, ValueError):
        return None


def page_command(options: Options, broker_url: str) -> list[str]:
    """The page: reads the store, listens to device states."""
    return python_command(
        "dashboards", "serve", "--store", str(options.store), "--port", str(options.port),
        "--broker", broker_url,
    )


def ingest_command(options: Options) -> list[str]:
    """Ingest with engine and sinks."""
    return python_command("ingest", str(options.folder / "ingest.toml"), "--wait")


def past_command(options: Options) -> list[str]:
    """Ingest that makes the simulated city's past first: what both need is loaded once."""
    return [*ingest_command(options), "--past", str(options.seed)]


def fleet_command(options: Options, broker_url: str) -> list[str]:
    """What publishes: the simulated city, or a recording."""
    where = ("--broker", broker_url, "--data", str(options.folder))
    if options.replay is None:
        return python_command(
            "simulate", *where, "--seed", str(options.seed), *options.fleet
        )
    return python_command(
        "replay", str(options.replay.path), *where, "--speed", str(options.speed),
        "--places", str(options.folder / "places.csv"),
    )


def write_files(options: Options, broker_url: str) -> None:
    """Write what ingest and `doctor` read: configuration, the places of a recording, the page."""
    (options.folder / PAGE_FILE).write_text(f"{options.url}\n", encoding="utf-8")
    lines = [
        "# Written by `cityvitals up` at each start; edits are lost.", "format = 1",
        f"clock = {text('recorded' if options.replay else 'wall')}",
        f"client_id = {text(INGEST_CLIENT)}",
        "[broker]",
        f"url = {text(broker_url)}",
    ]
    if options.influx is not None:
        lines += ["[influx]", f"url = {text(options.influx)}"]
        lines += [f"{key} = {text(value)}" for key, value in options.influx_keys.items()]
    (options.folder / "ingest.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    if options.replay is not None:
        rows = places.load(options.replay.places)
        (options.folder / "places.csv").write_text(places.render(rows), encoding="utf-8")
