"""Recorded readings: chunks in file order, errors that name line, field and value."""

import gzip
from pathlib import Path

import pytest

from edge import recorded
from edge.recorded import RecordedError, Rows, instant_ms

GOLDEN = Path(__file__).parent / "golden" / "recorded.csv"
HEAD = "time,place,quantity,value"


def rows(path: Path) -> Rows:
    chunks = list(recorded.read(path))
    assert len(chunks) == 1
    return chunks[0]


def written(folder: Path, *lines: str, head: str = HEAD) -> Path:
    path = folder / "r.csv"
    path.write_text("\n".join([head, *lines]) + "\n")
    return path


def test_golden() -> None:
    found = rows(GOLDEN)
    assert len(found) == 4
    assert found.time_ms == [1_763_836_000_000] * 2 + [1_763_836_060_000] * 2
    assert found.place == ["centre/s1", "centre/s1", "centre/r7", "north/f3"]
    assert found.quantity == ["pm25", "co", "count", "power"]
    assert found.value == [12.5, 300.0, 14.0, -3.25]
    assert found.unit == ["", "ppb", "", ""]
    assert found.channel == ["", "", "lane1", ""]
    assert found.flag == [0, 0, 0, 3]
    assert found.received_ms == [1_763_836_000_000, 1_763_836_000_000, 1_763_836_061_500,
                                 1_763_836_060_000]


def test_gzip(tmp_path: Path) -> None:
    path = tmp_path / "r.csv.gz"
    path.write_bytes(gzip.compress(GOLDEN.read_bytes()))
    assert rows(path).value == rows(GOLDEN).value


def test_chunks_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorded, "ROWS_CHUNK", 2)
    path = written(tmp_path, *[f"{n},a/b,pm25,{n}" for n in range(5)])
    assert [len(chunk) for chunk in recorded.read(path)] == [2, 2, 1]


def test_empty_recording_has_no_chunks(tmp_path: Path) -> None:
    assert list(recorded.read(written(tmp_path))) == []


@pytest.mark.parametrize(("line", "text"), [
    ("2026-01-01T00:00:00,a/b,pm25,1", "time = '2026-01-01T00:00:00': needs a zone"),
    ("noon,a/b,pm25,1", "time = 'noon'"),
    ("1,b,pm25,1", "place = 'b': must be district/station"),
    ("1,a/b,pm3,1", "quantity = 'pm3': must be one of pm25"),
    ("1,a/b,pm25,x", "value = 'x'"),
    ("1,a/b,pm25", "is too short"),
])
def test_wrong_field_is_named(tmp_path: Path, line: str, text: str) -> None:
    with pytest.raises(RecordedError) as caught:
        list(recorded.read(written(tmp_path, "1,a/b,pm25,1", line)))
    assert "line 3: " in str(caught.value)
    assert text in str(caught.value)


@pytest.mark.parametrize(("head", "text"), [
    ("time,place,quantity", r"lacks \['value'\]"),
    (HEAD + ",colour", r"has unknown \['colour'\]"),
])
def test_wrong_header(tmp_path: Path, head: str, text: str) -> None:
    with pytest.raises(RecordedError, match=text):
        list(recorded.read(written(tmp_path, head=head)))


def test_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RecordedError, match="No such file"):
        list(recorded.read(tmp_path / "none.csv"))


@pytest.mark.parametrize(("text", "time_ms"), [
    ("1763836000000", 1_763_836_000_000), ("2025-11-22T18:26:40Z", 1_763_836_000_000),
    ("2025-11-22T19:26:40.250+01:00", 1_763_836_000_250), ("-5", -5),
])
def test_instants(text: str, time_ms: int) -> None:
    assert instant_ms(text) == time_ms


@pytest.mark.parametrize(("row", "words"), [
    ("99999999999999999999,a/b,pm25,1,,,", "time = '99999999999999999999': must be Unix"),
    ("0,a/b,pm25,1,,,300", "flag = '300': must be a QARTOD flag"),
    ("0,a/b,pm25,1,,lane 1,", "channel = 'lane 1': must be 1 to 64"),
])
def test_what_no_column_could_hold_is_refused(tmp_path: Path, row: str, words: str) -> None:
    path = tmp_path / "r.csv"
    path.write_text(f"time,place,quantity,value,unit,channel,flag\n{row}\n")
    with pytest.raises(RecordedError) as caught:
        list(recorded.read(path))
    assert words in str(caught.value)
