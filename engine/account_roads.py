"""The steps of speed, flow, occupancy, density, level of service and the speed of a loop.

Standards: as `engine.mean_speeds`, `engine.density`, `engine.service_level`.
"""

from typing import cast

import numpy as np

from edge.places import ROAD_CLASSES
from engine.account import Account, Coverage, Look, Recipe, Step, number, numbers
from engine.account_traffic import SPEED_RULE, held, road_panes
from engine.catalogue import POSITION
from engine.loops import LOOK_BACK_BINS, LoopSpeeds
from engine.mean_speeds import space_mean_kmh, time_mean_kmh
from engine.panes import FIVE, HOUR, PERIODS
from engine.road_bins import COUNT, OCCUPANCY, SPEED, Bins, bins_of
from engine.service_level import LOS_WORDS
from engine.traffic import DIGITS, INPUTS

_HCM = "https://www.trb.org/Main/Blurbs/175169.aspx"
_PEMS = "https://pems.dot.ca.gov"
FLOW_RULE = (
    "vehicles * 60 / minutes; vehicles = sum / 1e6 * 5 / covered of every counter, each with 4 of "
    "5 minutes"
)
_OCCUPANCY_RULE = "mean over the lanes of sum / (n * 1e6); 4 of 5 minutes each"


def _value(look: Look) -> float:
    """What the engine says of the window."""
    result = look.family.compute(*look.at(look.window), look.now_min, look.panes)
    return float(result.value[0, look.family.indicators.index(POSITION[look.entry.key])])


def _bin(look: Look) -> Bins:
    return look.vitals.segments.bins(*look.at(look.window), 1, look.panes)


def _speed_step(bins: Bins) -> Step:
    return Step("space-mean speed", SPEED_RULE, {"from": "inputs"},
                {"speed_kmh": number(float(bins.values[0, 0, SPEED]))})


def _flow_step(bins: Bins) -> Step:
    vehicles = float(bins.all_vehicles[0, 0])
    return Step("flow", FLOW_RULE, {"from": "inputs", "vehicles": number(vehicles), "minutes": 5},
                {"flow_vph": number(vehicles * 12.0)})


def _occupancy_step(bins: Bins) -> Step:
    return Step("occupancy", _OCCUPANCY_RULE, {"from": "inputs"},
                {"occupancy": number(float(bins.values[0, 0, OCCUPANCY]))})


def _five(look: Look, steps: list[Step], bins: Bins, kind: int) -> Account:
    had = float(bins.coverage[0, 0, kind]) * 5
    return Account(steps, Coverage(had, 5, "minutes", "4 of 5 minutes"),
                   road_panes(look, look.window, 1))


def _speed(look: Look) -> Account:
    bins = _bin(look)
    return _five(look, [_speed_step(bins)], bins, SPEED)


def _flow(look: Look) -> Account:
    bins = _bin(look)
    steps = [_flow_step(bins)]
    if look.entry.id == "flow_lane":
        lanes = float(look.road.lanes[0])
        steps.append(Step("flow a lane", "flow_vph / lanes", {"lanes": number(lanes)},
                          {"flow_lane_vph": number(_value(look))}))
    return _five(look, steps, bins, COUNT)


def _occupancy(look: Look) -> Account:
    bins = _bin(look)
    return _five(look, [_occupancy_step(bins)], bins, OCCUPANCY)


def _density(look: Look) -> Account:
    bins, segments = _bin(look), look.vitals.segments
    lanes, g_m = float(look.road.lanes[0]), float(look.road.g_m[0])
    steps = [_speed_step(bins), _flow_step(bins), _occupancy_step(bins), Step(
        "density", "flow_vph / (speed_kmh * lanes); where that cannot be told, 1000 * occupancy / "
        "g_m", {"lanes": number(lanes), "g_m": number(g_m)}, {"density": number(_value(look))},
    )]
    start, end = (np.array([minute], np.int64) for minute in (look.start_min, look.end_min))
    has = segments.has(look.at(0)[0], start, end, look.panes)[0]
    return _five(look, steps, bins, SPEED if has[SPEED] and has[COUNT] and lanes else OCCUPANCY)


