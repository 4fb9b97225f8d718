"""The steps of the timeliness of a station: what was received in an hour, and how it came."""

from typing import cast

import numpy as np

from edge.quantities import QUANTITIES
from engine.account import Account, Coverage, Json, Look, Recipe, Step, number
from engine.catalogue import POSITION
from engine.deliveries import (
    AHEAD,
    BINS,
    DISORDER,
    DUPLICATE,
    KINDS,
    LATE,
    RECEIVED,
    SUSPICIOUS,
    edge_s,
)
from engine.timeliness import NAMES, Timeliness

_OURS = "Cityvitals data quality 5.4"
URL = ""
BEFORE_H = 24
"""Hours of receipt before the window that tell what is out of order."""
_COUNTED = {
    "received": RECEIVED, "late": LATE, "ahead": AHEAD, "duplicates": DUPLICATE,
    "out_of_order": DISORDER, "suspect": SUSPICIOUS,
}
_FORMULAS = {
    "late_share": "100 * late / received; late: latency > 2 periods, or too late to count",
    "duplicate_rate": "100 * duplicates / (received + duplicates)",
    "out_of_order_rate": "100 * out_of_order / received; older than one of its series before it",
    "clock_ahead_share": "100 * ahead / received; ahead: more than 2 s after its receipt",
    "suspect_share": "100 * suspect / received, at most 100; QARTOD 3 and 4 by range, rate, spike",
}


def _told(look: Look) -> Account:
    family = cast(Timeliness, look.family)
    of, name = family.deliveries, look.entry.id
    counts, latency = np.zeros(KINDS, np.int64), np.zeros(BINS, np.int64)
    if look.place < len(of.hours):
        at = look.window % of.hours.shape[1]
        if of.hours[look.place, at] == look.window:
            counts, latency = of.counts[look.place, at], of.latency[look.place, at].astype(np.int64)
    rows: list[Json] = [
        [edge_s(index), edge_s(index + 1), int(latency[index])]
        for index in np.nonzero(latency)[0].tolist()
    ]
    result = family.compute(*look.at(look.window), look.now_min, look.panes)
    value = number(float(result.value[0, family.indicators.index(POSITION[look.entry.key])]))
    received = int(counts[RECEIVED])
    steps = [Step(
        "received in the hour", "readings by the time of their receipt, not by their own",
        {"from": "inputs"}, {name: int(counts[kind]) for name, kind in _COUNTED.items()}, _OURS,
    )]
    if name.startswith("latency"):
        share = int(name.removeprefix("latency_p"))
        steps.append(Step(
            "latency", "how many readings had a latency from, and below, s; those ahead are left "
            "out", {"from": "inputs"}, {"columns": ["from_s", "below_s", "readings"], "rows": rows},
            _OURS,
        ))
        steps.append(Step(
            f"percentile {share}", "position (n - 1) * share; the readings of a row lie evenly in "
            "it, the k-th (from 0) of c at from + (below - from) * (k + 0.5) / c",
            {"share": share / 100}, {"value": value}, _OURS,
        ))
    else:
        steps.append(Step(look.entry.name, _FORMULAS[name], {"from": "the step before"},
                          {"value": value}, _OURS))
    return Account(steps, Coverage(received, received, "readings received", "one reading"))


RECIPES: dict[str, Recipe] = {
    f"dq.{name}": Recipe(
        tuple(QUANTITIES), (BEFORE_H + 1) * 60, _told, URL, by_receipt=True
    ) for name in NAMES
}
