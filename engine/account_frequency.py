"""The steps of frequency by EN 50160: the counts of each day, and what was outside on the last."""

from datetime import date
from typing import cast

import numpy as np

from engine.account import Account, Coverage, Json, Look, Recipe, Step, number, numbers
from engine.catalogue import POSITION
from engine.frequency import NOMINAL, WEEK_DAYS, YEAR_DAYS, Frequency
from engine.panes import DAY
from engine.voltage import off_hertz

URL = ""
OUTSIDE_TOLD_MAX = 100
"""Means outside of the newest day that are told, the farthest first."""
_DAY_MIN = 1440


def _steps(look: Look) -> Account:
    family = cast(Frequency, look.family)
    week = look.entry.id.endswith("_week")
    days = WEEK_DAYS if week else YEAR_DAYS
    at = look.at(look.window)
    result = family.compute(*at, look.now_min, look.panes)
    value = float(result.value[0, family.indicators.index(POSITION[look.entry.key])])
    held = family.held(*at, look.now_min, look.panes)
    owed = int(family.owed(*at, days)[0])
    steps: list[Step] = []
    least = owed
    for slot, sums in zip(held.slot.tolist(), held.week if week else held.year, strict=True):
        row = int(family.hertz.row[slot])
        book = family.book
        rows: list[Json] = [
            [date.fromordinal(day).isoformat(), *map(int, book.kept[row, day % book.days])]
            for day in range(look.window - days + 1, look.window + 1)
            if book.day[row, day % book.days] == day
        ]
        nominal = family.nominal(slot, look.start_min)
        hertz = family.hertz.means(slot, look.start_min, min(look.end_min, look.now_min))
        beyond = hertz[off_hertz(hertz, nominal).near]
        far = np.argsort(-np.abs(beyond - nominal), kind="stable")[:OUTSIDE_TOLD_MAX]
        valid, near, out = map(int, sums)
        least = min(least, valid)
        steps.append(Step(
            "means of ten seconds of a series",
            "mean = sum / n of each ten seconds; near: outside +-1 % of the nominal frequency, "
            "far: outside +4/-6 %; valid, near and far are sums over the days",
            {"series": slot, "nominal_hz": number(nominal), "fact": NOMINAL,
             "columns": ["day", "valid", "near", "far"], "days": rows},
            {"valid": valid, "near": near, "far": out, "outside_of_the_day": numbers(beyond[far])},
            look.entry.clause,
        ))
    steps.append(Step(
        "EN 50160", {
            "en50160_frequency": "0 if of each series 1000 * near <= 5 * valid and far = 0, else 1",
            "en50160_frequency_far": "far of the worst series",
        }.get(look.entry.id, "100 * near / valid of the worst series")
        + "; 90 % of the intervals of each needed",
        {"owed": owed, "days": days}, {"value": number(value)}, look.entry.clause,
    ))
    first = (look.start_min + look.shift) // _DAY_MIN
    return Account(
        steps, Coverage(least if held.slot.size else 0, owed, "intervals", "90 % of each series"),
        [(slot, DAY, first, 1) for slot in held.slot.tolist()],
    )


def _recipe(days: int) -> Recipe:
    return Recipe(
        ("frequency",), days * _DAY_MIN + 60, _steps, URL, hour_days=days + 2,
        lead=lambda window: range(window - days + 1, window),
    )


RECIPES: dict[str, Recipe] = {
    **{f"energy.en50160_frequency{tail}": _recipe(YEAR_DAYS) for tail in ("", "_outside", "_far")},
    "energy.en50160_frequency_week": _recipe(WEEK_DAYS),
}