def _loop(look: Look) -> Account:
    family = cast(LoopSpeeds, look.family)
    first = look.window - LOOK_BACK_BINS + 1
    table = family.members.table
    pair = np.full((len(table), family.members.devices), -1, np.int32)
    bins = bins_of(table, pair, family.members.registry, *look.at(first), LOOK_BACK_BINS,
                   look.panes)
    road = family.rows.at(look.at(0)[0], np.array([look.start_min], np.int64))
    given = {"g_m": number(float(road.g_m[0])), "posted_kmh": number(float(road.posted[0]))}
    steps = [
        Step("bins", f"{FLOW_RULE}; {_OCCUPANCY_RULE}", {"from": "inputs"},
             {"vehicles": numbers(bins.all_vehicles[0]), "occupancy": numbers(bins.occupancy[0])}),
        Step("speed", "v = vehicles / counters * 12 * g_m / (1000 * occupancy), held to 4.828032 "
             "… 1.3 * posted_kmh (130 without one); with p = n / (n + 50), n = vehicles / "
             "counters: p * v + (1 - p) * before", given, {"speed_kmh": number(_value(look))}),
    ]
    had = float(bins.coverage[0, -1, [COUNT, OCCUPANCY]].min()) * 5
    return Account(steps, Coverage(had, 5, "minutes", "4 of 5 minutes"),
                   road_panes(look, first, LOOK_BACK_BINS))


def _hour(look: Look) -> Account:
    slots = look.slots("speed")
    hours, five = look.panes.coarse[0], look.panes.fine[FIVE]
    total = count = slowness = samples = covered = 0
    panes: list[tuple[int, int, int, int]] = []
    for slot in slots:
        pane = hours[slot, look.window % hours.shape[1]]
        panes += [(slot, HOUR, look.window, 1), (slot, FIVE, look.window * 12, 12)]
        if pane["tag"] != look.window:
            continue
        total, count = total + int(pane["sum"]), count + int(pane["n"])
        covered = max(covered, (int(pane["covered"]) & ((1 << 60) - 1)).bit_count())
        for index in range(look.window * 12, look.window * 12 + 12):
            part = five[look.panes.rows[FIVE, slot], index % five.shape[1]]
            if part["tag"] == index:
                slowness, samples = slowness + int(part["sum"]), samples + int(part["n"])
    enough = 4 * covered >= 3 * PERIODS[HOUR]
    if look.entry.id == "speed_hour":
        mean = space_mean_kmh(slowness, samples) if enough else np.nan
        step = Step("space-mean speed", "n * 1e12 / sum over the bins, all readings alike",
                    {"n": samples, "sum": slowness, "from": "inputs"},
                    {"speed_kmh": number(round(mean, DIGITS))})
    else:
        mean = time_mean_kmh(total, count) if enough else np.nan
        step = Step("time-mean speed", "sum / (n * 1e6) of the hour, all readings alike",
                    {"n": count, "sum": total, "from": "inputs"},
                    {"speed_kmh": number(round(mean, DIGITS))})
    return Account([step], Coverage(covered, 60, "minutes", "45 of 60 minutes"), panes)


def _level(look: Look) -> Account:
    segments, road = look.vitals.segments, look.road
    bins = segments.bins(*look.at(look.window * 3), 3, look.panes)
    level = _value(look)
    held_to, free = held(look)
    given = {
        "road_class": ("", *ROAD_CLASSES)[int(road.road_class[0]) + 1],
        "lanes": number(float(road.lanes[0])),
        "capacity_vph": number(float(road.capacity[0])),
        "heavy_share": number(float(road.heavy[0])), "free_flow_kmh": number(free),
    }
    steps = [
        Step("bins", f"{SPEED_RULE}; {FLOW_RULE}", {"from": "inputs"},
             {"speeds_kmh": numbers(bins.speeds[0]), "vehicles": numbers(bins.all_vehicles[0])}),
        held_to,
        Step("level of service", f"{look.entry.standard}, {look.entry.clause}: speed by vehicles "
             "over the three bins, cars = vehicles * 4 * (1 + heavy_share), density = cars / "
             "(speed * lanes)", given,
             {"level": number(level),
              "word": None if np.isnan(level) else LOS_WORDS[int(level) - 1]},
             look.entry.clause),
    ]
    had = float(bins.coverage[0, :, SPEED].sum()) * 5
    return Account(steps, Coverage(had, 15, "minutes", "4 of 5 minutes of each of three bins"),
                   road_panes(look, look.window * 3, 3))


_LOS = Recipe(INPUTS, 15, _level, _HCM, free_flow="held")
RECIPES: dict[str, Recipe] = {
    "traffic.speed": Recipe(INPUTS, 5, _speed, _HCM),
    "traffic.flow": Recipe(INPUTS, 5, _flow, _HCM),
    "traffic.flow_lane": Recipe(INPUTS, 5, _flow, _HCM),
    "traffic.occupancy": Recipe(INPUTS, 5, _occupancy, _HCM),
    "traffic.density": Recipe(INPUTS, 5, _density, _HCM),
    "traffic.gfactor_speed": Recipe(INPUTS, 60, _loop, _PEMS),
    "traffic.speed_hour": Recipe(INPUTS, 60, _hour, _HCM),
    "traffic.speed_time_mean": Recipe(INPUTS, 60, _hour, _HCM),
    "traffic.los_freeway": _LOS,
    "traffic.los_urban_hcm2000": _LOS,
    "traffic.los_urban_hcm2010": _LOS,
}
