"""What `up` shows: JSON objects, plain lines, the terminal block."""

import io
import json

import pytest
from rich.console import Console

from cityvitals import status
from cityvitals.status import JsonDisplay, PlainDisplay, Status, as_line, block

LIVE = Status(
    12.34, "live", 1.0, "http://127.0.0.1:8080", 38_201, 612.34, 10_422, 72, 4.26, 1,
    trouble=("ingest has said nothing for 7 s",),
)
WANTED = {"t_s", "readings", "readings_per_s", "points", "places", "oldest_s", "url"}


def test_json_has_the_promised_keys_rounded(capsys: pytest.CaptureFixture[str]) -> None:
    JsonDisplay().show(LIVE)
    JsonDisplay().show(LIVE._replace(oldest_s=None))
    JsonDisplay().close("the end")
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert set(first) >= WANTED
    assert first["t_s"] == 12.3
    assert first["readings_per_s"] == 612.3
    assert first["oldest_s"] == 4.3
    assert second["oldest_s"] is None


def test_plain_lines_come_when_something_changes_and_every_five_seconds(
    capsys: pytest.CaptureFixture[str],
) -> None:
    screen = PlainDisplay()
    quiet = LIVE._replace(trouble=())
    for t_s in range(7):
        screen.show(quiet._replace(t_s=float(t_s)))
    screen.show(LIVE._replace(t_s=7.0))
    screen.close("the end")
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["0", "5", "7", "the"]
    assert lines[2].endswith("ingest has said nothing for 7 s")


def test_a_line_says_the_phase_and_the_recorded_time() -> None:
    assert "43%" in as_line(LIVE._replace(phase="past", done=0.43))
    assert "starting" in as_line(LIVE._replace(phase="starting"))
    assert "no data yet" in as_line(LIVE._replace(oldest_s=None))
    assert "recorded time 2019-01-01" in as_line(LIVE._replace(clock="2019-01-01 00:00:00 UTC"))


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        (LIVE, ["http://127.0.0.1:8080", "612", "38,201", "10,422", "72", "4 s", "nothing for 7"]),
        (LIVE._replace(phase="past", done=0.5), ["50%"]),
        (LIVE._replace(phase="starting"), ["starting"]),
        (LIVE._replace(clock="2019-01-01 00:00:00 UTC"), ["a recording", "2019-01-01"]),
    ],
)
def test_the_terminal_block_says_what_an_operator_wants(shown: Status, words: list[str]) -> None:
    out = io.StringIO()
    Console(file=out, width=100).print(block(shown))
    for word in words:
        assert word in out.getvalue()


def test_a_pipe_gets_plain_lines_and_json_is_json() -> None:
    assert isinstance(status.display(as_json_lines=True), JsonDisplay)
    assert isinstance(status.display(as_json_lines=False), PlainDisplay)
