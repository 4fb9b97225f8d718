"""Recomputes the indicators of supply from an explanation alone, as `tests.explained` does.

Imports nothing of the project: what it knows it reads from the JSON that `explain` prints.
"""

import math
from datetime import date, timedelta
from typing import Any

Answer = dict[str, Any]
HOUR_MS = 3_600_000
COMPLIANT_UP_TO = {
    "energy.en50160_far": 0.0, "energy.en50160_voltage": 0.0,  # intervals that are beyond
    "energy.en50160_flicker": 5.0, "energy.en50160_outside": 5.0, "energy.en50160_thd": 5.0,
    "energy.en50160_unbalance": 5.0,  # % of a week: 95 % within
    "energy.flicker_plt": 1.0, "energy.thd": 8.0, "energy.unbalance": 2.0,
}
"""What EN 50160 allows; all other indicators of supply have one level."""


def level(indicator: str, value: float | None) -> int:
    """The level of a value: -1 insufficient, 0 compliant or only measured, 1 not compliant."""
    return -1 if value is None else int(value > COMPLIANT_UP_TO.get(indicator, math.inf))


def recompute(answer: Answer) -> float | None:
    """The value that the explanation yields; None where data are insufficient."""
    if answer["scope"] != "station":
        return _area(answer)
    name = answer["indicator"].partition(".")[2]
    if name.startswith("power_factor"):
        return _power_factor(answer, name)
    if name.startswith(("en50160", "rms_deviation")):
        return _week(answer, name)
    if name.startswith(("renewable", "carbon")):
        return _generated(answer, name)
    index = name.split("_")[0]
    if index in ("saifi", "saidi", "maifi", "caidi", "asai"):
        return _reliability(answer, index)
    return {"unbalance": _unbalance, "thd": _thd, "flicker_plt": _plt}[name](answer)


def _per_head(answer: Answer, kwh: list[float]) -> float | None:
    found = answer["steps"][0]["found"]
    if found["population"] is None or not kwh or len(kwh) < 0.75 * len(answer["members"]):
        return None
    customers, metered = found["customers"], found["metered_customers"]
    scale = customers["value"] / metered if customers and metered else 1.0
    return float(sum(kwh) * scale / found["population"]["value"])


def _area(answer: Answer) -> float | None:
    have = [row for row in answer["members"] if row["value"] is not None]
    if answer["standard"]["area"] == "system":
        return _system(answer)
    if answer["standard"]["area"] == "per_capita":
        return _per_head(answer, [row["value"] for row in have])
    if answer["standard"]["area"] == "worst":
        return max((row["value"] for row in have), default=None)
    weight = math.fsum(row["weight"] for row in have)
    total = math.fsum(row["weight"] * row["value"] for row in have)
    return total / weight if weight else None


def _given(answer: Answer) -> dict[str, Any]:
    given: dict[str, Any] = answer["steps"][-1]["given"]
    return given


def _panes(answer: Answer, quantity: str) -> dict[tuple[str, str], dict[int, list[int]]]:
    """By device and channel, the panes of a quantity by their start."""
    return {
        (row["device"], row["channel"]): {pane[0]: pane for pane in row["panes"]["rows"]}
        for row in answer["inputs"] if row["quantity"] == quantity and "panes" in row
    }


def _hour(panes: dict[int, list[int]], start_ms: int, square: bool) -> float | None:
    pane = panes.get(start_ms)
    if pane is None or pane[4] < 45:
        return None
    return math.sqrt(pane[3] / (pane[2] * 1e4)) if square else pane[3] / (pane[2] * 1e6)


def _all(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) if len(known) == len(values) else None


def _power_factor(answer: Answer, name: str) -> float | None:
    window, rated = answer["window"], _given(answer)["rated_kva"]
    starts = range(window["start_ms"], window["end_ms"], HOUR_MS)
    power = _panes(answer, "power")
    if name == "power_factor_arithmetic":
        volts, amps = _panes(answer, "voltage"), _panes(answer, "current")
        p = _all([_hour(panes, starts[0], False) for panes in power.values()])
        phases = [(_hour(volts[key], starts[0], True), _hour(amps[key], starts[0], True))
                  for key in sorted(volts)]
        s = _all([None if u is None or i is None else u * i / 1000 for u, i in phases])
        return _ratio(p, s, rated)
    reactive = _panes(answer, "reactive")
    kwh = kvarh = 0.0
    hours = 0
    for start in starts:
        p = _all([_hour(panes, start, False) for panes in power.values()])
        q = _all([_hour(panes, start, False) for panes in reactive.values()])
        if p is not None and q is not None:
            kwh, kvarh, hours = kwh + p, kvarh + q, hours + 1
    if 4 * hours < 3 * len(starts):
        return None
    return _ratio(kwh, math.hypot(kwh, kvarh), None if rated is None else rated * hours)


