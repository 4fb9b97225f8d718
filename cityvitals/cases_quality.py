"""Worked cases of data quality: the QARTOD tests and drift, through the kernels that judge."""

from typing import Any

import numpy as np
import numpy.typing as npt

from cityvitals.worked_cases import Adapter, Inputs, NotBuiltError, choose, number, plain
from edge.quantities import INDEX
from engine import drift, drift_days, neighbours, purpleair, qartod

_METHODS = {"average": qartod.AVERAGE, "differential": qartod.DIFFERENTIAL}
FLAGS = (qartod.PASS, qartod.UNEVALUATED, qartod.SUSPECT, qartod.FAIL, qartod.MISSING)


def _values(inputs: Inputs) -> npt.NDArray[np.float64]:
    return np.array([number(value) for value in inputs["x"]], np.float64)


def _blank(x: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    return np.zeros(len(x), np.uint8)


def _span(inputs: Inputs, key: str) -> tuple[float, float]:
    """A span of two numbers; without the key one that holds everything."""
    if key not in inputs:
        return -np.inf, np.inf
    if len(inputs[key]) != 2:
        raise ValueError(f"{key} = {inputs[key]!r}: write two numbers, lowest and highest")
    low, high = (number(value) for value in inputs[key])
    return low, high


def _gross_range(inputs: Inputs) -> dict[str, Any]:
    x = _values(inputs)
    out = _blank(x)
    spans = _span(inputs, "fail_span") + _span(inputs, "suspect_span")
    qartod.gross_range(x, *spans, out)
    return {"flags": out.tolist()}


def _spike(inputs: Inputs) -> dict[str, Any]:
    x = _values(inputs)
    out = _blank(x)
    method = choose(_METHODS, {"method": "average", **inputs}, "method")
    qartod.spike(x, number(inputs["suspect"]), number(inputs["fail"]), method, out)
    return {"flags": out.tolist()}


def _rate_of_change(inputs: Inputs) -> dict[str, Any]:
    x = _values(inputs)
    out = _blank(x)
    time_s = np.arange(len(x)) * number(inputs["dt_s"])
    qartod.rate_of_change(
        x, time_s, number(inputs["suspect_per_s"]), number(inputs["fail_per_s"]), out
    )
    return {"flags": out.tolist()}


def _flat_line(inputs: Inputs) -> dict[str, Any]:
    x = _values(inputs)
    out = _blank(x)
    counts = (int(number(inputs[key]) / number(inputs["dt_s"])) for key in ("suspect_s", "fail_s"))
    qartod.flat_line(x, *counts, number(inputs["tolerance"]), out)
    return {"flags": out.tolist()}


def _aggregate(inputs: Inputs) -> dict[str, Any]:
    rows = [[int(number(flag)) for flag in row] for row in inputs["flags_by_test"]]
    strange = {flag for row in rows for flag in row} - set(FLAGS)
    if strange:
        raise NotBuiltError
    flags = np.array(rows, np.uint8).reshape(len(rows), -1)
    out = np.zeros(flags.shape[1], np.uint8)
    qartod.aggregate(flags, out)
    return {"flags": out.tolist()}


def _repeated(pattern: Any) -> npt.NDArray[np.float64]:
    """The ten days up to now of hours that repeat; a pattern of 240 is all of them."""
    values = np.array([number(value) for value in pattern], np.float64)
    if not 0 < len(values) <= drift.SPAN_H:
        raise ValueError(f"{len(values)} hours: write 1 to {drift.SPAN_H}")
    return np.resize(values, drift.SPAN_H)


def _drift(inputs: Inputs) -> dict[str, Any]:
    """x: the sensor's hours, oldest first; neighbours: those of others, all within 2 km."""
    x = _repeated(inputs["x"])
    others = [_repeated(pattern) for pattern in inputs["neighbours"]][: neighbours.NEAREST_MAX]
    near = np.full((1, neighbours.NEAREST_MAX), -1, np.int64)
    near[0, : len(others)] = np.arange(len(others))
    m = np.empty((1, drift.SPAN_H))
    taken, day = np.empty(near.shape, np.bool_), np.empty((1, drift.DAY_H))
    for end in range(drift.DAY_H, drift.SPAN_H + 1, drift.DAY_H):
        week = np.full((len(others) + 1, drift.WEEK_H), np.nan)
        for row, values in enumerate([*others, x]):
            upto = values[max(end - drift.WEEK_H, 0) : end]
            week[row, -len(upto) :] = upto
        drift.neighbour_medians(near, near >= 0, week, week[-1:].copy(), taken, day)
        m[0, end - drift.DAY_H : end] = day[0]
    told = np.empty((1, len(drift.COLUMNS)))
    floor = drift_days.FLOOR[INDEX[choose({q: q for q in drift_days.SENSED}, inputs, "quantity")]]
    drift.drifting(x[None].copy(), m, np.array([floor]), told)
    found = dict(zip(drift.COLUMNS, map(plain, told[0].tolist()), strict=True))
    drifts = found.pop("drifts")
    return {**found, "drifts": None if drifts is None else bool(drifts)}


def _channels(inputs: Inputs) -> dict[str, Any]:
    """a, b: means of an hour of both channels, µg/m³; without one of them they are not compared."""
    a, b = number(inputs["a_ugm3"]), number(inputs["b_ugm3"])
    compared = not np.isnan(a + b)
    return {"disagree": int(not purpleair.channels_agree_1h(a, b)) if compared else None}


ADAPTERS: dict[str, Adapter] = {
    "dq.channels_disagree": _channels,
    "dq.drift": _drift,
    "dq.gross_range": _gross_range,
    "dq.spike": _spike,
    "dq.rate_of_change": _rate_of_change,
    "dq.flat_line": _flat_line,
    "dq.aggregate": _aggregate,
}
