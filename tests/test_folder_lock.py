"""One owner a data folder: refused, waited for, and free again however its owner ended."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from ingest.folder_lock import FolderInUseError, held

HOLDER = """
import sys, time
from pathlib import Path
from ingest.folder_lock import held
with held(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""


def holder(folder: Path, seconds: float) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder), str(seconds)], stdout=subprocess.PIPE,
        text=True, cwd=Path(__file__).parent.parent,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_owner_is_refused_and_told_who_it_is(tmp_path: Path) -> None:
    with holder(tmp_path, 60) as process:
        with pytest.raises(FolderInUseError, match=f"in use by process {process.pid};"), held(
            tmp_path
        ):
            pass
        process.kill()
        process.wait()
        with held(tmp_path):
            assert (tmp_path / "lock").read_text().strip().isdigit()


def test_who_waits_gets_it_when_the_owner_ends(tmp_path: Path) -> None:
    with holder(tmp_path, 0.3):
        begun = time.monotonic()
        with held(tmp_path, wait=True):
            assert time.monotonic() - begun > 0.1


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FolderInUseError, match="file"), held(tmp_path / "file" / "inner"):
        pass
