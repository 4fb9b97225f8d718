"""`cityvitals recompute`: what it prints, and how it refuses."""

from pathlib import Path

import pytest

from cityvitals.recompute_command import run
from edge.settings import SettingsError
from ingest.folder_lock import FolderInUseError, held
from tests.test_recompute import copied, life  # noqa: F401


def test_it_says_how_many_points_were_written(
    tmp_path: Path, life: Path, capsys: pytest.CaptureFixture[str]  # noqa: F811
) -> None:
    copied(life, tmp_path)
    assert run(tmp_path, "", "", ["dq.completeness"], influx=False) == 0
    out, err = capsys.readouterr()
    assert out.startswith("0 points written, 0 changed, ")
    assert out.endswith(" unchanged\n")
    assert err.endswith("100 %\n")


@pytest.mark.parametrize(("since", "indicators", "words"), [
    ("yesterday", [], "--from yesterday: write a time such as"),
    ("", ["air.nothing"], "--indicator air.nothing: not in the catalogue"),
    ("", [], "no such folder; --data names the data folder"),
])
def test_what_its_owner_must_correct_is_one_line(
    tmp_path: Path, since: str, indicators: list[str], words: str
) -> None:
    if words.startswith("--from"):
        (tmp_path / "ingest" / "archive").mkdir(parents=True)
    with pytest.raises(SettingsError, match=words):
        run(tmp_path, since, "", indicators, influx=False)


def test_a_running_ingest_is_named(tmp_path: Path) -> None:
    (tmp_path / "ingest" / "archive").mkdir(parents=True)
    with held(tmp_path / "ingest"), pytest.raises(FolderInUseError, match="in use by process"):
        run(tmp_path, "", "", [], influx=False)
