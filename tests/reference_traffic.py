"""Slow twins of the kernels of traffic: what the standards say, one road and bin at a time."""

import math
from datetime import date
from typing import Any

import numpy as np

from tests.reference import quantile

NAN = math.nan
MILE = 1.609344


def harmonic_mean_kmh(speeds: Any, counts: Any) -> float:
    """All vehicles over the sum of their slowness."""
    moving = [(max(v, 1.0), n) for v, n in zip(speeds, counts, strict=True) if v > 0 and n > 0]
    if not moving:
        return NAN
    return math.fsum(n for _, n in moving) / math.fsum(n / v for v, n in moving)


def time_mean_kmh(total: int, count: int) -> float:
    """A sum in millionths over its count."""
    return total / 1_000_000 / count if count else NAN


def space_mean_kmh(slowness: int, count: int) -> float:
    """Count over a sum of slowness."""
    return count / (slowness / 10**12) if count and slowness else NAN


def joined_speed(speed: Any, samples: Any, vehicles: Any, pair: Any) -> float:
    """Lanes by their vehicles if each lane with a speed has a counter, else by readings."""
    lanes = [lane for lane in range(len(speed)) if samples[lane] > 0]
    own = [vehicles[pair[lane]] if pair[lane] >= 0 else NAN for lane in lanes]
    weights = [samples[lane] for lane in lanes] if any(map(math.isnan, own)) else own
    return harmonic_mean_kmh([speed[lane] for lane in lanes], weights)


def minutes_of(covered: int) -> int:
    """Bits of the five minutes."""
    return f"{covered % 32:b}".count("1")


def flow_vph(vehicles: float, window_min: float) -> float:
    """An hour's worth."""
    return vehicles / (window_min / 60)


def density_of_flow(flow: float, speed_kmh: float, lanes: float) -> float:
    """k = q / v, a lane."""
    return flow / lanes / speed_kmh if speed_kmh > 0 and lanes > 0 else NAN


def density_of_occupancy(occupancy: float, g_m: float) -> float:
    """Vehicles that would stand on a km."""
    return occupancy * (1000 / g_m)


def gfactor_speed(vehicles: float, minutes: float, occupancy: float, g_m: float) -> float:
    """v = q / k."""
    if not (vehicles > 0 and occupancy > 0):
        return NAN
    return vehicles / minutes * 60 / (occupancy * 1000 / g_m)


def bin_density(
    speed: Any, vehicles: Any, occupancy: Any, lanes: Any, g_m: Any, flow: Any, out: Any
) -> None:
    """Flow, then density by flow and by occupancy."""
    for k in range(len(speed)):
        flow[k] = vehicles[k] * 12
        out[k] = (
            density_of_flow(flow[k], speed[k], lanes[k]), density_of_occupancy(occupancy[k], g_m[k])
        )


def loop_speeds(vehicles: Any, occupancy: Any, g_m: Any, cap: Any, out: Any) -> None:
    """The smoothing of PeMS over the bins that have a speed."""
    for k in range(len(vehicles)):
        speeds = [
            gfactor_speed(n, 5, occ, g_m[k])
            for n, occ in zip(vehicles[k], occupancy[k], strict=True)
        ]
        smooth = NAN
        for n, raw in zip(vehicles[k], speeds, strict=True):
            if math.isnan(raw):
                continue
            held = min(max(raw, 3 * MILE), cap[k])
            p = n / (n + 50)
            smooth = held if math.isnan(smooth) else p * held + (1 - p) * smooth
        out[k] = NAN if math.isnan(speeds[-1]) else smooth


FREEWAY = {0: (11, 18, 26, 35, 45), 1: (6, 14, 22, 29, 39)}
URBAN = {2: (42, 34, 27, 21, 16), 3: (35, 28, 22, 17, 13), 4: (30, 24, 18, 14, 10),
         5: (25, 19, 13, 9, 7)}


def los_freeway(road_class: int, density: float, load: float) -> float:
    """The first level whose limit holds, in passenger cars per mile."""
    if road_class not in FREEWAY or math.isnan(density):
        return NAN
    if load > 1:
        return 6.0
    per_mile = round(density * MILE, 7)
    return float(1 + sum(per_mile > limit for limit in FREEWAY[road_class]))


