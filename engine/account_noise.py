"""The steps of the indicators of noise.

Standards: as `engine.sound_levels`.
"""

from collections.abc import Callable
from typing import cast

import numpy as np

from engine.account import Account, Coverage, Look, Recipe, Step, number
from engine.catalogue import POSITION
from engine.catalogue_noise import NOISE
from engine.completeness import expected_readings
from engine.panes import QUARTER
from engine.sound import QUARTER_MIN, Microphones, SoundDays, shown
from engine.sound_levels import LOWEST_DB, STEPS_A_DB
from engine.sound_percentiles import PercentileDays, PercentileHours, merged

_END = "https://eur-lex.europa.eu/eli/dir/2002/49/oj"
INPUTS = ("laeq",)
_MEAN = (
    "a device: 10 lg(sum of energies / n), with three quarters of the readings it owes; devices "
    "by the mean of their energies; the value to 0.1 dB, Lden from levels not rounded"
)
_RULE = "three quarters of the readings owed"
_PERIODS = ("whole day", "day", "evening", "night")


def _value(look: Look) -> tuple[float, float, int]:
    """Value, coverage and readings of the window, as the engine says."""
    result = look.family.compute(*look.at(look.window), look.now_min, look.panes)
    column = look.family.indicators.index(POSITION[look.entry.key])
    return (float(result.value[0, column]), float(result.cov[0, column]),
            int(result.n[0, column]))


def _owed(look: Look, slot: int, start_min: int, end_min: int) -> float:
    registry = look.vitals.registry
    return float(expected_readings(
        start_min * 60, end_min * 60, registry.since_s[slot], registry.period_s[slot]
    ))


def _period(look: Look, name: str, spans: list[tuple[int, int]]) -> Step:
    """The level of some spans taken together (Unix minutes)."""
    source = Microphones()
    source.members = look.family.members
    columns = [tuple(np.array([minute], np.int64) for minute in span) for span in spans]
    row = look.at(0)[0]
    levels, counts, _ = source.levels(row, [(a, b) for a, b in columns], look.panes)
    owed = {str(slot): number(sum(_owed(look, slot, *span) for span in spans))
            for slot in look.slots("laeq")}
    given = {"spans_ms": [[a * 60_000, b * 60_000] for a, b in spans], "owed": owed}
    return Step(name, _MEAN, given, {
        "level_db": number(float(levels[0])), "value": number(float(shown(levels)[0])),
        "n": int(counts[0])})


def _panes(look: Look) -> list[tuple[int, int, int, int]]:
    first = (look.start_min + look.shift) // QUARTER_MIN
    count = -(-(look.end_min - look.start_min) // QUARTER_MIN)
    return [(slot, QUARTER, first, count) for slot in look.slots("laeq")]


def _mean(look: Look) -> Account:
    _, share, n = _value(look)
    until = min(look.end_min, look.now_min)
    step = _period(look, "level", [(look.start_min, until)])
    return Account([step], Coverage(n, n / share if share else 1.0, "readings", _RULE),
                   _panes(look))


def _day(look: Look) -> Account:
    family = cast(SoundDays, look.family)
    value, share, n = _value(look)
    periods = family.periods(*look.at(look.window), look.now_min)
    steps = [
        _period(look, name, [(int(a[0]), int(b[0])) for a, b in spans])
        for name, spans in zip(_PERIODS, periods, strict=True)
    ]
    parts = {step.name: step.found["level_db"] for step in steps[1:]}
    steps.append(Step(look.entry.name, look.entry.clause, parts, {"value": number(value)},
                      look.entry.clause))
    return Account(steps, Coverage(n, n / share if share else 1.0, "readings", _RULE),
                   _panes(look))


def _exceeded(look: Look) -> Account:
    family = cast(PercentileHours | PercentileDays, look.family)
    value, share, n = _value(look)
    start, end = (np.array([minute], np.int64) for minute in (look.start_min, look.end_min))
    counts, owed, _ = merged(
        family.source, family.spectra, look.at(0)[0], start, end, look.now_min
    )
    known = np.nonzero(counts[0])[0]
    table = [[number(LOWEST_DB + int(step) / STEPS_A_DB), int(counts[0, step])] for step in known]
    steps = [
        Step("histogram", "readings by level, in steps of 0.1 dB", {"from": "archive"},
             {"columns": ["level_db", "n"], "rows": table, "owed": number(float(owed[0]))}),
        Step(look.entry.name, f"{look.entry.clause}, type 7; to 0.1 dB", {"n": n},
             {"value": number(value)}, look.entry.clause),
    ]
    return Account(steps, Coverage(n, n / share if share else 1.0, "readings", _RULE), _panes(look))


_DAY = 1500
"""Minutes of the longest civil day."""
_MEANS = ("laeq_15min", "laeq_1h")
_DAYS = ("laeq_day", "lday", "levening", "lnight", "lden")


def _steps(id: str) -> Callable[[Look], Account]:
    return _mean if id in _MEANS else _day if id in _DAYS else _exceeded


RECIPES: dict[str, Recipe] = {
    entry.key: Recipe(
        INPUTS, _DAY if entry.cadence_s == 86_400 else entry.cadence_s // 60, _steps(entry.id),
        _END,
    ) for entry in NOISE
}
