"""The steps of the traffic indicators: travel time index, its peaks, free-flow speed.

Standards: as `engine.travel_time`.
"""

from datetime import date

import numpy as np

from engine.account import Account, Coverage, Json, Look, Recipe, Step, number, numbers
from engine.calendar import is_weekend
from engine.catalogue import INDICATORS, POSITION
from engine.family import Floats, Integers
from engine.panes import FIVE, Panes
from engine.road_bins import SPEED
from engine.traffic import (
    BINS_A_DAY_MAX,
    DIGITS,
    FROZEN_DAYS,
    HISTORY_DAYS,
    INPUTS,
    PEAK_BINS,
    PEAKS,
    WEEKDAY_OFF_PEAK,
    WEEKEND_OFF_PEAK,
    Segments,
)
from engine.travel_time import FFS_BINS_MIN, FFS_POSTED, free_flow, quantile

DAY_S = 86_400
URL = "https://ops.fhwa.dot.gov/perf_measurement/ucr/documentation.htm"
_UCR = "FHWA Urban Congestion Report"
_U4SSC = "U4SSC EC:I:T:5A, Verification Manual 2022 p. 72"
SPEED_RULE = (
    "a lane: n * 1e12 / sum, the harmonic mean of its speeds in km/h; lanes by their vehicles "
    "(sum / 1e6 * 5 / covered) if each has a counter, else by n; 4 of 5 minutes needed, and a "
    "vehicle where they are counted"
)


def off_peak(segments: Segments, members: Integers, day: int, panes: Panes) -> Floats:
    """Off-peak speeds of the 28 days before `day`: float64[k, 28, 192], km/h, NaN absent.

    Kept by 0.01 km/h, as the history of the engine has them. Row i is `day` - 28 + i.
    """
    out = np.full((len(members), HISTORY_DAYS, BINS_A_DAY_MAX), np.nan)
    for row in range(HISTORY_DAYS):
        past, at = day - HISTORY_DAYS + row, 0
        for begin, end in WEEKEND_OFF_PEAK if is_weekend(past) else WEEKDAY_OFF_PEAK:
            count = (end - begin) // 5
            first = segments.first_bin(members, past, begin)
            speeds = segments.bins(members, first, count, panes).speeds
            out[:, row, at : at + count] = np.floor(speeds * 100 + 0.5) / 100
            at += count
    out[out == 0.0] = np.nan
    return out


def measure(segments: Segments, members: Integers, day: int, panes: Panes) -> None:
    """Give each member the free-flow speed of `day` that its 28 days of bins yield."""
    speeds = off_peak(segments, members, day, panes).reshape(len(members), -1)
    out, method = np.empty(len(members)), np.empty(len(members), np.int8)
    free_flow(speeds, segments.posted_on(members, day), out, method)
    free, column = segments.free, day % FROZEN_DAYS
    free.speed[members, column], free.method[members, column] = out, method
    free.used[members, column] = (speeds > 0).sum(axis=1)
    free.day[members, column] = day


def hold(segments: Segments, member: int, day: int, speed_kmh: float) -> None:
    """Give a member the free-flow speed that was stored for `day`, NaN unknown."""
    free, column = segments.free, day % FROZEN_DAYS
    free.speed[member, column], free.day[member, column] = speed_kmh, day