def los_urban_2000(road_class: int, speed_kmh: float) -> float:
    """The first level whose limit is exceeded, in mph."""
    if road_class not in URBAN or not speed_kmh > 0:
        return NAN
    mph = round(speed_kmh / MILE, 7)
    return float(1 + sum(mph <= limit for limit in URBAN[road_class]))


def los_urban_2010(road_class: int, speed_kmh: float, free_kmh: float, load: float) -> float:
    """In percent of free flow."""
    if road_class not in URBAN or not (speed_kmh > 0 and free_kmh > 0):
        return NAN
    if load > 1:
        return 6.0
    percent = round(100 * speed_kmh / free_kmh, 7)
    return float(1 + sum(percent <= limit for limit in (85, 67, 50, 40, 30)))


def service_levels(
    road_class: Any, speed: Any, flow: Any, free: Any, lanes: Any, capacity: Any, out: Any
) -> None:
    """All three tables."""
    for k, kind in enumerate(road_class.tolist()):
        load = flow[k] / capacity[k] if capacity[k] > 0 else NAN
        out[k] = (
            los_freeway(kind, density_of_flow(flow[k], speed[k], lanes[k]), load),
            los_urban_2000(kind, speed[k]), los_urban_2010(kind, speed[k], free[k], load),
        )


def delay_vh(vehicles: float, length_km: float, speed_kmh: float, under_kmh: float) -> float:
    """Hours of all vehicles beyond those at the threshold."""
    if math.isnan(under_kmh):
        return NAN
    return max(vehicles * (length_km / speed_kmh - length_km / under_kmh), 0.0)


def lost_km(length_km: float, flow: float, capacity: float) -> float:
    """What is not used of the capacity, in length."""
    return max(length_km - length_km * flow / capacity, 0.0)


def is_congested(speed_kmh: float, free_kmh: float) -> bool:
    """Strictly below 90 %."""
    return round(speed_kmh, 7) < round(0.9 * free_kmh, 7)


def excess_h(length_km: float, speed_kmh: float, posted_kmh: float) -> float:
    """Held to 0 … 15 minutes."""
    threshold = max(20 * MILE, 0.6 * posted_kmh)
    return min(max(length_km / speed_kmh - length_km / threshold, 0.0), 0.25)


def station_measures(
    speeds: Any, vehicles: Any, length_km: Any, lanes: Any, capacity: Any, free: Any, out: Any,
    valid: Any,
) -> None:
    """Every measure as a sum over the bins with vehicles and speed."""
    for k in range(len(speeds)):
        pairs = list(zip(speeds[k].tolist(), vehicles[k].tolist(), strict=True))
        moving = [(v, n) for v, n in pairs if n > 0 and v > 0]
        length = length_km[k]
        valid[k] = len(moving) + sum(n == 0 for _, n in pairs)
        under = [mph * MILE for mph in (35, 40, 45, 50, 55, 60)] + [free[k]]
        slow = [
            [lost_km(length, 12 * n, capacity[k]) for v, n in moving if round(v - limit, 9) < 0]
            for limit in (35 * MILE, 60 * MILE)
        ] if capacity[k] > 0 and lanes[k] > 0 else [[NAN], [NAN]]
        out[k] = [
            math.fsum(n * length for _, n in moving),
            math.fsum(n * length / v for v, n in moving),
            *(math.fsum([0 if not math.isnan(limit) else NAN,
                         *(delay_vh(n, length, v, limit) for v, n in moving)]) for limit in under),
            *(math.fsum(part) * lanes[k] / 12 for part in slow),
        ]


def excess_delay(speeds: Any, vehicles: Any, length_km: Any, posted: Any, out: Any) -> None:
    """Of all quarters with vehicles and speed."""
    for k in range(len(speeds)):
        pairs = zip(speeds[k].tolist(), vehicles[k].tolist(), strict=True)
        lost = [n * excess_h(length_km[k], v, posted[k]) for v, n in pairs if v > 0 and n > 0]
        out[k] = math.fsum(lost) if posted[k] > 0 else NAN


