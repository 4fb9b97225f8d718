"""The steps of electricity per inhabitant: who was counted, by which facts, with their sources."""

from datetime import date
from typing import Any

from engine.account import Account, Coverage, Look, Recipe, Step, number
from engine.consumption import KINDS, POPULATION, RESTATED_DAYS, Consumption
from engine.family import Integers
from engine.feeders import CUSTOMERS, YEAR_DAYS

URL = "https://u4ssc.itu.int/"
_DAY_MIN = 1440


def _fact(family: Consumption, path: str, name: str, day: int) -> dict[str, Any] | None:
    fact = family.members.registry.facts.in_force(path, name, day)
    return None if fact is None else {
        "fact": name, "place": path, "value": number(fact.value), "unit": fact.unit,
        "valid_from": fact.valid_from.isoformat(), "source": fact.source,
    }


def per_head(
    family: Consumption, place: int, column: int, day: int, members: Integers
) -> dict[str, Any]:
    """What an area's sum is divided by and scaled with; members: those with a value."""
    of = family.inhabitants(place, members, KINDS[column], day)
    path = family.members.registry.keys[place].path
    population = _fact(family, path, POPULATION, of.middle)
    return {
        "population_on": date.fromordinal(of.middle).isoformat(), "population": population,
        "missing": None if population else f"no fact {POPULATION} of {path} is in force on that "
        "day: `cityvitals facts load` takes one",
        "customers": _fact(family, path, CUSTOMERS, day), "metered_customers": number(of.metered),
        "scale": number(of.scale), "metered_share": number(of.share),
    }


def _steps(look: Look) -> Account:
    step = Step("area", "an area's alone: its stations have none of their own", {}, {}, "EN:E:E:2C")
    return Account([step], Coverage(0, 0, "blocks", "90 % of a year, 75 % of a day"))


def _recipe(days: int) -> Recipe:
    return Recipe(
        ("power", "energy"), (days + 1) * _DAY_MIN, _steps, URL,
        ring_days=0 if days < RESTATED_DAYS else days + 3, around_min=_DAY_MIN,
        lead=lambda window: range(window - days + 1, window),
    )


RECIPES: dict[str, Recipe] = {
    "energy.consumption_per_capita_day": _recipe(1),
    "energy.consumption_per_capita_ytd": _recipe(YEAR_DAYS + 1),
    "energy.consumption_per_capita": _recipe(YEAR_DAYS),
}
