"""`cityvitals backup` and `cityvitals restore`: all of a data folder as one file, and back."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge.settings import SettingsError

if TYPE_CHECKING:
    from ingest.backup_file import Manifest

DataOption = Annotated[
    Path, typer.Option("--data", metavar="DIR", help="Folder that holds all data.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
DATA = Path(".cityvitals")
FAILED = 1


def backup(
    dest: Annotated[Path, typer.Argument(help="The file to write; it must not be there yet.")],
    data: DataOption = DATA,
    as_json: JsonOption = False,
) -> None:
    """Write all of a data folder into one file; ingest may run meanwhile.

    Archive, what is held, points, places, facts and configuration as of one moment. Secrets are
    not in it, and not what the broker holds: the agents still have that and send it again.
    """
    import cityvitals
    from ingest.backup import backup as write

    _run(lambda: write(data, dest, cityvitals.__version__, _progress(as_json)), dest, as_json)


def restore(
    source: Annotated[Path, typer.Argument(help="A file that `cityvitals backup` wrote.")],
    data: DataOption = DATA,
    replace: Annotated[
        bool, typer.Option(help="If the folder holds something: keep that beside it.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Make a data folder from a backup, after checking all of it. End ingest first."""
    from ingest.restore import restore as read

    _run(lambda: read(source, data, _progress(as_json), replace=replace), data, as_json)


def _progress(as_json: bool) -> Callable[[str, int], None]:
    def say(name: str, size: int) -> None:
        if not as_json:
            print(f"{size:>16,} bytes  {name}", flush=True)

    return say


def _run(act: "Callable[[], Manifest]", target: Path, as_json: bool) -> None:
    """Do it and say what came of it; one line and status 1 if it failed."""
    import msgspec

    from ingest.backup_file import BackupError

    try:
        manifest = act()
    except BackupError as error:
        print(f"cityvitals: {error}", file=sys.stderr)
        raise typer.Exit(FAILED) from None
    except OSError as error:
        raise SettingsError(f"{target}: {error.strerror or error}") from None
    if as_json:
        about = {"target": str(target), "bytes": manifest.bytes}
        print(json.dumps(about | msgspec.to_builtins(manifest)))
        return
    for row in manifest.left_out:
        print(f"{'not in it':>22}  {row.name}: {row.why}")
    print(f"{target}: {len(manifest.files)} files, {manifest.bytes:,} bytes, as of archive "
          f"{manifest.position[0] or '(empty)'} byte {manifest.position[1]:,}")
