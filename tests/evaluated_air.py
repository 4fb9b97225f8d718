"""The evaluator's air indicators beyond the US index, from the standards' tables alone.

As `tests.explained`: imports nothing of the project, reads the JSON that `explain` prints.
"""

import math
from datetime import date
from typing import Any

Answer = dict[str, Any]
HOUR_MS = 3_600_000
EU = {"no2": 1.912, "o3": 1.996, "so2": 2.661, "co": 1.164}
EAQI = {
    "pm25": (5, 15, 50, 90, 140), "pm10": (15, 45, 120, 195, 270), "o3": (60, 100, 120, 160, 180),
    "so2": (20, 40, 125, 190, 275), "no2": (10, 25, 60, 100, 150),
}
DAQI = {
    "pm25": (11, 23, 35, 41, 47, 53, 58, 64, 70), "pm10": (16, 33, 50, 58, 66, 75, 83, 91, 100),
    "o3": (33, 66, 100, 120, 140, 160, 187, 213, 240),
    "so2": (88, 177, 266, 354, 443, 532, 710, 887, 1064),
    "no2": (67, 134, 200, 267, 334, 400, 467, 534, 600),
}
DAQI_HOURS = {"pm25": 24, "pm10": 24, "o3": 8, "so2": 1, "no2": 1}
WHO = {"no2": 1.88, "o3": 1.96, "so2": 2.62, "co": 1.145}
U4SSC = {"no2": 1.9, "o3": 1.96, "so2": 2.62}
WHO_DAY = {
    "pm25": (15, 25, 37.5, 50, 75), "pm10": (45, 50, 75, 100, 150), "o3": (100, 120, 160),
    "so2": (40, 50, 125), "no2": (25, 50, 120), "co": (4, 7),
}
WHO_YEAR = {"pm25": (5, 10, 15, 25, 35), "pm10": (15, 20, 30, 50, 70), "no2": (10, 20, 30, 40)}


def ratio(value: float, level: float) -> float:
    """To 1e-9, below zero as zero."""
    return math.floor(max(value, 0.0) / level * 1e9 + 0.5) / 1e9


