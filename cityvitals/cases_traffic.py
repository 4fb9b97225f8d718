"""Worked cases of traffic: the kernels of the engine, fed in the units of the case."""

from typing import Any

import numpy as np

from cityvitals.worked_cases import Adapter, Inputs, NotBuiltError, choose, number, plain, word
from engine import density, mean_speeds, service_level
from engine.catalogue import TTI_LEVELS
from engine.catalogue_traffic import LOS_LEVELS
from engine.catalogue_traffic import PERIODS as MEASURES_OF_PERIODS
from engine.station_measures import (
    DELAY,
    LOST,
    MEASURES,
    VH,
    VKM,
    is_congested,
    station_measures,
)
from engine.travel_periods import LATE, PERIODS, greatest, period_ratio
from engine.travel_reliability import BUFFER, BUFFER_INDEX, MEAN, P95, PTI, buffer_of, reliability
from engine.travel_time import quantile, tti
from engine.us_units import (
    KM_PER_MILE,
    LOST_MPH,
    THRESHOLDS_MPH,
    km_of_miles,
    m_of_feet,
    per_km_of_per_mile,
)

_CLASSES = {
    "I": service_level.URBAN_1, "II": service_level.URBAN_2, "III": service_level.URBAN_3,
    "IV": service_level.URBAN_4,
}
_KMH_PER_MPS = 3.6


def _type_7(inputs: Inputs) -> None:
    if inputs.get("quantile", "type7") != "type7":
        raise NotBuiltError


def _ordered(inputs: Inputs, key: str) -> Any:
    values = np.array([number(value) for value in inputs[key]])
    valid = np.sort(values[values > 0.0])
    if not len(valid):
        raise ValueError(f"{key} has no value above zero")
    return valid


def _tti(inputs: Inputs) -> dict[str, Any]:
    """Travel times over a segment of 1 km, or speeds."""
    if "peak_tt_min" in inputs:
        free, speed = (60.0 / number(inputs[key]) for key in ("freeflow_tt_min", "peak_tt_min"))
    else:
        free, speed = (number(inputs[key]) for key in ("ffs_kmh", "speed_kmh"))
    value = tti(free, speed)
    return {"tti": plain(value), "rating": word(value, TTI_LEVELS)}


def _tti_rating(inputs: Inputs) -> dict[str, Any]:
    return {"rating": word(number(inputs["tti"]), TTI_LEVELS)}


def _free_flow(inputs: Inputs) -> dict[str, Any]:
    _type_7(inputs)
    return {"ffs_kmh": quantile(_ordered(inputs, "offpeak_speeds_kmh"), 0.85)}


def _mean_speeds(inputs: Inputs) -> dict[str, Any]:
    """Speeds of single vehicles, in m/s or in km/h."""
    factor = _KMH_PER_MPS if "spot_speeds_mps" in inputs else 1.0
    key = "spot_speeds_mps" if "spot_speeds_mps" in inputs else "spot_speeds_kmh"
    kmh = _ordered(inputs, key) * factor
    total = int(np.floor(kmh * 1e6 + 0.5).sum())
    slowness = int(np.floor(1e12 / np.maximum(kmh, mean_speeds.SPEED_FLOOR_KMH) + 0.5).sum())
    return {
        "time_mean": mean_speeds.time_mean_kmh(total, len(kmh)) / factor,
        "space_mean": mean_speeds.space_mean_kmh(slowness, len(kmh)) / factor,
    }


def _gfactor(inputs: Inputs) -> dict[str, Any]:
    vehicles, occupancy = number(inputs["volume_5min"]), number(inputs["occupancy"])
    g_m = m_of_feet(number(inputs["g_ft"]))
    speed = density.gfactor_speed(vehicles, 5.0, occupancy, g_m)
    return {
        "speed_mph": plain(speed / KM_PER_MILE),
        "density_vpm": plain(density.density_of_occupancy(occupancy, g_m) * KM_PER_MILE),
    }


def _congested(inputs: Inputs) -> dict[str, Any]:
    speed, free = (km_of_miles(number(inputs[key])) for key in ("speed_mph", "ffs_mph"))
    return {"congested": bool(is_congested(speed, free))}


