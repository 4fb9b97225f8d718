"""The steps of drift: the hours of each sensor against the median of its neighbours."""

from typing import cast

import numpy as np

from engine.account import Account, Coverage, Json, Look, Recipe, Step, number, numbers
from engine.drift import DAY_H, LASTING_H, NEIGHBOURS_MIN, SPAN_D, SPAN_H
from engine.drift_days import FLOOR, SENSED, WEEK_D, DriftDays, Judged
from engine.panes import HOUR

_OURS = "Cityvitals data quality 5.5"
LEAD_D = SPAN_D + WEEK_D
"""Days that must be entered before: those of a verdict, and of the oldest a week for whose
neighbours the others are."""


def _steps(look: Look) -> Account:
    family = cast(DriftDays, look.family)
    registry = look.vitals.registry
    one = np.array([look.member], np.int64)
    days = range(look.window - SPAN_D + 1, look.window + 1)
    near: dict[int, list[Json]] = {}
    last: list[tuple[Judged, int]] = []
    for day in days:
        end = int(family.end_min(one, np.array([day]))[0])
        for part in family.judged(one, day, end, look.panes):
            for s, slot in enumerate(part.slot.tolist()):
                near.setdefault(slot, []).append(
                    [end * 60_000, np.sort(part.near[s][part.taken[s]]).tolist()])
                if day == look.window:
                    last.append((part, s))
    steps, panes = [], []
    told: list[Json] = []
    for part, s in last:
        slot = int(part.slot[s])
        shift = int(registry.shift[slot])
        first = (look.end_min + shift) // 60 - SPAN_H
        every = {slot, *(int(other) for _, others in near[slot] for other in others)}
        panes += [(other, HOUR, first, SPAN_H) for other in sorted(every)]
        floor = number(FLOOR[int(registry.quantity[slot])])
        hours, offset, mad, level, slope, lasting, drifts = numbers(part.told[s])
        found = {
            "hours": hours, "offset": offset, "mad": mad, "level": level, "slope": slope,
            "off_hours": lasting, "drifts": None if drifts is None else bool(drifts),
        }
        told.append(found["drifts"])
        steps.append(Step(
            "a sensor against its neighbours",
            "m = median of the neighbours' hourly means, of each day those listed, at least "
            f"{NEIGHBOURS_MIN}; offset = median of x - m over 168 h, mad = median of its distance "
            "from that, level = median of m, 126 hours needed; off if |offset| > max(0.25 * level, "
            "floor); off_hours: the last hours in a row whose own 168 h are off, at most "
            f"{LASTING_H}; slope = least squares of x on m; drifts if off_hours = {LASTING_H} or "
            "slope is outside 0.7 to 1.3",
            {"from": "inputs", "series": slot, "floor": floor,
             "neighbours": {"columns": ["day_end_ms", "series"], "rows": near[slot]}},
            found, _OURS,
        ))
    known = [one for one in told if one is not None]
    steps.append(Step(
        "sensors that seem to drift", "how many do", {"sensors": len(told), "told": len(known)},
        {"drift": sum(known) if known else None}, _OURS,
    ))
    rule = "one sensor with 126 hours of a week and three neighbours"
    return Account(steps, Coverage(len(known), len(told), "sensors", rule), panes)


RECIPES: dict[str, Recipe] = {
    "dq.drift": Recipe(
        SENSED, LEAD_D * DAY_H * 60, _steps, "", hour_days=LEAD_D + 2, near=True,
        lead=lambda window: range(window - LEAD_D + 1, window),
    ),
}
