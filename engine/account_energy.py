"""The steps of the energy indicators: demand of blocks, sliding, and the month's peak.

A meter is read by its power or, with an energy register, by the register's differences.
"""

from datetime import date
from typing import cast

import numpy as np

from engine.account import Account, Coverage, Json, Look, Recipe, Step, number
from engine.calendar import month_start
from engine.catalogue import POSITION
from engine.demand import mean_demand
from engine.energy import DemandBlocks, DemandPeaks, DemandSliding, ordered_sum
from engine.family import NO_WINDOW
from engine.meters import Meters, gather_minutes, room
from engine.panes import ONE, QUARTER
from engine.registers import BLOCK_MIN, LEVEL, NEIGHBOURS_MAX

INPUTS = ("power", "energy")
URL = ""
_PRACTICE = "Utility practice: demand interval of 15 minutes"
_POWER = "sum / (n * 1e6); 75 % of the 15 minutes needed"
_REGISTER = (
    "energy used / time it is known for: the register at a block's edge is interpolated between "
    "its neighbours; 75 % of the block must be measured"
)
_SUM = "sum over the meters; with one of them insufficient, so is the place"
_MONTH_DAYS = 32
_AROUND_MIN = NEIGHBOURS_MAX * BLOCK_MIN


def _blocks(look: Look, meters: Meters, first: int) -> tuple[list[Step], float, float, list[
    tuple[int, int, int, int]
]]:
    """Every meter's aligned block: steps, sum, mean share measured, panes."""
    row, end = look.at(0)[0], (first + 1) * BLOCK_MIN - look.shift
    start_min = np.array([end - BLOCK_MIN], np.int64)
    _, slots = meters.flat(row, start_min, start_min + BLOCK_MIN, look.panes)
    means, counts = meters.block_means(slots, np.full(len(slots), first, np.int64), look.panes)
    steps = []
    panes = []
    for k, slot in enumerate(slots.tolist()):
        register = bool(meters.is_register(slots[k : k + 1])[0])
        steps.append(Step(
            "demand of a meter", _REGISTER if register else _POWER,
            {"series": slot, "n": int(counts[k])},
            {"kw": number(means[k, 0]), "measured": number(means[k, 1])}, _PRACTICE,
        ))
        panes.append((slot, LEVEL if register else QUARTER, first, 1))
        twin = int(meters.twin[slot])
        if not register and twin >= 0:
            panes.append((twin, LEVEL, first, 1))
    total = float(means[:, 0].sum()) if len(slots) else float("nan")
    return steps, total, float(means[:, 1].mean()) if len(slots) else 0.0, panes


def _demand(look: Look) -> Account:
    meters = cast(DemandBlocks, look.family).source
    steps, total, share, panes = _blocks(look, meters, look.window)
    steps.append(_sum(steps, total))
    return Account(steps, _coverage(share), panes)


def _sum(steps: list[Step], total: float) -> Step:
    given = {str(step.given["series"]): step.found["kw"] for step in steps}
    return Step("demand of the place", _SUM, given, {"kw": number(total)}, _PRACTICE)


def _coverage(share: float) -> Coverage:
    return Coverage(share * BLOCK_MIN, BLOCK_MIN, "minutes", "75 % of the 15 minutes")


