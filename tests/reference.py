"""Slow, obvious twins of the kernels: plain Python, exact fractions where a decision hangs on it.

They import nothing from `engine` and read like the standards. Missing is NaN, as in the kernels;
each twin has its kernel's arguments and fills `out` likewise, or returns a scalar.
"""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

NAN = math.nan
POLLUTANTS = ("PM2.5", "PM10", "O3", "CO", "SO2", "NO2")

# 40 CFR 58 Appendix G, as printed: index range and concentration range of each row.
RANGES = ((0, 50), (51, 100), (101, 150), (151, 200), (201, 300), (301, 500))
TABLES: dict[tuple[str, int], tuple[str, tuple[tuple[str, str] | None, ...]]] = {
    ("PM2.5", 24): ("0.1", (
        ("0.0", "9.0"), ("9.1", "35.4"), ("35.5", "55.4"), ("55.5", "125.4"),
        ("125.5", "225.4"), ("225.5", "325.4"),
    )),
    ("PM10", 24): ("1", (
        ("0", "54"), ("55", "154"), ("155", "254"), ("255", "354"), ("355", "424"), ("425", "604"),
    )),
    ("O3", 8): ("0.001", (
        ("0.000", "0.054"), ("0.055", "0.070"), ("0.071", "0.085"), ("0.086", "0.105"),
        ("0.106", "0.200"), None,
    )),
    ("O3", 1): ("0.001", (
        None, None, ("0.125", "0.164"), ("0.165", "0.204"), ("0.205", "0.404"), ("0.405", "0.604"),
    )),
    ("CO", 8): ("0.1", (
        ("0.0", "4.4"), ("4.5", "9.4"), ("9.5", "12.4"), ("12.5", "15.4"), ("15.5", "30.4"),
        ("30.5", "50.4"),
    )),
    ("SO2", 1): ("1", (("0", "35"), ("36", "75"), ("76", "185"), ("186", "304"), None, None)),
    ("SO2", 24): ("1", (None, None, None, None, ("305", "604"), ("605", "1004"))),
    ("NO2", 1): ("1", (
        ("0", "53"), ("54", "100"), ("101", "360"), ("361", "649"), ("650", "1249"),
        ("1250", "2049"),
    )),
}


def present(values: Sequence[float]) -> list[float]:
    """The values that are not missing."""
    return [float(value) for value in values if not math.isnan(value)]


def enough(valid: int, possible: int) -> bool:
    """At least three quarters."""
    return possible > 0 and Fraction(valid, possible) >= Fraction(3, 4)


def cut(value: float, resolution: str) -> Fraction:
    """Truncate to the resolution; a millionth of a step below the next step is that step."""
    steps = Fraction(value) / Fraction(resolution) + Fraction(1, 1_000_000)
    return max(math.floor(steps), 0) * Fraction(resolution)


def sub_index(pollutant: int, average_h: int, conc: float) -> float:
    """The index by linear interpolation in the row that holds the truncated concentration."""
    name = POLLUTANTS[pollutant] if 0 <= pollutant < 6 else ""
    if (name, average_h) not in TABLES or math.isnan(conc):
        return NAN
    resolution, rows = TABLES[name, average_h]
    value = cut(conc, resolution)
    if (name, average_h) == ("SO2", 1) and value > 304:
        return 200
    for (index_low, index_high), row in zip(RANGES, rows, strict=True):
        if row is None:
            continue
        low, high = Fraction(row[0]), Fraction(row[1])
        if low <= value <= high or (index_high == 500 and value > high):
            exact = (index_high - index_low) * (value - low) / (high - low) + index_low
            return math.floor(exact + Fraction(1, 2))
    return NAN


def mean(hours: Sequence[float]) -> float:
    """Mean with three quarters of the hours, negative ones as zero."""
    valid = [max(value, 0.0) for value in present(hours)]
    return math.fsum(valid) / len(valid) if enough(len(valid), len(hours)) else NAN


