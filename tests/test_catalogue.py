"""The catalogue: consistent in itself, as its golden file shows it, and as the docs tell it.

After a change of the catalogue `python -m tests.test_catalogue` rewrites the golden file and
the tables of `docs/indicators.md`; read the difference before you commit it.
"""

import math
import re
from pathlib import Path

import pytest

from engine.catalogue import INDICATORS, POSITION
from engine.indicator import Indicator

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests" / "golden" / "catalogue.txt"
DOCS = ROOT / "docs" / "indicators.md"
ID = re.compile(r"[a-z0-9_-]{1,64}")
AREA = {
    "worst": "the worst of its stations",
    "vmt_weighted": "mean of its stations, weighted by vehicle kilometres",
    "length_weighted": "mean of its stations, weighted by the length of their roads",
    "sum": "sum of its stations; insufficient with fewer than 75 % of them",
    "mean": "mean of its stations, weighted by the readings expected",
    "coincident": "of the blocks of the sum of its stations, not of their peaks",
    "vht_weighted": "mean of its stations, weighted by vehicle hours",
    "customer_weighted": "mean of its stations, weighted by their customers",
    "interruption_weighted": "mean of its stations, weighted by customer interruptions",
    "system": "of all interruptions of its stations together; stations have none of their own",
    "energy_weighted": "mean of its stations, weighted by the energy it is a share of",
    "station_mean": "mean of its stations, all alike",
    "per_capita": "sum of its stations, scaled to all customers, per inhabitant; insufficient with "
    "fewer than 75 % of them; stations have none of their own",
}


def number(value: float) -> str:
    """60 as `60`, infinity as `inf`."""
    return f"{value:g}"


def span(seconds: int) -> str:
    """Seconds in the largest unit that divides them."""
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds % length == 0:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def text(position: int, entry: Indicator) -> str:
    """One entry as the golden file shows it."""
    levels = "; ".join(f"{x.word} {x.colour} {number(x.upper)}" for x in entry.levels)
    lines = [
        f"{position} {entry.key} | {entry.name} | {entry.unit} | digits {entry.digits}",
        f"  standard {entry.standard}",
        f"  clause {entry.clause}",
        f"  rule {entry.rule}",
        f"  cadence_s {entry.cadence_s} window_s {entry.window_s}",
        f"  levels {levels}",
        f"  over_level {entry.over_level} area {entry.area} better {entry.better} "
        f"headline {entry.headline} colours {entry.colour_source or 'of the standard'}",
        *(f"  open {mark}" for mark in entry.open_marks),
    ]
    return "\n".join(lines) + "\n"


def levels(entry: Indicator) -> str:
    """The categories with their limits in words."""
    if len(entry.levels) == 1:
        return "none defined"
    finite = [level for level in entry.levels if not math.isinf(level.upper)]
    if entry.better == "high":
        lows = [*(number(level.upper) for level in finite), ""]
        parts = [
            f"{level.word} from {low}" if low else f"{level.word} below {lows[i - 1]}"
            for i, (level, low) in enumerate(zip(entry.levels, lows, strict=True))
        ]
        return ", ".join(parts)
    parts = [f"{level.word} to {number(level.upper)}" for level in finite]
    return ", ".join([*parts, f"{entry.levels[-1].word} above"])


def table(entry: Indicator) -> str:
    """The facts of one entry as a table in Markdown."""
    rows = {
        "Name, unit": f"{entry.name}, {'no unit' if entry.unit == '1' else entry.unit}",
        "Standard": entry.standard,
        "Clause": entry.clause,
        "Rule": entry.rule,
        "Window, every": f"{span(entry.window_s)}, {span(entry.cadence_s)}",
        "Shown with": f"{entry.digits} decimals",
        "Levels": levels(entry),
        "Area": AREA[entry.area],
        "Unconfirmed": "; ".join(entry.open_marks) or "nothing",
    }
    if entry.colour_source:
        rows["Colours"] = entry.colour_source
    return "| | |\n|---|---|\n" + "".join(f"| {name} | {fact} |\n" for name, fact in rows.items())


def golden() -> str:
    """The whole catalogue."""
    return "\n".join(text(i, entry) for i, entry in enumerate(INDICATORS))


def with_tables(page: str) -> str:
    """The page of the docs with every table renewed."""
    for entry in INDICATORS:
        block = re.compile(rf"(### `{re.escape(entry.key)}`\n\n)\| \| \|\n(?:\|.*\n)*")
        page = block.sub(lambda found, entry=entry: found[1] + table(entry), page)
    return page


def test_golden() -> None:
    assert GOLDEN.read_text(encoding="utf-8") == golden()


def test_docs_tell_every_indicator_and_no_other() -> None:
    page = DOCS.read_text(encoding="utf-8")
    headings = re.findall(r"^### `(.+)`$", page, re.M)
    assert sorted(headings) == sorted(entry.key for entry in INDICATORS)
    assert page == with_tables(page)


def test_positions_are_those_of_the_keys() -> None:
    assert len(POSITION) == len(INDICATORS)
    assert [POSITION[entry.key] for entry in INDICATORS] == list(range(len(INDICATORS)))


@pytest.mark.parametrize("entry", INDICATORS, ids=lambda entry: entry.key)
def test_entry_is_consistent(entry: Indicator) -> None:
    assert ID.fullmatch(entry.domain)
    assert ID.fullmatch(entry.id)
    assert entry.name
    assert entry.standard
    assert entry.clause
    assert entry.rule
    assert entry.cadence_s > 0
    assert entry.cadence_s <= entry.window_s
    uppers = [level.upper for level in entry.levels]
    assert uppers == sorted(set(uppers), reverse=entry.better == "high")
    assert math.inf in uppers
    assert all(re.fullmatch(r"#[0-9A-F]{6}", level.colour) for level in entry.levels)
    assert len({level.word for level in entry.levels}) == len(entry.levels)
    assert entry.over_level is None or 0 < entry.over_level < len(entry.levels)


if __name__ == "__main__":
    GOLDEN.write_text(golden(), encoding="utf-8")
    DOCS.write_text(with_tables(DOCS.read_text(encoding="utf-8")), encoding="utf-8")
