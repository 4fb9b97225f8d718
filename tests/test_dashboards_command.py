"""`cityvitals dashboards …`: what it prints, writes, and ends with."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cityvitals import main
from dashboards import grafana_lint, influx_version
from tests.grafana_double import TOKEN, GrafanaDouble


@pytest.fixture(name="double")
def _double() -> Iterator[GrafanaDouble]:
    double = GrafanaDouble()
    yield double
    double.close()


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["cityvitals", "dashboards", *arguments])
    with pytest.raises(SystemExit) as ended:
        main.main()
    return int(ended.value.code or 0)


def test_list_export_and_lint(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "list") == 0
    assert "cv-wall" in capsys.readouterr().out
    assert run(monkeypatch, "export", str(tmp_path), "--influx-version", "3") == 0
    assert (tmp_path / "cityvitals" / "cv-ops.json").exists()
    assert "Bearer $INFLUX_TOKEN" in (tmp_path / "datasources" / "cityvitals.yaml").read_text()
    assert run(monkeypatch, "lint") == 0
    capsys.readouterr()
    monkeypatch.setattr(grafana_lint, "lint", lambda boards: ["cv-ops: wrong"])
    assert run(monkeypatch, "lint") == 1
    assert capsys.readouterr().out == "cv-ops: wrong\n"


def test_publish_twice(
    monkeypatch: pytest.MonkeyPatch, double: GrafanaDouble, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CV_TOKEN", TOKEN)
    monkeypatch.setenv("CV_INFLUX", "geheim")
    arguments = ("publish", double.url, "--token-env", "CV_TOKEN", "--influx-version", "2")
    assert run(monkeypatch, *arguments, "--secret-env", "CV_INFLUX") == 0
    assert "dashboard City operations: made" in capsys.readouterr().out
    assert double.secrets == {"httpHeaderValue1": "Token geheim"}
    assert run(monkeypatch, *arguments) == 0
    assert capsys.readouterr().out == "nothing to change\n"
    double.fail = (403, {"message": "not for you"})
    assert run(monkeypatch, *arguments) == 1
    assert "answers 403" in capsys.readouterr().err


def test_without_a_version_the_server_is_asked(
    monkeypatch: pytest.MonkeyPatch, double: GrafanaDouble
) -> None:
    monkeypatch.setenv("CV_TOKEN", TOKEN)
    monkeypatch.setattr(influx_version, "ask", lambda url: 1)
    assert run(monkeypatch, "publish", double.url, "--token-env", "CV_TOKEN") == 0
    assert double.sources["cv-influx"]["user"] == "grafana"


@pytest.mark.parametrize(("arguments", "words"), [
    (("publish", "http://127.0.0.1:1"), "needs a token"),
    (("publish", "http://127.0.0.1:1", "--token-env", "PATH", "--influx-url", "http://127.0.0.1:1"),
     "say --influx-version 1, 2 or 3"),
    (("publish", "http://127.0.0.1:1", "--token-env", "CV_NO"), "CV_NO"),
    (("publish", "http://127.0.0.1:1", "--token-env", "PATH", "--influx-version", "1",
      "--secret-env", "CV_NO"), "CV_NO"),
    (("export", "/proc/nothing"), "/proc/nothing"),
    (("export", "x", "--tz", "Moon"), "--tz = 'Moon'"),
])
def test_a_mistake_ends_with_2_and_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...], words: str
) -> None:
    assert run(monkeypatch, *arguments) == 2
    told = capsys.readouterr().err
    assert words in told
    assert told.count("\n") == 1