def _tiers(limits: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(ratio(limit, limits[0]) for limit in limits)


SEASON = (60, 70, 100)
EU_DAY = {"pm10": (50, 35), "so2": (125, 3), "o3": (120, 25), "co": (10, 0)}
EU_HOUR = {"no2": (200, 18), "so2": (350, 24), "o3": (180, 0)}
O3_ALERT = 240
DAY_2030 = {"pm25": (25, 18), "pm10": (45, 18), "so2": (50, 18), "no2": (50, 18), "co": (4, 0)}
HOUR_2030 = {"no2": (200, 3), "so2": (350, 3)}
EU_YEAR = {"pm25": (10, 25), "pm10": (20, 40), "so2": (20,), "no2": (20, 40)}
"""Limit, and how often a year it may be exceeded."""
LEVELS: dict[str, tuple[float, ...]] = {
    **{f"eu_{of}_{name}": (0, allowed) if allowed else (0,)
       for of, limits in (("days", EU_DAY), ("hours", EU_HOUR))
       for name, (_, allowed) in limits.items()},
    **{f"eu2030_{of}_{name}": (0, allowed) if allowed else (0,)
       for of, limits in (("days", DAY_2030), ("hours", HOUR_2030))
       for name, (_, allowed) in limits.items()},
    **{f"eu_year_{name}": limits for name, limits in EU_YEAR.items()},
    "who_o3_season": _tiers(SEASON), "eu_alert_hours_o3": (0,),
    "eaqi_2024": (1, 2, 3, 4, 5), "daqi_uk": tuple(range(1, 10)), "who_days_": (0, 3), "year_": (),
    **{f"who_{name}_{'8h' if name == 'o3' else '24h'}": _tiers(limits)
       for name, limits in WHO_DAY.items()},
    **{f"who_{name}_year": _tiers(limits) for name, limits in WHO_YEAR.items()},
}
"""Upper limits by the start of an indicator's name, the longest first."""


def _limits(name: str) -> tuple[float, ...] | None:
    return next((LEVELS[start] for start in LEVELS if name.startswith(start)), None)


def knows(indicator: str) -> bool:
    """Whether it is one of those here."""
    return indicator.startswith("air.") and _limits(indicator[4:]) is not None


def level(indicator: str, value: float) -> int:
    """The level of a value."""
    return sum(value > limit for limit in _limits(indicator[4:]) or ())


Means = dict[str, dict[int, float | None]]
"""Of one quantity and hour: means of the channels (by series) of each device."""


def _means(answer: Answer, quantity: str, start: int) -> Means:
    """Means of an hour, None under 45 minutes; of series that had begun before its end."""
    found: Means = {}
    for series in answer["inputs"]:
        began = series["began_ms"]
        if series["quantity"] != quantity or began is None or began >= start + HOUR_MS:
            continue
        mean = None
        for row in series.get("panes", {}).get("rows", []):
            if row[0] == start and row[1] == 60 and row[4] >= 45:
                mean = row[3] / (row[2] * 1e6)
        found.setdefault(series["device"], {})[series["series"]] = mean
    return found


def _correction(answer: Answer, device: str, start: int) -> str:
    """What the device's row of then says of its PM2.5."""
    rows = [row for series in answer["inputs"] if series["device"] == device
            for row in series["rows"]]
    before = [row for row in rows if row["valid_from_ms"] <= start] or rows[:1]
    return str(max(before, key=lambda row: row["valid_from_ms"])["correction"])


def _average(values: Any) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def disagree(channels: dict[int, float | None]) -> bool | None:
    """Whether two channels contradict each other; None where there are not two means."""
    known = [mean for mean in channels.values() if mean is not None]
    if len(channels) < 2 or len(known) < len(channels):
        return None
    apart = max(known) - min(known)
    return apart > 5 and apart > 0.7 * (max(known) + min(known)) / 2


def purpleair(
    kind: str, channels: dict[int, float | None], moist: Means, device: str
) -> float | None:
    """Corrected PM2.5 of one sensor and hour."""
    rh = _average(moist[device].values() if device in moist
                  else [mean for of in moist.values() for mean in of.values()])
    if rh is None or None in channels.values() or disagree(channels):
        return None
    pa = _average(channels.values())
    assert pa is not None
    low, middle = 0.524 * pa - 0.0862 * rh + 5.75, 0.786 * pa - 0.0862 * rh + 5.75
    high = 2.966 + 0.69 * pa + 8.84e-4 * pa * pa
    if kind == "purpleair-cf1" or pa < 30:
        return max(low, 0.0)
    if pa < 50:
        x = (pa - 30) / 20
        return max(low * (1 - x) + middle * x, 0.0)
    x = min(max((pa - 210) / 50, 0.0), 1.0)
    return max(middle * (1 - x) + high * x, 0.0)


def corrected_of(answer: Answer, start: int) -> list[float | None]:
    """Corrected PM2.5 of each sensor of the station that is corrected, in one hour."""
    moist = _means(answer, "rh", start)
    return [
        purpleair(kind, channels, moist, device)
        for device, channels in _means(answer, "pm25", start).items()
        if (kind := _correction(answer, device, start))
    ]


def hours_of(
    answer: Answer, quantity: str, last_end_ms: int, count: int
) -> list[float | None]:
    """Hourly means, oldest first: of each device with 45 minutes, then over the devices."""
    out: list[float | None] = []
    for start in range(last_end_ms - count * HOUR_MS, last_end_ms, HOUR_MS):
        means: list[float | None] = []
        for device, channels in _means(answer, quantity, start).items():
            if quantity != "pm25" or not _correction(answer, device, start):
                means += channels.values()
        if quantity == "pm25":
            means += corrected_of(answer, start)
        out.append(_average(means))
    return out


def rounded(value: float) -> int:
    """Half up, nothing below zero."""
    return max(math.floor(value + 0.5 + 1e-6), 0)


def _band(answer: Answer, pollutant: str) -> float | None:
    (mean,) = hours_of(answer, pollutant, answer["window"]["end_ms"], 1)
    if mean is None:
        return None
    return 1 + sum(rounded(mean * EU.get(pollutant, 1.0)) > x for x in EAQI[pollutant])


def _eaqi(answer: Answer, name: str) -> float | None:
    if name in EAQI:
        return _band(answer, name)
    bands = {pollutant: _band(answer, pollutant) for pollutant in EAQI}
    known = [band for band in bands.values() if band is not None]
    sensors = {series["quantity"] for series in answer["inputs"]}
    if bands["no2"] is None or (bands["pm25"] is None and bands["pm10"] is None):
        return None
    if "o3" in sensors and bands["o3"] is None:
        return None
    return max(known)


def _quarters(answer: Answer, start_ms: int) -> float | None:
    """Highest of the quarters of an hour: devices averaged, 12 minutes each, 3 of 4 needed."""
    found = []
    for quarter in range(4):
        at = start_ms + quarter * HOUR_MS // 4
        means = [
            row[3] / (row[2] * 1e6)
            for series in answer["inputs"] if series["quantity"] == "so2"
            for row in series.get("panes", {}).get("rows", [])
            if row[0] == at and row[1] == 15 and row[4] >= 12
        ]
        if means:
            found.append(sum(means) / len(means))
    return max(found) if len(found) >= 3 else None


def _mean(hours: list[float | None], least: int) -> float | None:
    there = [max(hour, 0.0) for hour in hours if hour is not None]
    return sum(there) / len(there) if len(there) >= least else None


def _daqi(answer: Answer, pollutant: str, end_ms: int) -> int | None:
    """The index of the hour that ends then."""
    if pollutant == "so2":
        mean = _quarters(answer, end_ms - HOUR_MS)
    else:
        span = DAQI_HOURS[pollutant]
        mean = _mean(hours_of(answer, pollutant, end_ms, span), -(-3 * span // 4))
        if span == 1:
            (mean,) = hours_of(answer, pollutant, end_ms, 1)
    if mean is None:
        return None
    return 1 + sum(rounded(mean * EU.get(pollutant, 1.0)) > x for x in DAQI[pollutant])


def _worst_daqi(answer: Answer, end_ms: int) -> int | None:
    found = [_daqi(answer, pollutant, end_ms) for pollutant in DAQI]
    return max((index for index in found if index is not None), default=None)


def _uk(answer: Answer, name: str) -> float | None:
    start, end = answer["window"]["start_ms"], answer["window"]["end_ms"]
    if name == "daqi_uk_day":
        ends = range(start + HOUR_MS, end + 1, HOUR_MS)
        found = [_worst_daqi(answer, at) for at in ends]
        known = [index for index in found if index is not None]
        return max(known) if 4 * len(known) >= 3 * len(ends) else None
    if name == "daqi_uk":
        return _worst_daqi(answer, end)
    return _daqi(answer, name.rsplit("_", 1)[-1], end)


def _of_day(
    answer: Answer, pollutant: str, factor: float, running: bool
) -> float | None:
    """The daily value in the unit of a level, of the window's own day, from its panes."""
    start, end = answer["window"]["start_ms"], answer["window"]["end_ms"]
    count = (end - start) // HOUR_MS
    hours = hours_of(answer, pollutant, end, count + 7)
    if not running:
        there = [hour for hour in hours[7:] if hour is not None]
        return sum(there) / len(there) * factor if len(there) >= 18 else None
    means = [_mean(hours[i : i + 8], 6) for i in range(count)]
    known = [mean for mean in means if mean is not None]
    return max(known) * factor if len(known) >= 18 else None


def _who_day(answer: Answer, pollutant: str) -> float | None:
    return _of_day(answer, pollutant, WHO.get(pollutant, 1.0), pollutant == "o3")


def _step(answer: Answer, name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(step for step in answer["steps"] if step["name"] == name)
    return found


def _days_above(answer: Answer, pollutant: str) -> float | None:
    rows = _step(answer, "days above")["given"]["rows"]
    own = _who_day(answer, pollutant)
    if own is not None:  # the newest day is computed anew, the others are told
        assert math.isclose(rows[-1][1], own, rel_tol=1e-9)
    level = WHO_DAY[pollutant][0]
    return float(sum(ratio(value, level) > 1 for _, value in rows)) if rows else None


def _eu_days(answer: Answer, pollutant: str) -> float | None:
    rows = _step(answer, "days above the limit")["given"]["rows"]
    own = _of_day(answer, pollutant, EU.get(pollutant, 1.0), pollutant in ("o3", "co"))
    if own is not None:
        assert math.isclose(rows[-1][1], own, rel_tol=1e-9)
    return float(sum(ratio(x, EU_DAY[pollutant][0]) > 1 for _, x in rows)) if rows else None


def _days_of_2030(answer: Answer, pollutant: str) -> float | None:
    rows = _step(answer, "days above")["given"]["rows"]
    own = _of_day(answer, pollutant, EU.get(pollutant, 1.0), running=False)
    if own is not None:
        assert math.isclose(rows[-1][1], own, rel_tol=1e-9)
    return float(sum(ratio(x, DAY_2030[pollutant][0]) > 1 for _, x in rows)) if rows else None


def _eu_hours(answer: Answer, pollutant: str, limit: float = 0.0) -> float | None:
    limit = limit or EU_HOUR[pollutant][0]
    rows = _step(answer, "hours above the limit")["given"]["rows"]
    start, end = answer["window"]["start_ms"], answer["window"]["end_ms"]
    own = hours_of(answer, pollutant, end, (end - start) // HOUR_MS)
    there = [hour for hour in own if hour is not None]
    if there:
        above = sum(ratio(x * EU[pollutant], limit) > 1 for x in there)
        assert rows[-1][1:] == [above, len(there)]
    return float(sum(row[1] for row in rows)) if rows else None


def _eu_alerts(answer: Answer, pollutant: str) -> float | None:
    return _eu_hours(answer, pollutant, O3_ALERT)


def _season(answer: Answer) -> float | None:
    given = _step(answer, "peak season")["given"]
    starts = [date.fromisoformat(text) for text in given["months"]]
    rows = [(date.fromisoformat(text), value) for text, value in given["rows"]]
    means = []
    for first, end in zip(starts[:7], starts[6:], strict=True):
        of = [value for day, value in rows if first <= day < end]
        if len(of) >= 0.75 * (end - first).days:
            means.append(sum(of) / len(of))
    enough = len(rows) >= 0.75 * (starts[-1] - starts[0]).days
    return ratio(max(means), SEASON[0]) if means and enough else None


def _year(answer: Answer, pollutant: str, share: float, factor: float) -> float | None:
    rows = _step(answer, "days")["found"]["rows"]
    start, end = answer["window"]["start_ms"], answer["window"]["end_ms"]
    own = hours_of(answer, pollutant, end, (end - start) // HOUR_MS)
    there = [hour for hour in own if hour is not None]
    if there:
        assert rows[-1][1] == len(there)
        assert math.isclose(rows[-1][2], sum(there), rel_tol=1e-9)
    hours = sum(row[1] for row in rows)
    if hours < share * 8760:
        return None
    return float(sum(row[2] for row in rows) / hours * factor)


def _who(answer: Answer, name: str) -> float | None:
    _, pollutant, kind = name.split("_")
    if kind == "year":
        mean = _year(answer, pollutant, 0.9, WHO.get(pollutant, 1.0))
        return None if mean is None else ratio(mean, WHO_YEAR[pollutant][0])
    if kind == "season":
        return _season(answer)
    value = _who_day(answer, pollutant)
    return None if value is None else ratio(value, WHO_DAY[pollutant][0])


def recompute(answer: Answer, name: str) -> float | None:
    """The value of `air.{name}`; None where data are insufficient."""
    last = name.rsplit("_", 1)[-1]
    if name.startswith("daqi_uk"):
        return _uk(answer, name)
    if name.startswith("eu_year_"):
        return _year(answer, last, 0.9, EU.get(last, 1.0))
    if name.startswith(("eu_", "eu2030_")):
        of = {"eu_days": _eu_days, "eu2030_days": _days_of_2030, "eu_alert_hours": _eu_alerts}
        return of.get(name.rsplit("_", 1)[0], _eu_hours)(answer, last)
    if name.startswith("who_"):
        return _days_above(answer, last) if "_days_" in name else _who(answer, name)
    if name.startswith("year_"):
        return _year(answer, last, 0.75, U4SSC.get(last, 1.0))
    return _eaqi(answer, last)
