"""Worked cases of air: indices, conversions and guideline levels, through the engine's kernels."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from cityvitals.worked_cases import Adapter, Inputs, NotBuiltError, choose, number, plain, word
from engine import air_limits, daqi, eaqi, limits_2030, naqi, pollutants, us_aqi
from engine.air_days import who_ratio
from engine.catalogue import AQI_LEVELS
from engine.catalogue_air import (
    DAQI_BANDS,
    EAQI_2017_WORDS,
    EAQI_2019_WORDS,
    EAQI_LEVELS,
    NAQI_LEVELS,
)
from engine.conversion import FACTORS, MOLAR_MASS, ppb_to_ugm3
from engine.nowcast import (
    NOWCAST_HOURS,
    NOWCAST_O3_HOURS,
    nowcast_o3_2016,
    nowcast_pm,
    report,
)
from engine.purpleair import corrected_atm, corrected_cf1, corrected_pair
from engine.who import AQG, LEVELS, limit_of, target_names

Floats = npt.NDArray[np.float64]

EDITION = "2024-05-06"
_POLLUTANTS = {
    "PM2.5": pollutants.PM25, "PM10": pollutants.PM10, "O3": pollutants.O3, "CO": pollutants.CO,
    "SO2": pollutants.SO2, "NO2": pollutants.NO2,
}
_HOURS = {"1h": 1, "8h": 8, "24h": 24}
_TABLE_UNIT = {
    pollutants.PM25: {"ugm3": 1.0}, pollutants.PM10: {"ugm3": 1.0},
    pollutants.O3: {"ppm": 1.0, "ppb": 0.001}, pollutants.CO: {"ppm": 1.0, "ppb": 0.001},
    pollutants.SO2: {"ppb": 1.0, "ppm": 1000.0}, pollutants.NO2: {"ppb": 1.0, "ppm": 1000.0},
}


def _check_edition(inputs: Inputs) -> None:
    if inputs.get("edition", EDITION) != EDITION:
        raise NotBuiltError


def _us_aqi(inputs: Inputs) -> dict[str, Any]:
    _check_edition(inputs)
    pollutant, hours = choose(_POLLUTANTS, inputs, "pollutant"), choose(_HOURS, inputs, "avg")
    for unit, factor in _TABLE_UNIT[pollutant].items():
        if f"conc_{unit}" in inputs:
            conc = number(inputs[f"conc_{unit}"]) * factor
            value = us_aqi.sub_index(pollutant, hours, conc)
            return {"aqi": plain(value), "category": word(value, AQI_LEVELS)}
    raise KeyError(f"conc_{next(iter(_TABLE_UNIT[pollutant]))}")


def _us_aqi_overall(inputs: Inputs) -> dict[str, Any]:
    """Inputs are named `PM2.5_24h_ugm3`: pollutant, average, unit."""
    _check_edition(inputs)
    conc: dict[tuple[int, int], float] = {}
    for key, value in inputs.items():
        if key == "edition":
            continue
        name, hours, unit = ([*key.split("_"), "", ""])[:3]
        pollutant = choose(_POLLUTANTS, {key: name}, key)
        factor = choose(_TABLE_UNIT[pollutant], {key: unit}, key)
        conc[pollutant, choose(_HOURS, {key: hours}, key)] = number(value) * factor

    def given(pollutant: int, hours: int) -> float:
        return conc.get((pollutant, hours), math.nan)

    found = np.array([
        us_aqi.sub_index(pollutants.PM25, 24, given(pollutants.PM25, 24)),
        us_aqi.sub_index(pollutants.PM10, 24, given(pollutants.PM10, 24)),
        us_aqi.o3_index(given(pollutants.O3, 8) * 1000.0, given(pollutants.O3, 1) * 1000.0),
        us_aqi.sub_index(pollutants.CO, 8, given(pollutants.CO, 8)),
        us_aqi.so2_index(given(pollutants.SO2, 1), given(pollutants.SO2, 24)),
        us_aqi.sub_index(pollutants.NO2, 1, given(pollutants.NO2, 1)),
    ])
    indices = {
        name: float(found[row]) for name, row in _POLLUTANTS.items() if not math.isnan(found[row])
    }
    value = us_aqi.overall(found)
    return {
        "aqi": plain(value), "category": word(value, AQI_LEVELS), "subindices": indices,
        "main": max(indices, key=indices.__getitem__, default=None),
    }


def _hours(inputs: Inputs, key: str, most: int) -> Floats:
    """Hourly means, newest first, NaN where one is missing or beyond those given."""
    hours = [number(value) for value in inputs[key]]
    if len(hours) > most:
        raise ValueError(f"{key} has {len(hours)} hours, at most {most}")
    return np.array(hours + [math.nan] * (most - len(hours)))


def _nowcast_pm(inputs: Inputs) -> dict[str, Any]:
    value = nowcast_pm(_hours(inputs, "hours_newest_first", NOWCAST_HOURS))
    pollutant = choose(_POLLUTANTS, {"pollutant": "PM2.5", **inputs}, "pollutant")
    steps = 10.0 if pollutant == pollutants.PM25 else 1.0
    return {"nowcast": plain(value), "reported": plain(report(value, steps))}


def _nowcast_o3(inputs: Inputs) -> dict[str, Any]:
    out = np.empty(3)
    nowcast_o3_2016(_hours(inputs, "hours_newest_first_ppb", NOWCAST_O3_HOURS), out)
    weight, total, value = (plain(x) for x in out.tolist())
    return {"weight": weight, "weighted_sum": total, "nowcast": value}


_GASES = {"O3": "o3", "NO2": "no2", "SO2": "so2", "CO": "co", "NO": "no", "NH3": "nh3"}
_EAQI_WORDS = {
    eaqi.EDITION_2024: tuple(level.word for level in EAQI_LEVELS),
    eaqi.EDITION_2019: EAQI_2019_WORDS, eaqi.EDITION_2017: EAQI_2017_WORDS,
}


def _eaqi(edition: int, average_h: dict[str, int]) -> Adapter:
    """The band of one concentration; `avg`, if given, must be that of the edition."""
    def run(inputs: Inputs) -> dict[str, Any]:
        pollutant = choose(_POLLUTANTS, inputs, "pollutant")
        hours = choose(_HOURS, {"avg": "1h", **inputs}, "avg")
        if "avg" in inputs and hours != average_h.get(inputs["pollutant"], 1):
            raise NotBuiltError
        value = eaqi.band(edition, pollutant, number(inputs["conc_ugm3"]))
        name = None if math.isnan(value) else _EAQI_WORDS[edition][int(value) - 1]
        return {"band": plain(value), "name": name}
    return run


_DAQI_AVERAGES = {"15min": 15, "1h": 60, "8h": 480, "24h": 1440}


def _daqi(inputs: Inputs) -> dict[str, Any]:
    pollutant = choose(_POLLUTANTS, inputs, "pollutant")
    if pollutant not in daqi.PARTS:
        raise ValueError(f"pollutant = {inputs['pollutant']!r} is no part of the index")
    average = daqi.AVERAGES_MIN[pollutant]
    if "avg" in inputs and choose(_DAQI_AVERAGES, inputs, "avg") != average:
        raise NotBuiltError
    value = daqi.daqi(pollutant, number(inputs["conc_ugm3"]))
    band = None if math.isnan(value) else DAQI_BANDS[int(value) - 1]
    return {"index": plain(value), "band": band}


_NAQI = {**_POLLUTANTS, "NH3": naqi.NH3, "Pb": naqi.PB}


def _naqi(inputs: Inputs) -> dict[str, Any]:
    """Concentration as `conc_ugm3`, or as `conc` with its `unit`; CO alone is in mg/m3.

    By `subindices`, a number a pollutant, the index of the place.
    """
    if "subindices" in inputs:
        indices = np.full(len(naqi.UPPERS), np.nan)
        for name, index in inputs["subindices"].items():
            indices[choose(_NAQI, {"pollutant": name}, "pollutant")] = number(index)
        overall = naqi.naqi_overall(indices)
        return {"aqi": plain(overall), "category": word(overall, NAQI_LEVELS)}
    pollutant = choose(_NAQI, inputs, "pollutant")
    own = "mg/m3" if pollutant == pollutants.CO else "ug/m3"
    if inputs.get("unit", own) != own:
        raise ValueError(f"unit = {inputs['unit']!r}, must be {own}")
    conc = number(inputs["conc" if "conc" in inputs else "conc_ugm3"])
    usual = 8 if pollutant in (pollutants.CO, pollutants.O3) else 24
    hours = choose(_HOURS, inputs, "avg") if "avg" in inputs else usual
    value = naqi.naqi(pollutant, hours, conc)
    return {"subindex": plain(value), "category": word(value, NAQI_LEVELS)}


_WHO_AVERAGES = {"annual": "annual", "24h": "24h", "8h": "8h", "peak_season": "season"}


def _who(inputs: Inputs) -> dict[str, Any]:
    """Against one level, and the strictest of all levels that is met (`tier`)."""
    name = {key: key.lower().replace(".", "") for key in _POLLUTANTS}
    pollutant = choose(name, inputs, "pollutant")
    average = choose(_WHO_AVERAGES, inputs, "avg")
    if (pollutant, average) not in LEVELS:
        raise ValueError(f"avg = {inputs['avg']!r}: WHO has no such level of {pollutant}")
    conc = number(inputs["conc_mgm3" if pollutant == "co" else "conc_ugm3"])
    limit = limit_of(pollutant, average, str(inputs.get("target", AQG)))
    ratio = who_ratio(conc, limit)
    met = [
        target for target in target_names(pollutant, average)
        if who_ratio(conc, limit_of(pollutant, average, target)) <= 1.0
    ]
    return {"limit": limit, "ratio": plain(ratio), "meets": ratio <= 1.0,
            "tier": met[0] if met else None}


_EU_LIMITS = {
    **{("24h" if part in (pollutants.PM10, pollutants.SO2) else "8h", part): limit
       for part, limit in zip(air_limits.DAY_PARTS, air_limits.DAY_LIMITS.tolist(), strict=True)},
    **{("1h_alert" if column == air_limits.ALERT else "1h", part): limit
       for column, (part, limit) in enumerate(zip(
           air_limits.HOUR_PARTS, air_limits.HOUR_LIMITS.tolist(), strict=True))},
}


_EU_2030 = {
    **{("24h", part): limit for part, limit in limits_2030.DAY_LIMITS_2030.items()},
    **{("1h", part): _EU_LIMITS["1h", part] for part in limits_2030.HOUR_PARTS_2030},
    **{("year", part): limit for part, limit in limits_2030.YEAR_LIMITS_2030.items()},
}
_EU_2010 = {**_EU_LIMITS, **{("year", part): at for part, at in limits_2030.YEAR_LIMITS.items()}}
_ALLOWED_2030 = {"24h": limits_2030.DAYS_ALLOWED_2030, "1h": limits_2030.HOURS_ALLOWED_2030}


def _eu_limit(inputs: Inputs) -> dict[str, Any]:
    """Whether a mean is above the limit value (O3: the information threshold).

    Of O3 `1h_alert` is the alert threshold. By `from` 2030 the values of (EU) 2024/2881, else those
    of today.
    """
    pollutant = choose(_POLLUTANTS, inputs, "pollutant")
    later = choose({"today": False, "2030": True}, {"from": "today", **inputs}, "from")
    limits, average = _EU_2030 if later else _EU_2010, str(inputs["avg"])
    if (average, pollutant) not in limits:
        raise ValueError(f"avg = {average!r}: no such limit value of {inputs['pollutant']}")
    conc = number(inputs["conc_mgm3" if pollutant == pollutants.CO else "conc_ugm3"])
    limit = limits[average, pollutant]
    found: dict[str, Any] = {"limit": limit, "above": who_ratio(conc, limit) > 1.0}
    if later and average in _ALLOWED_2030:
        found["allowed"] = _ALLOWED_2030[average][pollutant]
    return found


def _purpleair(inputs: Inputs) -> dict[str, Any]:
    """`pa_atm_ugm3`: in pieces. `pa_cf1_ugm3`: the line of the paper; of both channels gated."""
    humidity = number(inputs["rh_pct"])
    if "a_cf1_ugm3" in inputs:
        pair = number(inputs["a_cf1_ugm3"]), number(inputs["b_cf1_ugm3"])
        value = corrected_pair(*pair, humidity)
    elif "pa_cf1_ugm3" in inputs:
        value = corrected_cf1(number(inputs["pa_cf1_ugm3"]), humidity)
    else:
        value = corrected_atm(number(inputs["pa_atm_ugm3"]), humidity)
    return {"pm25_corrected": plain(value)}


def _unit_ppb(inputs: Inputs) -> dict[str, Any]:
    mass = MOLAR_MASS[choose(_GASES, inputs, "gas")]
    given = (number(inputs["ppb"]), mass, number(inputs["T_C"]), number(inputs["P_kPa"]))
    return {"ugm3": plain(ppb_to_ugm3(*given))}


def _unit_u4ssc(inputs: Inputs) -> dict[str, Any]:
    gas = choose(_GASES, inputs, "gas")
    return {"ugm3": number(inputs["ppb"]) * choose(FACTORS["u4ssc"], {"gas": gas}, "gas")}


_PM_24H = {"PM2.5": 24, "PM10": 24}
ADAPTERS: dict[str, Adapter] = {
    "air.us_aqi": _us_aqi,
    "air.us_aqi_overall": _us_aqi_overall,
    "air.nowcast_pm": _nowcast_pm,
    "air.nowcast_o3_2016": _nowcast_o3,
    "air.daqi_uk": _daqi,
    "air.naqi_in": _naqi,
    "air.who2021": _who,
    "air.eu_limits": _eu_limit,
    "air.pm25_purpleair_epa": _purpleair,
    "air.eaqi_2024": _eaqi(eaqi.EDITION_2024, {}),
    "air.eaqi_2019": _eaqi(eaqi.EDITION_2019, _PM_24H),
    "air.eaqi_2017_5band": _eaqi(eaqi.EDITION_2017, _PM_24H),
    "air.unit_ppb_to_ugm3": _unit_ppb,
    "air.unit_u4ssc": _unit_u4ssc,
}
