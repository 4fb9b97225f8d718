"""Ingest against other readers: the same load through the same broker, one reader at a time.

A row is a broker, a QoS and a number of readings a message. Its readers take turns, so that what
else the machine does meets them alike; of several rounds the median is told.
"""

import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import frames, programs
from benchmarks.frames import Load
from benchmarks.goals import Column, Goal, goal
from benchmarks.programs import MeasureError
from benchmarks.progress import Progress
from ingest.sqlite_file import StoreError
from ingest.store import Store

READERS = ("count-bytes", "cityvitals", "paho", "aiomqtt")
WARM_SHARE = 0.2
LOOK_S = 0.005
STILL_S = 2.0
"""A reader that takes in nothing for so long has lost what was sent to it."""
SHARE_MAX = 1.15
"""No reader is faster than one that only counts: a larger share says that chance was measured."""
LONGEST = 5
"""Times as long, a reader that takes in much at once is waited for to take in more than once."""
BURST = {(0, 1): 600_000, (0, 100): 60_000, (1, 1): 60_000, (1, 100): 20_000}
"""Messages a second that a load has to last for, by QoS and readings a message."""


class Case(NamedTuple):
    """What one row of the table is measured with."""

    broker: str
    qos: int
    block: int


CASES = (
    Case("nats", 0, 1), Case("mosquitto", 0, 1), Case("nats", 0, 100), Case("nats", 1, 1),
    Case("mosquitto", 1, 1),
)


class Wanted(NamedTuple):
    """How much to measure. seconds: of each reader. messages: at most, 0 for as many as last."""

    seconds: float = 3.0
    rounds: int = 3
    devices: int = 1000
    messages: int = 0
    readers: tuple[str, ...] = READERS


class Sample(NamedTuple):
    """Where a reader was at a time (monotonic s): readings, CPU seconds of it and its broker."""

    at_s: float
    readings: int
    cpu_s: float
    broker_s: float


class Run(NamedTuple):
    """One reader, once."""

    readings_per_s: float
    cpu_us_per_reading: float
    broker_us_per_reading: float
    readings: int
    lost: int


def rows(
    cases: Iterable[Case], wanted: Wanted, folder: Path | None = None,
    keys: dict[str, Any] | None = None,
) -> Iterator[dict[str, Any]]:
    """Measure; one row for each case and reader. What cannot be run is named in `not_run`.

    folder: on which disk. keys: settings of ingest that differ from their defaults.
    """
    with tempfile.TemporaryDirectory(prefix="cityvitals-bench-", dir=folder) as base:
        loads: dict[tuple[int, int], Load] = {}
        for number, case in enumerate(cases):
            head = {"broker": case.broker, "qos": case.qos, "block": case.block}
            why = programs.missing(case.broker)
            if why:
                for reader in wanted.readers:
                    yield {**head, "reader": reader, "not_run": why}
                continue
            key = (case.qos, case.block)
            if key not in loads:
                loads[key] = _load(Path(base), case, wanted)
            yield from _case(Path(base) / f"case{number}", case, loads[key], wanted, keys or {})


def _load(base: Path, case: Case, wanted: Wanted) -> Load:
    burst = BURST.get((case.qos, case.block), 20_000)
    return frames.build(
        base / f"load-{case.qos}-{case.block}", block=case.block, qos=case.qos,
        devices=wanted.devices,
        messages=wanted.messages or int(burst * wanted.seconds * (1 + WARM_SHARE)),
    )


