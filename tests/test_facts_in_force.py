"""Facts on a running ingest: archived first, known after a start, refused whole."""

import logging
import os
from pathlib import Path

import pytest

from edge.facts import FactsError
from ingest.archive import Kind, read
from ingest.facts_in_force import FactsFile, take
from ingest.line import Line
from tests.line_city import MS, START_MS, abandon, line_of, write_places

HEAD = "# cityvitals facts 1\nvalid_from,place,fact,value,unit,source\n"
NOW_NS = START_MS * MS


def write(folder: Path, value: float) -> Path:
    """A facts file of one fact."""
    path = folder / "facts.csv"
    path.write_text(f"{HEAD}2020-01-01,centre/s1,rated_kva,{value},kVA,plate\n")
    return path


def known(line: Line) -> list[float]:
    """The values in force."""
    return [fact.value for fact in line.vitals.registry.facts.facts]


def test_they_are_archived_and_known_after_a_kill_and_after_a_snapshot(tmp_path: Path) -> None:
    write_places(tmp_path / "places.csv")
    line = line_of(tmp_path)
    assert take(line, write(tmp_path, 5.0), NOW_NS)
    assert not take(line, tmp_path / "facts.csv", NOW_NS)
    abandon(line)
    line = line_of(tmp_path)
    assert known(line) == [5.0]
    line.close()
    line = line_of(tmp_path)
    assert known(line) == [5.0]
    take(line, write(tmp_path, 6.0), NOW_NS)
    line.close()
    line = line_of(tmp_path, whole=True)
    assert known(line) == [6.0]
    line.close()
    kinds = [record.kind for record in read(tmp_path / "ingest" / "archive")]
    assert kinds.count(Kind.FACTS) == 2


def test_a_segment_begins_with_them(tmp_path: Path) -> None:
    write_places(tmp_path / "places.csv")
    line = line_of(tmp_path)
    take(line, write(tmp_path, 5.0), NOW_NS)
    line.tick(NOW_NS + 86_400 * 10**9, with_open=False)
    line.close()
    segments = sorted((tmp_path / "ingest" / "archive").glob("*.cva"))
    assert len(segments) == 2
    segments[0].unlink()
    (tmp_path / "ingest" / "snapshot.cvs").unlink()
    line = line_of(tmp_path)
    assert known(line) == [5.0]
    line.close()


def test_a_wrong_file_is_refused_whole(tmp_path: Path) -> None:
    write_places(tmp_path / "places.csv")
    line = line_of(tmp_path)
    take(line, write(tmp_path, 5.0), NOW_NS)
    bad = tmp_path / "facts.csv"
    bad.write_text(f"{HEAD}2020-01-01,centre/s1,rated_kva,much,kVA,plate\n")
    with pytest.raises(FactsError, match="value = 'much'"):
        take(line, bad, NOW_NS)
    assert known(line) == [5.0]
    line.close()


def test_a_changed_file_is_seen_and_a_wrong_one_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    write_places(tmp_path / "places.csv")
    line = line_of(tmp_path)
    file = FactsFile(tmp_path)
    file.look(line, NOW_NS)
    assert known(line) == []
    for value in (5.0, 66.0):
        write(tmp_path, value)
        file.look(line, NOW_NS)
        file.look(line, NOW_NS)
        assert known(line) == [value]
    (tmp_path / "facts.csv").write_text("no facts")
    os.utime(tmp_path / "facts.csv")
    file.look(line, NOW_NS)
    file.look(line, NOW_NS)
    assert sum("unchanged" in record.message for record in caplog.records) == 1
    assert known(line) == [66.0]
    line.close()