def _ratio(p: float | None, s: float | None, rated: float | None) -> float | None:
    if p is None or s is None or s == 0 or (rated is not None and s < 0.01 * rated):
        return None
    return min(abs(p) / s, 1.0)


# ---- supply voltage

TEN_MS = 600_000


def _series(answer: Answer, number: int) -> dict[str, Any]:
    found: dict[str, Any] = next(row for row in answer["inputs"] if row["series"] == number)
    return found


def _tens(answer: Answer, number: int) -> dict[int, float]:
    """Values of ten minutes by their start, of those with 8 of their minutes."""
    row = _series(answer, number)
    square = row["quantity"] in ("voltage", "thd")
    return {
        pane[0]: math.sqrt(pane[3] / (pane[2] * 1e4)) if square else pane[3] / (pane[2] * 1e6)
        for pane in row.get("panes", {}).get("rows", []) if pane[4] >= 8
    }


def _u2(volts: list[float], degrees: list[float]) -> float:
    if not degrees:
        squares = [u * u for u in volts]
        beta = sum(s * s for s in squares) / sum(squares) ** 2
        root = math.sqrt(min(3 - 6 * beta, 1.0))
        return 100 * math.sqrt((1 - root) / (1 + root))
    parts = [[u * math.cos(math.radians(d + turn * k * 120)) for k, (u, d) in enumerate(
        zip(volts, degrees, strict=True))] for turn in (1, -1)]
    other = [[u * math.sin(math.radians(d + turn * k * 120)) for k, (u, d) in enumerate(
        zip(volts, degrees, strict=True))] for turn in (1, -1)]
    one, two = (math.hypot(sum(x), sum(y)) for x, y in zip(parts, other, strict=True))
    return 100 * two / one


def _u2_of(answer: Answer, numbers: list[int]) -> dict[int, float]:
    found = [_tens(answer, number) for number in numbers]
    starts = set(found[0]).intersection(*found[1:])
    return {start: _u2([of[start] for of in found[:3]], [of[start] for of in found[3:]])
            for start in starts}


def _unbalance(answer: Answer) -> float | None:
    worst = 0.0
    for step in answer["steps"][:-1]:
        found = _u2_of(answer, step["given"]["series"] + step["given"]["angles"])
        if not found:
            return None
        worst = max(worst, *found.values())
    return worst


def _thd(answer: Answer) -> float | None:
    found = [_tens(answer, number) for number in _given(answer)["series"]]
    return max(value for of in found for value in of.values()) if all(found) else None


