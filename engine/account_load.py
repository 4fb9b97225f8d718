"""The steps of the power factor: of an hour, vector and arithmetic, and of a day by energies."""

from typing import cast

import numpy as np

from engine.account import Account, Coverage, Json, Look, Recipe, Step, hour_of, number
from engine.family import Integers
from engine.hour_means import HOUR_MIN, hour_means
from engine.loads import RATED, Apparent, Loads, PowerFactorDays, PowerFactors
from engine.panes import HOUR

URL = ""
_CLAUSE = "|P| / S"
_DAY_BACK_MIN = 27 * 60
_MEANS = {
    "kw": "sum / (n * 1e6); 45 of 60 minutes", "kvar": "sum / (n * 1e6); 45 of 60 minutes",
    "rms": "sqrt(sum / (n * 1e4)); 45 of 60 minutes",
}


def _series(look: Look, loads: Loads, hours: Integers, arithmetic: bool) -> list[Json]:
    """Each series that counts in the hours: [series, its role, its means]."""
    rows: list[Json] = []
    row, slots = loads.power(np.full(len(hours), look.member, np.int64), hours, look.panes)
    for slot in np.unique(slots).tolist():
        if arithmetic:
            parts = [(one, "rms") for pair in loads.phases[slot] for one in pair]
        else:
            parts = [(int(loads.reactive[slot]), "kvar")] if loads.reactive[slot] >= 0 else []
        for of, role in [(slot, "kw"), *parts] if parts else []:
            at = hours[row[slots == slot]]
            means, _ = hour_means(
                np.full(len(at), of, np.int32), at, look.vitals.registry.quantity, look.panes)
            rows.append([of, role, [number(mean) for mean in means.tolist()]])
    return rows


def _told(look: Look, loads: Loads, hours: Integers, arithmetic: bool) -> tuple[
    list[Step], list[tuple[int, int, int, int]]
]:
    rows = _series(look, loads, hours, arithmetic)
    step = Step(
        "hourly means", "; ".join(f"{role}: {_MEANS[role]}" for role in sorted({
            row[1] for row in rows})),
        {"from": "inputs"}, {"columns": ["series", "is", "means"], "rows": rows}, _CLAUSE,
    )
    count = len(hours)
    first = int(hours[0]) if count else 0
    return [step], [(slot, HOUR, first, count) for slot, *_ in rows] if count else []


def _last(look: Look, apparent: tuple[float, float, float], formula: str, hours: float) -> Step:
    kw, kvar, kva = apparent
    result = look.family.compute(*look.at(look.window), look.now_min, look.panes)
    rated = look.vitals.registry.fact_at(look.place, RATED, look.end_min - 1)
    given: dict[str, Json] = {
        "p": number(kw), "q": number(kvar), "s": number(kva), "hours": hours,
        "rated_kva": number(rated),
    }
    return Step("power factor", formula, given, {"power_factor": number(result.value[0, 0])},
                _CLAUSE)


def _hour(look: Look) -> Account:
    family = cast(PowerFactors, look.family)
    loads, arithmetic = family.loads, look.entry.id == "power_factor_arithmetic"
    hours = np.array([hour_of(look, look.start_min)], np.int64)
    steps, panes = _told(look, loads, hours, arithmetic)
    found: Apparent = family.apparent(look.at(0)[0], hours, look.panes)
    formula = "|sum of kw| / " + (
        "(sum over the phases of volts * amperes / 1000)" if arithmetic
        else "sqrt((sum of kw)^2 + (sum of kvar)^2)"
    ) + "; none below 1 % of rated_kva"
    of = (float(found.kw[0]), float(found.kvar[0]), float(found.kva[0]))
    steps.append(_last(look, of, formula, 1))
    return Account(steps, Coverage(
        float(found.minutes[0]), HOUR_MIN, "minutes", "75 % of the minutes of each series"
    ), panes)


def _day(look: Look) -> Account:
    family = cast(PowerFactorDays, look.family)
    hours, found = family.hours_of(look.member, look.window, look.now_min, look.panes)
    steps, panes = _told(look, family.loads, hours, False)
    good = ~np.isnan(found.kva)
    of = (float(np.sum(found.kw[good])), float(np.sum(found.kvar[good])), float("nan"))
    steps.append(_last(
        look, of, "|kWh| / sqrt(kWh^2 + kvarh^2), sums over the hours that have all of their "
        "series; 75 % of the hours; none below 1 % of rated_kva * hours", int(good.sum()),
    ))
    cover = Coverage(int(good.sum()), len(hours), "hours", "75 % of the hours")
    return Account(steps, cover, panes)


RECIPES: dict[str, Recipe] = {
    "energy.power_factor": Recipe(("power", "reactive"), HOUR_MIN, _hour, URL),
    "energy.power_factor_arithmetic":
        Recipe(("power", "voltage", "current"), HOUR_MIN, _hour, URL),
    "energy.power_factor_period": Recipe(("power", "reactive"), _DAY_BACK_MIN, _day, URL),
}
