"""The steps of the supply voltage: of ten minutes, of two hours, and of the week by EN 50160."""

from typing import cast

import numpy as np

from engine.account import Account, Coverage, Json, Look, Recipe, Step, number, numbers
from engine.catalogue import POSITION
from engine.family import NOT_MEASURED
from engine.hour_means import TEN_MIN, ten_means
from engine.panes import TEN
from engine.supply import (
    LINES,
    NOMINAL,
    PST,
    PST_OF_PLT,
    THD,
    VOLTAGE,
    Flicker,
    Supply,
    SupplyTens,
    short_term,
)
from engine.supply_weeks import WEEK_DAYS, SupplyWeeks
from engine.voltage import NOMINAL_V, long_term_flicker

URL = ""
_61000 = "IEC 61000-4-30"
_WEEK_MIN = (WEEK_DAYS + 1) * 1440
_RMS = "u = sqrt(sum / (n * 1e4)) of each ten minutes with 8 of its minutes"
_OF = {"en50160_voltage": VOLTAGE, "en50160_outside": VOLTAGE, "en50160_far": VOLTAGE,
       "en50160_thd": THD, "en50160_flicker": PST}
_LIMITS = {
    "en50160_voltage": "near: u outside +-10 % of the nominal voltage; far: outside +10/-15 %; 0 "
    "if near <= 5 % of valid and far = 0 on each phase",
    "en50160_outside": "100 * near / valid of the worst phase; near: u outside +-10 %",
    "en50160_far": "far of the worst phase: u outside +10/-15 %",
    "en50160_unbalance": "100 * near / valid of the worst device; near: u2 > 2 %",
    "en50160_thd": "100 * near / valid of the worst phase; near: thd > 8 %",
    "en50160_flicker": "100 * near / valid of the worst phase; near: Plt > 1, Plt = cbrt(sum of "
    "Pst^3 / 12) of two hours with all 12",
}
_FORTESCUE = "u2 = 100 * |U1 + a^2 U2 + a U3| / |U1 + a U2 + a^2 U3|, a = 1 at 120 degrees"
_TRIANGLE = (
    "beta = sum U^4 / (sum U^2)^2; "
    "u2 = 100 * sqrt((1 - sqrt(3 - 6 beta)) / (1 + sqrt(3 - 6 beta)))"
)
Panes = list[tuple[int, int, int, int]]


def _value(look: Look) -> tuple[float, float]:
    """What the engine says: value and coverage."""
    result = look.family.compute(*look.at(look.window), look.now_min, look.panes)
    column = look.family.indicators.index(POSITION[look.entry.key])
    cover = float(result.cov[0, column]) if result.n[0, column] != NOT_MEASURED else 0.0
    return float(result.value[0, column]), cover


def _nominal(look: Look, slot: int, minute: int) -> float:
    supply = cast(SupplyTens, look.family).supply
    return float(supply.nominal(np.array([slot], np.int32), np.array([minute], np.int64))[0])


def _unbalance(look: Look) -> Account:
    supply: Supply = cast(SupplyTens, look.family).supply
    tens = np.array([look.window], np.int64)
    _, which, found = supply.unbalances(look.at(0)[0], tens, look.panes)
    threes = [supply.threes[one] for one in which.tolist()]
    steps: list[Step] = []
    panes: Panes = []
    quantity = look.vitals.registry.quantity
    for three, u2 in zip(threes, found.tolist(), strict=True):
        slots = [*three.volts, *(three.angles if three.with_angles else ())]
        means, _ = ten_means(
            np.array(slots, np.int32), np.repeat(tens, len(slots)), quantity, look.panes)
        formula = _FORTESCUE if three.with_angles else _TRIANGLE
        steps.append(Step(
            "unbalance of a device", f"{_RMS}; {formula}",
            {"series": slots[:3], "angles": slots[3:], "volts": numbers(means[:3]),
             "degrees": numbers(means[3:])}, {"u2": number(u2)}, _61000,
        ))
        panes += [(slot, TEN, look.window, 1) for slot in slots]
    value, cover = _value(look)
    steps.append(Step("worst device", "the largest; one insufficient makes the place so",
                      {"devices": len(threes)}, {"u2": number(value)}, _61000))
    return Account(steps, Coverage(cover * len(threes), len(threes), "devices",
                                   "75 % of the minutes of each phase"), panes)


def _thd(look: Look) -> Account:
    supply: Supply = cast(SupplyTens, look.family).supply
    row, tens = look.at(0)[0], np.array([look.window], np.int64)
    start = np.array([look.start_min], np.int64)
    _, slots = supply.series_of(row, start, start + TEN_MIN, THD, look.panes)
    means, _ = ten_means(slots, np.repeat(tens, len(slots)), look.vitals.registry.quantity,
                         look.panes)
    value, cover = _value(look)
    step = Step("worst phase", "thd = sqrt(sum / (n * 1e4)), 8 minutes needed; the largest",
                {"series": slots.tolist(), "thd": numbers(means)}, {"thd": number(value)}, _61000)
    return Account([step], Coverage(cover * len(slots), len(slots), "phases",
                                    "75 % of the minutes of each phase"),
                   [(slot, TEN, look.window, 1) for slot in slots.tolist()])


