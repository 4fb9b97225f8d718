"""Recomputes how readings came from an explanation alone, as `tests.explained` does.

Imports nothing of the project: what it knows it reads from the JSON that `explain` prints.
"""

from typing import Any

Answer = dict[str, Any]


def recompute(answer: Answer) -> float | None:
    """The value that the explanation yields; None where data are insufficient."""
    if answer["scope"] != "station":
        return _area(answer)
    name = answer["indicator"].partition(".")[2]
    steps = answer["steps"]
    if name.startswith("latency"):
        return _percentile(steps[1]["found"]["rows"], steps[2]["given"]["share"])
    counts = steps[0]["found"]
    received, what = counts["received"], {
        "late_share": "late", "duplicate_rate": "duplicates", "out_of_order_rate": "out_of_order",
        "clock_ahead_share": "ahead", "suspect_share": "suspect"}[name]
    of = received + (counts["duplicates"] if what == "duplicates" else 0)
    return min(100 * counts[what] / of, 100.0) if of else None


def _percentile(rows: list[list[float]], share: float) -> float | None:
    every = [(low + (high - low) * (k + 0.5) / count, low, (high - low) / count)
             for low, high, count in rows for k in range(int(count))]
    if not every:
        return None
    position = (len(every) - 1) * share
    value, _, width = every[int(position)]
    return value + width * (position - int(position))


def late_by_readings(answer: Answer) -> tuple[int, int]:
    """(received, late) counted from the listed readings and the periods of the places file."""
    received = late = 0
    for series in answer["inputs"]:
        column = {name: k for k, name in enumerate(series["columns"])}
        for reading in series["readings"]:
            behind_ms = reading[column["received_ms"]] - reading[column["time_ms"]]
            received += 1
            late += behind_ms > 2000 * series["rows"][0]["period_s"]
    return received, late


def _area(answer: Answer) -> float | None:
    have = [row for row in answer["members"] if row["value"] is not None]
    if answer["standard"]["area"] == "worst":
        return max((row["value"] for row in have), default=None)
    weight = sum(row["weight"] for row in have)
    return sum(row["weight"] * row["value"] for row in have) / weight if weight else None
