"""The rules of tests/conftest.py, tried on a small suite of its own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

SUITE = """
import pytest

def test_runs():
    pass

def test_lacks_a_server():
    pytest.skip("mosquitto is missing")

@pytest.mark.xfail(reason="known")
def test_known():
    assert False

@pytest.mark.soak
def test_long():
    pass
"""


def _run(folder: Path, ci: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    shutil.copy(Path(__file__).parent / "conftest.py", folder)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = soak\n")
    (folder / "test_small.py").write_text(SUITE)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=folder, env={**os.environ, "CI": ci}, capture_output=True, text=True, check=False,
    )


def test_a_skip_is_named_and_passes_on_a_desk(tmp_path: Path) -> None:
    done = _run(tmp_path, "")
    assert done.returncode == 0
    assert "test_small.py::test_lacks_a_server: mosquitto is missing" in done.stdout
    assert "1 passed, 1 skipped, 1 deselected, 1 xfailed" in done.stdout


def test_a_skip_fails_in_ci(tmp_path: Path) -> None:
    done = _run(tmp_path, "true")
    assert done.returncode == 1
    assert "test_small.py::test_lacks_a_server: mosquitto is missing" in done.stdout
    assert "1 failed, 1 passed, 1 deselected, 1 xfailed" in done.stdout


def test_a_skip_in_a_worker_is_named_and_fails_in_ci(tmp_path: Path) -> None:
    done = _run(tmp_path, "true", "-n", "1")
    assert done.returncode == 1
    assert "test_small.py::test_lacks_a_server: mosquitto is missing" in done.stdout
    assert "1 failed, 1 passed, 1 xfailed" in done.stdout


def test_a_module_that_skips_itself_fails_in_ci(tmp_path: Path) -> None:
    (tmp_path / "test_whole.py").write_text(
        "import pytest\npytest.skip('no browser', allow_module_level=True)\n"
    )
    done = _run(tmp_path, "true")
    assert done.returncode != 0
    assert "test_whole.py: no browser" in done.stdout


def test_long_tests_run_only_when_asked_for(tmp_path: Path) -> None:
    done = _run(tmp_path, "true", "--soak")
    assert done.returncode == 0
    assert "1 passed, 3 deselected" in done.stdout
