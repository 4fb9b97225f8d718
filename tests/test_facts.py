"""Facts: the documented file, which value holds when, and errors that name their place."""

from contextlib import suppress
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.facts import COLUMNS, HEADING, Fact, FactsError, load, parse, render, value_at

GOLDEN = Path(__file__).parent / "golden" / "facts.csv"
HEAD = f"{HEADING}\n{','.join(COLUMNS)}\n"


def test_the_documented_file_reads_and_writes_byte_by_byte() -> None:
    facts = load(GOLDEN)
    assert facts[0] == Fact(
        date(2024, 1, 1), "_/_", "population", 98200.0, "1", "Statistics office, register of 2024"
    )
    assert render(facts) == GOLDEN.read_text(encoding="utf-8")


def test_the_value_of_a_day_is_the_latest_before_it() -> None:
    facts = load(GOLDEN)

    def population(day: date) -> float | None:
        found = value_at(facts, "_/_", "population", day)
        return found and found.value

    assert population(date(2023, 12, 31)) is None
    assert population(date(2024, 1, 1)) == population(date(2024, 12, 31)) == 98200
    assert population(date(2025, 1, 1)) == 98950
    assert value_at(facts, "hills/_", "population", date(2025, 1, 1)) is None


@pytest.mark.parametrize(("row", "words"), [
    ("soon,_/_,population,1,1,x", "valid_from = 'soon': must be a day"),
    ("2024-01-01,everywhere,population,1,1,x", "place = 'everywhere': must be district/station"),
    ("2024-01-01,_/_,Head Count,1,1,x", "fact = 'Head Count': must be 1 to 64"),
    ("2024-01-01,_/_,population,many,1,x", "value = 'many': must be a number"),
    ("2024-01-01,_/_,population,nan,1,x", "value = 'nan': must be a number"),
    ("2024-01-01,_/_,population,1,1,", "source = '': must say where"),
    ("2024-01-01,_/_,population", "needs 6 fields"),
    ("2024-01-01,_/_,population,1,1,x,y", "needs 6 fields"),
])
def test_errors_name_file_line_field_and_value(row: str, words: str) -> None:
    with pytest.raises(FactsError) as caught:
        parse(f"{HEAD}{row}\n", "my.csv")
    assert str(caught.value).startswith("my.csv: line 3: ")
    assert words in str(caught.value)


@pytest.mark.parametrize("text", ["", "# cityvitals fact 1\n", f"{HEADING}\nday,place\n"])
def test_another_file_is_refused(text: str) -> None:
    with pytest.raises(FactsError, match=r"my.csv: line [12]: .* should be"):
        parse(text, "my.csv")


@given(st.text())
def test_no_text_raises_anything_else(text: str) -> None:
    with suppress(FactsError):
        parse(HEAD + text)
