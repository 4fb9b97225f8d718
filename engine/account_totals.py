"""The steps of station measures, congestion and reliability.

Standards: as `engine.station_measures` and `engine.travel_reliability`.
"""

from datetime import date
from typing import cast

import numpy as np

from engine.account import Account, Coverage, Json, Look, Recipe, Step, number, numbers
from engine.account_roads import FLOW_RULE
from engine.account_traffic import SPEED_RULE, URL, held, road_panes
from engine.calendar import month_start
from engine.catalogue import POSITION
from engine.catalogue_traffic import RELIABILITY, TOTALS
from engine.family import NO_WINDOW
from engine.peak_book import DAY_BINS, DAYS_MIN
from engine.speed_book import BOOK_DAYS, SCALE
from engine.traffic import INPUTS
from engine.traffic_months import TrafficMonths
from engine.traffic_totals import OPEN_BINS, OPEN_MIN

_PEMS = "https://pems.dot.ca.gov"
_FORMULAS = {
    "vmt": "sum of vehicles * length_km", "vht": "sum of vehicles * length_km / speed",
    "q": "VMT / VHT", "delay": "sum of vehicles * max(length_km / speed - length_km / V, 0)",
    "lost": "sum of length_km * max(1 - vehicles * 12 / capacity_vph, 0) * lanes / 12 where speed "
            "is below V",
    "person": "occupants * sum of vehicles * max(length_km / speed - length_km / free_flow, 0)",
    "phed": "occupants * sum over quarters of an hour of vehicles * min(max(length_km / speed - "
            "length_km / V, 0), 0.25 h), V = max(32.18688, 0.6 * posted_kmh)",
}


def _road(look: Look) -> dict[str, Json]:
    road = look.road
    return {
        "length_km": number(float(road.length_km[0])),
        "lanes": number(float(road.lanes[0])),
        "capacity_vph": number(float(road.capacity[0])),
        "occupants": number(float(road.occupants[0])),
        "posted_kmh": number(float(road.posted[0])),
    }


def _bins_step(look: Look, first: int, count: int) -> Step:
    bins = look.vitals.segments.bins(*look.at(first), count, look.panes)
    return Step("bins", f"{SPEED_RULE}; {FLOW_RULE}; a bin counts with vehicles and their speed, "
                "or without a vehicle", {"from": "inputs"},
                {"speeds_kmh": numbers(bins.speeds[0]),
                 "vehicles": numbers(bins.all_vehicles[0])})


def _computed(look: Look) -> tuple[float, float, int]:
    """Value, coverage and bins of the window, as the engine says."""
    result = look.family.compute(*look.at(look.window), look.now_min, look.panes)
    column = look.family.indicators.index(POSITION[look.entry.key])
    n = int(result.n[0, column])
    return float(result.value[0, column]), float(result.cov[0, column]), n


def _total(look: Look) -> Account:
    first = (look.start_min + look.shift) // 5
    count = (look.end_min - look.start_min) // 5
    value, share, valid = _computed(look)
    held_to, free = held(look)
    kind = look.entry.id.split("_")[0]
    steps = [
        _bins_step(look, first, count), held_to,
        Step("sum", f"{_FORMULAS[kind]}; {look.entry.rule}",
             _road(look) | {"free_flow_kmh": number(free)}, {"value": number(value)},
             look.entry.clause),
    ]
    owed = valid / share if share else float(count)
    return Account(steps, Coverage(valid, owed, "bins", "75 % of the bins"),
                   road_panes(look, first, count))


def _congestion(look: Look) -> Account:
    segments, row = look.vitals.segments, look.at(look.window)[0]
    first = int(segments.first_bin(row, look.window, OPEN_MIN[0])[0])
    value, share, valid = _computed(look)
    held_to, free = held(look)
    rule = ("hours of bins below 0.9 * free_flow_kmh" if look.entry.id == "congested_hours" else
            "100 * vehicles of the bins below 0.9 * free_flow_kmh / vehicles of all; a bin "
            "without a counter counts one")
    steps = [
        _bins_step(look, first, OPEN_BINS), held_to,
        Step("congestion", rule, {"free_flow_kmh": number(free)}, {"value": number(value)},
             look.entry.clause),
    ]
    owed = valid / share if share else float(OPEN_BINS)
    there = max(valid, 0) if valid != NO_WINDOW else 0
    return Account(steps, Coverage(there, owed, "bins", "75 % of the bins of 6 to 22"),
                   road_panes(look, first, OPEN_BINS))


def _reliability(look: Look) -> Account:
    value, share, bins = _computed(look)
    book = cast(TrafficMonths, look.family).book
    days: list[Json] = []
    for day in range(month_start(look.window), look.window + 1):
        column = day % BOOK_DAYS
        if book.day[look.member, column] == day:
            speeds = book.kept[look.member, column].astype(np.float64) / SCALE
            days.append([date.fromordinal(day).isoformat(), numbers(speeds[speeds > 0])])
    held_to, free = held(look)
    length = float(look.road.length_km[0])
    steps = [
        Step("peaks", f"{SPEED_RULE}; both peaks of each weekday of the month so far, to 0.01 km/h",
             {"from": "archive"}, {"days": days, "bins": bins}),
        held_to,
        Step("reliability", "TT = 60 * length_km / speed of all bins of days with 54 of "
             f"{DAY_BINS} bins; percentile of type 7; {look.entry.clause}",
             {"length_km": number(length), "free_flow_kmh": number(free)},
             {"value": number(value)}, look.entry.clause),
    ]
    had = round(share * DAYS_MIN)
    return Account(steps, Coverage(had, DAYS_MIN, "days", "10 weekdays with 54 of 72 bins"))


def _month_before(window: int) -> range:
    return range(month_start(window), window)


_DAY = 1500
"""Minutes of the longest civil day."""
_MONTH_DAYS = 32
RECIPES: dict[str, Recipe] = {
    **{entry.key: Recipe(INPUTS, entry.cadence_s // 60 if entry.cadence_s == 3600 else _DAY,
                         _total, _PEMS, free_flow="held") for entry in TOTALS},
    "traffic.congested_hours": Recipe(INPUTS, _DAY, _congestion, URL, free_flow="held"),
    "traffic.congested_travel": Recipe(INPUTS, _DAY, _congestion, URL, free_flow="held"),
    **{entry.key: Recipe(INPUTS, _MONTH_DAYS * 1440, _reliability, URL,
                         ring_days=_MONTH_DAYS + 3, lead=_month_before, free_flow="held")
       for entry in RELIABILITY},
}
