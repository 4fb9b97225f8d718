"""Corrected hours of PM2.5, slow and obvious: sensors as lists, hours as dictionaries."""

import math
from typing import Any, NamedTuple

from tests.reference_air import channels_agree_1h, corrected

NAN = math.nan


class Hour(NamedTuple):
    """One series in one hour."""

    mean: float
    minutes: int
    readings: int


def _hour(hours: Any, slot: int, window: int) -> Hour:
    pane = hours[slot, window % hours.shape[1]]
    if pane["tag"] != window or pane["n"] == 0:
        return Hour(NAN, 0, 0)
    minutes = bin(int(pane["covered"]) & (2**60 - 1)).count("1")
    mean = float(pane["sum"]) / (int(pane["n"]) * 1e6)
    return Hour(mean if minutes >= 45 else NAN, minutes, int(pane["n"]))


def _in_force(since: Any, values: Any, slot: int, time_s: int) -> float:
    rows = [value for begin, value in zip(since[slot][1:], values[slot][1:], strict=True)
            if begin <= time_s]
    return float(rows[-1] if rows else values[slot][0])


def station_hour(
    pm: list[int], rh: list[int], window: int, start_s: int, hours: Any, owner: Any,
    first_min: Any, since_s: Any, period_s: Any, correction: Any,
) -> list[float]:
    """The columns of `engine.corrected_hours` of one station and hour."""

    def here(slot: int) -> bool:
        owing = any(_in_force(since_s, period_s, slot, at) > 0 for at in (start_s, start_s + 3599))
        return bool(first_min[slot] * 60 < start_s + 3600 and owing)

    plain, good, sensors, minutes, readings, pairs, compared, apart = [], [], 0, 0, 0, 0, 0, 0
    devices = list(dict.fromkeys(int(owner[slot]) for slot in pm))
    for device in devices:
        slots = [slot for slot in pm if owner[slot] == device]
        kind = int(_in_force(since_s, correction, slots[0], start_s))
        if kind == 0:
            means = [_hour(hours, slot, window).mean for slot in slots]
            plain += [mean for mean in means if not math.isnan(mean)]
            continue
        channels = [_hour(hours, slot, window) for slot in slots if here(slot)]
        if not channels:
            continue
        moist = [slot for slot in rh if here(slot)]
        moist = [slot for slot in moist if owner[slot] == device] or moist
        known = [_hour(hours, slot, window) for slot in moist]
        whole = [hour for hour in known if not math.isnan(hour.mean)]
        humid = sum(hour.mean for hour in whole) / len(whole) if whole else NAN
        sensors += 1
        moist_min = max((hour.minutes for hour in known), default=0)
        minutes += min(moist_min, *(hour.minutes for hour in channels))
        pairs += len(channels) > 1
        means = [hour.mean for hour in channels]
        if any(math.isnan(mean) for mean in means):
            continue
        compared += len(means) > 1
        if len(means) > 1 and not channels_agree_1h(min(means), max(means)):
            apart += 1
        elif whole:
            good.append(corrected(kind, sum(means) / len(means), humid))
            readings += sum(hour.readings for hour in channels + whole)
    return [
        sum(good + plain) / len(good + plain) if good + plain else NAN,
        sum(good) / len(good) if good else NAN,
        sensors, len(good), minutes, readings, pairs, compared, apart,
    ]
