"""The steps of the data quality indicators: completeness, and series that seem stuck."""

import numpy as np

from edge.quantities import QUANTITIES
from engine.account import Account, Coverage, Json, Look, Recipe, Step, hour_of, number
from engine.completeness import completeness, expected_readings
from engine.panes import DAY, HOUR, PERIODS
from engine.quality import DAY_H, FLAT, FLAT_READINGS_MIN, MONTH_D, begun_s, flat_hours, is_stuck

_OURS = "Cityvitals data quality 5.4"
_FLAT = "Cityvitals data quality 5.2 and 5.3"
URL = ""


def _counted(look: Look, level: int, spans: list[tuple[int, int, int]]) -> Account:
    """Had and owed over panes, given as (index, start and end in Unix minutes), oldest first."""
    registry, members = look.vitals.registry, look.family.members
    rows: list[Json] = []
    panes = []
    had, owed = 0, 0.0
    for slot in members.table[look.member].tolist():
        if slot < 0 or look.panes.first_min[slot] >= look.end_min:
            continue
        began_s = int(begun_s(look.panes.first_min[slot], int(registry.shift[slot])))
        ring = look.panes.coarse[level - HOUR][slot]
        count, due, counted = 0, 0.0, 0
        for index, start_min, end_min in spans:
            start_s, end_s = max(start_min * 60, began_s), min(end_min, look.now_min) * 60
            if start_s >= end_s:
                continue
            expected = expected_readings(
                start_s, end_s, registry.since_s[slot], registry.period_s[slot]
            )
            pane = ring[index % len(ring)]
            there = int(pane["n"]) if pane["tag"] == index else 0
            count, due = count + there, due + expected
            counted += min(there, int(np.ceil(expected)))
        rows.append([slot, count, number(due), counted, began_s * 1000])
        panes.append((slot, level, spans[0][0], len(spans)))
        had += counted
        owed += due
    out = np.empty(1)
    completeness(np.array([had], np.int64), np.array([owed]), out)
    what = {HOUR: "hour", DAY: "day"}[level]
    steps = [
        Step("readings had and owed", "owed = seconds / nominal period of the device, from the "
             f"hour of the first reading on; no series counts in any {what} for more than it owes",
             {"from": "inputs", f"{what}s": len(spans)},
             {"columns": ["series", "had", "owed", "counted", "begun_ms"], "rows": rows}, _OURS),
        Step("completeness", "100 * counted / owed, at most 100",
             {"counted": had, "owed": number(owed)}, {"percent": number(float(out[0]))}, _OURS),
    ]
    return Account(steps, Coverage(had, owed, "readings", "none: this is the coverage"), panes)


def _hours(look: Look, count: int) -> Account:
    last = hour_of(look, look.end_min - 60)
    end = look.end_min
    spans = [
        (last - back, end - 60 * (back + 1), end - 60 * back) for back in reversed(range(count))
    ]
    return _counted(look, HOUR, spans)


def _days(look: Look) -> Account:
    starts = [
        int(look.family.end_min(*look.at(look.window - back - 1))[0])
        for back in reversed(range(MONTH_D))
    ]
    ends = [*starts[1:], look.end_min]
    return _counted(look, DAY, [
        ((start + look.shift) // PERIODS[DAY], start, end)
        for start, end in zip(starts, ends, strict=True)
    ])


def _flat(look: Look) -> Account:
    """Each series with its hours and their extremes."""
    registry, members = look.vitals.registry, look.family.members
    last = hour_of(look, look.end_min - 60) - int(look.end_min > look.now_min)
    rows: list[Json] = []
    panes = []
    extremes = np.empty(2)
    for slot in members.table[look.member].tolist():
        hours = int(FLAT[registry.quantity[slot], 0]) if slot >= 0 else 0
        if not hours:
            continue
        found = flat_hours(look.panes.coarse[0], slot, last, hours, extremes)
        if found < hours:
            continue
        low, high = extremes.tolist()
        _, tolerance, rest = FLAT[registry.quantity[slot]].tolist()
        stuck = bool(is_stuck(extremes, FLAT[registry.quantity[slot]]))
        rows.append(
            [slot, hours, number(low), number(high), tolerance, number(rest), stuck])
        panes.append((slot, HOUR, last - hours + 1, hours))
    total = sum(row[-1] for row in rows)
    steps = [
        Step("range of each series", "highest - lowest of its newest whole hours, each with at "
             f"least {FLAT_READINGS_MIN} readings; stuck below the tolerance, but not where both "
             "are the value at rest",
             {"from": "inputs"},
             {"columns": ["series", "hours", "lowest", "highest", "tolerance", "at rest",
                          "stuck"],
              "rows": rows}, _FLAT),
        Step("series that seem stuck", "how many are", {"series": len(rows)}, {"stuck": total},
             _FLAT),
    ]
    rule = "one series with all of its hours"
    return Account(steps, Coverage(len(rows), len(rows), "series", rule), panes)


_ALL = tuple(QUANTITIES)
RECIPES: dict[str, Recipe] = {
    "dq.completeness": Recipe(_ALL, 60, lambda look: _hours(look, 1), URL),
    "dq.completeness_24h": Recipe(_ALL, 24 * 60, lambda look: _hours(look, DAY_H), URL),
    "dq.flat_line": Recipe(_ALL, 5 * 60, _flat, URL),
    "dq.completeness_30d": Recipe(_ALL, 31 * 1440, _days, URL),
}
