"""`cityvitals bench`: measures the numbers of the design on the machine at hand.

What it runs is in `benchmarks`. Brokers, publishers and readers are processes of their own on
free loopback ports; everything is bounded in time and messages, and ended afterwards.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edge.settings import SettingsError

if TYPE_CHECKING:
    from benchmarks.goals import Column, Goal

app = typer.Typer(
    no_args_is_help=True,
    help="Measure how fast this machine is: ingest against other readers of the same load, engine, "
    "sinks, latency up to the page, edge agent, capacity. Each says on what it was measured and "
    "what the design asks for. A machine with other work gives lower figures; ratios hold better.",
)


@app.callback()
def top() -> None:
    """Set up nothing: each measurement loads what it needs."""


JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON object a row instead of tables.")
]
QuickOption = Annotated[
    bool, typer.Option("--quick", help="A first impression in under a minute.")
]
WriteOption = Annotated[
    Path | None,
    typer.Option("--write", metavar="FILE", help="Also put the tables into this Markdown file."),
]
SecondsOption = Annotated[
    float, typer.Option(min=0.1, max=60, help="How long each reader is measured.")
]
MessagesOption = Annotated[
    int, typer.Option(min=0, max=5_000_000, help="Messages at most; 0: as many as last.")
]


class Report:
    """Rows are printed as they come where JSON is wanted, tables at the end otherwise."""

    def __init__(self, name: str, *, as_json: bool, write: Path | None) -> None:
        from benchmarks.machine import stamp

        self.name = name
        self._as_json = as_json
        self._write = write
        self._stamp = stamp()
        if write is not None and not write.parent.is_dir():
            raise SettingsError(f"--write {write}: {write.parent} is no folder")

    def take(
        self, rows: Iterable[dict[str, Any]], columns: "tuple[Column, ...]",
        goals: "Callable[[list[dict[str, Any]]], list[Goal]]",
        said: Callable[[list[dict[str, Any]]], list[str]] = lambda _rows: [],
    ) -> None:
        """Measure `rows`, print them, and hold them against `goals`; `said`: what it means."""
        import msgspec

        from benchmarks.goals import goal_table, table

        found = []
        for row in rows:
            found.append(row)
            if self._as_json:
                print(msgspec.json.encode(row).decode(), flush=True)
            elif sys.stderr.isatty():
                print(".", end="", file=sys.stderr, flush=True)
        reached = goals(found)
        lines = ["  \n".join(self._stamp), "", *said(found)]
        lines += [*table(columns, found), ""]
        if reached:
            lines += goal_table(reached)
        if not self._as_json:
            print("\n".join(lines))
        if self._write is not None:
            from benchmarks import sections

            sections.put(self._write, self.name, lines)


@app.command()
def ingest(
    as_json: JsonOption = False,
    quick: QuickOption = False,
    write: WriteOption = None,
    broker: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Only through nats or mosquitto; may be repeated."),
    ] = None,
    reader: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Only this reader: cityvitals, count-bytes, paho or aiomqtt; may be repeated.",
        ),
    ] = None,
    qos: Annotated[
        int, typer.Option(min=-1, max=1, help="Only messages of QoS 0 or 1; -1 for both.")
    ] = -1,
    block: Annotated[
        int, typer.Option(min=0, max=100, help="Only messages of 1 or 100 readings; 0 for both.")
    ] = 0,
    seconds: SecondsOption = 3.0,
    rounds: Annotated[
        int, typer.Option(min=1, max=20, help="How often each is measured; the median is told.")
    ] = 3,
    devices: Annotated[
        int, typer.Option(min=1, max=100_000, help="Devices that send, a series each.")
    ] = 1000,
    messages: MessagesOption = 0,
) -> None:
    """Ingest beside other readers of the same load, through the same brokers.

    count-bytes only counts what arrives and is the ceiling; paho and aiomqtt are the usual
    loops, which decode with msgspec and keep rolling means in dicts; cityvitals is the ingest
    that ships, with its archive and its state. Each runs alone, with a broker of its own.
    """
    from benchmarks import ingest_rows, programs

    for name in broker or []:
        _one_of(name, programs.BROKERS, "--broker")
    for name in reader or []:
        _one_of(name, ingest_rows.READERS, "--reader")
    if quick:
        seconds, rounds, devices = 0.5, 1, min(devices, 100)
    wanted = ingest_rows.Wanted(
        seconds, rounds, devices, messages, tuple(reader or ingest_rows.READERS)
    )
    cases = [
        case for case in ingest_rows.CASES
        if (not broker or case.broker in broker) and qos in (-1, case.qos)
        and block in (0, case.block)
    ]
    if not cases:
        raise SettingsError("--block and --qos: no row is measured with both; see --help")
    Report("ingest", as_json=as_json, write=write).take(
        ingest_rows.rows(cases, wanted), ingest_rows.COLUMNS, ingest_rows.goals
    )


@app.command()
def engine(
    as_json: JsonOption = False,
    quick: QuickOption = False,
    write: WriteOption = None,
    series: Annotated[
        int, typer.Option(min=5, max=500_000, help="Series of the city that is computed.")
    ] = 100_000,
    minutes: Annotated[
        int, typer.Option(min=1, max=240, help="Minutes that pass, a tick each.")
    ] = 30,
) -> None:
    """State update, tick and memory of the engine alone, without socket, archive or store.

    Takes some 6 GB of memory at 100,000 series, 0.5 GB with --quick.
    """
    from benchmarks import engine_rows

    wanted = engine_rows.Wanted(series, minutes)
    if quick:
        wanted = engine_rows.Wanted(min(series, 5_000), min(minutes, 20))
    Report("engine", as_json=as_json, write=write).take(
        engine_rows.rows(wanted), engine_rows.COLUMNS, engine_rows.goals
    )


@app.command()
def sinks(
    as_json: JsonOption = False,
    quick: QuickOption = False,
    write: WriteOption = None,
    points: Annotated[
        int, typer.Option(min=1_000, max=5_000_000, help="Points that are sent.")
    ] = 100_000,
) -> None:
    """Points to InfluxDB as ingest sends them, beside Point objects through the batching writer."""
    from benchmarks import sink_rows

    wanted = sink_rows.Wanted(min(points, 20_000) if quick else points)
    Report("sinks", as_json=as_json, write=write).take(
        sink_rows.rows(wanted), sink_rows.COLUMNS, sink_rows.goals
    )


@app.command()
def latency(
    as_json: JsonOption = False,
    quick: QuickOption = False,
    write: WriteOption = None,
    rate: Annotated[
        list[int] | None,
        typer.Option(min=0, max=1_000_000, metavar="N",
                     help="Readings a second beside the probes; may be repeated."),
    ] = None,
    seconds: Annotated[
        float, typer.Option(min=1, max=600, help="How long each rate is measured.")
    ] = 20.0,
    devices: Annotated[
        int, typer.Option(min=1, max=100_000, help="Devices that send the load, a series each.")
    ] = 1000,
    open_every_s: Annotated[
        float, typer.Option(min=0.05, max=60, help="How often ingest looks at open windows.")
    ] = 0.1,
) -> None:
    """From a reading's publisher to the page: percentiles, beside a load of QoS 0.

    Broker, ingest and page are those that ship. Fifty probes send a reading a second each; the
    page's live feed is read as a browser does.
    """
    from benchmarks import latency_rows

    wanted = latency_rows.Wanted(
        tuple(rate or latency_rows.Wanted().rates), seconds, devices,
        keys={"open_every_s": open_every_s},
    )
    if quick:
        wanted = wanted._replace(rates=tuple(rate or (1000,)), seconds=3.0, devices=100)
    Report("latency", as_json=as_json, write=write).take(
        latency_rows.rows(wanted), latency_rows.COLUMNS, latency_rows.goals
    )


@app.command()
def edge(
    as_json: JsonOption = False,
    quick: QuickOption = False,
    write: WriteOption = None,
    sensors: Annotated[
        int, typer.Option(min=1, max=20, help="Sensors, a reading a second each.")
    ] = 20,
    seconds: Annotated[
        float, typer.Option(min=1, max=3600, help="How long the connected agent is measured.")
    ] = 60.0,
    outage_s: Annotated[
        int, typer.Option(min=60, max=30 * 86_400, help="Seconds of outage, by its own clock.")
    ] = 86_400,
) -> None:
    """What the edge agent costs its computer: processor, memory, disk, and an outage it bears.

    An outage of a day is lived through in about a minute, with every sync that it takes.
    """
    from benchmarks import edge_rows

    wanted = edge_rows.Wanted(sensors, seconds, outage_s)
    if quick:
        wanted = wanted._replace(seconds=min(seconds, 5.0), outage_s=min(outage_s, 1800))
    Report("edge", as_json=as_json, write=write).take(
        edge_rows.rows(wanted), edge_rows.COLUMNS, edge_rows.goals
    )


CARRIED_OVER = (
    "grace_s", "k", "open_every_s", "snapshot_every_s", "archive_days", "archive_bytes_max",
    "publish_indicators", "keep_points_days",
)
"""Keys of the deployed ingest that the measured one has too; data and broker are its own."""


@app.command()
def capacity(
    config: Annotated[
        Path | None,
        typer.Argument(help="The deployed ingest.toml; without it, the defaults are measured."),
    ] = None,
    as_json: JsonOption = False,
    quick: QuickOption = False,
    write: WriteOption = None,
    seconds: SecondsOption = 3.0,
    messages: MessagesOption = 0,
) -> None:
    """Say how many sensors this machine carries, and what the next limit is.

    Runs the ingest that ships with the settings of CONFIG beside a broker of its own, on the disk
    of the deployed data, which is not touched. Sensors send one reading each 10 s at QoS 1.
    """
    from benchmarks import capacity_rows
    from edge.settings import load
    from ingest.settings_ingest import IngestSettings

    settings = IngestSettings() if config is None else load(config, IngestSettings)
    data = (Path() if config is None else config.parent) / settings.data
    wanted = capacity_rows.Wanted(
        data, {key: getattr(settings, key) for key in CARRIED_OVER},
        seconds=min(seconds, 0.5) if quick else seconds, devices=100 if quick else 1000,
        messages=messages,
    )

    def rows() -> Iterator[dict[str, Any]]:
        found = []
        for row in capacity_rows.rows(wanted):
            found.append(row)
            yield row
        if as_json:
            yield capacity_rows.answer(found)

    Report("capacity", as_json=as_json, write=write).take(
        rows(), capacity_rows.COLUMNS, lambda _rows: [], capacity_rows.words
    )


def _one_of(name: str, names: tuple[str, ...], option: str) -> None:
    if name not in names:
        raise SettingsError(f"{option} {name}: must be one of {', '.join(names)}")
