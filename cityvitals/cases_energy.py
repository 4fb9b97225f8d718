"""Worked cases of energy: demand, load and power factor, supply, reliability, generation."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from cityvitals.worked_cases import Adapter, Inputs, NotBuiltError, number, plain
from edge.places import PlaceKey, PlaceRow
from edge.recorded import Rows, end_of_recording_ms
from engine import generation, reliability, voltage
from engine.catalogue import POSITION
from engine.consumption import Inhabitants
from engine.load_factor import load_factor
from engine.power_factor import power_factor, vector_kva
from ingest.compute import Computed

Floats = npt.NDArray[np.float64]
Demand = Callable[[Sequence[float]], tuple[Floats, Floats]]
"""kW by minute in; 15-minute blocks, and full sliding windows by their last minute, out."""

_METER = PlaceRow(0, "cases", "cases", "meter", "meter", "Meter", 0.0, 0.0, "UTC", 60.0)
_BEGIN_MS = 1_767_225_600_000
"""2026-01-01T00:00:00Z, the start of a block and of a day."""
_MINUTE_MS = 60_000
_FACTOR_SETS = {"IPCC AR5 median", generation.EF_SET}


def demand_of_minutes(kw: Sequence[float]) -> tuple[Floats, Floats]:
    """Blocks and sliding windows of one reading a minute, through `compute`."""
    minutes = [k for k, value in enumerate(kw) if not math.isnan(value)]
    times = [_BEGIN_MS + k * _MINUTE_MS for k in minutes]
    count = len(minutes)
    rows = Rows(
        times, ["cases/meter"] * count, ["power"] * count, [kw[k] for k in minutes],
        [""] * count, [""] * count, [0] * count, times, list(range(count)),
    )
    computed = Computed([_METER])
    if count:
        computed.feed(*computed.batch(rows, "cases"))
        computed.tick(end_of_recording_ms(_BEGIN_MS + len(kw) * _MINUTE_MS) * 1_000_000)
    points = computed.points()
    minute = points.end_s // 60 - _BEGIN_MS // _MINUTE_MS
    station = computed.vitals.registry.keys.index(PlaceKey("cases", "cases", "meter"))
    out = []
    for indicator in ("energy.demand_15min", "energy.demand_sliding"):
        by_minute = np.full(len(kw) + 1, np.nan)
        of = (points.place == station) & (points.indicator == POSITION[indicator])
        of &= (points.level >= 0) & (minute <= len(kw))
        by_minute[minute[of]] = points.value[of]
        out.append(by_minute)
    return out[0][15::15], out[1][15:]


def demand_case(inputs: Inputs, demand: Demand) -> dict[str, Any]:
    """A series of minutes through the function given."""
    kw = [number(value) for value in inputs["kw_1min"]]
    if len(kw) < 15:
        raise ValueError(f"kw_1min has {len(kw)} minutes, a block has 15")
    blocks, sliding = demand(kw)
    return {
        "block_kw": [plain(value) for value in blocks.tolist()],
        "block_peak_kw": float(np.nanmax(blocks)), "sliding_peak_kw": float(np.nanmax(sliding)),
        "sliding_peak_end_index": int(np.nanargmax(sliding)) + 14,
    }


def _load_factor(inputs: Inputs) -> dict[str, Any]:
    value = load_factor(*(number(inputs[key]) for key in ("kwh", "peak_kw", "hours")))
    return {"load_factor": plain(value)}


def _power_factor(inputs: Inputs) -> dict[str, Any]:
    """Of P and S, of P and Q, or of energies."""
    rated = number(inputs.get("rated_kva"))
    for real, reactive in (("kwh", "kvarh"), ("kw", "kvar")):
        if reactive in inputs:
            kw, kvar = number(inputs[real]), number(inputs[reactive])
            return {"pf": plain(power_factor(kw, vector_kva(kw, kvar), rated))}
    return {"pf": plain(power_factor(number(inputs["kw"]), number(inputs["kva"]), rated))}


def _en50160_voltage(inputs: Inputs) -> dict[str, Any]:
    counts = (int(inputs[key]) for key in ("N", "N1_outside_10pct", "N2_outside_+10_-15"))
    return {"compliant": voltage.compliant(*counts)}


def _rms_deviation(inputs: Inputs) -> dict[str, Any]:
    volts = np.array([number(value) for value in inputs["u_rms"]])
    under, over = voltage.deviation(volts, number(inputs["u_din"]))
    return {"under_pct": plain(under), "over_pct": plain(over)}


def _unbalance(inputs: Inputs) -> dict[str, Any]:
    """With angles by Fortescue, without from three line voltages."""
    volts = [number(value) for value in inputs["U"]]
    if len(volts) != 3:
        raise ValueError(f"U has {len(volts)} voltages, there are three")
    if "deg" not in inputs:
        return {"u2_pct": plain(float(voltage.unbalance(np.array([volts]))[0]))}
    u2, u0 = voltage.sequences(volts, [number(value) for value in inputs["deg"]])
    return {"u2_pct": plain(u2), "u0_pct": plain(u0)}


def _thd(inputs: Inputs) -> dict[str, Any]:
    harmonics = {int(order): number(value) for order, value in inputs["h"].items()}
    return {"thd_pct": plain(voltage.thd(number(inputs["u1"]), harmonics))}


def _per_customer(count: str, index: str) -> Adapter:
    def adapter(inputs: Inputs) -> dict[str, Any]:
        value = reliability.per_customer(number(inputs[count]), number(inputs["customers"]))
        return {index: plain(value)}
    return adapter


def _caidi(inputs: Inputs) -> dict[str, Any]:
    value = reliability.caidi(number(inputs["saidi_min"]), number(inputs["saifi"]))
    return {"caidi_min": plain(value)}


def _tmed(inputs: Inputs) -> dict[str, Any]:
    days = [number(value) for value in inputs["daily_saidi_min"]]
    found = reliability.major_event_threshold(days)
    return {
        "n_used": found.days, "alpha": plain(found.alpha), "beta": plain(found.beta),
        "tmed": plain(found.threshold_min),
    }


def _mix(inputs: Inputs) -> dict[str, float]:
    return {str(name): number(value) for name, value in inputs["gen_mwh"].items()}


def _renewable_share(inputs: Inputs) -> dict[str, Any]:
    energy = _mix(inputs)
    ours = {name for name in energy if generation.SOURCES.get(name, (0, False))[1]}
    if set(inputs.get("renewables", ours)) != ours:
        raise NotBuiltError  # another list of what is renewable
    return {"share": plain(generation.renewable_share(energy))}


def _carbon_intensity(inputs: Inputs) -> dict[str, Any]:
    if inputs.get("factors", generation.EF_SET) not in _FACTOR_SETS:
        raise NotBuiltError
    value = generation.carbon_intensity(_mix(inputs), generation.MEDIANS)
    return {"g_per_kwh": plain(value), "ef_set": generation.EF_SET}


def _en50160_frequency(inputs: Inputs) -> dict[str, Any]:
    """Counts of a year, or the means of ten seconds themselves."""
    if "hertz" in inputs:
        hertz = np.array([number(value) for value in inputs["hertz"]], np.float64)
        hertz = hertz[~np.isnan(hertz)]
        near, far = voltage.off_hertz(hertz, number(inputs.get("nominal_hz", 50.0)))
        count = [len(hertz), int(near.sum()), int(far.sum())]
    else:
        count = [int(number(inputs[key])) for key in ("N", "N1", "N2")]
    return {
        "N": count[0], "N1": count[1], "N2": count[2], "compliant": voltage.steady(*count),
        "outside_pct": 100.0 * count[1] / count[0] if count[0] else None,
    }


def _per_capita(inputs: Inputs) -> dict[str, Any]:
    """kWh of what is metered, by the facts of the area; NaN is not known."""
    told = (number(inputs.get(key)) for key in ("population", "customers", "metered"))
    of = Inhabitants(0, *told)
    known = of.population > 0
    return {
        "kwh_per_capita": number(inputs["kwh"]) * of.scale / of.population if known else None,
        "coverage": of.share,
    }


ADAPTERS: dict[str, Adapter] = {
    "energy.consumption_per_capita": _per_capita,
    "energy.en50160_frequency": _en50160_frequency,
    "energy.load_factor": _load_factor,
    "energy.power_factor": _power_factor,
    "energy.en50160_voltage": _en50160_voltage,
    "energy.rms_deviation": _rms_deviation,
    "energy.unbalance": _unbalance,
    "energy.thd": _thd,
    "energy.saifi": _per_customer("customer_interruptions", "saifi"),
    "energy.saidi": _per_customer("customer_minutes", "saidi_min"),
    "energy.maifi": _per_customer("customer_momentary_interruptions", "maifi"),
    "energy.caidi": _caidi,
    "energy.tmed": _tmed,
    "energy.renewable_share": _renewable_share,
    "energy.carbon_intensity": _carbon_intensity,
}
