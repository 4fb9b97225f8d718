"""The `cityvitals` command. Each command imports what it needs only when it runs, so that the
edge installs and starts without numpy, numba or a server.

A file or option that its owner must correct ends with one line on standard error and status 2.
"""

import logging
import re
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

import cityvitals
from cityvitals import dashboards_command
from cityvitals.backup_command import backup, restore
from cityvitals.bench_command import app as bench_app
from cityvitals.explain_command import explain
from cityvitals.facts_command import app as facts_app
from cityvitals.recompute_command import recompute
from cityvitals.reconcile_command import reconcile
from cityvitals.report_command import report
from cityvitals.simulate_command import simulate
from edge.facts import FactsError
from edge.places import PlacesError
from edge.recorded import RecordedError
from edge.settings import SettingsError

STARTED_S = time.monotonic()
DATA = Path(".cityvitals")
WRONG_INPUT = 2

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    help="Live vital signs for cities: MQTT sensors in, indicators by published standards out. "
    "Start with `cityvitals up`.",
)
place_app = typer.Typer(no_args_is_help=True, help="Say where devices stand.")
app.add_typer(place_app, name="place")
app.add_typer(facts_app, name="facts")
app.add_typer(bench_app, name="bench")
app.command()(backup)
app.command()(restore)
dashboards_app = typer.Typer(no_args_is_help=True, help="What people look at.")
app.add_typer(dashboards_app, name="dashboards")
dashboards_app.command("list")(dashboards_command.listing)
dashboards_app.command()(dashboards_command.export)
dashboards_app.command()(dashboards_command.lint)
dashboards_app.command()(dashboards_command.publish)
app.command()(explain)
app.command()(reconcile)
app.command()(report)
app.command()(recompute)
app.command()(simulate)

DataOption = Annotated[
    Path, typer.Option("--data", metavar="DIR", help="Folder that holds all data.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
BrokerOption = Annotated[
    str, typer.Option(metavar="URL", help="Broker: mqtt://[user@]host:port or mqtts://…")
]
PlacesOption = Annotated[
    Path | None, typer.Option("--places", metavar="FILE", help="Places file of the recording.")
]
SpeedOption = Annotated[
    float,
    typer.Option(min=0, max=1e6, help="How many times faster a recording is played; 0: all out."),
]
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


def seconds(text: str, option: str) -> float:
    """Seconds of `90s`, `5m`, `1h` or `2d`. Raises `SettingsError` naming `option`."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text)
    if not found or float(found[1]) <= 0:
        raise SettingsError(f"{option} = {text!r}: write a duration such as 90s, 5m or 1h")
    return float(found[1]) * _SECONDS[found[2]]


def _version(asked: bool) -> None:
    if asked:
        print(f"cityvitals {cityvitals.__version__}")
        raise typer.Exit


@app.callback()
def top(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Set up what all commands share."""
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s",
        stream=sys.stderr,
    )


@app.command()
def up(
    data: DataOption = DATA,
    port: Annotated[int, typer.Option(help="Port of the page, on this machine only.")] = 8080,
    duration: Annotated[
        str, typer.Option("--for", metavar="TIME", help="End by itself after 90s, 5m, 1h …")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object a second.")] = False,
    influx: Annotated[
        str, typer.Option(metavar="URL", help="Write to this InfluxDB as well.")
    ] = "",
    influx_bucket: Annotated[
        str, typer.Option(metavar="NAME", help="Its bucket, or database; cityvitals by default.")
    ] = "",
    influx_org: Annotated[
        str, typer.Option(metavar="NAME", help="Its organisation, for InfluxDB 2.")
    ] = "",
    influx_token_env: Annotated[
        str, typer.Option(metavar="NAME", help="Environment variable with its token.")
    ] = "",
    influx_token_file: Annotated[
        str, typer.Option(metavar="FILE", help="File with its token.")
    ] = "",
    replay: Annotated[
        str,
        typer.Option(
            metavar="FILE", help="Show a recorded city as of its own time; `sample` is built in."
        ),
    ] = "",
    places: PlacesOption = None,
    speed: SpeedOption = 600.0,
    seed: Annotated[int, typer.Option(help="Another seed, another simulated city.")] = 1,
    scenario: Annotated[
        str, typer.Option(metavar="NAME", help="What befalls the city from now on; see "
                          "`cityvitals simulate --help`.")
    ] = "",
    truth: Annotated[
        str, typer.Option(metavar="FILE", help="What is true beside what is published.")
    ] = "",
) -> None:
    """Run everything on this machine: broker, a simulated city, ingest, store and page.

    Open http://127.0.0.1:8080 once it says so. Ctrl-C ends every process; the next start picks
    up where this one ended.
    """
    from cityvitals import up as program
    from cityvitals.plan import options, recording

    wanted = options(
        data, port=port, for_s=seconds(duration, "--for") if duration else None,
        as_json=as_json, influx=influx or None,
        influx_keys={
            "bucket": influx_bucket, "org": influx_org, "token_env": influx_token_env,
            "token_file": influx_token_file and str(Path(influx_token_file).resolve()),
        },
        replay=recording(replay, places) if replay else None, speed=speed, seed=seed,
        scenario=scenario, truth=truth and str(Path(truth).resolve()),
    )
    raise typer.Exit(program.run(wanted, STARTED_S))


@app.command()
def edge(
    config: Annotated[
        Path, typer.Argument(help="Configuration, see cityvitals/examples/edge.toml.")
    ],
) -> None:
    """Run an agent: read sensors, keep readings on disk, publish until ingest has them."""
    from edge.edge_program import run

    raise typer.Exit(run(config))


@app.command()
def ingest(
    config: Annotated[Path, typer.Argument(help="Configuration, see cityvitals/examples/.")],
    wait: Annotated[
        bool, typer.Option(help="Wait while another program holds the data folder.")
    ] = False,
    past: Annotated[
        int | None, typer.Option(hidden=True, help="Live the past of this simulated city first.")
    ] = None,
) -> None:
    """Take readings from the broker, compute indicators, write them to the sinks."""
    if past is not None:
        from cityvitals.past import live

        live(config, past)
    from ingest.program import run

    raise typer.Exit(run(config, wait=wait))


@app.command()
def replay(
    file: Annotated[str, typer.Argument(help="Recorded readings, CSV, or `sample`.")],
    places: PlacesOption = None,
    broker: BrokerOption = "mqtt://127.0.0.1:1883",
    data: DataOption = DATA,
    speed: SpeedOption = 600.0,
) -> None:
    """Publish a recording with its own times; ends when ingest has acknowledged all of it.

    Ingest must run with `clock = "recorded"`. A run that ended before is picked up.
    """
    from cityvitals.plan import recording
    from simulators.replay import run

    wanted = recording(file, places)
    raise typer.Exit(run(wanted.path, wanted.places, broker, data, speed))


@app.command()
def compute(
    readings: Annotated[Path, typer.Argument(help="Recorded readings, CSV (may be gzipped).")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="Indicators, CSV.")],
    places: Annotated[Path, typer.Option(metavar="FILE", help="Places file of the recording.")],
    facts: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Facts file, see docs/facts.md.")
    ] = None,
) -> None:
    """Compute the indicators of a recording, without broker or database."""
    from ingest.compute import run

    raise typer.Exit(run(readings, places, out, facts))


