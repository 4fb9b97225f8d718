"""The commands `backup` and `restore`: what they print and their exit status."""

import json
from pathlib import Path

from typer.testing import CliRunner

from cityvitals.main import app
from tests.test_backup import folder_of


def test_commands_say_what_is_wrong_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "no.tar").write_bytes(b"no")
    result = CliRunner().invoke(
        app, ["restore", str(tmp_path / "no.tar"), "--data", str(tmp_path / "there")])
    assert result.exit_code == 1
    assert result.output.count("\n") == 1


def test_sizes_and_what_is_left_out_are_printed(tmp_path: Path) -> None:
    folder, made = folder_of(tmp_path), str(tmp_path / "b.tar")
    result = CliRunner().invoke(app, ["backup", made, "--data", str(folder)])
    assert result.exit_code == 0
    assert "bytes  ingest/inbox.db" in result.output
    assert "broker/: what it holds" in result.output
    there = str(tmp_path / "there")
    result = CliRunner().invoke(app, ["restore", made, "--data", there, "--json"])
    told = json.loads(result.output)
    assert (told["target"], told["format"]) == (there, 1)
    assert told["bytes"] == sum(row["bytes"] for row in told["files"])