def nowcast_pm(hours: Sequence[float]) -> float:
    """EPA's NowCast as the fact sheet words it."""
    hours = [hour if math.isnan(hour) else max(float(hour), 0.0) for hour in hours]
    if len(present(hours[:3])) < 2:
        return NAN
    valid = present(hours)
    if max(valid) == 0:
        return 0.0
    scaled_rate_of_change = (max(valid) - min(valid)) / max(valid)
    weight = max(1 - scaled_rate_of_change, 0.5)
    pairs = [(weight**age, hour) for age, hour in enumerate(hours) if not math.isnan(hour)]
    return math.fsum(w * hour for w, hour in pairs) / math.fsum(w for w, _ in pairs)


def truncated_steps(value: float, steps_per_unit: float) -> float:
    """Whole steps in a value."""
    return NAN if math.isnan(value) else float(cut(value * steps_per_unit, "1"))


def report(value: float, steps_per_unit: float) -> float:
    """A value as it is reported: cut to 0.1 (10 steps) or to 1."""
    resolution = "0.1" if steps_per_unit == 10 else "1"
    return NAN if math.isnan(value) else float(cut(value, resolution))


def largest(values: Sequence[float]) -> float:
    """The largest of those present, NaN if none is."""
    return max(present(values), default=NAN)


def o3_index(mean_8h_ppb: float, mean_1h_ppb: float) -> float:
    """The larger of the 8-h and the 1-h index."""
    return largest([sub_index(2, 8, mean_8h_ppb / 1000), sub_index(2, 1, mean_1h_ppb / 1000)])


def so2_index(mean_1h_ppb: float, mean_24h_ppb: float) -> float:
    """The 1-h index up to 200, beyond by the 24-h mean."""
    if math.isnan(mean_1h_ppb) or cut(mean_1h_ppb, "1") < 305:
        return sub_index(4, 1, mean_1h_ppb)
    return largest([200, sub_index(4, 24, mean_24h_ppb)])


def station_aqi(means: Any, out: Any) -> None:
    """Stations now; see the kernel for the axes."""
    for station, row in zip(means.tolist(), out, strict=True):
        pm25, pm10, o3, co, so2, no2 = station
        row[7] = report(nowcast_pm(pm25[:12]), 10)
        row[8] = report(nowcast_pm(pm10[:12]), 1)
        row[1:7] = [
            sub_index(0, 24, row[7]), sub_index(1, 24, row[8]), o3_index(mean(o3[:8]), o3[0]),
            sub_index(3, 8, mean(co[:8])), so2_index(so2[0], mean(so2)), sub_index(5, 1, no2[0]),
        ]
        row[0] = largest(row[1:7])


def largest_of_day(values: Sequence[float]) -> float:
    """The largest of 24, with three quarters of them."""
    return largest(values) if enough(len(present(values)), len(values)) else NAN


def day_aqi(hours: Any, out: Any) -> None:
    """Calendar days; see the kernel for the axes."""
    for station, row in zip(hours.tolist(), out, strict=True):
        pm25, pm10, o3, co, so2, no2 = station
        running_o3 = [mean(o3[end - 8:end]) for end in range(8, 32)]
        running_co = [mean(co[end - 8:end]) for end in range(8, 32)]
        row[1:7] = [
            sub_index(0, 24, mean(pm25[7:])), sub_index(1, 24, mean(pm10[7:])),
            o3_index(largest_of_day(running_o3), largest_of_day(o3[7:])),
            sub_index(3, 8, largest_of_day(running_co)),
            so2_index(largest_of_day(so2[7:]), mean(so2[7:])),
            sub_index(5, 1, largest_of_day(no2[7:])),
        ]
        row[0] = largest(row[1:7])


def levels_of(values: Any, uppers: Any, out: Any) -> None:
    """The first level that holds the value."""
    for i, value in enumerate(values):
        holding = [level for level, upper in enumerate(uppers) if value <= upper]
        out[i] = holding[0] if holding else -1


def bands_of(values: Any, uppers: Any, out: Any) -> None:
    """The last level below whose upper limit the value lies."""
    for i, value in enumerate(values):
        holding = [level for level, upper in enumerate(uppers) if level == 0 or value < upper]
        out[i] = -1 if math.isnan(value) else holding[-1]


def tti(free_flow_kmh: float, speed_kmh: float) -> float:
    """Free flow over speed."""
    return free_flow_kmh / speed_kmh if free_flow_kmh > 0 and speed_kmh > 0 else NAN


