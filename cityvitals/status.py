"""What `cityvitals up` shows: one status a second as a terminal block, plain lines or JSON."""

import json
import sys
from typing import Any, NamedTuple, Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

PLAIN_EVERY_S = 5.0


class Status(NamedTuple):
    """The state of everything at one moment; `oldest_s` is None before the first reading.

    `phase` is `starting`, `past` (the simulated city's last 35 days are being made; `done` goes
    from 0 to 1) or `live`. `trouble` lists what is wrong now, in words. `clock` is the
    recording's own time in recorded mode, else empty.
    """

    t_s: float
    phase: str
    done: float
    url: str
    readings: int = 0
    readings_per_s: float = 0.0
    points: int = 0
    places: int = 0
    oldest_s: float | None = None
    restarts: int = 0
    clock: str = ""
    trouble: tuple[str, ...] = ()


class Display(Protocol):
    """Somewhere a status is shown."""

    def show(self, status: Status) -> None:
        """Show `status`, about once a second."""

    def close(self, text: str) -> None:
        """Say how it ended and leave the output in order."""


def as_json(status: Status) -> str:
    """One line of JSON with every field; numbers rounded to what they mean."""
    row: dict[str, Any] = status._asdict()
    row["t_s"] = round(status.t_s, 1)
    row["done"] = round(status.done, 3)
    row["readings_per_s"] = round(status.readings_per_s, 1)
    row["oldest_s"] = None if status.oldest_s is None else round(status.oldest_s, 1)
    row["trouble"] = list(status.trouble)
    return json.dumps(row, ensure_ascii=False)


def as_line(status: Status) -> str:
    """One line of plain text."""
    if status.phase == "past":
        return f"{status.t_s:.0f} s  making the city's last 35 days: {status.done:.0%}"
    if status.phase == "starting":
        return f"{status.t_s:.0f} s  starting"
    oldest = "no data yet" if status.oldest_s is None else f"oldest data {status.oldest_s:.0f} s"
    line = (
        f"{status.t_s:.0f} s  {status.url}  {status.readings_per_s:.0f} readings/s  "
        f"{status.readings} readings  {status.points} points  {status.places} places  {oldest}"
    )
    if status.clock:
        line += f"  recorded time {status.clock}"
    if status.restarts:
        line += f"  restarts {status.restarts}"
    return "  ".join([line, *status.trouble])


class JsonDisplay:
    """A JSON object a line on standard output, nothing else."""

    def show(self, status: Status) -> None:
        """Print one object."""
        print(as_json(status), flush=True)

    def close(self, text: str) -> None:
        """Say nothing: the reader is a program."""


class PlainDisplay:
    """A line when something changes and every `PLAIN_EVERY_S`; for logs and pipes."""

    def __init__(self) -> None:
        self._shown: Status | None = None

    def show(self, status: Status) -> None:
        """Print a line if it is time or the state changed."""
        last = self._shown
        changed = last is None or (last.phase, last.trouble) != (status.phase, status.trouble)
        if last is None or changed or status.t_s - last.t_s >= PLAIN_EVERY_S:
            self._shown = status
            print(as_line(status), flush=True)

    def close(self, text: str) -> None:
        """Print how it ended."""
        print(text, flush=True)


class TerminalDisplay:
    """A block of lines at the bottom of a terminal, redrawn in place."""

    def __init__(self) -> None:
        self._console = Console()
        self._live = Live(console=self._console, refresh_per_second=4, transient=False)
        self._live.start()

    def show(self, status: Status) -> None:
        """Redraw the block."""
        self._live.update(block(status))

    def close(self, text: str) -> None:
        """Stop redrawing and print how it ended."""
        self._live.stop()
        self._console.print(text)


def block(status: Status) -> Group:
    """The terminal block of `status`."""
    head = Text.assemble(("Cityvitals", "bold"), "  ", (status.url, "bold underline"))
    if status.phase == "past":
        return Group(head, Text(f"making the city's last 35 days: {status.done:.0%}"))
    if status.phase == "starting":
        return Group(head, Text("starting"))
    table = Table.grid(padding=(0, 3))
    oldest = "none yet" if status.oldest_s is None else f"{status.oldest_s:.0f} s"
    table.add_row("readings/s", "readings", "points", "places", "oldest data", "restarts")
    table.add_row(
        f"{status.readings_per_s:.0f}", f"{status.readings:,}", f"{status.points:,}",
        str(status.places), oldest, str(status.restarts), style="bold",
    )
    lines: list[Text | Table] = [head, table]
    if status.clock:
        lines.append(Text(f"a recording, shown as of its own time: {status.clock}", "yellow"))
    lines.extend(Text(text, "bold red") for text in status.trouble)
    lines.append(Text("Ctrl-C ends it; a second run picks up here.", "dim"))
    return Group(*lines)


def display(as_json_lines: bool) -> Display:
    """The display that fits the output."""
    if as_json_lines:
        return JsonDisplay()
    return TerminalDisplay() if sys.stdout.isatty() else PlainDisplay()
