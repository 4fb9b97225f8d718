"""The steps of the indices that other standards make of the same hours: European AQI."""

from collections.abc import Callable

import numpy as np

from engine.account import Account, Coverage, Look, Recipe, Step, number
from engine.account_air import covered, hourly, hours_used, measured, panes_of
from engine.air import POLLUTANTS
from engine.conversion import factors
from engine.eaqi import EDITION_2024, PARTS, UPPERS, band, eaqi_hour, whole

EEA_URL = "https://airindex.eea.europa.eu/"
_EAQI = "ETC HE Report 2024/17"
_EU = factors("eu", POLLUTANTS)
_HOUR = "45 of 60 minutes"


def _eaqi_part(row: int, mean: float) -> tuple[list[Step], float]:
    """Conversion, rounding and band of one hourly mean."""
    conc = mean * _EU[row]
    value = band(EDITION_2024, row, conc)
    limits = [number(upper) for upper in UPPERS[EDITION_2024, row, :5]]
    return [
        Step("concentration", "mean * factor (EU: 20 °C, 101.3 kPa)",
             {"mean": number(mean), "factor": number(_EU[row])}, {"ugm3": number(conc)},
             "2008/50/EC Annex VI.C"),
        Step(f"band of {POLLUTANTS[row]}", "rounded half up; the first limit not exceeded",
             {"rounded": number(whole(conc)), "limits": limits}, {"band": number(value)}, _EAQI),
    ], value


def _eaqi_of(row: int) -> Callable[[Look], Account]:
    def steps(look: Look) -> Account:
        means = hours_used(look, look.window, 1)
        told, _ = _eaqi_part(row, float(means[row, 0]))
        return Account(
            [hourly(row, means[row]), *told], covered(means, [row], [1], _HOUR),
            panes_of(look, [row], look.window, [1]),
        )
    return steps


def _eaqi(look: Look) -> Account:
    means = hours_used(look, look.window, 1)
    there = measured(look)
    rows = [row for row in PARTS if row in there]
    told: list[Step] = []
    bands = {}
    for row in rows:
        steps, value = _eaqi_part(row, float(means[row, 0]))
        told += [hourly(row, means[row]), *steps]
        bands[POLLUTANTS[row]] = number(value)
    out = np.empty((1, 6))
    eaqi_hour(
        np.ascontiguousarray(means.T * _EU), np.array([[row in there for row in range(6)]]), out
    )
    known = {name: value for name, value in bands.items() if value is not None}
    index = number(out[0, 0])
    told.append(Step(
        "worst of the pollutants",
        "the highest band; NO2 and a PM needed, and O3 where the station measures it", bands,
        {"band": index,
         "because_of": max(known, key=lambda name: known[name]) if index else None}, _EAQI,
    ))
    cover = covered(means, rows, [1] * len(rows), _HOUR) if rows else Coverage(0, 0, "hours", _HOUR)
    return Account(told, cover, panes_of(look, rows, look.window, [1] * len(rows)))


RECIPES: dict[str, Recipe] = {
    "air.eaqi_2024": Recipe(POLLUTANTS, 60, _eaqi, EEA_URL),
    **{
        f"air.eaqi_2024_{POLLUTANTS[row]}": Recipe((POLLUTANTS[row],), 60, _eaqi_of(row), EEA_URL)
        for row in PARTS
    },
}
