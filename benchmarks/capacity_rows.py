"""What this machine carries with the ingest that is deployed on it, and what the next limit is.

The ingest that ships runs with the deployed settings and a broker of its own, in a folder on the
disk of the deployed data; then a sync of that disk is timed. The deployed ingest and its data are
not touched; InfluxDB is left out, since its spool decouples it.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import ingest_rows
from benchmarks.goals import Column
from engine.panes import LENGTHS, MINUTE, MINUTES

PERIOD_S = 10
"""Of the sensors that the answer counts."""
RESERVE = 2.0
"""Of what was measured, half is promised: peaks after an outage come on top."""
SYNCS = 20
SYNC_BYTES = 64 << 10
SERIES_BYTES = MINUTES * MINUTE.itemsize + sum(LENGTHS[3:5]) * 40
FINE_BYTES = LENGTHS[0] * 24
"""Most that a series keeps beside its minutes, hours and days, but for minutes of power."""


class Wanted(NamedTuple):
    """How much to measure. data: the folder whose disk counts. keys: of the deployed settings."""

    data: Path
    keys: dict[str, Any]
    broker: str = "nats"
    seconds: float = 3.0
    devices: int = 1000
    messages: int = 0


def rows(wanted: Wanted) -> Iterator[dict[str, Any]]:
    """Measure; a row for the byte counter and ingest at both QoS, one for syncs, one for memory."""
    for qos in (0, 1):
        case = ingest_rows.Case(wanted.broker, qos, 1)
        measure = ingest_rows.Wanted(
            wanted.seconds, 1, wanted.devices, wanted.messages, ("count-bytes", "cityvitals")
        )
        found = {
            row["reader"]: row for row in ingest_rows.rows(
                [case], measure, _near(wanted.data), wanted.keys
            )
        }
        for row in found.values():
            yield {"what": f"{row['reader']}, QoS {qos}", **row}
    yield {"what": "disk sync", "sync_ms": round(sync_ms(wanted.data), 2)}
    yield {"what": "memory", "free_mb": round(free_mb())}


def _near(data: Path) -> Path:
    """The nearest folder of `data` that exists."""
    return next(path for path in (data.resolve(), *data.resolve().parents) if path.is_dir())


def sync_ms(data: Path) -> float:
    """The median time of a write of `SYNC_BYTES` with its sync, on the disk of the data folder."""
    took = []
    with tempfile.NamedTemporaryFile(dir=_near(data), prefix=".cityvitals-bench-") as file:
        for _ in range(SYNCS):
            begun = time.perf_counter()
            file.write(bytes(SYNC_BYTES))
            file.flush()
            os.fsync(file.fileno())
            took.append((time.perf_counter() - begun) * 1e3)
    return statistics.median(took)


def free_mb() -> float:
    """Memory that programs can still take, in MB; 0 if the system does not say."""
    try:
        text = Path("/proc/meminfo").read_text(encoding="ascii")
    except OSError:
        return 0.0
    kilobytes = [row.split()[1] for row in text.splitlines() if row.startswith("MemAvailable")]
    return float(kilobytes[0]) * 1024 / 1e6 if kilobytes else 0.0


def carries(found: list[dict[str, Any]]) -> tuple[int, dict[str, float], str]:
    """Sensors at `PERIOD_S` that are promised, the bounds of each kind, and the lowest of them."""
    by = {row["what"]: row for row in found}
    bounds: dict[str, float] = {}
    ours, ceiling = by.get("cityvitals, QoS 1", {}), by.get("count-bytes, QoS 1", {})
    if "readings_per_s" in ours:
        bounds["ingest at QoS 1"] = ours["readings_per_s"]
        cores = os.cpu_count() or 1
        cpu_us = ours["cpu_us_per_reading"] + ours["broker_us_per_reading"]
        bounds["the processor"] = cores * 1e6 / max(cpu_us, 1e-6)
        bounds["one core, which ingest's loop has"] = 1e6 / max(ours["cpu_us_per_reading"], 1e-6)
    if "readings_per_s" in ceiling:
        bounds["the broker at QoS 1"] = ceiling["readings_per_s"]
    bounds = {name: rate * PERIOD_S / RESERVE for name, rate in bounds.items()}
    room = by.get("memory", {}).get("free_mb", 0)
    if room:
        bounds["memory"] = room * 1e6 / RESERVE / (SERIES_BYTES + FINE_BYTES)
    if len(bounds) < 2:
        return 0, bounds, ""
    lowest = min(bounds, key=lambda name: bounds[name])
    return int(bounds[lowest]), bounds, lowest


def words(found: list[dict[str, Any]]) -> list[str]:
    """The answer in plain words."""
    sensors, bounds, lowest = carries(found)
    if not lowest:
        return ["Nothing could be measured; the rows say why.", ""]
    by = {row["what"]: row for row in found}
    next_ones = sorted((rate, name) for name, rate in bounds.items() if name != lowest)
    return [
        f"This machine carries {sensors:,} sensors that send a reading each {PERIOD_S} s at QoS 1, "
        f"{sensors / PERIOD_S:,.0f} readings a second, with as much again in reserve.",
        f"What limits it is {lowest}; then come "
        + ", ".join(f"{name} ({rate:,.0f} sensors)" for rate, name in next_ones) + ".",
        f"A sync of the disk takes {by['disk sync']['sync_ms']:g} ms, and an acknowledgement waits "
        "for one.", "",
    ]


def answer(found: list[dict[str, Any]]) -> dict[str, Any]:
    """The answer as the last row of JSON."""
    sensors, bounds, lowest = carries(found)
    return {
        "what": "carries", "sensors": sensors, "period_s": PERIOD_S, "limit": lowest,
        "bounds": {name: int(rate) for name, rate in bounds.items()},
    }


COLUMNS = (
    Column("what", "what"), Column("readings_per_s", "readings/s", ",d"),
    Column("cpu_us_per_reading", "CPU µs a reading", ".2f"),
    Column("broker_us_per_reading", "broker's CPU µs", ".2f"), Column("lost", "lost", ",d"),
    Column("sync_ms", "sync, ms", ".2f"), Column("free_mb", "free, MB", ",d"),
)
