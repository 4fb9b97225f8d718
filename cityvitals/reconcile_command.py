"""`cityvitals reconcile`: what became of every reading, by device and hour, and whether it adds up.

What it prints is counted by `ingest.reconcile`.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edge.recorded import instant_ms
from edge.settings import SettingsError
from edge.verdicts import Verdict

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from ingest.reconcile import Reconciled, Wanted

FORMAT = 1
HOURS_SHOWN = 48
DEVICES_SHOWN = 50
CELLS_TOLD_MAX = 500_000
"""Beyond, JSON has hours and devices, but not both at once: ask for fewer hours or one device."""
_NS_PER_MS = 1_000_000


def reconcile(
    data: Annotated[
        Path, typer.Option("--data", metavar="DIR", help="Folder that holds all data.")
    ] = Path(".cityvitals"),
    since: Annotated[
        str, typer.Option("--from", metavar="TIME", help="From this hour on, RFC 3339.")
    ] = "",
    until: Annotated[
        str, typer.Option("--to", metavar="TIME", help="Before this time, RFC 3339.")
    ] = "",
    device: Annotated[str, typer.Option(metavar="ID", help="Of this device alone.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")] = False,
) -> None:
    """Say what became of every reading that was received, and whether that adds up.

    Reads the archive and changes nothing; ingest may run. Verdicts count readings; sent, taken,
    dropped, pending and lost count the messages that devices numbered. Hours are UTC, of receive
    time. Exit status 0: it adds up, 1: it does not, and what differs is printed.
    """
    raise typer.Exit(run(data, since, until, device, as_json=as_json))


def run(data: Path, since: str, until: str, device: str, *, as_json: bool) -> int:
    """Print the ledger of the data folder; returns the exit status."""
    import msgspec

    from ingest.archive import ArchiveError
    from ingest.ledger import LedgerError
    from ingest.reconcile import Wanted
    from ingest.reconcile import reconcile as count

    wanted = Wanted(_time_ns(since, "--from"), _time_ns(until, "--to"), device or None)
    folder = data / "ingest"
    if not (folder / "archive").is_dir():
        raise SettingsError(f"{folder / 'archive'}: no such folder; --data names the data folder")
    try:
        done = count(folder, data / "store.db", wanted)
    except (ArchiveError, LedgerError) as error:
        print(error, file=sys.stderr)
        return 1
    if wanted.device and wanted.device not in done.devices:
        raise SettingsError(f"--device {wanted.device}: no message of it was received")
    report = report_of(done, wanted)
    if as_json:
        print(msgspec.json.encode(report).decode())
    else:
        print("\n".join(lines_of(report)))
    return 1 if done.differences else 0


def _time_ns(text: str, option: str) -> int | None:
    if not text:
        return None
    try:
        return instant_ms(text) * _NS_PER_MS
    except ValueError:
        raise SettingsError(
            f"{option} {text}: write a time such as 2026-09-21T06:00:00Z"
        ) from None


def report_of(done: "Reconciled", wanted: "Wanted") -> dict[str, Any]:
    """The answer as JSON: totals, by hour, by device, and by both."""
    import numpy as np

    from ingest.reconcile import hours_of

    first, end = hours_of(wanted)
    cells = np.stack(done.cells)
    inside = (cells[0] >= first) & (cells[0] < end)
    if wanted.device:
        inside &= cells[1] == done.devices.index(wanted.device)
    cells = cells[:, inside]
    messages = np.concatenate([np.stack(done.messages[:2]), done.messages.counts])
    inside = (messages[0] >= first) & (messages[0] < end)
    if wanted.device:
        inside &= messages[1] == done.devices.index(wanted.device)
    messages = messages[:, inside]
    few = cells.shape[1] + messages.shape[1] <= CELLS_TOLD_MAX
    both = _grouped(done, cells, messages, hour=True, device=True) if few else []
    return {
        "format": FORMAT, "adds_up": not done.differences, "differences": done.differences,
        "compared": done.compared, "unreadable": done.lost, "rows_read": done.rows,
        "totals": _grouped(done, cells, messages, hour=False, device=False)[0],
        "hours": _grouped(done, cells, messages, hour=True, device=False),
        "devices": _grouped(done, cells, messages, hour=False, device=True),
        "devices_and_hours": both, "dead_letters": done.held.dead,
    }


def _grouped(
    done: "Reconciled", cells: "npt.NDArray[np.int64]",
    messages: "npt.NDArray[np.int64]", *, hour: bool, device: bool,
) -> list[dict[str, Any]]:
    """Rows of the answer, by hour, by device, by both or by neither."""
    from ingest.numbering import NOTHING, Count
    from ingest.reconcile import name_of

    readings: dict[tuple[int, int], dict[str, int]] = {}
    for at, row, verdict, count in _summed(cells, 3, hour, device):
        readings.setdefault((at, row), {})[Verdict(verdict).label] = count
    counts = {
        (at, row): Count(*of) for at, row, *of in _summed(messages, 2, hour, device)
    }
    keys = sorted(readings.keys() | counts.keys()) or [(0, 0)]
    if (hour or device) and not (readings or counts):
        return []
    return [
        {
            **({"hour": name_of(key[0])} if hour else {}),
            **({"device": done.name(key[1])} if device else {}),
            "received": sum(readings.get(key, {}).values()),
            "readings": readings.get(key, {}),
            "messages": counts.get(key, NOTHING)._asdict(),
        }
        for key in keys
    ]


def _summed(
    columns: "npt.NDArray[np.int64]", keys: int, hour: bool, device: bool
) -> list[list[int]]:
    """Rows of `keys` key columns and counts, added up over hours or devices or both."""
    import numpy as np

    columns = columns.copy()
    columns[0] *= hour
    columns[1] *= device
    columns = columns[:, np.lexsort(columns[keys - 1 :: -1])]
    if not columns.shape[1]:
        return []
    change = (columns[:keys, 1:] != columns[:keys, :-1]).any(axis=0)
    begins = np.concatenate([[0], np.nonzero(change)[0] + 1])
    sums = np.add.reduceat(columns[keys:], begins, axis=1)
    rows: list[list[int]] = np.concatenate([columns[:keys, begins], sums]).T.tolist()
    return rows


def lines_of(report: dict[str, Any]) -> list[str]:
    """The answer as text: tables of what occurs, then the sentence."""
    totals = report["totals"]
    out = [*_table([totals], [], "readings by verdict; messages as devices numbered them")]
    hours, devices = report["hours"], report["devices"]
    out += _table(hours[-HOURS_SHOWN:], ["hour"], "by hour of receive time, UTC")
    out += _more(len(hours), HOURS_SHOWN, "hours before")
    devices = sorted(devices, key=_trouble)
    out += _table(devices[:DEVICES_SHOWN], ["device"], "by device, those that miss most first")
    out += _more(len(devices), DEVICES_SHOWN, "devices")
    if report["dead_letters"]:
        kept = ", ".join(f"{count:,} {reason}" for reason, count in report["dead_letters"].items())
        out += [f"dead letters kept: {kept}"]
    out += [f"unreadable: {text}" for text in report["unreadable"]]
    out += [f"differs: {text}" for text in report["differences"]]
    whole = f"{totals['received']:,} readings received"
    if not report["adds_up"]:
        return [*out, f"It does not add up: {whole}; what differs is above."]
    against = f", as do {' and '.join(report['compared'])}" if report["compared"] else ""
    return [*out, f"It adds up: the verdicts are those of {whole}{against}."]


def _trouble(row: dict[str, Any]) -> tuple[int, int, str]:
    messages, readings = row["messages"], row["readings"]
    fine = readings.get("applied", 0) + readings.get("late", 0)
    return -messages["lost"] - messages["dropped"], fine - row["received"], row["device"]


def _more(count: int, shown: int, what: str) -> list[str]:
    return [f"… and {count - shown:,} {what}: --json has all", ""] if count > shown else []


def _table(rows: list[dict[str, Any]], keys: list[str], title: str) -> list[str]:
    """A table with a column for every verdict that occurs; a single row stands upright."""
    labels = [v.label for v in Verdict if any(v.label in row["readings"] for row in rows)]
    counts = ["sent", "taken", "dropped", "pending", "lost"]
    heads = [*keys, "received", *labels, *counts]
    body = [
        [*(row[key] for key in keys), f"{row['received']:,}",
         *(f"{row['readings'].get(label, 0):,}" for label in labels),
         *(f"{row['messages'][name]:,}" for name in counts)]
        for row in rows
    ]
    if not body:
        return []
    if not keys:
        width = max(map(len, heads))
        units = ["readings"] * (1 + len(labels)) + ["messages"] * len(counts)
        return [title, *(
            f"  {head:<{width}} {cell:>18} {unit}"
            for head, cell, unit in zip(heads, body[0], units, strict=True)
        ), ""]
    widths = [max(len(row[k]) for row in [heads, *body]) for k in range(len(heads))]
    return [title, *(
        "  " + "  ".join(
            cell.ljust(width) if k < len(keys) else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in [heads, *body]
    ), ""]
