"""The steps of reliability: the interruptions of a period, customers served, the index."""

from datetime import date
from typing import Any, cast

import numpy as np

from engine.account import Account, Coverage, Json, Look, Recipe, Step, number
from engine.calendar import EPOCH_DAY
from engine.catalogue import POSITION
from engine.family import Integers
from engine.feeders import YEAR_DAYS, first_day
from engine.outages import KNOWN_SHARE_MIN, MED_DAYS, MED_DAYS_MIN, MajorEventDays, Outages

URL = ""
_CLAUSE = "IEEE 1366-2012"
_BACK_MIN = (YEAR_DAYS + 2) * 1440
_COUNT = (
    "r = end - begin, an open one until the end of the window; sustained if r > 5 min: customers "
    "and customers * r / 60000 count, else customers are momentary; of a step with again the "
    "minutes alone count"
)
_FORMULAS = {
    "saifi": "interruptions / served", "saidi": "minutes / served",
    "maifi": "momentary / served", "caidi": "minutes / interruptions",
    "asai": "1 - minutes / served / (known days * 1440)",
}


def _index(look: Look) -> Account:
    family = cast(Outages, look.family)
    feeders, day = family.feeders, look.window
    name = look.entry.id.split("_")[0]
    period = feeders.period(look.member, first_day(family.kind, day), day)
    served = feeders.served(look.member, min(period.known, day), day)
    until_ms = family.until_ms(look.member, day, look.now_min)
    sums = family.sums(look.member, period, look.now_min)
    first_ms = int(family.end_min(*look.at(period.first - 1))[0]) * 60_000
    steps: list[Json] = [
        row for row in family.feeders.interruptions.of(look.place)
        if first_ms <= row[2] < until_ms
    ]
    result = family.compute(*look.at(day), look.now_min, look.panes)
    value = float(result.value[0, family.indicators.index(POSITION[look.entry.key])])
    needed = KNOWN_SHARE_MIN if family.kind == "year" else 0.0
    changes = [[date.fromordinal(of).isoformat() if of > EPOCH_DAY else "1970-01-01", count]
               for of, count in feeders.changes.get(look.place, [])]
    told = [
        Step("interruptions", _COUNT, {"until_ms": until_ms, "from_ms": first_ms},
             {"columns": ["id", "step", "begin_ms", "end_ms", "customers", "again"],
              "rows": steps, "interruptions": sums[0], "minutes": number(sums[1]),
              "momentary": sums[2]}, _CLAUSE),
        Step("customers served", "mean over the days that are known",
             {"first": date.fromordinal(min(period.known, day)).isoformat(),
              "last": date.fromordinal(day).isoformat(), "changes": changes},
             {"served": number(served)}, _CLAUSE),
        Step("index", f"{_FORMULAS[name]}; {needed:g} of the days must be known",
             {"known_days": period.known_days, "days": period.days, "needed": needed},
             {"value": number(value)}, look.entry.clause),
    ]
    rule = "90 % of the days" if family.kind == "year" else "from the first report on"
    return Account(told, Coverage(period.known_days, period.days, "days", rule))


def system_of(
    family: MajorEventDays, window: int, members: Integers, now_min: int
) -> dict[str, Any]:
    """What an area's threshold and indices are made of: its days that had an interruption."""
    daily = family.daily(members, window, now_min)
    since = int(family.feeders.since(members).min()) if len(members) else window + 1
    first = max(window - MED_DAYS + 1, since)
    rows: list[list[Any]] = []
    for day in range(first, window + 1):
        row = daily[day - window - 1].tolist()
        if row[0] or row[1]:
            rows.append([date.fromordinal(day).isoformat(), row[0], row[1], row[2]])
    year = daily[-min(YEAR_DAYS, max(window - first + 1, 1)):]
    return {
        "columns": ["day", "interruptions", "minutes", "saidi_min"], "days": rows,
        "known_days": window - first + 1, "needed_days": MED_DAYS_MIN,
        "year_from": date.fromordinal(max(window - YEAR_DAYS + 1, first)).isoformat(),
        "served": number(float(np.mean(year[:, 3]))),
    }


def _system(look: Look) -> Account:
    step = Step("system", "an area's alone: its stations have none of their own", {}, {}, _CLAUSE)
    return Account([step], Coverage(0, 0, "days", "one year of days"))


_INDEX = Recipe((), _BACK_MIN, _index, URL)
_SYSTEM = Recipe((), MED_DAYS * 1440, _system, URL)
RECIPES: dict[str, Recipe] = {
    **{f"energy.{name}{tail}": _INDEX for name in ("saifi", "saidi", "maifi", "caidi")
       for tail in ("", "_month", "_ytd")},
    "energy.asai": _INDEX,
    "energy.tmed": _SYSTEM, "energy.saifi_without_med": _SYSTEM,
    "energy.saidi_without_med": _SYSTEM,
}