@app.command()
def conformance(
    cases: Annotated[Path, typer.Argument(help="Worked cases, CSV.")],
    as_json: JsonOption = False,
) -> None:
    """Run worked cases through the functions that the engine calls; print each that differs.

    Exit status 0: all pass, 1: a case differs, 3: none differs but some are not built.
    """
    from cityvitals.conformance import command

    raise typer.Exit(command(cases, as_json))


@dashboards_app.command()
def serve(
    store: Annotated[Path, typer.Option(metavar="FILE", help="The embedded store.")] = DATA
    / "store.db",
    host: Annotated[str, typer.Option(help="Address; others than loopback need a token.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(help="Port.")] = 8080,
    broker: Annotated[
        str, typer.Option(metavar="URL", help="Show what devices say of themselves, too.")
    ] = "",
    token_env: Annotated[
        str, typer.Option(metavar="NAME", help="Environment variable with the reader token.")
    ] = "",
    token_file: Annotated[
        str, typer.Option(metavar="FILE", help="File with the reader token.")
    ] = "",
    password_env: Annotated[
        str, typer.Option(metavar="NAME", help="Environment variable with the broker password.")
    ] = "",
    password_file: Annotated[
        str, typer.Option(metavar="FILE", help="File with the broker password.")
    ] = "",
) -> None:
    """Serve the built-in page from the embedded store."""
    from dashboards.page_program import run

    raise typer.Exit(run(
        store, host, port, broker or None, token_env=token_env, token_file=token_file,
        password_env=password_env, password_file=password_file,
    ))


@place_app.command("add")
def place_add(
    device: Annotated[str, typer.Argument(help="The device's id, as its topic names it.")],
    district: Annotated[str, typer.Option(help="District id.")],
    station: Annotated[str, typer.Option(help="Station id; several devices may share one.")],
    data: DataOption = DATA,
    name: Annotated[str, typer.Option(help="What people call the station.")] = "",
    lat: Annotated[float | None, typer.Option(help="Latitude, degrees.")] = None,
    lon: Annotated[float | None, typer.Option(help="Longitude, degrees.")] = None,
    tz: Annotated[str, typer.Option(metavar="ZONE", help="IANA zone, e.g. Europe/Berlin.")] = "",
    period: Annotated[
        str, typer.Option(metavar="TIME", help="Time between its readings: 10s, 1m …")
    ] = "60s",
    since: Annotated[
        str, typer.Option("--from", metavar="TIME", help="Valid from, RFC 3339. Default: now, or "
        "the first reading that is held.")
    ] = "",
    length_km: Annotated[float, typer.Option(help="Road segment: its length.")] = 0.0,
    lanes: Annotated[int, typer.Option(help="Road segment: its lanes.")] = 0,
    posted_kmh: Annotated[float, typer.Option(help="Road segment: the posted limit.")] = 0.0,
    customers: Annotated[int, typer.Option(help="Feeder: its customers.")] = 0,
    modulus_kwh: Annotated[
        float, typer.Option(help="Energy register: where it begins again at 0, in kWh.")
    ] = 0.0,
    city: Annotated[str, typer.Option(help="City id; needed for the very first place.")] = "",
    road_class: Annotated[
        str, typer.Option(help="Road segment: freeway, freeway-rural, urban-1 … urban-4.")
    ] = "",
    capacity_vph: Annotated[
        float, typer.Option(help="Road segment: vehicles an hour that all its lanes can carry.")
    ] = 0.0,
    g_m: Annotated[
        float, typer.Option(help="Road segment: length of a vehicle and the loop's field, in m.")
    ] = 0.0,
    occupants: Annotated[float, typer.Option(help="Road segment: persons a vehicle.")] = 0.0,
    heavy_share: Annotated[float, typer.Option(help="Road segment: heavy vehicles, 0 to 1.")] = 0.0,
    correction: Annotated[
        str, typer.Option(help="PurpleAir sensor: purpleair-cf1 or purpleair-atm, as it publishes.")
    ] = "",
    note: Annotated[
        str, typer.Option(help="Why there is this row, such as a calibration; explain tells it.")
    ] = "",
) -> None:
    """Admit a device, with the readings that are held for it; a running ingest notices.

    A station that exists keeps its name, position, zone and road data unless you give others.
    """
    from cityvitals.place import Wanted, add

    row = add(data, Wanted(
        device, district, station, name, lat, lon, tz, seconds(period, "--period"), since,
        length_km, lanes, posted_kmh, customers, modulus_kwh, city, road_class, capacity_vph, g_m,
        occupants, heavy_share, correction, note,
    ))
    print(f"{row.device} stands at {row.district}/{row.station}")


@place_app.command("list")
def place_list(data: DataOption = DATA, as_json: JsonOption = False) -> None:
    """Show where devices stand now."""
    from cityvitals.place import listing

    for line in listing(data, as_json):
        print(line)


@app.command()
def doctor(
    data: DataOption = DATA,
    port: Annotated[
        int | None,
        typer.Option(help="Port of the page; by itself that of the running `up`, else 8080."),
    ] = None,
    as_json: JsonOption = False,
    broker: Annotated[
        str,
        typer.Option(metavar="URL", help="Measure what this running broker would lose, instead."),
    ] = "",
    password_env: Annotated[
        str, typer.Option(metavar="NAME", help="Environment variable with the broker password.")
    ] = "",
    password_file: Annotated[
        str, typer.Option(metavar="FILE", help="File with the broker password.")
    ] = "",
    ca_file: Annotated[
        str, typer.Option(metavar="FILE", help="Certificates to trust, for mqtts://.")
    ] = "",
) -> None:
    """Check this machine and the data folder; exit status 1 if something is wrong.

    With --broker: check that broker instead; exit status 1 if it loses data.
    """
    if broker:
        from cityvitals.broker_doctor import examine

        raise typer.Exit(examine(broker, password_env, password_file, ca_file, as_json))
    from cityvitals.doctor import report

    raise typer.Exit(report(data, port, as_json))


@app.command(hidden=True)
def warm() -> None:
    """Compile the kernels, so that a first start does not wait for the compiler."""
    from cityvitals.warm import compile_kernels

    compile_kernels()


def main() -> None:
    """Run the command that the arguments name."""
    try:
        app()
    except (SettingsError, PlacesError, RecordedError, FactsError) as error:
        print(f"cityvitals: {error}", file=sys.stderr)
        sys.exit(WRONG_INPUT)