def quantile(ordered: Sequence[float], share: float) -> float:
    """Type 7, by its definition: h = (n - 1) p + 1."""
    h = (len(ordered) - 1) * share + 1
    j = math.floor(h)
    after = ordered[min(j, len(ordered) - 1)]
    return float(ordered[j - 1] + (h - j) * (after - ordered[j - 1]))


def free_flow(speeds: Any, posted: Any, out: Any, method: Any) -> None:
    """85th percentile with 200 bins, held near the posted limit; else the posted limit."""
    for k, row in enumerate(speeds.tolist()):
        bins = sorted(speed for speed in row if speed > 0)
        limit = posted[k]
        if len(bins) < 200:
            out[k], method[k] = (limit, 2) if limit > 0 else (NAN, -1)
            continue
        out[k], method[k] = quantile(bins, 0.85), 0
        low, high = 0.8 * limit, 1.3 * limit
        if limit > 0 and not low <= out[k] <= high:
            out[k], method[k] = low if out[k] < low else high, 1


def peak_tti(speeds: Any, peak: Any, free_flow_kmh: Any, out: Any) -> None:
    """Mean of free flow over speed, over the bins of both peaks."""
    for k, row in enumerate(speeds.tolist()):
        ratios: list[float] = []
        shares: list[Fraction] = []
        for part in (1, 2):
            bins = [speed for speed, which in zip(row, peak, strict=True) if which == part]
            valid = [speed for speed in bins if speed > 0]
            shares.append(Fraction(len(valid), len(bins)) if bins else Fraction(0))
            ratios += [tti(free_flow_kmh[k], speed) for speed in valid]
        complete = min(shares) >= Fraction(3, 4)
        out[k] = (math.fsum(ratios) / len(ratios) if complete else NAN, float(min(shares)))


def mean_demand(sums: Any, counts: Any, covered: Any, out: Any) -> None:
    """Mean of all readings of a block, if three quarters of its minutes are vouched for."""
    for k, minutes in enumerate(covered.tolist()):
        readings = sum(counts[k].tolist())
        total = Fraction(sum(sums[k].tolist()), 1_000_000)
        valid = readings > 0 and enough(sum(minutes), len(minutes))
        out[k] = (float(total / readings) if valid else NAN, sum(minutes) / len(minutes))


def register_rise(
    before: float, after: float, hours: float, modulus: float, power_max: float
) -> float:
    """Energy between two readings: a plain rise, a plausible rollover, or a reset."""
    if after >= before:
        return after - before
    rolled = after + modulus - before
    return rolled if 0 <= rolled <= power_max * hours else NAN


def register_demand(
    time_ms: Any, kwh: Any, start_ms: int, block_ms: int, gap_max_ms: int, modulus: float,
    power_max: float, out: Any,
) -> None:
    """Every block against every pair of readings."""
    times, values = time_ms.tolist(), kwh.tolist()
    for i in range(len(out)):
        left = start_ms + i * block_ms
        right = left + block_ms
        energy, known, measured = 0.0, 0, 0
        for j in range(1, len(times)):
            inside = min(right, times[j]) - max(left, times[j - 1])
            if inside <= 0:
                continue
            span = times[j] - times[j - 1]
            hours = span / 3_600_000
            rise = register_rise(values[j - 1], values[j], hours, modulus, power_max)
            energy += rise * (inside / span)
            known += inside
            within = left <= times[j - 1] and times[j] <= right
            measured += inside if within or span <= gap_max_ms else 0
        valid = enough(measured, block_ms)
        out[i] = (energy / (known / 3_600_000) if valid else NAN, measured / block_ms)


def expected_readings(start_s: int, end_s: int, since_s: Any, period_s: Any) -> float:
    """Seconds of each period within the window, over the period."""
    ends = [*since_s.tolist()[1:], end_s]
    total = 0.0
    for since, until, period in zip(since_s.tolist(), ends, period_s.tolist(), strict=True):
        seconds = min(end_s, until) - max(start_s, since)
        total += seconds / period if seconds > 0 and period > 0 else 0.0
    return total


def completeness(counts: Any, expected: Any, out: Any) -> None:
    """Percent of what was expected, at most 100."""
    for i, owed in enumerate(expected):
        out[i] = min(100.0, 100 * int(counts[i]) / owed) if owed > 0 else NAN


