"""The page as a program: exit statuses, secrets, and a clean end on a signal."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from dashboards import page_program
from edge.settings import SettingsError
from tests.page_site import WAIT_S_MAX

ROOT = Path(__file__).resolve().parent.parent
CODE = """
import sys
from pathlib import Path
from dashboards.page_program import run
sys.exit(run(Path(sys.argv[1]), port=0, ready=lambda url: print(url, flush=True)))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_status_0(tmp_path: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-c", CODE, str(tmp_path / "store.db")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"http://127.0.0.1:")
        process.send_signal(number)
        assert process.wait(WAIT_S_MAX) == 0


def test_an_address_beyond_loopback_needs_a_token(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert page_program.run(tmp_path / "store.db", "0.0.0.0", 0) == 2  # noqa: S104
    assert "token_env or token_file" in capsys.readouterr().err


def test_a_wrong_broker_is_a_configuration_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert page_program.run(tmp_path / "store.db", port=0, broker_url="http://x") == 2
    assert "broker_url = 'http://x'" in capsys.readouterr().err


def test_a_taken_port_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert page_program.run(tmp_path / "store.db", port=port) == 1
    assert f"127.0.0.1:{port}" in capsys.readouterr().err


def test_secrets_come_from_the_environment_or_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "token"
    path.write_text("abc\n")
    monkeypatch.setenv("PAGE_TOKEN", "xyz")
    assert page_program.secret("PAGE_TOKEN", "", "token") == "xyz"
    assert page_program.secret("", str(path), "token") == "abc"
    assert page_program.secret("", "", "token") is None


def test_a_secret_that_is_not_there_is_named_and_never_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "token"
    path.write_text("")
    monkeypatch.setenv("PAGE_TOKEN", "xyz")
    assert "NO_SUCH" not in os.environ
    for env, file, word in (("NO_SUCH", "", "token_env"), ("", str(path), "token_file"),
                            ("", str(tmp_path / "gone"), "token_file"),
                            ("PAGE_TOKEN", str(path), "not both")):
        with pytest.raises(SettingsError, match=word) as caught:
            page_program.secret(env, file, "token")
        assert "xyz" not in str(caught.value)
