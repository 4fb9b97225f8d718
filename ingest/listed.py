"""What an explanation tells of the readings of one series."""

from typing import Any

import numpy as np
import numpy.typing as npt

from edge.verdicts import Verdict

LISTED_MAX = 120
"""Readings listed of each series: the newest."""
READING_COLUMNS = ("time_ms", "value", "flag", "verdict", "received_ms")
NEVER_NS = 1 << 62


class Listed:
    """What is told of one series' readings."""

    def __init__(self) -> None:
        self.count = 0
        self.late = 0
        self.suspect = 0
        self.sum = 0.0
        self.low, self.high = np.inf, -np.inf
        self.first_ns, self.last_ns = NEVER_NS, -NEVER_NS
        self.placed = 0
        self.said: list[list[float]] = []
        self.newest: list[npt.NDArray[Any]] = []

    def add(self, rows: npt.NDArray[Any]) -> None:
        """Take in counted readings."""
        self.count += len(rows)
        self.late += int((rows["verdict"] == Verdict.LATE).sum())
        self.suspect += int((rows["flag"] == 3).sum())
        self.sum += float(rows["value"].sum())
        self.low = min(self.low, float(rows["value"].min()))
        self.high = max(self.high, float(rows["value"].max()))
        self.first_ns = min(self.first_ns, int(rows["time_ns"].min()))
        self.last_ns = max(self.last_ns, int(rows["time_ns"].max()))
        self.newest.append(rows[np.argsort(rows["time_ns"], kind="stable")][-LISTED_MAX:])
        if len(self.newest) > 64:
            self.newest = [self.rows()]

    def rows(self) -> npt.NDArray[Any]:
        """The newest readings, oldest of them first."""
        every = np.concatenate(self.newest)
        every = every[np.argsort(every["time_ns"], kind="stable")]
        kept: npt.NDArray[Any] = every[-LISTED_MAX:]
        return kept


def list_all(
    listed: dict[int, Listed], rows: npt.NDArray[Any], slot: npt.NDArray[np.int32],
    counted: npt.NDArray[np.bool_],
) -> None:
    """Add counted rows to what is told of their series, `slot` of each; one pass for all series."""
    found = np.nonzero(counted)[0]
    if not len(found):
        return
    found = found[np.argsort(slot[found], kind="stable")]
    own = slot[found]
    begins = np.nonzero(np.diff(own, prepend=-1))[0]
    ordered = rows[found]
    for first, last in zip(begins.tolist(), [*begins[1:].tolist(), len(own)], strict=True):
        listed.setdefault(int(own[first]), Listed()).add(ordered[first:last])


def reading(row: Any) -> list[Any]:
    """One reading in the order of `READING_COLUMNS`; a time of 0 was not told."""
    value = float(row["value"])
    return [
        int(row["time_ns"]) // 1_000_000, value if np.isfinite(value) else None,
        int(row["flag"]), Verdict(int(row["verdict"])).label,
        int(row["received_ns"]) // 1_000_000,
    ]
