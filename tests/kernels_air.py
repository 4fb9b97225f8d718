"""The kernels of the indices beyond the US one beside their slow twins, with arguments."""

from typing import Any

import numpy as np

from engine import air_days, air_limits, daqi, naqi, purpleair, who
from engine.nowcast import nowcast_o3_2016
from tests import reference_air, reference_limits
from tests.kernels import Pair, Random, concentrations, gaps

MODULES = (air_days, air_limits, daqi, naqi, purpleair, who)
DAY = 731_000


def _conc(rng: Random) -> float:
    """Skewed, some on the limits of tables, some missing."""
    value = float(rng.choice([rng.lognormal(4, 1.5), rng.uniform(-3, 60), rng.integers(0, 900)]))
    return float(gaps(rng, np.array([value]))[0])


def _daqi(rng: Random, k: int) -> Any:
    return (int(rng.integers(0, 6)), _conc(rng)), ()


def _naqi(rng: Random, k: int) -> Any:
    conc = _conc(rng) * float(rng.choice([1.0, 0.01]))
    return (int(rng.integers(0, 8)), int(rng.choice([1, 8, 24])), conc), ()


def _two(rng: Random, k: int) -> Any:
    return (_conc(rng), float(gaps(rng, rng.uniform(0, 100, 1))[0])), ()


def _station_daqi(rng: Random, k: int) -> Any:
    length = int(rng.choice([1, 25]))
    hours = np.full(k, 1) if length == 1 else rng.integers(23, 26, k)
    conc, highs = concentrations(rng, k, length + 23), concentrations(rng, k, length)[:, 4].copy()
    return (conc, highs, hours), (np.zeros((k, 6)),)


def _day_row(rng: Random, k: int) -> Any:
    return (concentrations(rng, k, 48), rng.integers(23, 26, k)), (np.zeros((k, 12)),)


def _limit_row(rng: Random, k: int) -> Any:
    given = (concentrations(rng, k, 48), rng.integers(23, 26, k), rng.uniform(0.5, 2, 6),
             np.array([200.0, 350.0, 180.0, 240.0]) / 10)
    return given, (np.zeros((k, 12)),)


def _book(rng: Random, length: int) -> Any:
    """Days of two stations as `limit_row` keeps them."""
    days = np.arange(DAY, DAY + length)
    day = np.zeros((2, length), np.int64)
    kept = np.full((2, length, 12), np.nan)
    for member in range(2):
        there = days[rng.random(length) < rng.choice([0.5, 0.8, 1.0])]
        rows = rng.lognormal(4, 0.7, (len(there), 12))
        rows[:, 4:] = rng.integers(0, 12, (len(there), 8))
        gaps(rng, rows[:, :4])
        day[member, there % length], kept[member, there % length] = there, rows
    return day, kept


def _limit_sums(rng: Random, k: int) -> Any:
    last = DAY + rng.integers(300, 420, k)
    given = (*_book(rng, 420), rng.integers(0, 2, k), last, last - rng.integers(0, 300, k),
             rng.uniform(0.5, 2, 4), np.array([50.0, 125, 120, 100]))
    return given, (np.zeros((k, 8), np.int64), np.zeros((k, 8), np.int64))


def _season(rng: Random, k: int) -> Any:
    months = np.array([reference_limits.months_of(int(d)) for d in DAY + rng.integers(366, 420, k)])
    given = (*_book(rng, 420), rng.integers(0, 2, k), months.reshape(k, 13))
    return given, (np.zeros(k), np.zeros(k, np.int64))


def _rows(rng: Random, k: int) -> Any:
    """Rows of days as `day_row` makes them."""
    rows = rng.lognormal(3, 1, (k, 12))
    rows[:, 5:10] = rng.integers(0, 26, (k, 5))
    rows[:, :5] *= rows[:, 5:10]
    gaps(rng, rows[:, 10:])
    return rows


def _year(rng: Random, k: int) -> Any:
    days = np.arange(DAY, DAY + 376)
    day = np.zeros((2, 376), np.int64)
    kept = np.full((2, 376, 12), np.nan)
    for member in range(2):
        there = days[rng.random(376) < rng.choice([0.1, 0.9, 1.0])]
        day[member, there % 376], kept[member, there % 376] = there, _rows(rng, len(there))
    last = DAY + rng.integers(300, 376, k)
    since = last - rng.integers(0, 366, k)
    levels = np.array([15.0, 45, 100, 40, 25, 4])
    return (
        day, kept, rng.integers(0, 2, k), last, since, rng.uniform(0.5, 2, 6), levels,
    ), (np.zeros((k, 5)), np.zeros((k, 5)), np.zeros((k, 6), np.int64),
        np.zeros((k, 6), np.int64))


PAIRS: tuple[Pair, ...] = (
    Pair(daqi.daqi, reference_air.daqi, _daqi),
    Pair(naqi.naqi, reference_air.naqi, _naqi),
    Pair(naqi.naqi_overall, reference_air.naqi_overall,
         lambda rng, k: ((gaps(rng, np.floor(rng.uniform(0, 500, 8))),), ())),
    Pair(purpleair.corrected_cf1, reference_air.corrected_cf1, _two, 1e-9),
    Pair(purpleair.corrected_atm, reference_air.corrected_atm, _two, 1e-9),
    Pair(purpleair.channels_agree, reference_air.channels_agree, _two),
    Pair(purpleair.channels_agree_1h, reference_air.channels_agree_1h, _two),
    Pair(purpleair.corrected, reference_air.corrected,
         lambda rng, k: ((int(rng.integers(1, 3)), *_two(rng, k)[0]), ()), 1e-9),
    Pair(purpleair.corrected_pair, reference_air.corrected_pair,
         lambda rng, k: ((*_two(rng, k)[0], float(rng.uniform(5, 95))), ()), 1e-9),
    Pair(air_days.who_ratio, reference_air.who_ratio,
         lambda rng, k: ((_conc(rng), float(rng.choice([5, 15, 37.5, 100]))), ())),
    Pair(daqi.station_daqi, reference_air.station_daqi, _station_daqi),
    Pair(air_days.day_row, reference_air.day_row, _day_row, 1e-9),
    Pair(air_days.day_value, reference_air.day_value,
         lambda rng, k: ((_rows(rng, 1)[0], int(rng.integers(0, 6))), ())),
    Pair(air_days.day_values, reference_air.day_values,
         lambda rng, k: ((_rows(rng, k),), (np.zeros((k, 6)),))),
    Pair(air_days.year_sums, reference_air.year_sums, _year, 1e-6),
    Pair(air_days.highest_8h, reference_air.highest_8h,
         lambda rng, k: ((concentrations(rng, 1, 32)[0, 2].copy(), int(rng.integers(23, 26))), ()),
         1e-9),
    Pair(air_days.mean_of_day, reference_air.mean_of_day,
         lambda rng, k: ((concentrations(rng, 1, 32)[0, 2].copy(), int(rng.integers(23, 26))), ()),
         1e-9),
    Pair(air_limits.limit_row, reference_limits.limit_row, _limit_row, 1e-9),
    Pair(air_limits.limit_sums, reference_limits.limit_sums, _limit_sums),
    Pair(air_limits.season, reference_limits.season, _season, 1e-9),
    Pair(nowcast_o3_2016, reference_air.nowcast_o3_2016,
         lambda rng, k: ((gaps(rng, np.round(rng.normal(40, 25, 8))),), (np.zeros(3),)), 1e-9),
)
