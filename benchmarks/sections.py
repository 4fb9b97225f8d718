"""`docs/benchmarks.md`, written by the benchmarks: each replaces its own section."""

import re
from collections.abc import Sequence
from pathlib import Path

TITLES = {
    "ingest": "Ingest: from the socket to updated state",
    "engine": "Engine: state, tick and memory",
    "sinks": "Sinks: points to InfluxDB and to the store",
    "latency": "Latency: from the publisher to the page",
    "edge": "Edge agent: processor, memory, disk",
    "capacity": "Capacity of this machine",
}
HEAD = """\
# Benchmarks

Written by `cityvitals bench … --write docs/benchmarks.md`; edits are lost. What is measured, and
how to read it, stands in [measuring.md](measuring.md). All figures of a section come from one run
on one machine, named with it; compare ratios, not machines.
"""


def put(path: Path, name: str, lines: Sequence[str]) -> None:
    """Write section `name` of the file; the other sections stay as they are."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    found = dict(re.findall(r"(?ms)^## (.+?)\n(.*?)(?=^## |\Z)", text))
    found[TITLES[name]] = "\n" + "\n".join(lines).strip("\n") + "\n"
    bodies = [
        f"## {title}\n{found[title].rstrip()}\n" for title in TITLES.values() if title in found
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([HEAD, *bodies]), encoding="utf-8")
