"""What was measured against what the design asks for, as tables of text (Markdown)."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple


class Column(NamedTuple):
    """A column of a table: the key of its rows, its title, and how a number is written."""

    key: str
    title: str
    form: str = ""


class Goal(NamedTuple):
    """A number to reach; `reached` is None where it was not measured."""

    what: str
    reach: str
    measured: str
    reached: bool | None


def goal(what: str, limit: float, measured: float | None, form: str, unit: str = "") -> Goal:
    """A goal with a number: at least `limit`, or at most its opposite if it is negative."""
    sign, bound = ("≤", -limit) if limit < 0 else ("≥", limit)
    reach = f"{sign} {bound:{form}}{unit}"
    if measured is None:
        return Goal(what, reach, "not run", None)
    reached = measured <= bound if limit < 0 else measured >= bound
    return Goal(what, reach, f"{measured:{form}}{unit}", reached)


def table(columns: Sequence[Column], rows: Iterable[dict[str, Any]]) -> list[str]:
    """Rows as lines of a table, columns as wide as they must be; what is not there is a dash."""
    texts = [[column.title for column in columns]]
    for row in rows:
        if "not_run" in row:
            heads = [str(row.get(column.key, "")) for column in columns[:4]]
            texts.append([*heads, "not run: " + str(row["not_run"]).splitlines()[0]])
            continue
        texts.append([
            "–" if row.get(column.key) is None else f"{row[column.key]:{column.form}}"
            for column in columns
        ])
    full = [line + [""] * (len(columns) - len(line)) for line in texts]
    whole = [line for line, text in zip(full, texts, strict=True) if len(text) == len(columns)]
    widths = [max(len(line[k]) for line in whole) for k in range(len(columns))]
    out = [_line(full[0], widths), "|" + "|".join("-" * (width + 2) for width in widths) + "|"]
    return out + [_line(line, widths) for line in full[1:]]


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
    return "| " + " | ".join(padded) + " |"


def goal_table(goals: Iterable[Goal]) -> list[str]:
    """Goals as lines of a table."""
    words = {True: "yes", False: "NO", None: "–"}
    columns = [Column("what", "what"), Column("reach", "reach"), Column("measured", "measured"),
               Column("reached", "reached")]
    return table(columns, [{**row._asdict(), "reached": words[row.reached]} for row in goals])