def _case(
    base: Path, case: Case, load: Load, wanted: Wanted, keys: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    runs: dict[str, list[Run]] = {reader: [] for reader in wanted.readers}
    failed: dict[str, str] = {}
    for number in range(wanted.rounds):
        for reader in wanted.readers:
            folder = base / f"{number}-{reader}"
            folder.mkdir(parents=True)
            try:
                runs[reader].append(
                    measure(reader, case.broker, load, folder, wanted.seconds, keys)
                )
            except MeasureError as error:
                failed[reader] = str(error)
    for reader in wanted.readers:
        head = {"broker": case.broker, "qos": case.qos, "block": case.block, "reader": reader}
        if not runs[reader]:
            yield {**head, "not_run": failed[reader]}
            continue
        columns = list(zip(*runs[reader], strict=True))
        yield {
            **head,
            "readings_per_s": round(statistics.median(columns[0])),
            "cpu_us_per_reading": round(statistics.median(columns[1]), 4),
            "broker_us_per_reading": round(statistics.median(columns[2]), 4),
            "readings": sum(columns[3]), "lost": sum(columns[4]), "rounds": len(columns[0]),
            "bytes_a_message": round(load.bytes / load.messages),
        }


def write_config(folder: Path, port: int, devices: int, keys: dict[str, Any]) -> Path:
    """The data folder of an ingest that takes in the load; returns its configuration."""
    (folder / "places.csv").write_text(frames.places(devices), encoding="utf-8")
    config = folder / "ingest.toml"
    lines = ['client_id = "bench-reader"']
    lines += [f"{key} = {json.dumps(value)}" for key, value in keys.items()]
    lines += ["[broker]", f'url = "mqtt://127.0.0.1:{port}"']
    config.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return config


def _command(
    reader: str, port: int, load: Load, folder: Path, keys: dict[str, Any]
) -> list[str]:
    arguments: list[object] = [reader, "--port", port, "--progress", folder / "progress"]
    if reader == "cityvitals":
        arguments += ["--config", write_config(folder, port, load.devices, keys)]
    share = load.messages * load.block / load.bytes
    arguments += ["--readings-a-byte", f"{share:.17g}", "--qos", load.qos]
    return programs.module("benchmarks.reader", *arguments)


def publisher_command(port: int, load: Load, progress: Path, pace: float = 0.0) -> list[str]:
    """The process that sends a load; `pace`: messages a second, 0 for as fast as it goes."""
    named = [
        item for name in ("messages", "block", "qos", "devices", "bytes")
        for item in (f"--{name}", getattr(load, name))
    ]
    return programs.module(
        "benchmarks.publisher", "--port", port, "--progress", progress, "--load", load.path,
        "--pace", pace, *named,
    )


def connected(store: Path) -> bool:
    """True once the ingest whose store this is says that it is connected."""
    try:
        file = Store.reader(store)
        try:
            health = file.health()
        finally:
            file.close()
    except StoreError:
        return False
    return bool(health and health["broker"]["connected"])


def measure(
    kind: str, broker: str, load: Load, folder: Path, seconds: float, keys: dict[str, Any]
) -> Run:
    """One reader with a broker of its own. Raises `MeasureError`."""
    progress = Progress.create(folder / "progress")
    log = folder / "reader.log"
    with programs.broker(broker, folder / "broker") as (port, broker_pid):
        command = _command(kind, port, load, folder, keys)
        with programs.running(command, log) as reader:
            def ready() -> bool:
                if reader.poll() is not None:
                    raise MeasureError(f"{kind} ended: {log.read_text(errors='replace')[-500:]}")
                return bool(progress.get("ready")) or connected(folder / "store.db")

            programs.wait(ready, f"{kind} is connected")
            sender = publisher_command(port, load, folder / "progress")
            with programs.running(sender, folder / "sender.log"):
                samples = _watch(
                    progress, seconds, programs_cpu(reader.pid, broker_pid), load
                )
                progress.put("stop", 1)
    if len(samples) < 2:
        said = log.read_text(errors="replace")[-500:].strip() or "nothing"
        raise MeasureError(f"{kind} took in too little to measure it; it said: {said}")
    lost = 0
    if progress.get("ended"):
        lost = max(progress.get("sent") * load.block - progress.get("readings"), 0)
    return _rates(samples, lost)


def programs_cpu(reader: int, broker: int) -> Callable[[], tuple[float, float]]:
    """What tells the CPU seconds of both."""
    return lambda: (programs.cpu_s(reader), programs.cpu_s(broker))


def _watch(
    progress: Progress, seconds: float, cpu: Callable[[], tuple[float, float]], load: Load
) -> list[Sample]:
    """Samples at each change, from when all series are known until all is in or time is over."""
    changed = time.monotonic()
    samples = [Sample(changed, 0, *cpu())]
    first_s = 0.0
    # The first message of each series makes it known, which happens once in its life.
    known = min(load.devices * load.block, load.messages * load.block // 2)
    while True:
        time.sleep(LOOK_S)
        now = time.monotonic()
        readings = progress.get("readings")
        if readings != samples[-1].readings:
            changed = now
            samples.append(Sample(now, readings, *cpu()))
            if not first_s and readings >= known:
                first_s = now
                samples = samples[-1 if readings < load.messages * load.block else 0 :]
        over = first_s and now > first_s + seconds * (1 + WARM_SHARE)
        if over and (len(samples) > 1 or now > first_s + LONGEST * seconds + STILL_S):
            return samples
        if progress.get("ended") and readings >= progress.get("sent") * load.block:
            return samples
        if now > changed + (STILL_S if first_s else programs.START_S_MAX):
            return samples


def _rates(samples: list[Sample], lost: int) -> Run:
    """From the sample after the warm-up to the last; all of it if there are only two."""
    first, last = samples[0], samples[-1]
    warm_s = (last.at_s - first.at_s) * WARM_SHARE / (1 + WARM_SHARE)
    begin = next((row for row in samples[:-1] if row.at_s >= first.at_s + warm_s), first)
    readings = max(last.readings - begin.readings, 1)
    took_s = max(last.at_s - begin.at_s, 1e-9)
    return Run(
        readings / took_s, (last.cpu_s - begin.cpu_s) / readings * 1e6,
        (last.broker_s - begin.broker_s) / readings * 1e6, last.readings, lost,
    )


COLUMNS = (
    Column("broker", "broker"), Column("qos", "QoS"), Column("block", "readings a message"),
    Column("reader", "reader"), Column("readings_per_s", "readings/s", ",.0f"),
    Column("cpu_us_per_reading", "CPU µs a reading", ".3f"),
    Column("of_ceiling", "of count-bytes", ".0%"),
    Column("cpu_of_paho", "less CPU than paho", ".1f"),
    Column("broker_us_per_reading", "broker's CPU µs", ".3f"), Column("lost", "lost", ",d"),
)


def with_ratios(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows with `of_ceiling`, readings/s as a share of the byte counter's, and `cpu_of_paho`."""
    measured = {
        (row["broker"], row["qos"], row["block"], row["reader"]): row
        for row in found if "not_run" not in row
    }
    for key, row in measured.items():
        ceiling, paho = (measured.get((*key[:3], name)) for name in ("count-bytes", "paho"))
        if ceiling:
            row["of_ceiling"] = row["readings_per_s"] / ceiling["readings_per_s"]
        if paho:
            row["cpu_of_paho"] = paho["cpu_us_per_reading"] / max(row["cpu_us_per_reading"], 1e-9)
    return found


def goals(found: list[dict[str, Any]]) -> list[Goal]:
    """The rows of the design's table that concern ingest."""
    ours = {
        (row["broker"], row["qos"], row["block"]): row
        for row in with_ratios(found) if row["reader"] == "cityvitals"
    }
    wanted = (
        ("nats", 0, 1, "of_ceiling", "readings/s, of the byte counter's", 0.9, ".0%"),
        ("nats", 0, 1, "cpu_us_per_reading", "CPU µs a reading", -0.5, ".3f"),
        ("nats", 0, 1, "cpu_of_paho", "times less CPU than the paho loop", 30, ".1f"),
        ("mosquitto", 0, 1, "of_ceiling", "readings/s, of the byte counter's", 0.9, ".0%"),
        ("mosquitto", 0, 1, "cpu_of_paho", "times less CPU than the paho loop", 5, ".1f"),
        ("nats", 0, 100, "cpu_us_per_reading", "CPU µs a reading (10 million/s a core)", -0.1,
         ".3f"),
        ("nats", 1, 1, "of_ceiling", "readings/s, of the broker's own rate", 0.9, ".0%"),
    )
    found_goals = []
    for broker, qos, block, name, what, limit, form in wanted:
        measured = ours.get((broker, qos, block), {}).get(name)
        one = goal(f"{broker}, QoS {qos}, {block} a message: {what}", limit, measured, form)
        if name == "of_ceiling" and (measured or 0) > SHARE_MAX:
            one = one._replace(measured=f"{one.measured}: measure longer", reached=None)
        found_goals.append(one)
    return found_goals