def _sliding(look: Look) -> Account:
    family = cast(DemandSliding, look.family)
    meters: Meters = family.source
    row, window = look.at(look.window)
    result = family.compute(row, window, look.now_min, look.panes)
    _, slots = meters.flat(row, window - BLOCK_MIN + 1, window + 1, look.panes)
    spans = family.spans(slots, np.full(len(slots), look.window, np.int64))
    steps: list[Step] = []
    panes: list[tuple[int, int, int, int]] = []
    for slot, span in zip(slots.tolist(), spans.tolist(), strict=True):
        local = (look.end_min + look.shift) // span * span
        given: dict[str, Json] = {"series": slot, "period_min": span,
                                  "until_ms": (local - look.shift) * 60_000}
        if local % BLOCK_MIN == 0:
            part, _, _, used = _blocks(look, meters, local // BLOCK_MIN - 1)
            own = [step for step in part if step.given["series"] == slot]
            steps += [step._replace(given=step.given | given) for step in own]
            panes += [pane for pane in used if pane[0] in (slot, int(meters.twin[slot]))]
            continue
        panes.append((slot, ONE, local - look.shift - BLOCK_MIN, BLOCK_MIN))
        space, lost = room(1), np.zeros(1, np.bool_)
        gather_minutes(
            np.array([slot], np.int32), np.array([local - look.shift - 1], np.int64),
            np.array([span], np.int64), look.panes.minutes, *space, lost,
        )
        mean = np.empty((1, 2))
        mean_demand(*space, mean)
        steps.append(Step(
            "demand of a meter", _POWER, given | {"n": int(space[1].sum())},
            {"kw": number(mean[0, 0]), "measured": number(mean[0, 1])}, _PRACTICE,
        ))
    value = float("nan") if int(result.n[0, 0]) == NO_WINDOW else float(result.value[0, 0])
    steps.append(Step("demand of the place", _SUM, {"meters": len(slots)}, {"kw": number(value)},
                      _PRACTICE))
    return Account(steps, _coverage(float(result.cov[0, 0])), panes)


def _peak(look: Look) -> Account:
    family = cast(DemandPeaks, look.family)
    days: list[Json] = []
    panes: list[tuple[int, int, int, int]] = []
    share = (0, 0)
    empty: list[Json] = []
    for day in range(month_start(look.window), look.window + 1):
        if not family.there(*look.at(day), look.panes)[0]:
            continue
        demand, ends = family.blocks_of(*look.at(day), look.now_min, look.panes)
        over = int((ends[0] > 0).sum())
        valid = int((~np.isnan(demand[0])).sum())
        share = (valid, over)
        if not valid:
            if over:
                empty.append([date.fromordinal(day).isoformat(), over])
            continue
        best = int(np.nanargmax(demand[0]))
        days.append([date.fromordinal(day).isoformat(), number(demand[0, best]),
                     int(ends[0, best]) * 60_000, valid, over,
                     number(ordered_sum(demand[0][~np.isnan(demand[0])]))])
        first = (int(ends[0, 0]) + look.shift) // BLOCK_MIN - 1
        panes += [(slot, QUARTER, first, over) for slot in look.slots("power")]
        panes += [(slot, LEVEL, first, over) for slot in look.slots("energy")]
    largest = max(days, key=lambda row: (row[1], -row[2]), default=None)
    steps = [
        Step("blocks", "mean power of each 15-minute block, as energy.demand_15min; the largest "
             "of each day", {"from": "inputs"},
             {"columns": ["day", "kw", "end_ms", "complete", "of", "sum_kw"], "days": days,
              "without_a_block": empty}, _PRACTICE),
        Step("peak of the month", "the largest so far; of equal ones the first",
             {"days": len(days)},
             {"kw": largest[1] if largest else None,
              "end_s": largest[2] // 1000 if largest else None}, _PRACTICE),
    ]
    rule = "75 % of the minutes of a block; the coverage is that of the last day's blocks"
    return Account(steps, Coverage(share[0], share[1], "blocks", rule), panes)


def _load_factor(look: Look) -> Account:
    """That of the month is told of all its days, that of the day of the day alone."""
    found = _peak(look)
    family = cast(DemandPeaks, look.family)
    of_day = look.entry.id == "load_factor_day"
    blocks = found.steps[0]
    rows = blocks.found["days"]
    without = sum(row[1] for row in blocks.found["without_a_block"])
    if of_day:
        today = date.fromordinal(look.window).isoformat()
        rows, without = [row for row in rows if row[0] == today], 0
        blocks.found["days"] = rows
    complete = sum(row[3] for row in rows)
    owed = sum(row[4] for row in rows) + without
    result = family.compute(*look.at(look.window), look.now_min, look.panes)
    step = Step(
        "load factor",
        "(sum_kw * 0.25 h) / (largest kw * complete * 0.25 h); 75 % of the blocks needed",
        {"complete": complete, "of": owed, "sum_kw": number(sum(row[5] for row in rows)),
         "peak_kw": max((row[1] for row in rows), default=None)},
        {"load_factor": number(result.value[0, family.indicators.index(
            POSITION[look.entry.key])])}, "energy / (peak demand * hours)",
    )
    rule = "75 % of the blocks"
    return Account([blocks, step], Coverage(complete, owed, "blocks", rule), found.panes)


def _lead(window: int) -> range:
    return range(month_start(window), window)


_MONTH = Recipe(INPUTS, _MONTH_DAYS * 1440, _peak, URL, ring_days=_MONTH_DAYS + 4, lead=_lead,
                around_min=_AROUND_MIN)
RECIPES: dict[str, Recipe] = {
    "energy.demand_15min": Recipe(INPUTS, 15, _demand, URL, around_min=_AROUND_MIN),
    "energy.demand_sliding": Recipe(INPUTS, 45, _sliding, URL, around_min=_AROUND_MIN),
    "energy.demand_peak": _MONTH,
    "energy.load_factor": _MONTH._replace(steps=_load_factor),
    "energy.load_factor_day": _MONTH._replace(steps=_load_factor),
    "energy.demand_peak_at": _MONTH,
}