def _plt(look: Look) -> Account:
    family = cast(Flicker, look.family)
    row, start = look.at(0)[0], np.array([look.start_min], np.int64)
    _, slots = family.supply.series_of(row, start, start + family.minutes, PST, look.panes)
    short = short_term(family.supply, slots, np.full(len(slots), look.window, np.int64), look.panes)
    rows: list[Json] = [
        [slot, numbers(np.array(values)), number(long_term_flicker(values))]
        for slot, values in zip(slots.tolist(), short.tolist(), strict=True)
    ]
    value, cover = _value(look)
    step = Step("worst phase", "Pst = sum / (n * 1e6) of each ten minutes with 8 of its minutes; "
                "Plt = cbrt(sum of Pst^3 / 12); the largest", {"from": "inputs"},
                {"columns": ["series", "pst", "plt"], "rows": rows, "plt": number(value)},
                "IEC 61000-4-15")
    first = look.window * PST_OF_PLT
    return Account([step], Coverage(cover * PST_OF_PLT, PST_OF_PLT, "values", "all of them"),
                   [(slot, TEN, first, PST_OF_PLT) for slot in slots.tolist()])


def _tens_of_week(look: Look, family: SupplyWeeks, days: int) -> tuple[int, int]:
    """First of the ten minutes of so many days up to the window's, and how many they are."""
    first, _ = family.tens_of(*look.at(look.window - days + 1))
    _, end = family.tens_of(*look.at(look.window))
    return int(first[0]), int(end[0] - first[0])


def _week(look: Look) -> Account:
    family = cast(SupplyWeeks, look.family)
    value, _ = _value(look)
    supply, series = family.supply, look.vitals.registry.series
    member, day = look.at(look.window)
    there = family.present(member, day, look.panes)
    if look.entry.id == "en50160_unbalance":
        held = family.held_threes(there, member, day, look.panes)
        threes = {three.volts[0]: three for three in supply.threes}
        parts = [[*threes[slot].volts, *(
            threes[slot].angles if threes[slot].with_angles else ())]
            for slot in held.slot.tolist()]
    else:
        held = family.held(there, day, _OF[look.entry.id], look.panes)
        parts = [[slot] for slot in held.slot.tolist()]
    owed = int(family.owed(member, day, WEEK_DAYS)[0])
    if look.entry.id == "en50160_flicker":
        owed //= PST_OF_PLT
    first, count = _tens_of_week(look, family, WEEK_DAYS)
    plt_first = first // PST_OF_PLT * PST_OF_PLT  # the two hours that end within the week
    if look.entry.id == "en50160_flicker":
        first, count = plt_first, count + first - plt_first
    rows: list[Json] = [
        [of, int(valid), int(near), int(far), number(_nominal(look, slot, look.end_min - 720))]
        for of, slot, valid, near, far in zip(
            parts, *(column.tolist() for column in held[1:]), strict=True)
    ]
    step = Step(
        "week", f"{_RMS}; {_LIMITS[look.entry.id]}; 90 % of the intervals needed",
        {"owed": owed, "days": WEEK_DAYS, "nominal_v": NOMINAL_V, "fact": NOMINAL,
         "plt_from_ms": (plt_first * TEN_MIN - look.shift) * 60_000,
         "of_lines": sorted({series[slot].channel for slot in held.slot.tolist()} & set(LINES))},
        {"columns": ["series", "valid", "near", "far", "nominal_v"], "rows": rows,
         "value": number(value)}, look.entry.clause,
    )
    least = int(held.valid.min()) if len(held.valid) else 0
    return Account(
        [step], Coverage(least, owed, "intervals", "90 % of the intervals of each phase"),
        [(slot, TEN, first, count) for of in parts for slot in of],
    )


def _deviation(look: Look) -> Account:
    family = cast(SupplyWeeks, look.family)
    value, _ = _value(look)
    member, day = look.at(look.window)
    found = family.deviations(family.present(member, day, look.panes), member, day, look.panes)
    owed = int(family.owed(member, day, 1)[0])
    rows: list[Json] = [
        [slot, int(count), number(_nominal(look, slot, look.end_min - 720)), number(under),
         number(over)]
        for slot, count, under, over in zip(*(column.tolist() for column in found[1:]), strict=True)
    ]
    step = Step(
        "day", f"{_RMS}; under = (Un - sqrt(mean(min(u, Un)^2))) / Un, over = "
        "(sqrt(mean(max(u, Un)^2)) - Un) / Un, in %; the worst phase; 75 % of the intervals",
        {"owed": owed}, {"columns": ["series", "valid", "nominal_v", "under", "over"],
                         "rows": rows, "value": number(value)}, look.entry.clause,
    )
    least = int(found.valid.min()) if len(found.valid) else 0
    first, count = _tens_of_week(look, family, 1)
    return Account([step], Coverage(least, owed, "intervals", "75 % of the intervals"),
                   [(slot, TEN, first, count) for slot in found.slot.tolist()])


def _lead(window: int) -> range:
    return range(window - WEEK_DAYS + 1, window)


def _of_week(*inputs: str) -> Recipe:
    return Recipe(inputs, _WEEK_MIN, _week, URL, lead=_lead)


RECIPES: dict[str, Recipe] = {
    "energy.en50160_voltage": _of_week("voltage"),
    "energy.en50160_outside": _of_week("voltage"),
    "energy.en50160_far": _of_week("voltage"),
    "energy.en50160_unbalance": _of_week("voltage", "angle"),
    "energy.en50160_thd": _of_week("thd"),
    "energy.en50160_flicker": _of_week("pst"),
    "energy.rms_deviation_under": Recipe(("voltage",), 27 * 60, _deviation, URL),
    "energy.rms_deviation_over": Recipe(("voltage",), 27 * 60, _deviation, URL),
    "energy.unbalance": Recipe(("voltage", "angle"), TEN_MIN, _unbalance, URL),
    "energy.thd": Recipe(("thd",), TEN_MIN, _thd, URL),
    "energy.flicker_plt": Recipe(("pst",), PST_OF_PLT * TEN_MIN, _plt, URL),
}