def congestion(
    speeds: Any, vehicles: Any, open_bin: Any, free: Any, out: Any, valid: Any
) -> None:
    """Hours of the open bins, percent of the travel of all."""
    for k in range(len(speeds)):
        rows = [
            (v, 1.0 if math.isnan(n) else n, is_open)
            for v, n, is_open in zip(
                speeds[k].tolist(), vehicles[k].tolist(), open_bin.tolist(), strict=True
            ) if n == 0 or v > 0
        ]
        valid[k] = sum(is_open for *_, is_open in rows)
        slow = [row for row in rows if row[1] > 0 and is_congested(row[0], free[k])]
        total = math.fsum(n for _, n, _ in rows)
        hours = sum(is_open for *_, is_open in slow) / 12
        share = 100 * math.fsum(n for _, n, _ in slow) / total if total else NAN
        out[k] = (hours, share, total) if not math.isnan(free[k]) else (NAN, NAN, total)


def reliability(travel_times: Any, free: float, out: Any) -> None:
    """Planning time and buffer from a list."""
    times = travel_times.tolist()
    late, mean = quantile(times, 0.95), math.fsum(times) / len(times)
    out[0] = late / free if free > 0 else NAN
    buffer_of(mean, late, out)


def buffer_of(mean: float, late: float, out: Any) -> None:
    """Buffer index, buffer, and what they come from."""
    out[1:] = ((late - mean) / mean, (late - mean) / mean * mean, mean, late)


def period_ratio(travel_times: Any, late: float) -> float:
    """A percentile over the median, to a hundredth."""
    times = travel_times.tolist()
    return math.floor(100 * quantile(times, late) / quantile(times, 0.5) + 0.5 + 1e-9) / 100


def greatest(ratios: Any, out: Any) -> None:
    """Of the first four, and of all five; none if one is none."""
    for measure, count in enumerate((4, 5)):
        some = ratios[measure, :count].tolist()
        out[measure] = NAN if any(map(math.isnan, some)) else max(some)


def measured_quarters(speeds: Any, vehicles: Any, out: Any) -> None:
    """Three bins at a time, those that were counted empty left out."""
    for k in range(len(out)):
        for q in range(out.shape[1]):
            part = list(zip(speeds[k].tolist(), vehicles[k].tolist(), strict=True))[
                3 * q : 3 * q + 3]
            there = [(v, n) for v, n in part if n == 0 or v > 0]
            moving = [(v, n) for v, n in there if n != 0]
            if any(math.isnan(n) for _, n in moving):
                moving = [(v, 1.0) for v, _ in moving]
            if len(there) < 2:
                out[k, q] = NAN
            elif moving:
                out[k, q] = math.fsum(n for _, n in moving) / math.fsum(n / v for v, n in moving)
            else:
                out[k, q] = 655.35


PERIODS = (
    (False, range(16), 10), (False, range(16, 40), 10), (False, range(40, 56), 10),
    (True, range(56), 4), (None, range(56, 100), 14),
)
"""On weekends or not or both, places of the day, days needed."""


def ratios_of_days(
    day: Any, kept: Any, rows: Any, first: Any, last: Any, out: Any, ratios: Any, counts: Any
) -> None:
    """A list of travel times for each period."""
    for k, row in enumerate(rows.tolist()):
        for p, (weekend, places, needed) in enumerate(PERIODS):
            owed = 40 if weekend is None else len(places)
            days, times = 0, []
            for d in range(first[k], last[k] + 1):
                of = date.fromordinal(d).weekday() >= 5
                if day[row, d % 40] != d or weekend not in (None, of):
                    continue
                there = [int(kept[row, d % 40, q]) for q in places if kept[row, d % 40, q]]
                if len(there) >= 0.75 * owed:
                    days += 1
                    times += [1 / speed for speed in there if speed != 65_535]
            counts[k, p] = days, len(times)
            for measure, late in enumerate((0.8, 0.95)):
                ratios[k, measure, p] = (
                    period_ratio(np.array(sorted(times)), late) if days >= needed and times else NAN
                )
        greatest(ratios[k], out[k])
