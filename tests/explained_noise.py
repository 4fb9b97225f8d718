"""Recomputes indicators of noise from an explanation alone, by the standards' own words.

As `tests/explained.py`, which holds the others: imports nothing of the project.
"""

import math
from typing import Any

Answer = dict[str, Any]


def level(indicator: str, value: float | None) -> int:
    """The level of a value."""
    if value is None:
        return -1
    lowest = {"noise.lden": 55, "noise.lnight": 50}.get(indicator)
    return 0 if lowest is None else sum(value >= lowest + 5 * i for i in range(5))


def _shown(db: float) -> float:
    return math.floor(db * 10 + 0.5) / 10


def _mean(answer: Answer, step: dict[str, Any]) -> float | None:
    """Energetic mean of the spans of a step, over the devices that have enough."""
    energies = []
    for series in answer["inputs"]:
        rows = [
            row for row in series.get("panes", {}).get("rows", [])
            if any(a <= row[0] < b for a, b in step["given"]["spans_ms"])
        ]
        n, owed = sum(row[2] for row in rows), step["given"]["owed"].get(str(series["series"]), 0)
        if n and 4 * n >= 3 * owed:
            energies.append(sum(row[3] for row in rows) / n)
    return 10 * math.log10(sum(energies) / len(energies)) if energies else None


def _lden(day: float, evening: float, night: float) -> float:
    parts = ((12, day), (4, evening + 5), (8, night + 10))
    return _shown(10 * math.log10(sum(h * 10 ** (db / 10) for h, db in parts) / 24))


def _exceeded(answer: Answer, name: str) -> float | None:
    found = answer["steps"][0]["found"]
    samples = [db for db, n in found["rows"] for _ in range(n)]
    if not samples or 4 * len(samples) < 3 * found["owed"]:
        return None

    def percentile(share: float) -> float:
        at = (len(samples) - 1) * share
        below = math.floor(at)
        above = samples[min(below + 1, len(samples) - 1)]
        return float(samples[below] + (at - below) * (above - samples[below]))

    l10, l50, l90 = (percentile(share) for share in (0.9, 0.5, 0.1))
    values = {"l10": l10, "l50": l50, "l90": l90, "tni": 4 * (l10 - l90) + l90 - 30}
    return _shown(values[name.split("_", maxsplit=1)[0]])


def recompute(answer: Answer) -> float | None:
    """The value that the explanation of a station yields; None where data are insufficient."""
    name = answer["indicator"].partition(".")[2]
    if name.startswith(("l10", "l50", "l90", "tni")):
        return _exceeded(answer, name)
    if name in ("laeq_15min", "laeq_1h"):
        mean = _mean(answer, answer["steps"][0])
        return None if mean is None else _shown(mean)
    whole, *periods = (_mean(answer, step) for step in answer["steps"][:4])
    of = dict(zip(("laeq_day", "lday", "levening", "lnight"), (whole, *periods), strict=True))
    if name in of:
        of_name = of[name]
        return None if of_name is None else _shown(of_name)
    known = [db for db in periods if db is not None]
    return _lden(*known) if len(known) == 3 else None