def _los_freeway(inputs: Inputs) -> dict[str, Any]:
    of_km = per_km_of_per_mile(number(inputs["density_pc_mi_ln"]))
    load = number(inputs.get("v_over_c"))
    kind = service_level.FREEWAY_RURAL if inputs.get("rural", False) else service_level.FREEWAY
    return {"los": word(service_level.los_freeway(kind, of_km, load), LOS_LEVELS)}


def _los_urban(inputs: Inputs) -> dict[str, Any]:
    speed = km_of_miles(number(inputs["speed_mph"]))
    level = service_level.los_urban_2000(choose(_CLASSES, inputs, "class"), speed)
    return {"los": word(level, LOS_LEVELS)}


def _pems(inputs: Inputs) -> dict[str, Any]:
    speed, length = (km_of_miles(number(inputs[key])) for key in ("speed_mph", "length_mi"))
    capacity = number(inputs.get("capacity_vph", 0.0))
    out, valid = np.zeros((1, MEASURES)), np.zeros(1, np.int64)
    station_measures(
        np.array([[speed]]), np.array([[number(inputs["volume_5min"])]]), np.array([length]),
        np.ones(1), np.array([capacity]), np.array([np.nan]), out, valid,
    )
    sums = out[0].tolist()
    q = sums[VKM] / sums[VH]
    found = {"vmt": sums[VKM] / KM_PER_MILE, "vht": sums[VH], "q_mph": q / KM_PER_MILE,
             "tti60": tti(km_of_miles(60), q)}
    found |= {f"delay{mph}_vehh": sums[DELAY + i] for i, mph in enumerate(THRESHOLDS_MPH)}
    if capacity > 0:  # told in lane-miles, not in hours of them
        found |= {f"lost{mph}_lane_mi": sums[LOST + i] * 12.0 / KM_PER_MILE
                  for i, mph in enumerate(LOST_MPH)}
    return found


def _pti(inputs: Inputs) -> dict[str, Any]:
    _type_7(inputs)
    out, free = np.zeros(5), number(inputs["freeflow_tt_min"])
    reliability(_ordered(inputs, "tt_min"), free, out)
    found = {"p95": P95, "pti": PTI, "mean": MEAN, "buffer_index": BUFFER_INDEX,
             "buffer_min": BUFFER}
    told: dict[str, Any] = {name: plain(float(out[at])) for name, at in found.items()}
    return told | {"tti": tti(60.0 / free, 60.0 / float(out[MEAN]))}


def _buffer(inputs: Inputs) -> dict[str, Any]:
    out = np.zeros(5)
    buffer_of(number(inputs["mean_tt_min"]), number(inputs["p95_tt_min"]), out)
    return {"buffer_index": float(out[BUFFER_INDEX]), "buffer_min": float(out[BUFFER])}


def _by_period(measure: int) -> Adapter:
    """LOTTR or TTTR of travel times in seconds, by the names of `PERIODS`."""
    entry = MEASURES_OF_PERIODS[measure]

    def adapter(inputs: Inputs) -> dict[str, Any]:
        _type_7(inputs)
        given = inputs["tt_s"]
        ratios, out = np.full((len(MEASURES_OF_PERIODS), len(PERIODS)), np.nan), np.zeros(2)
        for period in given:
            at = choose({name: i for i, name in enumerate(PERIODS)}, {"tt_s": period}, "tt_s")
            ratios[measure, at] = period_ratio(_ordered(given, period), LATE[measure])
        greatest(ratios, out)
        value = float(out[measure])
        return {entry.id: plain(value), "word": word(value, entry.levels)}

    return adapter


ADAPTERS: dict[str, Adapter] = {
    "traffic.tti": _tti,
    "traffic.tti_rating_u4ssc": _tti_rating,
    "traffic.ffs_p85": _free_flow,
    "traffic.mean_speeds": _mean_speeds,
    "traffic.gfactor_speed": _gfactor,
    "traffic.congested": _congested,
    "traffic.los_freeway": _los_freeway,
    "traffic.los_urban_hcm2000": _los_urban,
    "traffic.pems_station": _pems,
    "traffic.pti": _pti,
    "traffic.buffer_index": _buffer,
    **{entry.key: _by_period(at) for at, entry in enumerate(MEASURES_OF_PERIODS)},
}