def covered(minute: int, span: int, start: int, length: int) -> set[int]:
    """Minutes of a pane that a reading stands for: its aligned span, as far as it lies inside."""
    if span > length:
        return set()
    first = start + (minute - start) // span * span
    return set(range(first, min(first + span, start + length)))


def summand(value: float, quantity: str) -> int:
    """The exact sums add micro-units, squares in 10^-4, or energies of sound levels."""
    if quantity in ("voltage", "current", "thd"):
        return math.floor(value * value * 1e4 + 0.5)
    if quantity == "laeq":
        return math.floor(math.pow(10.0, min(value, 140.0) / 10) + 0.5)
    return math.floor(value * 1e6 + 0.5)


def fold(
    readings: Sequence[tuple[int, float, int]], span: int, shift: int, length: int, quantity: str
) -> dict[int, tuple[int, int, int, int, float, float]]:
    """All panes of a series: number -> (n, micro-units, 10^-12 of 1/v, bits, min, max).

    readings: (Unix second, value, flag), in whatever order. Local numbers, `shift` minutes east.
    """
    speed = quantity == "speed"
    panes: dict[int, list[tuple[int, float]]] = {}
    for second, value, flag in readings:
        if flag not in (4, 9) and not (speed and value <= 0):
            local = second // 60 + shift
            panes.setdefault(local // length, []).append((local, value))
    found = {}
    for number, inside in panes.items():
        minutes = set[int]()
        for local, _ in inside:
            minutes |= covered(local, span, number * length, length)
        values = [value for _, value in inside]
        found[number] = (
            len(values), sum(summand(value, quantity) for value in values),
            sum(math.floor(1e12 / max(value, 1.0) + 0.5) for value in values) if speed else 0,
            sum(1 << (minute - number * length) for minute in minutes),
            min(values), max(values),
        )
    return found


def cover_bits(position: int, span: int, period: int) -> int:
    """As bits, of a pane that starts at 0."""
    return sum(1 << minute for minute in covered(position, span, 0, period))


def count_bits(bits: int) -> int:
    """Ones among the lower sixty."""
    return bin(int(bits) % 2**60).count("1")


def period_of(slot: int, time_s: int, since_s: Any, period_s: Any) -> float:
    """The latest period that has begun, else the first."""
    begun = [i for i, since in enumerate(since_s[slot].tolist()) if since <= time_s]
    return float(period_s[slot, max(begun, default=0)])


def span_of(period_s: float) -> int:
    """Whole minutes, a quarter of one more does not count."""
    return max(math.ceil(Fraction(period_s) / 60 - Fraction(1, 4)), 1)


def area_stats(
    values: Any, coverage: Any, weights: Any, levels: Any, present: Any, starts: Any,
    members: Any, rules: Any, over_level: Any, out: Any,
) -> None:
    """Each area, window and indicator on its own; rules 0 worst, 1 weighted mean, 2 sum."""
    for e, a, i in np.ndindex(*out.shape[:3]):
        inside = [m for m in members[starts[a]:starts[a + 1]] if present[e, m, i]]
        valid = [m for m in inside if not math.isnan(values[e, m, i])]
        held = [float(values[e, m, i]) for m in valid]
        scales = [float(weights[e, m]) for m in valid]
        answer = NAN
        if held and rules[i] == 0:
            answer = max(held)
        elif held and rules[i] == 1 and sum(scales) > 0:
            answer = math.fsum(v * w for v, w in zip(held, scales, strict=True)) / sum(scales)
        elif held and rules[i] == 2 and enough(len(valid), len(inside)):
            answer = math.fsum(held)
        out[e, a, i] = (
            answer, *(np.quantile(held, [0.5, 0.95, 1.0]) if held else (NAN, NAN, NAN)),
            math.fsum(coverage[e, m, i] for m in inside) / max(len(inside), 1), len(valid),
            sum(int(levels[e, m, i] >= over_level[i]) for m in valid),
        )


def gather_columns(bodies: bytes, counts: Sequence[int], sizes: Sequence[int]) -> list[bytes]:
    """Records lie one after the other, columns of `sizes` bytes a value one after the other in
    each; here every column of all records."""
    out = [b""] * len(sizes)
    at = 0
    for rows in counts:
        for column, size in enumerate(sizes):
            out[column] += bodies[at : at + rows * size]
            at += rows * size
    return out
