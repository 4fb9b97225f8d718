"""The steps of the mix of electricity: renewable share and carbon intensity, of hours and days."""

from typing import cast

import numpy as np

from engine.account import Account, Coverage, Json, Look, Recipe, Step, hour_of, number, numbers
from engine.catalogue import POSITION
from engine.family import Integers
from engine.generation import COLUMNS, EF_SET, NAMES, UNKNOWN_ALLOWED
from engine.mix import FACTOR, HOUR_MIN, LOOK_BACK_H, SHARE, MixDays, Mixes, MixHours
from engine.panes import HOUR

URL = ""
_BACK_MIN = (LOOK_BACK_H + 1) * HOUR_MIN
_DAY_MIN = 27 * HOUR_MIN
_NAMES = (*NAMES, "another channel")
_ENERGY = (
    "kWh of an hour = sum / (n * 1e6) with 45 of its minutes; else it is unknown, and the largest "
    f"such of the {LOOK_BACK_H} hours before counts as unknown energy"
)
_RULES = {
    "renewable_share": "sum of kWh * renewable / sum of kWh, unknown energy included",
    "carbon_intensity": "sum of kWh * g_per_kwh / sum of kWh, of the sources that have a factor",
}


def _hours(look: Look) -> Integers:
    if look.entry.cadence_s == 3600:
        return np.array([hour_of(look, look.start_min)], np.int64)
    days = cast(MixDays, look.family)
    return days.hours_of(*look.at(look.window), look.now_min)[1]


def _sources(mixes: Mixes) -> list[Json]:
    """[source, g/kWh, renewable, kWh of each hour] of the sources that there are."""
    used = np.nonzero((mixes.energy > 0).any(axis=0))[0].tolist()
    return [
        [_NAMES[s], number(float(mixes.factors[-1, s])), number(float(mixes.shares[-1, s])),
         numbers(mixes.energy[:, s])]
        for s in used if s < COLUMNS
    ]


def _mix(look: Look) -> Account:
    family = cast("MixHours | MixDays", look.family)
    hours, sources = _hours(look), family.sources
    members = np.full(len(hours), look.member, np.int64)
    mixes = sources.mixes(members, hours, look.panes)
    kind = look.entry.id.removesuffix("_day")
    values, known = mixes.share() if kind == "renewable_share" else mixes.intensity()
    column = family.indicators.index(POSITION[look.entry.key])
    result = family.compute(*look.at(look.window), look.now_min, look.panes)
    clause = look.entry.clause
    slots = look.slots("generation")
    steps = [
        Step("energy by source", _ENERGY,
             {"from": "inputs", "hours": len(hours),
              "series": [[slot, _NAMES[int(sources.code[slot])]] for slot in slots]},
             {"columns": ["source", "g_per_kwh", "renewable", "kwh"],
              "rows": _sources(mixes), "unknown_kwh": numbers(mixes.unknown)}, clause),
        Step(f"{kind} of each hour", f"{_RULES[kind]}; none with more than "
             f"{UNKNOWN_ALLOWED:.0%} unknown",
             {"ef_set": EF_SET, "instead": f"facts {FACTOR}* and {SHARE}* where there are any"},
             {"values": numbers(values), "kwh": numbers(known)}, clause),
    ]
    if look.entry.cadence_s > 3600:
        steps.append(Step(
            f"{kind} of the day", "sum of value * kwh / sum of kwh of the hours with a value; 75 % "
            "of the hours needed", {"hours": int((mixes.parts > 0).sum())},
            {"value": number(float(result.value[0, column]))}, clause,
        ))
    first = int(hours[0]) - LOOK_BACK_H if len(hours) else 0
    panes = [(slot, HOUR, first, len(hours) + LOOK_BACK_H) for slot in slots] if len(hours) else []
    if look.entry.cadence_s == 3600:
        cover = Coverage(float(mixes.minutes.sum() / max(int(mixes.parts[0]), 1)), HOUR_MIN,
                         "minutes", "75 % of the minutes of each series, 5 % of energy unknown")
    else:
        cover = Coverage(int(result.n[0, column]), int((mixes.parts > 0).sum()), "hours",
                         "75 % of the hours")
    return Account(steps, cover, panes)


RECIPES: dict[str, Recipe] = {
    f"energy.{kind}{tail}": Recipe(("generation",), back + _BACK_MIN, _mix, URL)
    for kind in _RULES for tail, back in (("", 0), ("_day", _DAY_MIN))
}