def _plts(values: dict[int, float], first_ms: int) -> list[float]:
    windows: dict[int, list[float]] = {}
    for start, value in values.items():
        windows.setdefault((start - first_ms) // (12 * TEN_MS), []).append(value)
    return [(math.fsum(v**3 for v in of) / 12) ** (1 / 3)
            for of in windows.values() if len(of) == 12]


def _plt(answer: Answer) -> float | None:
    rows = answer["steps"][-1]["found"]["rows"]
    found = [_plts(_tens(answer, row[0]), answer["window"]["start_ms"]) for row in rows]
    return max(of[0] for of in found) if all(found) else None


def _week(answer: Answer, name: str) -> float | None:
    rows, owed = answer["steps"][0]["found"]["rows"], answer["steps"][0]["given"]["owed"]
    day_ms = answer["window"]["start_ms"]
    values: list[float] = []
    for row in rows:
        if name == "en50160_unbalance":
            of = list(_u2_of(answer, row[0]).values())
            near = sum(x > 2 for x in of)
        elif name.startswith("rms_deviation"):
            # The panes of a week may be listed: only those of the day count.
            of = [u for start, u in _tens(answer, row[0]).items() if start >= day_ms]
            if 4 * len(of) < 3 * owed:
                return None
            nominal = row[2]
            under = name.endswith("under")
            square = math.fsum((min(u, nominal) if under else max(u, nominal)) ** 2 for u in of)
            values.append(100 * abs(math.sqrt(square / len(of)) - nominal) / nominal)
            continue
        else:
            tens = _tens(answer, row[0][0])
            since = answer["steps"][0]["given"]["plt_from_ms"]
            of = _plts(tens, since) if name == "en50160_flicker" else list(tens.values())
            limits = {"en50160_thd": 8, "en50160_flicker": 1}
            nominal = row[4]
            low, high = nominal * 90 / 100, nominal * 110 / 100
            near = sum(x > limits[name] if name in limits else not low <= x <= high for x in of)
            far = sum(not nominal * 85 / 100 <= x <= high for x in of)
            if name == "en50160_far":
                assert far == row[3]
        assert (len(of), near) == (row[1], row[2])
        if len(of) < 0.9 * owed:
            return None
        share = 100 * near / len(of)
        values.append({"en50160_voltage": float(share > 5 or row[3] > 0), "en50160_far": row[3]}
                      .get(name, share))
    return max(values)


# ---- reliability

def _reliability(answer: Answer, index: str) -> float | None:
    events, customers, last = answer["steps"]
    until, days = events["given"]["until_ms"], last["given"]
    interruptions = momentary = 0
    minutes = 0.0
    for _, _, begin, end, count, again in events["found"]["rows"]:
        length = (until if end is None else end) - begin
        if length > 300_000:
            minutes += count * length / 60_000
            interruptions += 0 if again else count
        else:
            momentary += 0 if again else count
    if days["known_days"] < max(days["needed"] * days["days"], 1):
        return None
    if index == "caidi":
        return minutes / interruptions if interruptions else None
    served = _served(customers["given"])
    value: float = {"saifi": interruptions, "saidi": minutes, "maifi": momentary,
                    "asai": minutes}[index] / served
    return 1 - value / (days["known_days"] * 1440) if index == "asai" else value


def _served(given: dict[str, Any]) -> float:
    first, last = (date.fromisoformat(given[key]) for key in ("first", "last"))
    changes = [(date.fromisoformat(day), count) for day, count in given["changes"]]
    days = [first + timedelta(days=k) for k in range((last - first).days + 1)]
    of = [next((count for since, count in reversed(changes) if since <= day), 0) for day in days]
    return sum(of) / len(of)


def _system(answer: Answer) -> float | None:
    found = answer["steps"][0]["found"]
    if found["known_days"] < found["needed_days"]:
        return None
    logs = [math.log(row[3]) for row in found["days"] if row[3] > 0]
    if len(logs) < 2:
        return None
    mean = math.fsum(logs) / len(logs)
    deviation = math.sqrt(math.fsum((x - mean) ** 2 for x in logs) / (len(logs) - 1))
    threshold = math.exp(mean + 2.5 * deviation)
    if answer["indicator"].endswith("tmed"):
        return threshold
    column = 1 if "saifi" in answer["indicator"] else 2
    return math.fsum(row[column] for row in found["days"]
                     if row[0] >= found["year_from"] and row[3] <= threshold) / found["served"]


# ---- generation


def _kwh(panes: dict[int, list[int]], start_ms: int) -> tuple[float, float]:
    """Energy of an hour, and what of it is unknown."""
    kwh = _hour(panes, start_ms, False)
    if kwh is not None:
        return kwh, 0.0
    before = [_hour(panes, start_ms - back * HOUR_MS, False) for back in range(1, 25)]
    return 0.0, max((x for x in before if x is not None), default=math.inf)


def _generated(answer: Answer, name: str) -> float | None:
    """Of each hour, then of all together."""
    told = answer["steps"][0]
    column = 2 if name.startswith("renewable") else 1
    worth = {row[0]: row[column] for row in told["found"]["rows"]}
    source = dict(map(tuple, told["given"]["series"]))
    panes = {row["series"]: {pane[0]: pane for pane in row["panes"]["rows"]}
             for row in answer["inputs"] if row["series"] in source and "panes" in row}
    day = name.endswith("_day")
    window = answer["window"]
    hours = range(window["start_ms"], window["end_ms"], HOUR_MS)
    values = []
    for start in hours:
        parts = [(worth.get(source[number]), *_kwh(of, start)) for number, of in panes.items()]
        known = [(x, kwh) for x, kwh, _ in parts if x is not None]
        total = math.fsum(kwh + unknown for _, kwh, unknown in parts)
        had = math.fsum(kwh for _, kwh in known)
        if had and total - had <= 0.05 * total:
            by = total if column == 2 else had
            values.append((math.fsum(x * kwh for x, kwh in known) / by, by))
    if not day:
        return values[0][0] if values else None
    if not values or 4 * len(values) < 3 * told["given"]["hours"]:
        return None
    return math.fsum(x * kwh for x, kwh in values) / math.fsum(kwh for _, kwh in values)
