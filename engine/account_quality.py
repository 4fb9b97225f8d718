"""The steps of the data quality indicators: completeness."""

import numpy as np

from edge.quantities import QUANTITIES
from engine.account import Account, Coverage, Json, Look, Recipe, Step, hour_of, number
from engine.completeness import completeness, expected_readings
from engine.panes import HOUR

_OURS = "Cityvitals data quality 5.4"
URL = ""


def _hour(look: Look) -> Account:
    registry, members = look.vitals.registry, look.family.members
    hour = hour_of(look, look.start_min)
    start_s, end_s = look.start_min * 60, min(look.end_min, look.now_min) * 60
    rows: list[Json] = []
    panes = []
    had, owed = 0, 0.0
    for slot in members.table[look.member].tolist():
        if slot < 0 or look.panes.first_min[slot] >= look.end_min:
            continue
        expected = expected_readings(
            start_s, end_s, registry.since_s[slot], registry.period_s[slot]
        )
        ring = look.panes.coarse[0][slot]
        pane = ring[hour % len(ring)]
        count = int(pane["n"]) if pane["tag"] == hour else 0
        counted = min(count, int(np.ceil(expected)))
        rows.append([slot, count, number(expected), counted])
        panes.append((slot, HOUR, hour, 1))
        had += counted
        owed += expected
    out = np.empty(1)
    completeness(np.array([had], np.int64), np.array([owed]), out)
    steps = [
        Step("readings had and owed", "owed = seconds of the window / nominal period of the "
             "device; no series counts for more than it owes", {"from": "inputs"},
             {"columns": ["series", "had", "owed", "counted"], "rows": rows}, _OURS),
        Step("completeness", "100 * counted / owed, at most 100",
             {"counted": had, "owed": number(owed)}, {"percent": number(float(out[0]))}, _OURS),
    ]
    return Account(steps, Coverage(had, owed, "readings", "none: this is the coverage"), panes)


RECIPES: dict[str, Recipe] = {"dq.completeness": Recipe(tuple(QUANTITIES), 60, _hour, URL)}
