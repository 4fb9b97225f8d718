"""Every kernel beside its slow twin, with a maker of arguments: for tests and benchmarks."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from engine import (
    air,
    areas,
    completeness,
    conversion,
    demand,
    eaqi,
    levels,
    nowcast,
    panes,
    series,
    travel_time,
    us_aqi,
)
from engine.catalogue import AQI_LEVELS, COMPLETENESS_LEVELS
from tests import reference, reference_air

Random = np.random.Generator
Floats = npt.NDArray[np.float64]
MODULES = (
    areas, completeness, conversion, demand, eaqi, levels, nowcast, travel_time, us_aqi,
)

_HOUR_SPREAD = np.array([60.0, 120.0, 90.0, 12.0, 250.0, 300.0])
"""Typical concentrations, so that every level of every pollutant comes up."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A kernel and its twin; `make(rng, k)` gives inputs and as many outputs as are filled.

    `absolute` is the allowed difference: 0 for indices, levels and counts.
    """

    kernel: Any
    twin: Callable[..., Any]
    make: Callable[[Random, int], tuple[tuple[Any, ...], tuple[npt.NDArray[Any], ...]]]
    absolute: float = 0.0

    @property
    def name(self) -> str:
        return str(self.kernel.__name__)


def gaps(rng: Random, values: Floats) -> Floats:
    """Knock out a random share of the values, sometimes all, sometimes none."""
    share = rng.choice([0.0, 0.1, 0.25, 0.5, 1.0], p=[0.3, 0.3, 0.2, 0.15, 0.05])
    values[rng.random(values.shape) < share] = np.nan
    return values


def concentrations(rng: Random, k: int, hours: int) -> Floats:
    """float64[k, 6, hours]: skewed, some negative, some on the reporting grid."""
    level = rng.lognormal(0.0, 1.0, (k, 6, 1)) * _HOUR_SPREAD[:, None]
    values = level * rng.lognormal(0.0, 0.3, (k, 6, hours)) - 2.0
    if rng.random() < 0.5:
        values = np.round(values, 1)
    for station in range(k):
        for pollutant in range(6):
            gaps(rng, values[station, pollutant])
    return values


def uppers(rows: Any) -> Floats:
    """The upper limits of catalogue levels as an array."""
    return np.array([row.upper for row in rows])


def speeds_of(rng: Random, k: int, bins: int) -> Floats:
    speeds = np.round(rng.normal(55.0, 18.0, (k, bins)), 1)
    for row in speeds:
        gaps(rng, row)
    return speeds


def _hours12(rng: Random, k: int) -> Any:
    return (gaps(rng, np.round(rng.normal(20.0, 15.0, 12), 1)),), ()


def _sub_index(rng: Random, k: int) -> Any:
    average_h = int(rng.choice([1, 8, 24]))
    conc = float(rng.choice([rng.uniform(0, 1), rng.uniform(-1, 60), rng.uniform(0, 3000)]))
    return (int(rng.integers(-1, 7)), average_h, conc), ()


def _two(low: float, high: float) -> Callable[[Random, int], Any]:
    def make(rng: Random, k: int) -> Any:
        return tuple(float(x) for x in gaps(rng, rng.uniform(low, high, 2))), ()
    return make


def _free_flow(rng: Random, k: int) -> Any:
    posted = rng.choice([0.0, 30.0, 50.0, 120.0], k)
    return (speeds_of(rng, k, 260), posted), (np.zeros(k), np.zeros(k, np.int8))


def _peak(rng: Random, k: int) -> Any:
    peak = np.zeros(288, np.int8)
    if rng.random() < 0.9:
        peak[72:108], peak[192:228] = 1, 2
    return (speeds_of(rng, k, 288), peak, gaps(rng, rng.uniform(30, 90, k))), (np.zeros((k, 2)),)


def _minutes(rng: Random, k: int) -> Any:
    covered = rng.random((k, 15)) < rng.choice([0.5, 0.8, 1.0])
    counts = (covered * rng.integers(0, 60, (k, 15))).astype(np.int32)
    return (counts * rng.integers(-10**9, 10**9, (k, 15)), counts, covered), (np.zeros((k, 2)),)


def _expected(rng: Random, k: int) -> Any:
    since = np.sort(rng.integers(0, 7200, 4)).astype(np.int64)
    return (1800, 5400, since, rng.choice([0.0, 1.0, 60.0, 7.5, np.nan], 4)), ()


def _values(rows: Any, high: float) -> Callable[[Random, int], Any]:
    def make(rng: Random, k: int) -> Any:
        values = rng.uniform(0, high, k)
        values[: len(rows)] = [row.upper for row in rows][:k]
        return (gaps(rng, values), uppers(rows)), (np.zeros(k, np.int8),)
    return make


def _areas(rng: Random, k: int) -> Any:
    shape = (3, 2 * k, 3)
    values = gaps(rng, rng.uniform(-5, 500, shape))
    members = rng.permutation(np.tile(np.arange(2 * k), 2)).astype(np.int64)
    cut = int(rng.integers(0, 4 * k))
    weights = rng.uniform(0, 9, shape[:2]) * (rng.random() < 0.9)
    return (
        values, rng.random(shape), weights, rng.integers(-1, 6, shape).astype(np.int8),
        rng.random(shape) < 0.8, np.array([0, cut, 4 * k]), members,
        rng.integers(0, 3, 3), np.array([0, 2, 100]),
    ), (np.zeros((3, 2, 3, 7)),)


def _dated(rng: Random, k: int) -> Any:
    since = np.sort(rng.integers(0, 9, (k, 4)), axis=1).astype(np.int64)
    return (int(rng.integers(0, k)), int(rng.integers(-1, 10)), since, rng.random((k, 4))), ()


def _cover(rng: Random, k: int) -> Any:
    period = int(rng.choice([5, 10, 15, 60]))
    span = int(rng.choice([1, 2, 5, 7, 15, 60, 1440]))
    return (int(rng.integers(0, period)), span, period), ()


def _eaqi(rng: Random, k: int) -> Any:
    conc = concentrations(rng, k, 1)[:, :, 0].copy()
    return (conc, rng.random((k, 6)) < 0.7), (np.zeros((k, 6)),)


PAIRS: tuple[Pair, ...] = (
    Pair(areas.area_stats, reference.area_stats, _areas, 1e-9),
    Pair(panes.cover_bits, reference.cover_bits, _cover),
    Pair(air.count_bits, reference.count_bits,
         lambda rng, k: ((int(rng.integers(0, 1 << 62)),), ())),
    Pair(series.period_of, reference.period_of, _dated),
    Pair(series.span_of, reference.span_of,
         lambda rng, k: ((float(rng.choice([1, 60, 74.9, 75, 75.1, 300, 330, 900, 3600])),), ())),
    Pair(completeness.enough, reference.enough,
         lambda rng, k: ((int(rng.integers(0, 25)), int(rng.integers(0, 25))), ())),
    Pair(completeness.expected_readings, reference.expected_readings, _expected, 1e-9),
    Pair(completeness.completeness, reference.completeness,
         lambda rng, k: ((rng.integers(0, 90, k), rng.choice([0.0, 7.5, 60.0], k)),
                         (np.zeros(k),)), 1e-12),
    Pair(levels.levels_of, reference.levels_of, _values(AQI_LEVELS, 600)),
    Pair(levels.bands_of, reference.bands_of, _values(COMPLETENESS_LEVELS, 100)),
    Pair(nowcast.truncated_steps, reference.truncated_steps,
         lambda rng, k: ((float(rng.normal(0, 50)), float(rng.choice([1, 10, 1000]))), ())),
    Pair(nowcast.report, reference.report,
         lambda rng, k: ((float(rng.normal(10, 30)), float(rng.choice([1, 10]))), ())),
    Pair(nowcast.nowcast_pm, reference.nowcast_pm, _hours12, 1e-9),
    Pair(us_aqi.sub_index, reference.sub_index, _sub_index),
    Pair(us_aqi.hours_mean, lambda hours, first, count: reference.mean(hours[first:first + count]),
         lambda rng, k: ((concentrations(rng, 1, 24)[0, 0], 3, 8), ()), 1e-9),
    Pair(us_aqi.o3_index, reference.o3_index, _two(0, 400)),
    Pair(us_aqi.so2_index, reference.so2_index, _two(200, 500)),
    Pair(us_aqi.overall, reference.largest,
         lambda rng, k: ((gaps(rng, np.floor(rng.uniform(0, 500, 6))),), ())),
    Pair(us_aqi.station_aqi, reference.station_aqi,
         lambda rng, k: ((concentrations(rng, k, 24),), (np.zeros((k, 9)),))),
    Pair(us_aqi.day_aqi, reference.day_aqi,
         lambda rng, k: ((concentrations(rng, k, 31),), (np.zeros((k, 7)),))),
    Pair(travel_time.tti, reference.tti, _two(-5, 120)),
    Pair(travel_time.quantile, reference.quantile,
         lambda rng, k: ((np.sort(rng.normal(50, 9, int(rng.integers(1, 9)))),
                          float(rng.choice([0.0, 0.85, 1.0]))), ()), 1e-9),
    Pair(travel_time.free_flow, reference.free_flow, _free_flow, 1e-9),
    Pair(travel_time.peak_tti, reference.peak_tti, _peak, 1e-9),
    Pair(demand.mean_demand, reference.mean_demand, _minutes, 1e-9),
    Pair(demand.register_rise, reference.register_rise,
         lambda rng, k: ((*(float(x) for x in rng.uniform(0, 1000, 2)), 1.0, 1000.0, 300.0), ()),
         1e-9),
    Pair(conversion.ppb_to_ugm3, reference_air.ppb_to_ugm3,
         lambda rng, k: (tuple(float(x) for x in rng.uniform((0, 1, -30, 60), (900, 70, 50, 110))),
                         ()), 1e-9),
    Pair(eaqi.whole, reference_air.whole,
         lambda rng, k: ((float(rng.choice([rng.normal(20, 30), 0.5, 5.4999999999, np.nan])),),
                         ())),
    Pair(eaqi.band, reference_air.band,
         lambda rng, k: ((int(rng.integers(0, 3)), int(rng.integers(0, 6)),
                          float(gaps(rng, rng.lognormal(4, 1.5, 1))[0])), ())),
    Pair(eaqi.eaqi_hour, reference_air.eaqi_hour, _eaqi),
)
