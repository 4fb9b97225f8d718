"""The kernels of traffic beside their slow twins, with makers of arguments."""

from typing import Any

import numpy as np

from engine import (
    density,
    mean_speeds,
    quarter_book,
    road_bins,
    service_level,
    station_measures,
    travel_periods,
    travel_reliability,
)
from engine.us_units import KM_PER_MILE
from tests import reference_traffic as twin
from tests.kernels import Floats, Pair, Random, gaps, speeds_of

MODULES = (
    density, mean_speeds, quarter_book, service_level, station_measures, travel_periods,
    travel_reliability,
)
_LIMITS_MPH = np.array([7.0, 9, 10, 13, 16, 17, 21, 25, 27, 30, 35, 42, 45, 50, 54, 55, 60])


def _vehicles(rng: Random, shape: tuple[int, ...]) -> Floats:
    return gaps(rng, np.round(rng.uniform(0, 150, shape) * (rng.random(shape) < 0.8)))


def _speed(rng: Random) -> float:
    """A speed, on the limits of the tables or anywhere, sometimes absent."""
    some = [float(rng.choice(_LIMITS_MPH)) * KM_PER_MILE, float(rng.uniform(0, 130)), np.nan]
    return some[int(rng.choice(3, p=[0.4, 0.5, 0.1]))]


def _lanes(rng: Random, k: int) -> Any:
    return (
        rng.uniform(0, 90, 4), rng.integers(0, 3, 4).astype(float),
        gaps(rng, rng.integers(0, 30, 4).astype(float)), rng.integers(-1, 4, 4).astype(np.int32),
    ), ()


def _bins(rng: Random, k: int) -> Any:
    return (
        gaps(rng, rng.uniform(1, 90, k)), _vehicles(rng, (k,)), gaps(rng, rng.uniform(0, 1, k)),
        rng.integers(0, 4, k).astype(float), rng.uniform(5, 8, k),
    ), (np.zeros(k), np.zeros((k, 2)))


def _loops(rng: Random, k: int) -> Any:
    occupancy = gaps(rng, rng.uniform(0, 0.4, (k, 12)) * (rng.random((k, 12)) < 0.9))
    return (_vehicles(rng, (k, 12)), occupancy, rng.uniform(5, 8, k),
            rng.choice([65.0, 130.0], k)), (np.zeros(k),)


def _levels(rng: Random, k: int) -> Any:
    return (
        rng.integers(-1, 6, k).astype(np.int8), np.array([_speed(rng) for _ in range(k)]),
        gaps(rng, rng.uniform(0, 6000, k)), gaps(rng, rng.uniform(20, 130, k)),
        rng.integers(0, 4, k).astype(float), rng.choice([0.0, 2000, 5000], k),
    ), (np.zeros((k, 3)),)


def _density_case(rng: Random, k: int) -> Any:
    limit = float(rng.choice([6, 11, 14, 18, 22, 26, 29, 35, 39, 45])) / KM_PER_MILE
    return (int(rng.integers(-1, 6)), float(rng.choice([limit, rng.uniform(0, 40), np.nan])),
            float(rng.choice([np.nan, 0.5, 1.0, 1.2]))), ()


def _measures(rng: Random, k: int) -> Any:
    return (
        speeds_of(rng, k, 30), _vehicles(rng, (k, 30)), rng.uniform(0.1, 3, k),
        rng.integers(0, 4, k).astype(float), rng.choice([0.0, 1500.0], k),
        gaps(rng, rng.uniform(20, 120, k)),
    ), (np.zeros((k, station_measures.MEASURES)), np.zeros(k, np.int64))


def _congestion(rng: Random, k: int) -> Any:
    return (
        speeds_of(rng, k, 30), _vehicles(rng, (k, 30)), rng.random(30) < 0.6,
        gaps(rng, rng.uniform(20, 120, k)),
    ), (np.zeros((k, 3)), np.zeros(k, np.int64))


def _ratios(rng: Random, k: int) -> Any:
    """Three weeks and more of some roads: days that lack, quarters without data or vehicles."""
    first, width = 739_000 + int(rng.integers(0, 7)), 40
    last = first + int(rng.integers(10, 31))
    day = np.zeros((k, width), np.int64)
    for d in range(first - 2, last + 1):
        day[rng.random(k) < 0.9, d % width] = d
    kept = rng.integers(1500, 6000, (k, width, 100)).astype(np.uint16)
    kept[rng.random(kept.shape) < 0.1] = 0
    kept[rng.random(kept.shape) < 0.1] = 65_535
    return (day, kept, np.arange(k), np.full(k, first), np.full(k, last)), (
        np.zeros((k, 2)), np.zeros((k, 2, 5)), np.zeros((k, 5, 2), np.int64))


