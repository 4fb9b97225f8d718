"""Benchmarks: dated, with source, and a wrong row names file, line, field and value."""

from datetime import date
from pathlib import Path

import pytest

from dashboards import benchmarks
from dashboards.benchmarks import HEADING, SHIPPED, BenchmarksError, in_force, load

HEADER = "valid_from,kpi,part,value,direction,unit,source,licence"
GOOD = "2020-01-01,EC:I:T:5A,,1.5,lower,1,Manual,quoted"


def _file(path: Path, *rows: str) -> Path:
    file = path / "benchmarks.csv"
    file.write_text("\n".join([HEADING, HEADER, *rows]) + "\n", encoding="utf-8")
    return file


def test_the_shipped_ones_load_and_name_their_source() -> None:
    rows = load(SHIPPED)
    assert {row.kpi for row in rows} == {"EC:I:T:5A", "EC:ICT:ICT:2C", "EN:EN:AQ:1C"}
    assert all(row.source and row.licence for row in rows)


def test_the_latest_that_holds_is_taken(tmp_path: Path) -> None:
    rows = load(_file(tmp_path, "2024-01-01,EC:I:T:5A,,1.3,lower,1,Council,own", GOOD))
    found = in_force(rows, "EC:I:T:5A", "", date(2024, 1, 1))
    assert found is not None
    assert found.value == 1.3
    assert in_force(rows, "EC:I:T:5A", "", date(2019, 12, 31)) is None
    assert in_force(rows, "EC:I:T:5A", "PM10", date(2025, 1, 1)) is None


@pytest.mark.parametrize(("row", "words"), [
    ("soon,EC:I:T:5A,,1.5,lower,1,Manual,q", "valid_from = 'soon'"),
    ("2020-01-01,EC:X,,1.5,lower,1,Manual,q", "kpi = 'EC:X': is no code"),
    ("2020-01-01,EC:I:T:5A,,much,lower,1,Manual,q", "value = 'much'"),
    ("2020-01-01,EC:I:T:5A,,-1,lower,1,Manual,q", "value = '-1'"),
    ("2020-01-01,EC:I:T:5A,,nan,lower,1,Manual,q", "value = 'nan'"),
    ("2020-01-01,EC:I:T:5A,,1.5,down,1,Manual,q", "direction = 'down'"),
    ("2020-01-01,EC:I:T:5A,,1.5,lower,km,Manual,q", "unit = 'km': must be 1"),
    ("2020-01-01,EC:I:T:5A,,1.5,lower,1, ,q", "source = ' '"),
    ("2020-01-01,EC:I:T:5A", "needs 8 fields"),
])
def test_a_wrong_row_is_named(tmp_path: Path, row: str, words: str) -> None:
    with pytest.raises(BenchmarksError) as raised:
        load(_file(tmp_path, GOOD, row))
    assert "line 4" in str(raised.value)
    assert words in str(raised.value)


def test_no_more_than_the_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmarks, "BENCHMARKS_MAX", 2)
    assert len(load(_file(tmp_path, GOOD, GOOD))) == 2
    with pytest.raises(BenchmarksError, match="line 5: more than 2 benchmarks"):
        load(_file(tmp_path, GOOD, GOOD, GOOD))


def test_what_is_no_such_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text("something else\n")
    with pytest.raises(BenchmarksError, match="line 1"):
        load(file)
    with pytest.raises(BenchmarksError, match=r"nowhere\.csv"):
        load(tmp_path / "nowhere.csv")
