"""`cityvitals facts`: what is known of places without a sensor, kept in the data folder.

`load` takes a facts file into `facts.csv` of the data folder, replaced in one step: rows of the
same day, place and fact replace what was there, all others are added. Reports read it.
"""

import fcntl
import json
import os
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from edge import facts, places
from edge.facts import Fact, FactsError

FILE = "facts.csv"

app = typer.Typer(
    no_args_is_help=True,
    help="Say what is known of places without a sensor: population, customers and so on.",
)
DataOption = Annotated[
    Path, typer.Option("--data", metavar="DIR", help="Folder that holds all data.")
]
_DATA = Path(".cityvitals")


class Loaded(NamedTuple):
    """What `load` did: facts that are new, that replaced another value, that were there."""

    added: int
    replaced: int
    same: int


def known(folder: Path) -> list[Fact]:
    """The facts of a data folder, none without a file. Raises `FactsError`."""
    path = folder / FILE
    return facts.load(path) if path.exists() else []


def _check_places(folder: Path, fresh: list[Fact], file: Path) -> None:
    """Facts of a place that there is not are refused; without a places file none can be known."""
    path = folder / "places.csv"
    if not path.exists():
        return
    rows = places.load(path)
    paths = {"_/_"} | {f"{row.district}/_" for row in rows}
    paths |= {f"{row.district}/{row.station}" for row in rows}
    for fact in fresh:
        if fact.place not in paths:
            raise FactsError(
                f"{file}: place = {fact.place!r}: is not in {path}; "
                "`cityvitals place list` shows what there is"
            )


def load(folder: Path, file: Path) -> Loaded:
    """Take the facts of `file` into the data folder. Raises `FactsError` or `PlacesError`."""
    fresh = facts.load(file)
    if not folder.is_dir():
        raise FactsError(f"--data {folder}: no such folder; name the one that ingest uses")
    _check_places(folder, fresh, file)
    with (folder / "facts.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kept = {(fact.valid_from, fact.place, fact.fact): fact for fact in known(folder)}
        before = dict(kept)
        kept |= {(fact.valid_from, fact.place, fact.fact): fact for fact in fresh}
        replaced = sum(1 for key, fact in before.items() if kept[key] != fact)
        added = len(kept) - len(before)
        text = facts.render([kept[key] for key in sorted(kept)])
        facts.parse(text, str(folder / FILE))
        path = folder / FILE
        with path.with_suffix(".new").open("w", encoding="utf-8") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        path.with_suffix(".new").replace(path)
    return Loaded(added, replaced, len(fresh) - added - replaced)


@app.command("load")
def load_command(
    file: Annotated[Path, typer.Argument(help="Facts file; see docs/facts.md for its form.")],
    data: DataOption = _DATA,
) -> None:
    """Take facts from a file; the same day, place and fact replaces what was known."""
    done = load(data, file)
    print(f"{data / FILE}: {done.added} added, {done.replaced} replaced, {done.same} as before")


@app.command("list")
def list_command(
    data: DataOption = _DATA,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")] = False,
) -> None:
    """Show all facts with the day from which they hold and their source."""
    for fact in known(data):
        if as_json:
            row = fact._asdict() | {"valid_from": fact.valid_from.isoformat()}
            print(json.dumps(row, ensure_ascii=False))
        else:
            print(f"{fact.valid_from}  {fact.place:24} {fact.fact:24} "
                  f"{fact.value:.15g} {fact.unit}  ({fact.source})")
