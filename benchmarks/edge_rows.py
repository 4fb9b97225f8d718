"""What the edge agent costs the computer it runs on, and how long an outage its outbox bears.

Broker, ingest and agent are the programs that ship; only the sensors do not exist. The outage is
lived through by the agent's own clock, as fast as it goes, with every sync it would make.
"""

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import edge_agent, programs
from benchmarks.goals import Column, Goal, goal
from benchmarks.ingest_rows import connected, write_config
from benchmarks.programs import MeasureError
from edge.agent import AgentSettings

DAY_S = 86_400
DAYS_WANTED = 7
SETTLE_S = 3.0
"""After it has connected; what a start costs is not told."""


class Wanted(NamedTuple):
    """How much to measure. seconds: with a broker. outage_s: without one, by the agent's clock."""

    sensors: int = 20
    seconds: float = 60.0
    outage_s: int = DAY_S
    sync_s: float = 5.0
    broker: str = "nats"


def rows(wanted: Wanted) -> Iterator[dict[str, Any]]:
    """Measure: a row with broker and ingest, and one of an outage."""
    with tempfile.TemporaryDirectory(prefix="cityvitals-bench-") as base:
        head = {"what": "connected", "sensors": wanted.sensors}
        why = programs.missing(wanted.broker)
        if not why:
            try:
                yield {**head, **_connected(Path(base), wanted)}
            except MeasureError as error:
                why = str(error)
        if why:
            yield {**head, "not_run": why}
        yield {"what": "outage", "sensors": wanted.sensors, **_outage(Path(base), wanted)}


def _connected(base: Path, wanted: Wanted) -> dict[str, Any]:
    agent_folder = base / "agent"
    agent_folder.mkdir()
    told = agent_folder / "told"
    with programs.broker(wanted.broker, base / "broker") as (port, _):
        ingest = programs.module("cityvitals", "ingest", write_config(base, port, 1, {}))
        config = agent_folder / "edge.toml"
        config.write_text(
            'city = "bench"\ndistrict = "centre"\nstation = "s0"\ndevice = "d0"\n'
            f'sync_s = {wanted.sync_s}\n[broker]\nurl = "mqtt://127.0.0.1:{port}"\n'
            '[driver]\nkind = "bench"\n', encoding="utf-8",
        )
        command = programs.module("benchmarks.edge_agent", "--config", config, "--sensors",
                                  wanted.sensors, "--told", told)
        log = agent_folder / "log"
        with (
            programs.running(ingest, base / "ingest.log"),
            programs.running(command, log) as agent,
        ):
            programs.wait(lambda: connected(base / "store.db"), "ingest is connected")
            programs.wait(told.exists, "the agent measures")
            time.sleep(SETTLE_S)
            if agent.poll() is not None:
                raise MeasureError(f"the agent ended: {log.read_text(errors='replace')[-500:]}")
            begun, cpu_s, syncs = time.monotonic(), programs.cpu_s(agent.pid), _syncs(told)
            time.sleep(wanted.seconds)
            took_s = time.monotonic() - begun
            cpu_s = programs.cpu_s(agent.pid) - cpu_s
            resident_mb = programs.resident_mb(agent.pid)
            # n syncs are n - 1 whole pauses between them; one more may lie at the edge.
            syncs = max(_syncs(told) - syncs - 1, 0)
    return {
        "cpu_percent": round(cpu_s / took_s * 100, 2), "resident_mb": round(resident_mb, 1),
        "syncs_per_5s": round(syncs / took_s * 5, 2), "seconds": round(took_s, 1),
    }


def _syncs(told: Path) -> int:
    return int(told.read_text(encoding="ascii"))


def _outage(base: Path, wanted: Wanted) -> dict[str, Any]:
    settings = AgentSettings(
        city="bench", district="centre", station="s0", device="d0",
        broker=f"mqtt://127.0.0.1:{programs.free_port()}", outbox=str(base / "outbox.db"),
        sync_s=wanted.sync_s,
    )
    begun, cpu_s = time.monotonic(), time.process_time()
    found = edge_agent.outage(
        settings, wanted.sensors, wanted.outage_s, time.time_ns() // 1_000_000
    )
    took_s, cpu_s = time.monotonic() - begun, time.process_time() - cpu_s
    a_day = found["bytes"] * DAY_S / wanted.outage_s
    return {
        "seconds": wanted.outage_s, "took_s": round(took_s, 1),
        "cpu_percent": round(cpu_s / wanted.outage_s * 100, 3),
        "syncs_per_5s": round(found["syncs"] / wanted.outage_s * 5, 2),
        "messages": found["queued"], "dropped": found["dropped"],
        "outbox_mb": round(found["bytes"] / 1e6, 1),
        "days_held": round(settings.outbox_bytes_max / a_day, 1),
        "cores": os.cpu_count(),
    }


COLUMNS = (
    Column("what", "what"), Column("sensors", "sensors at 1 Hz"),
    Column("seconds", "seconds", ",.0f"),
    Column("cpu_percent", "CPU, % of a core", ".2f"), Column("resident_mb", "resident, MB", ".1f"),
    Column("syncs_per_5s", "syncs in 5 s", ".2f"), Column("messages", "messages kept", ",d"),
    Column("dropped", "dropped", ",d"), Column("outbox_mb", "outbox, MB", ".1f"),
    Column("days_held", "days it bears", ".1f"),
)


def goals(found: list[dict[str, Any]]) -> list[Goal]:
    """The rows of the design's table that concern the agent."""
    of = {row["what"]: row for row in found}
    live, out = of.get("connected", {}), of.get("outage", {})
    return [
        goal("CPU, % of one core", -3, live.get("cpu_percent"), ".2f"),
        goal("resident, MB", -40, live.get("resident_mb"), ".1f"),
        goal("disk syncs in 5 s", -1, live.get("syncs_per_5s"), ".2f"),
        goal("days of outage in the outbox", DAYS_WANTED, out.get("days_held"), ".1f"),
    ]
