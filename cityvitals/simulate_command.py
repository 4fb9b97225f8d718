"""`cityvitals simulate`: a city that does not exist, to a broker or into files."""

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from edge.recorded import instant_ms
from edge.settings import SettingsError

DEFAULT_MS = 6 * 3_600_000


def simulate(
    broker: Annotated[
        str, typer.Option(metavar="URL", help="Broker: mqtt://[user@]host:port or mqtts://…")
    ] = "mqtt://127.0.0.1:1883",
    data: Annotated[
        Path, typer.Option("--data", metavar="DIR", help="Folder for the agents' outboxes.")
    ] = Path(".cityvitals"),
    seed: Annotated[
        int, typer.Option(help="Another seed, another course of events; the same, the same bytes.")
    ] = 1,
    period: Annotated[
        str, typer.Option(metavar="TIME", help="Time between the readings of a device; 1s, to a "
                          "file 60s.")
    ] = "",
    scenario: Annotated[
        str, typer.Option(metavar="NAME", help="pollution, stadium, snow, outage, road_closed, "
                          "faults, or a TOML file of your own.")
    ] = "",
    start: Annotated[
        str, typer.Option(metavar="TIME", help="When the scenario begins, RFC 3339; default now. "
                          "With --out also the first reading.")
    ] = "",
    truth: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write what is true beside what is "
                                  "published: JSON lines.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="Write a recording instead "
                                  "of publishing: CSV for `compute` and `replay`.")
    ] = None,
    places: Annotated[
        Path | None, typer.Option(metavar="FILE", help="With --out: the places file to write; "
                                  "default places.csv beside it.")
    ] = None,
    series: Annotated[
        int, typer.Option(metavar="N", help="Load instead: at least so many series, up to 200,000, "
                          "on four connections at QoS 0.")
    ] = 0,
    lasts: Annotated[
        str, typer.Option("--for", metavar="TIME", help="With --out: how long; 6h if not said.")
    ] = "",
) -> None:
    """Publish a city that does not exist: 72 stations, each with the real agent.

    Weather and people drive traffic, air, noise and demand together. A scenario adds what befalls
    the city and the faults of its sensors; --truth tells what was true, so that a rule, a
    dashboard or a quality check can be measured against it:

        cityvitals simulate --scenario faults --truth truth.jsonl

        cityvitals simulate --scenario faults --start 2026-03-02T06:00:00Z --for 12h
        -o day.csv --truth truth.jsonl

    docs/simulate.md says what each scenario and fault does, and how to write your own.
    """
    from cityvitals.main import seconds

    period_s = seconds(period, "--period") if period else (60.0 if out else 1.0)
    city = city_of(seed, scenario, start)
    if out is not None:
        _record(city, out, places, period_s, lasts, truth)
        return
    if series:
        raise typer.Exit(_load(city, broker, series, places, period_s, truth))
    for name, given in (("--for", lasts), ("--places", places)):
        if given:
            raise SettingsError(f"{name}: only with --out FILE")
    from simulators.fleet import run

    raise typer.Exit(run(broker, data, city, period_s, truth))


def _load(
    city: Any, broker: str, series: int, places: Path | None, period_s: float, truth: Path | None
) -> int:
    """Publish as many series as asked for; the exit status."""
    from simulators.crowd import Crowd, run
    from simulators.fleet import stop_on_signals

    if truth or city.scenario.fault:
        raise SettingsError("--series: load has no faults and no --truth; leave one of them out")
    try:
        return run(broker, places or Path("places.csv"), Crowd(city, series), period_s,
                   stop_on_signals())
    except ValueError as error:
        raise SettingsError(f"--period {period_s:g}s: {error}") from None


def _record(
    city: Any, out: Path, places: Path | None, period_s: float, lasts: str, truth: Path | None
) -> None:
    """Write files instead of publishing."""
    from cityvitals.main import seconds
    from simulators.chronicle import write

    length_ms = round(seconds(lasts, "--for") * 1000) if lasts else DEFAULT_MS
    where = places or out.parent / "places.csv"
    try:
        count = write(city, out, where, city.start_ms, city.start_ms + length_ms, period_s, truth)
    except ValueError as error:
        raise SettingsError(f"--out {out}: {error}") from None
    beside = f"; truth in {truth}" if truth else ""
    print(f"{out}: {count:,} readings; places in {where}{beside}")


def city_of(seed: int, scenario: str, start: str) -> Any:
    """The city with its scenario. Raises `SettingsError` for what cannot be."""
    from simulators import districts
    from simulators import scenario as scenarios
    from simulators.city import City

    try:
        start_ms = instant_ms(start) if start else time.time_ns() // 1_000_000_000 * 1000
    except ValueError as error:
        raise SettingsError(
            f"--start {start}: {error}; write a time such as 2026-03-02T06:00:00Z"
        ) from None
    if not scenario:
        return City(seed, start_ms=start_ms)
    found = scenarios.read(scenarios.find(scenario), districts.stations())
    return City(seed, found, start_ms)
