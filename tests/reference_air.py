"""Slow, obvious twins of the air kernels beyond the US index; they import nothing from `engine`.

Rows of pollutants are PM2.5, PM10, O3, CO, SO2, NO2, as in `tests.reference`.
"""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

NAN = math.nan
GAS = {"o3": 47.998, "no2": 46.006, "so2": 64.064, "co": 28.010, "nh3": 17.031}

# Upper limits as the tables print them; bands from 1.
EAQI_2024 = {
    0: (5, 15, 50, 90, 140), 1: (15, 45, 120, 195, 270), 2: (60, 100, 120, 160, 180),
    4: (20, 40, 125, 190, 275), 5: (10, 25, 60, 100, 150),
}
EAQI_2019 = {
    0: (10, 20, 25, 50, 75, 800), 1: (20, 40, 50, 100, 150, 1200),
    2: (50, 100, 130, 240, 380, 800), 4: (100, 200, 350, 500, 750, 1250),
    5: (40, 90, 120, 230, 340, 1000),
}
EAQI_2017 = {
    0: (10, 20, 25, 50, 800), 1: (20, 35, 50, 100, 1200), 2: (80, 120, 180, 240, 600),
    4: (100, 200, 350, 500, 1250), 5: (40, 100, 200, 400, 1000),
}


def whole(conc: float) -> float:
    """Rounded half up; a millionth below one half is one half; nothing is below zero."""
    if math.isnan(conc):
        return NAN
    return float(max(math.floor(Fraction(conc) + Fraction(1, 2) + Fraction(1, 10**6)), 0))


def ppb_to_ugm3(ppb: float, molar_mass: float, t_c: float, p_kpa: float) -> float:
    """Moles of air in a cubic metre, times the share, times the mass of a mole."""
    moles_of_air = p_kpa * 1000 / (8.314462618 * (273.15 + t_c))
    return moles_of_air * ppb * 1e-9 * molar_mass * 1e6


def band(edition: int, pollutant: int, conc: float) -> float:
    """Count the limits that are exceeded."""
    table = (EAQI_2024, EAQI_2019, EAQI_2017)[edition]
    if math.isnan(conc) or pollutant not in table:
        return NAN
    above = sum(whole(conc) > limit for limit in table[pollutant])
    if edition > 0 and above == len(table[pollutant]):
        return NAN  # above the cap: no measurement
    return float(above + 1)


def eaqi_hour(conc: Any, measured: Any, out: Any) -> None:
    """Worst of the five, if the set is complete."""
    for row, sensors, found in zip(conc, measured, out, strict=True):
        found[1:] = [band(0, pollutant, row[pollutant]) for pollutant in (0, 1, 2, 4, 5)]
        known = [value for value in found[1:] if not math.isnan(value)]
        missing = math.isnan(row[5]) or (math.isnan(row[0]) and math.isnan(row[1]))
        missing = missing or (sensors[2] and math.isnan(row[2]))
        found[0] = NAN if missing or not known else max(known)


def mean_of(values: Sequence[float], least: int, clipped: bool = True) -> float:
    """Mean of those that are there, below zero as zero; NaN with fewer than `least`."""
    there = [max(value, 0.0) if clipped else value for value in values if not math.isnan(value)]
    return sum(there) / len(there) if len(there) >= least else NAN


# Upper limits of index 1 to 9.
DAQI = {
    0: (11, 23, 35, 41, 47, 53, 58, 64, 70), 1: (16, 33, 50, 58, 66, 75, 83, 91, 100),
    2: (33, 66, 100, 120, 140, 160, 187, 213, 240),
    4: (88, 177, 266, 354, 443, 532, 710, 887, 1064),
    5: (67, 134, 200, 267, 334, 400, 467, 534, 600),
}


def daqi(pollutant: int, conc: float) -> float:
    """One more than the limits that are exceeded."""
    if math.isnan(conc) or pollutant not in DAQI:
        return NAN
    return float(1 + sum(whole(conc) > limit for limit in DAQI[pollutant]))