def day_of(segments: Segments, member: int, entry_key: str, window: int, end_min: int) -> int:
    """Day of the free-flow speed that a window is held against: the traffic day of its start."""
    cadence_s = INDICATORS[POSITION[entry_key]].cadence_s
    if cadence_s == DAY_S:
        return window
    at = np.array([end_min - cadence_s // 60], np.int64)
    return int(segments.traffic_day(np.array([member], np.int64), at)[0])


def held(look: Look) -> tuple[Step, float]:
    """The free-flow speed that the window is held against."""
    segments = look.vitals.segments
    day = day_of(segments, look.member, look.entry.key, look.window, look.end_min)
    row = np.array([look.member], np.int64)
    posted = look.road.posted
    speed = float(segments.free.at(row, np.array([day], np.int64), posted)[0])
    given = {"day": date.fromordinal(day).isoformat(), "indicator": "traffic.ffs",
             "posted_kmh": number(float(posted[0]))}
    rule = "frozen at 03:00 of that day; explained by its own indicator"
    return Step("free-flow speed", rule, given, {"free_flow_kmh": number(speed)}, _UCR), speed


def road_panes(look: Look, first: int, count: int) -> list[tuple[int, int, int, int]]:
    """5-minute panes of all series of the road, in the form of `Account`."""
    return [(slot, FIVE, first, count) for name in INPUTS for slot in look.slots(name)]


def _bin(look: Look) -> Account:
    bins = look.vitals.segments.bins(*look.at(look.window), 1, look.panes)
    speed, counted = (float(value) for value in bins.values[0, 0, :2])
    held_to, free = held(look)
    index = float(np.round(free / speed, DIGITS))
    steps = [
        Step("space-mean speed", SPEED_RULE,
             {"n": int(bins.readings[0, 0, SPEED]), "from": "inputs"},
             {"speed_kmh": number(speed), "vehicles": number(counted)}, _UCR),
        held_to,
        Step("travel time index", "free_flow_kmh / speed_kmh, to 9 digits",
             {"free_flow_kmh": number(free), "speed_kmh": number(speed)},
             {"index": number(index)}, _UCR),
    ]
    had = float(bins.coverage[0, 0, SPEED]) * 5
    return Account(steps, Coverage(had, 5, "minutes", "4 of 5 minutes"),
                   road_panes(look, look.window, 1))


def _peaks(look: Look) -> Account:
    segments, row = look.vitals.segments, look.at(look.window)[0]
    held_to, free = held(look)
    parts: list[Step] = []
    panes: list[tuple[int, int, int, int]] = []
    ratios: list[float] = []
    shares = []
    for name, (begin, _) in zip(("morning", "evening"), PEAKS, strict=True):
        first = segments.first_bin(row, look.window, begin)
        speeds = segments.bins(row, first, PEAK_BINS, look.panes).speeds[0]
        valid = int((speeds > 0).sum())
        shares.append(valid / PEAK_BINS)
        ratios += (free / speeds[speeds > 0]).tolist()
        parts.append(Step(
            f"{name} peak", f"{SPEED_RULE}; 75 % of its 36 bins needed", {"from": "inputs"},
            {"speeds_kmh": numbers(speeds), "valid": valid, "of": PEAK_BINS}, _UCR,
        ))
        panes += road_panes(look, int(first[0]), PEAK_BINS)
    enough = min(shares) >= 0.75 and ratios
    mean = float(np.round(np.mean(ratios), DIGITS)) if enough else np.nan
    steps = [*parts, held_to, Step(
        "peak travel time index", "mean of free_flow_kmh / speed_kmh over the bins of both peaks",
        {"bins": len(ratios), "free_flow_kmh": number(free)}, {"index": number(mean)}, _U4SSC,
    )]
    had = min(shares) * PEAK_BINS
    rule = "75 % of the 5-minute bins of each peak; the peak that has less is told"
    return Account(steps, Coverage(had, PEAK_BINS, "bins", rule), panes)


def _history(look: Look) -> Account:
    segments, row = look.vitals.segments, look.at(look.window)[0]
    speeds = off_peak(segments, row, look.window, look.panes)[0]
    posted = float(segments.posted_on(row, look.window)[0])
    days: list[Json] = []
    for i, of_day in enumerate(speeds):
        known = of_day[of_day > 0]
        if len(known):
            past = look.window - HISTORY_DAYS + i
            days.append([date.fromordinal(past).isoformat(), numbers(known)])
    every = np.sort(speeds[speeds > 0])
    out, method = np.empty(1), np.empty(1, np.int8)
    free_flow(speeds.reshape(1, -1), np.array([posted]), out, method)
    enough = len(every) >= FFS_BINS_MIN
    measured = quantile(every, 0.85) if enough else np.nan
    steps = [
        Step("off-peak bins", f"{SPEED_RULE}; off-peak hours of the 28 days before, to 0.01 km/h",
             {"from": "archive"}, {"days": days, "bins": len(every)}, _UCR),
        Step("85th percentile", "type 7; 200 bins needed", {"bins": len(every)},
             {"percentile_kmh": number(measured)}, _UCR),
        Step("free-flow speed", "held to 0.8 … 1.3 of the posted limit; without 200 bins the "
             "posted limit", {"percentile_kmh": number(measured), "posted_kmh": number(posted)},
             {"free_flow_kmh": number(float(out[0])), "posted": int(method[0]) == FFS_POSTED},
             _UCR),
    ]
    return Account(steps, Coverage(min(len(every), 200), 200, "bins", "200 bins with vehicles"))


_DAY = 1500
"""Minutes of the longest civil day."""
RECIPES: dict[str, Recipe] = {
    "traffic.tti": Recipe(INPUTS, 5, _bin, URL, free_flow="held"),
    "traffic.tti_peak": Recipe(INPUTS, _DAY, _peaks, URL, free_flow="held"),
    "traffic.ffs": Recipe(
        INPUTS, (HISTORY_DAYS + 1) * 1440 + 120, _history, URL, ring_days=HISTORY_DAYS + 3,
        free_flow="measured",
    ),
}
