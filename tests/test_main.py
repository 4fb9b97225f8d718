"""The `cityvitals` command: help, exit status, one line for each error, lazy imports."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cityvitals.main import app, seconds
from edge.settings import SettingsError

ROOT = Path(__file__).resolve().parent.parent
COMMANDS = (
    ["up"], ["edge"], ["ingest"], ["simulate"], ["replay"], ["compute"], ["conformance"],
    ["place"], ["place", "add"], ["place", "list"], ["dashboards"], ["dashboards", "serve"],
    ["doctor"], ["explain"], ["reconcile"], ["recompute"], ["backup"], ["restore"],
    ["facts", "load"], ["facts", "list"], ["bench"], ["bench", "ingest"],
    ["bench", "engine"], ["bench", "sinks"], ["bench", "capacity"],
)


def cityvitals(*arguments: str, python: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *python, "-m", "cityvitals", *arguments],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
    )


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(command: list[str]) -> None:
    done = CliRunner().invoke(app, [*command, "--help"])
    assert done.exit_code == 0, done.output
    assert "Usage:" in done.output


def test_what_is_for_us_alone_is_not_offered() -> None:
    shown = cityvitals("--help").stdout
    assert "Usage:" in shown
    assert "warm" not in shown


def test_the_version_is_printed() -> None:
    assert cityvitals("--version").stdout.startswith("cityvitals 0.")


@pytest.mark.parametrize(
    ("text", "value"), [("90s", 90.0), ("5m", 300.0), ("1.5h", 5400.0), ("2d", 172_800.0)]
)
def test_durations(text: str, value: float) -> None:
    assert seconds(text, "--for") == value


@pytest.mark.parametrize("text", ["", "60", "0s", "-5s", "5 s", "1w", "nan s"])
def test_a_wrong_duration_names_option_and_value(text: str) -> None:
    with pytest.raises(SettingsError, match=rf"^--for = '{text}': write a duration"):
        seconds(text, "--for")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["up", "--for", "soon"], "--for = 'soon'"),
        (["ingest", "nowhere.toml"], "nowhere.toml: no such file"),
        (["edge", "nowhere.toml"], "nowhere.toml: no such file"),
        (["compute", "nowhere.csv", "-o", "out.csv", "--places", "nowhere.csv"], "nowhere.csv"),
        (["place", "list", "--data", "nowhere"], "nowhere"),
        (["replay", "nowhere.csv"], "nowhere.csv"),
    ],
)
def test_what_the_owner_must_correct_is_one_line_and_status_2(
    arguments: list[str], said: str
) -> None:
    done = cityvitals(*arguments)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert said in done.stderr


def test_the_edge_starts_without_numpy_and_numba() -> None:
    script = (
        "import sys; sys.argv = ['cityvitals', 'edge', '--help']\n"
        "from cityvitals.main import main\n"
        "try:\n    main()\n"
        "finally:\n    print([m for m in ('numpy', 'numba', 'aiohttp') if m in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout.rstrip().endswith("[]"), done.stdout + done.stderr