# India: (low, high) of each level as printed, the last high in common use; then its resolution.
NAQI: dict[int, tuple[list[tuple[str, str]], str]] = {
    0: ([("0", "30"), ("31", "60"), ("61", "90"), ("91", "120"), ("121", "250"), ("251", "500")],
        "1"),
    1: ([("0", "50"), ("51", "100"), ("101", "250"), ("251", "350"), ("351", "430"),
         ("431", "600")], "1"),
    2: ([("0", "50"), ("51", "100"), ("101", "168"), ("169", "208"), ("209", "748"),
         ("749", "1000")], "1"),
    3: ([("0", "1"), ("1.1", "2"), ("2.1", "10"), ("10.1", "17"), ("17.1", "34"), ("34.1", "50")],
        "0.1"),
    4: ([("0", "40"), ("41", "80"), ("81", "380"), ("381", "800"), ("801", "1600"),
         ("1601", "2400")], "1"),
    5: ([("0", "40"), ("41", "80"), ("81", "180"), ("181", "280"), ("281", "400"),
         ("401", "600")], "1"),
    6: ([("0", "200"), ("201", "400"), ("401", "800"), ("801", "1200"), ("1201", "1800"),
         ("1801", "2400")], "1"),
    7: ([("0", "0.5"), ("0.5", "1"), ("1.1", "2"), ("2.1", "3"), ("3.1", "3.5"), ("3.6", "5")],
        "0.1"),
}
NAQI_INDEX = ((0, 50), (51, 100), (101, 200), (201, 300), (301, 400), (401, 500))


def naqi(pollutant: int, average_h: int, conc: float) -> float:
    """Interpolated in exact fractions between the limits as printed."""
    averages = {2: (8, 1), 3: (8,)}.get(pollutant, (24,))
    if math.isnan(conc) or average_h not in averages:
        return NAN
    table, step = NAQI[pollutant]
    half, dust = Fraction(1, 2), Fraction(1, 10**6)
    value = max(math.floor(Fraction(conc) / Fraction(step) + half + dust), 0) * Fraction(step)
    for level, (low, high) in enumerate(table):
        if value <= Fraction(high) or level == 5:
            if pollutant == 2 and (level >= 4) != (average_h == 1):
                return NAN
            i_low, i_high = NAQI_INDEX[level]
            slope = (i_high - i_low) / (Fraction(high) - Fraction(low))
            return float(min(math.floor(slope * (value - Fraction(low)) + i_low + half), 500))
    raise AssertionError


def naqi_overall(indices: Any) -> float:
    """Three of them, a PM among them."""
    known = [value for value in indices if not math.isnan(value)]
    particles = not math.isnan(indices[0]) or not math.isnan(indices[1])
    return max(known) if particles and len(known) >= 3 else NAN


def corrected_cf1(pa: float, rh: float) -> float:
    """The line of the paper."""
    return max(0.524 * pa - 0.0862 * rh + 5.75, 0.0) if not math.isnan(pa + rh) else NAN


def corrected_atm(pa: float, rh: float) -> float:
    """Three formulas, and between each two what is in proportion between them."""
    if math.isnan(pa + rh):
        return NAN
    low, middle = 0.524 * pa - 0.0862 * rh + 5.75, 0.786 * pa - 0.0862 * rh + 5.75
    smoke = 2.966 + 0.69 * pa + 8.84e-4 * pa**2
    first = min(max((pa - 30) / 20, 0.0), 1.0)
    second = min(max((pa - 210) / 50, 0.0), 1.0)
    return max((1 - second) * ((1 - first) * low + first * middle) + second * smoke, 0.0)


def channels_agree(a: float, b: float) -> bool:
    """Not both 5 µg/m³ and 61 % of their mean apart."""
    return not math.isnan(a + b) and (abs(a - b) < 5 or abs(a - b) < 0.61 * (a + b) / 2)


def channels_agree_1h(a: float, b: float) -> bool:
    """Not both more than 5 µg/m³ and more than 70 % of their mean apart."""
    return not math.isnan(a + b) and (abs(a - b) <= 5 or abs(a - b) <= 0.7 * (a + b) / 2)


def corrected(kind: int, pa: float, rh: float) -> float:
    """By the channel that the sensor publishes: 1 cf = 1, 2 atm."""
    return {1: corrected_cf1, 2: corrected_atm}[kind](pa, rh)

