"""The closed list of verdicts."""

from pathlib import Path

from edge.verdicts import COUNTED, WORDS, Verdict

GOLDEN = Path(__file__).parent / "golden" / "verdicts.txt"
DOCS = Path(__file__).parents[1] / "docs" / "verdicts.md"


def test_golden() -> None:
    lines = [f"{verdict.value} {verdict.label}: {WORDS[verdict]}" for verdict in Verdict]
    assert "\n".join(lines) + "\n" == GOLDEN.read_text()


def test_numbers_are_dense_and_each_has_its_words() -> None:
    assert [verdict.value for verdict in Verdict] == list(range(len(Verdict)))
    assert set(WORDS) == set(Verdict)


def test_counted_verdicts() -> None:
    assert {verdict.label for verdict in COUNTED} == {"applied", "late"}


def test_documentation_has_every_verdict() -> None:
    text = DOCS.read_text()
    for verdict in Verdict:
        assert f"| {verdict.value} | `{verdict.label}` | {WORDS[verdict]} |" in text
