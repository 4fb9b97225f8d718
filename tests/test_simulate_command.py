"""`cityvitals simulate`: into files, and what it refuses."""

import json
from pathlib import Path

import pytest

from cityvitals import main
from cityvitals.simulate_command import city_of
from edge.settings import SettingsError


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["cityvitals", "simulate", *arguments])
    with pytest.raises(SystemExit) as ended:
        main.main()
    return int(ended.value.code or 0)


def test_a_recording_with_its_places_and_truth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "day.csv"
    status = run(
        monkeypatch, "--scenario", "stadium", "--start", "2026-03-02T18:00:00Z", "--for", "30m",
        "--out", str(out), "--truth", str(tmp_path / "truth.jsonl"),
    )
    assert status == 0
    assert f"{out}: 8," in capsys.readouterr().out
    assert out.read_text().startswith("time,place,quantity,value,channel,received\n1772474400000,")
    assert (tmp_path / "places.csv").exists()
    head = json.loads((tmp_path / "truth.jsonl").read_text().splitlines()[0])
    assert head["scenario"] == "Stadium evening"


@pytest.mark.parametrize(("arguments", "words"), [
    (["--scenario", "nowhere"], "--scenario nowhere: no such file; built in are"),
    (["--for", "1h"], "--for: only with --out FILE"),
    (["--places", "p.csv"], "--places: only with --out FILE"),
    (["--start", "tomorrow"], "--start tomorrow: "),
    (["--start", "2026-03-02T18:00:00"], "needs a zone"),
    (["--out", "x.csv", "--period", "2h"], "period 7200.0 s: must lie between"),
    (["--out", "x.csv", "--start", "2020-01-01T00:00:00Z"], "no past before 2024"),
    (["--out", "no/such/x.csv"], "No such file"),
])
def test_what_cannot_be_ends_with_status_2_and_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    arguments: list[str], words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, *arguments) == 2
    printed = capsys.readouterr().err
    assert printed.startswith("cityvitals: ")
    assert words in printed
    assert printed.count("\n") == 1


def test_without_a_scenario_the_city_is_ordinary() -> None:
    city = city_of(3, "", "2026-03-02T18:00:00Z")
    assert (city.seed, city.start_ms) == (3, 1_772_474_400_000)
    assert city.scenario.tables() == []
    with pytest.raises(SettingsError):
        city_of(3, "", "soon")
