"""Case files: what is read, what is refused with which words, what counts as agreeing."""

from pathlib import Path

import pytest

from cityvitals.worked_cases import CasesError, agrees, read

HEADER = "indicator,inputs_json,expected_json,tolerance,source\n"


def test_reads_lines_with_their_numbers(tmp_path: Path) -> None:
    path = tmp_path / "cases.csv"
    path.write_text(HEADER + 'traffic.tti,"{""a"": [1, null]}","{""b"": 2}",0.5,"a, b"\n')
    (case,) = read(path)
    assert (case.line, case.indicator, case.inputs, case.expected, case.tolerance, case.source) == (
        2, "traffic.tti", {"a": [1, None]}, {"b": 2}, 0.5, "a, b"
    )


@pytest.mark.parametrize(("text", "words"), [
    ("indicator,inputs_json\n", "line 1: the header lacks expected_json, tolerance, source"),
    (HEADER + "x,{},{},0\n", "line 2: not 5 fields"),
    (HEADER + "x,{},{},0,s,more\n", "line 2: not 5 fields"),
    (HEADER + "x,{,{},0,s\n", "line 2: inputs_json = '{'"),
    (HEADER + "x,{},[],0,s\n", "line 2: expected_json = '[]': must be a JSON object"),
    (HEADER + "x,{},{},-1,s\n", "line 2: tolerance = '-1': must be a number from 0 on"),
    (HEADER + "x,{},{},nan,s\n", "line 2: tolerance = 'nan'"),
    (HEADER + "x,{},{},much,s\n", "line 2: tolerance = 'much'"),
    ("", "line 1: the header lacks indicator"),
])
def test_wrong_files_are_named_by_line_and_field(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "cases.csv"
    path.write_text(text)
    with pytest.raises(CasesError) as caught:
        read(path)
    assert f"{path}: {words}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_absent_and_binary_files(tmp_path: Path) -> None:
    with pytest.raises(CasesError, match="No such file"):
        read(tmp_path / "absent.csv")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CasesError, match=r"binary\.csv"):
        read(tmp_path / "binary.csv")


@pytest.mark.parametrize(("expected", "got", "tolerance", "same"), [
    ({"a": 1}, {"a": 1.0, "b": 2}, 0, True), ({"a": 1}, {"b": 1}, 0, False),
    ({"a": 1}, {"a": 2}, 1, True), ({"a": 1}, {"a": 2.1}, 1, False),
    ({"a": None}, {"a": None}, 0, True), ({"a": None}, {"a": 0}, 9, False),
    ({"a": 0}, {"a": None}, 9, False), ({"a": True}, {"a": 1}, 1, False),
    ({"a": 1}, {"a": True}, 1, False), ({"a": True}, {"a": True}, 0, True),
    ({"a": [1, None]}, {"a": [1, None]}, 0, True), ({"a": [1]}, {"a": [1, 2]}, 0, False),
    ({"a": {"b": 1}}, {"a": {"b": 1, "c": 2}}, 0, True), ({"a": {"b": 1}}, {"a": 1}, 0, False),
    ({"a": "x"}, {"a": "x"}, 0, True), ({"a": "x"}, {"a": "y"}, 0, False),
    ({"a": 1}, {"a": float("nan")}, 9, False),
])
def test_agreeing(expected: dict, got: dict, tolerance: float, same: bool) -> None:
    assert agrees(expected, got, tolerance) is same
