"""What `up` starts: the files it writes into the data folder, and the command of each program."""

import json
from dataclasses import dataclass
from pathlib import Path

from cityvitals.children import python_command

PAGE_HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Options:
    """What `cityvitals up` was asked for. `folder` holds all data of this run."""

    folder: Path
    port: int
    for_s: float | None
    as_json: bool
    influx: str | None
    replay: str | None
    speed: float
    seed: int

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


def page_command(options: Options, broker_url: str) -> list[str]:
    """The page: reads the store, listens to device states."""
    return python_command(
        "dashboards", "serve", "--store", str(options.store), "--port", str(options.port),
        "--broker", broker_url,
    )


def ingest_command(options: Options) -> list[str]:
    """Ingest with engine and sinks."""
    return python_command("ingest", str(options.folder / "ingest.toml"))