PAIRS: tuple[Pair, ...] = (
    Pair(mean_speeds.harmonic_mean_kmh, twin.harmonic_mean_kmh,
         lambda rng, k: ((speeds_of(rng, 1, 30)[0], rng.integers(0, 5, 30).astype(float)), ()),
         1e-9),
    Pair(mean_speeds.time_mean_kmh, twin.time_mean_kmh,
         lambda rng, k: ((int(rng.integers(0, 10**12)), int(rng.integers(0, 9))), ()), 1e-9),
    Pair(mean_speeds.space_mean_kmh, twin.space_mean_kmh,
         lambda rng, k: ((int(rng.integers(0, 3) * 10**11), int(rng.integers(0, 9))), ()), 1e-9),
    Pair(road_bins.minutes_of, twin.minutes_of,
         lambda rng, k: ((int(rng.integers(0, 1 << 60)),), ())),
    Pair(road_bins.joined_speed, twin.joined_speed, _lanes, 1e-9),
    Pair(density.flow_vph, twin.flow_vph,
         lambda rng, k: ((float(rng.uniform(0, 99)), float(rng.choice([5, 15]))), ()), 1e-9),
    Pair(density.density_of_flow, twin.density_of_flow,
         lambda rng, k: ((float(rng.uniform(0, 999)), float(rng.uniform(-5, 99)),
                          float(rng.integers(0, 4))), ()), 1e-9),
    Pair(density.density_of_occupancy, twin.density_of_occupancy,
         lambda rng, k: ((float(rng.random()), float(rng.uniform(5, 8))), ()), 1e-9),
    Pair(density.gfactor_speed, twin.gfactor_speed,
         lambda rng, k: ((float(rng.integers(0, 99)), 5.0, float(rng.choice([0, 0.1, 0.7])),
                          6.7056), ()), 1e-9),
    Pair(density.bin_density, twin.bin_density, _bins, 1e-9),
    Pair(density.loop_speeds, twin.loop_speeds, _loops, 1e-9),
    Pair(service_level.los_freeway, twin.los_freeway, _density_case),
    Pair(service_level.los_urban_2000, twin.los_urban_2000,
         lambda rng, k: ((int(rng.integers(-1, 6)), _speed(rng)), ())),
    Pair(service_level.los_urban_2010, twin.los_urban_2010,
         lambda rng, k: ((int(rng.integers(-1, 6)), _speed(rng),
                          float(rng.choice([0, 50, 100, np.nan])),
                          float(rng.choice([np.nan, 1.0, 1.2]))), ())),
    Pair(service_level.service_levels, twin.service_levels, _levels),
    Pair(station_measures.delay_vh, twin.delay_vh,
         lambda rng, k: ((float(rng.integers(1, 99)), 0.8, float(rng.uniform(1, 120)),
                          float(rng.choice([56.3, 96.5, np.nan]))), ()), 1e-9),
    Pair(station_measures.lost_km, twin.lost_km,
         lambda rng, k: ((0.8, float(rng.uniform(0, 2500)), 1800.0), ()), 1e-9),
    Pair(station_measures.is_congested, twin.is_congested,
         lambda rng, k: ((_speed(rng), float(rng.choice([60, 80])) * KM_PER_MILE), ())),
    Pair(station_measures.excess_h, twin.excess_h,
         lambda rng, k: ((float(rng.uniform(0.1, 9)), float(rng.uniform(1, 120)),
                          float(rng.choice([0, 50, 100]))), ()), 1e-9),
    Pair(station_measures.station_measures, twin.station_measures, _measures, 1e-6),
    Pair(station_measures.excess_delay, twin.excess_delay,
         lambda rng, k: ((speeds_of(rng, k, 8), _vehicles(rng, (k, 8)), rng.uniform(0.1, 3, k),
                          rng.choice([0.0, 50.0], k)), (np.zeros(k),)), 1e-9),
    Pair(station_measures.congestion, twin.congestion, _congestion, 1e-9),
    Pair(travel_periods.period_ratio, twin.period_ratio,
         lambda rng, k: ((np.sort(rng.uniform(5, 30, int(rng.integers(1, 40)))),
                          float(rng.choice([0.8, 0.95]))), ())),
    Pair(travel_periods.greatest, twin.greatest,
         lambda rng, k: ((gaps(rng, np.round(rng.uniform(1, 2, (2, 5)), 2)),), (np.zeros(2),))),
    Pair(quarter_book.measured_quarters, twin.measured_quarters,
         lambda rng, k: ((speeds_of(rng, k, 9), _vehicles(rng, (k, 9))), (np.zeros((k, 3)),)),
         1e-9),
    Pair(quarter_book.ratios_of_days, twin.ratios_of_days, _ratios),
    Pair(travel_reliability.reliability, twin.reliability,
         lambda rng, k: ((np.sort(rng.uniform(5, 30, int(rng.integers(1, 40)))),
                          float(rng.choice([0.0, 8.0, np.nan]))), (np.zeros(5),)), 1e-9),
    Pair(travel_reliability.buffer_of, twin.buffer_of,
         lambda rng, k: ((20.0, float(rng.uniform(15, 40))), (np.zeros(5),)), 1e-9),
)
