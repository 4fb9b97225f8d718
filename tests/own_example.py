"""The files that a guide in `docs/` shows, and a copy of the project that holds them."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
_FILE = re.compile(r"^`([\w./]+)`:\n\n```\w+\n(.*?)^```$", re.M | re.S)
ROOMS = ("edge", "engine", "ingest", "cityvitals", "dashboards", "simulators")


def files(page: str = "own_indicator.md") -> dict[str, str]:
    """Path and text of every file that a page shows under its name."""
    return dict(_FILE.findall((DOCS / page).read_text(encoding="utf-8")))


def copied(folder: Path, page: str = "own_indicator.md") -> Path:
    """A copy of the project with the files of the page written into it.

    What is compiled comes along: the copy keeps the times that numba knows its sources by.
    """
    for room in ROOMS:
        shutil.copytree(ROOT / room, folder / room)
    for name, text in files(page).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def told(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What Python says there; nothing of this project's own folder is imported."""
    return subprocess.run(
        [sys.executable, "-P", *arguments], cwd=folder, capture_output=True, text=True,
        timeout=300, env={"PYTHONPATH": str(folder), "PATH": "/usr/bin:/bin", "HOME": str(folder)},
        check=False,
    )
