"""Facts: what is known of a place without a sensor, as a dated table with its source.

A CSV file, first line `# cityvitals facts 1`, then a header, then rows: population, customers,
length of mains, benchmarks. A later `valid_from` of the same place and fact replaces the earlier
value from that day on. A fact without source is refused: no number enters from nowhere.
"""

import csv
import io
from datetime import date
from pathlib import Path
from typing import NamedTuple

from edge.topics import is_id

FORMAT = 1
HEADING = f"# cityvitals facts {FORMAT}"
FACTS_MAX = 100_000
COLUMNS = ("valid_from", "place", "fact", "value", "unit", "source")


class FactsError(ValueError):
    """A facts file that its owner must correct; names file, line, field and value."""


class Fact(NamedTuple):
    """One value of one place from `valid_from` (a civil day of the city) on.

    `place` is `district/station`, `district/_` or `_/_` as everywhere; `fact` an id.
    """

    valid_from: date
    place: str
    fact: str
    value: float
    unit: str
    source: str


def _row(record: dict[str, str]) -> Fact:
    """Build one fact; raises ValueError(column, text, rule)."""
    column, rule = "valid_from", "must be a day, for example 2026-01-31"
    try:
        day = date.fromisoformat(record["valid_from"])
        column, rule = "place", "must be district/station, district/_ or _/_"
        parts = record["place"].split("/")
        if len(parts) != 2 or not all(map(is_id, parts)):
            raise ValueError
        column, rule = "fact", "must be 1 to 64 of a-z, 0-9, _ and -"
        if not is_id(record["fact"]):
            raise ValueError
        column, rule = "value", "must be a number"
        value = float(record["value"])
        if value - value != 0:  # NaN and infinities are no facts
            raise ValueError
        column, rule = "source", "must say where the value comes from"
        if not record["source"].strip():
            raise ValueError
    except ValueError:
        raise ValueError(column, record[column], rule) from None
    return Fact(day, record["place"], record["fact"], value, record["unit"], record["source"])


def parse(text: str, file: str = "facts.csv") -> list[Fact]:
    """Read facts, sorted by day (stable). Raises `FactsError`."""
    lines = text.splitlines()
    if not lines or lines[0].strip() != HEADING:
        found = lines[0][:60] if lines else ""
        number = found.removeprefix(HEADING.rstrip("0123456789"))
        if number.isdigit() and int(number) > FORMAT:
            raise FactsError(f"{file}: has format {number}, this program knows up to {FORMAT}")
        raise FactsError(f"{file}: line 1: {found!r} should be {HEADING!r}")
    reader = csv.DictReader(lines[1:])
    if tuple(reader.fieldnames or ()) != COLUMNS:
        raise FactsError(f"{file}: line 2: the header should be {','.join(COLUMNS)}")
    facts = []
    for record in reader:
        line = reader.line_num + 1
        if None in record or None in record.values():
            raise FactsError(f"{file}: line {line}: needs {len(COLUMNS)} fields")
        try:
            facts.append(_row(record))
        except ValueError as error:
            column, value, rule = error.args
            raise FactsError(f"{file}: line {line}: {column} = {value!r}: {rule}") from None
        if len(facts) > FACTS_MAX:
            raise FactsError(f"{file}: line {line}: more than {FACTS_MAX} facts")
    return sorted(facts, key=lambda fact: fact.valid_from)


def load(path: Path) -> list[Fact]:
    """Read the facts file at `path`; errors as `parse`."""
    try:
        return parse(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise FactsError(f"{path}: {error}") from None


def render(facts: list[Fact]) -> str:
    """The text of a facts file that holds `facts`."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for fact in facts:
        writer.writerow([*fact[:3], f"{fact.value:.15g}", *fact[4:]])
    return f"{HEADING}\n{out.getvalue()}"


def value_at(facts: list[Fact], place: str, fact: str, day: date) -> Fact | None:
    """The fact in force on a day; None if none is known for that day or before."""
    known = [row for row in facts if (row.place, row.fact) == (place, fact)]
    return next((row for row in reversed(known) if row.valid_from <= day), None)