def corrected_pair(a: float, b: float, rh: float) -> float:
    """The line of the paper of the mean of both, if they agree."""
    return corrected_cf1((a + b) / 2, rh) if channels_agree(a, b) else NAN


def who_ratio(conc: float, limit: float) -> float:
    """To nine decimals, halves upwards."""
    if math.isnan(conc):
        return NAN
    return math.floor(max(conc, 0.0) / limit * 1e9 + 0.5) / 1e9


def nowcast_o3_2016(hours: Any, out: Any) -> None:
    """Weights without a lower bound."""
    there = {age: max(hour, 0.0) for age, hour in enumerate(hours) if not math.isnan(hour)}
    out[:] = NAN
    if sum(age in there for age in range(3)) < 2:
        return
    top = max(there.values())
    out[0] = min(there.values()) / top if top else 1.0
    out[1] = sum(out[0] ** age * hour for age, hour in there.items())
    weights = sum(out[0] ** age for age in there)
    if weights:
        out[2] = out[1] / weights


def station_daqi(conc: Any, so2: Any, hours: Any, out: Any) -> None:
    """Hour by hour a table of indices, then the highest of each column."""
    for station, highs, count, found in zip(conc, so2, hours, out, strict=True):
        table = []
        for i in range(count):
            row = [
                daqi(0, mean_of(station[0][i : i + 24], 18)),
                daqi(1, mean_of(station[1][i : i + 24], 18)),
                daqi(2, mean_of(station[2][i : i + 8], 6)), daqi(4, highs[i]),
                daqi(5, station[5][i]),
            ]
            known = [value for value in row if not math.isnan(value)]
            table.append([max(known) if known else NAN, *row])
        for column in range(6):
            known = [row[column] for row in table if not math.isnan(row[column])]
            found[column] = max(known) if 4 * len(known) >= 3 * count else NAN


def mean_of_day(means: Any, hours: int) -> float:
    """Of the day's hours, of which 18 must be there."""
    return mean_of(means[:hours], 18, clipped=False)


def highest_8h(means: Any, hours: int) -> float:
    """The largest of the running means that end in the day, of which 18 must be there."""
    running = [mean_of(means[i : i + 8], 6) for i in range(hours)]
    known = [value for value in running if not math.isnan(value)]
    return max(known) if len(known) >= 18 else NAN


def day_row(means: Any, hours: Any, out: Any) -> None:
    """Sums and hours of PM2.5, PM10, O3, SO2, NO2; mean of CO; highest running mean of O3."""
    for station, count, row in zip(means, hours, out, strict=True):
        for column, part in enumerate((0, 1, 2, 4, 5)):
            there = [value for value in station[part][:count] if not math.isnan(value)]
            row[column], row[5 + column] = math.fsum(there), len(there)
        row[10] = mean_of_day(station[3], count)
        row[11] = highest_8h(station[2], count)


def day_value(row: Any, column: int) -> float:
    """Of PM2.5, PM10, O3, SO2, NO2, CO: by 18 hours, O3 and CO as kept."""
    if column in (2, 5):
        return float(row[11 if column == 2 else 10])
    return float(row[column] / row[5 + column]) if row[5 + column] >= 18 else NAN


def day_values(rows: Any, out: Any) -> None:
    """One after the other."""
    for row, found in zip(rows, out, strict=True):
        found[:] = [day_value(row, column) for column in range(6)]


def year_sums(
    day: Any, kept: Any, rows: Any, last: Any, since: Any, factors: Any, levels: Any, sums: Any,
    hours: Any, known: Any, above: Any,
) -> None:
    """Look each day up in a dictionary."""
    for k, (member, end, first) in enumerate(zip(rows, last, since, strict=True)):
        of = {int(d): kept[member, column] for column, d in enumerate(day[member]) if d}
        year = [of[d] for d in range(end - 364, end + 1) if d in of]
        for part in range(5):
            sums[k, part] = math.fsum(row[part] for row in year)
            hours[k, part] = math.fsum(row[5 + part] for row in year)
        for part in range(6):
            values = [day_value(of[d], part) for d in range(first, end + 1) if d in of]
            values = [value for value in values if not math.isnan(value)]
            known[k, part] = len(values)
            above[k, part] = sum(
                who_ratio(value * factors[part], levels[part]) > 1 for value in values
            )
