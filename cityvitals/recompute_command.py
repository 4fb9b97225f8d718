"""`cityvitals recompute`: the past anew, from the archive.

What it writes is computed by `ingest.recompute`.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from edge.recorded import instant_ms
from edge.settings import SettingsError

PERCENT_STEP = 5.0


def recompute(
    data: Annotated[
        Path, typer.Option("--data", metavar="DIR", help="Folder that holds all data.")
    ] = Path(".cityvitals"),
    since: Annotated[
        str, typer.Option("--from", metavar="TIME", help="Windows that end at or after, RFC 3339.")
    ] = "",
    until: Annotated[
        str, typer.Option("--to", metavar="TIME", help="Windows that end before, RFC 3339.")
    ] = "",
    indicator: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY", help="Only this, e.g. air.us_aqi; may be given again."),
    ] = None,
    influx: Annotated[
        bool, typer.Option(help="Queue what is new or other for InfluxDB, too.")
    ] = False,
) -> None:
    """Compute the past from the archive: of an indicator that is new, or of a store that is lost.

    Ingest must not run on the folder; while it does this ends with one line. Points that say the
    same stay as they are; nothing is removed.
    """
    raise typer.Exit(run(data, since, until, indicator or [], influx=influx))


def run(data: Path, since: str, until: str, indicators: list[str], *, influx: bool) -> int:
    """Compute anew, say how many points were written; returns the exit status."""
    from engine.catalogue import POSITION
    from ingest.archive import ArchiveError
    from ingest.recompute import Wanted
    from ingest.recompute import recompute as compute_anew
    from ingest.sqlite_file import StoreError

    unknown = [name for name in indicators if name not in POSITION]
    if unknown:
        raise SettingsError(f"--indicator {unknown[0]}: not in the catalogue")
    archive = data / "ingest" / "archive"
    if not archive.is_dir():
        raise SettingsError(f"{archive}: no such folder; --data names the data folder")
    wanted = Wanted(
        _seconds(since, "--from", 0), _seconds(until, "--to", 1 << 40), indicators, influx
    )
    said = 0.0

    def progress(done: float) -> None:
        nonlocal said
        if done * 100 >= said + PERCENT_STEP:
            said = done * 100 // PERCENT_STEP * PERCENT_STEP
            print(f"{said:.0f} %", file=sys.stderr, flush=True)

    try:
        taken = compute_anew(data, wanted, progress)
    except (ArchiveError, StoreError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{taken.written:,} points written, {taken.changed:,} changed, "
          f"{taken.unchanged:,} unchanged")
    return 0


def _seconds(text: str, option: str, absent: int) -> int:
    if not text:
        return absent
    try:
        return -(-instant_ms(text) // 1000)
    except ValueError:
        raise SettingsError(
            f"{option} {text}: write a time such as 2026-09-21T06:00:00Z"
        ) from None
