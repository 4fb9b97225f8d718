"""Electricity per inhabitant: by facts in force, scaled to all customers, never without them."""

import datetime

import numpy as np
import pytest

from edge.facts import Fact
from engine.account_consumption import per_head
from engine.catalogue import POSITION
from engine.consumption import KINDS, Consumption, first_of, middle_of
from tests.town import Reading, Town, at, row

START = at("2026-03-02 00:00")
DAY = 86_400
DAILY, YTD, YEAR = (f"energy.consumption_per_capita{tail}" for tail in ("_day", "_ytd", ""))


def fact(place: str, name: str, value: float, since: str = "2025-01-01") -> Fact:
    return Fact(datetime.date.fromisoformat(since), place, name, value, "1", "Census")


CITY = [fact("_/_", "population", 200), fact("_/_", "customers", 100),
        fact("a/_", "population", 100, "2026-03-03")]


def town(facts: list[Fact], **more: object) -> Town:
    """Two meters in district a, one in b, of 2, 3 and 5 kW, and 20 customers each."""
    rows = [row(f"d{k}", place, 900.0, customers=20, **more)
            for k, place in enumerate(("a/s0", "a/s1", "b/s2"))]
    of = Town(rows)
    of.keep(DAILY, "energy.demand_peak")
    of.vitals.load_facts(facts)
    return of


def lived(of: Town, days: int, *, first: int = 0, skip: int = 0) -> None:
    """Days of readings; of d0 the first blocks of each day lack."""
    for day in range(first, first + days):
        of.take(
            Reading(f"d{k}", "power", START + day * DAY + 900.0 * block, kw)
            for k, kw in enumerate((2.0, 3.0, 5.0)) for block in range(96)
            if k or block >= skip
        )
        of.tick(START + (day + 1) * DAY + 61 + 900)


def values(of: Town, key: str, place: str) -> list[float]:
    return [value for value, _ in of.last(key, place).values()]


def test_a_day_by_population_and_scaled_to_all_customers() -> None:
    of = town(CITY)
    lived(of, 2)
    assert values(of, DAILY, "_/_") == pytest.approx([240 * 100 / 60 / 200] * 2)
    # Of the district the population is known from the second day on, its customers are not.
    first, second = values(of, DAILY, "a/_")
    assert np.isnan(first)
    assert second == pytest.approx(120 / 100)
    assert np.isnan(values(of, DAILY, "b/_")).all()
    assert of.last(DAILY, "a/s0") == {}


def test_what_lacks_is_taken_as_the_mean_of_the_rest_and_half_a_day_is_too_little() -> None:
    of = town(CITY)
    lived(of, 1, skip=24)
    assert values(of, DAILY, "_/_") == pytest.approx([240 * 100 / 60 / 200])
    lived(of, 1, first=1, skip=25)
    assert np.isnan(values(of, DAILY, "_/_")[1])  # two of three meters are fewer than 75 %


def test_the_coverage_is_that_of_blocks_and_customers() -> None:
    of = town(CITY)
    lived(of, 1)
    said = of.parts[-1]
    keys = of.vitals.registry.keys
    here = said.indicator == POSITION[DAILY]
    cov = {keys[p].path: float(c) for p, c in zip(said.place[here], said.cov[here], strict=True)}
    assert cov == pytest.approx({"_/_": 0.6, "a/_": 1.0, "b/_": 1.0})
    assert np.isnan(said.p95[here]).all()
    assert np.isnan(said.max[here]).all()  # one meter's energy is no statistic of the city's


def test_a_year_by_its_days() -> None:
    """The book is filled, as a year of readings is too long for a test."""
    of = town([*CITY, fact("_/_", "population", 400, "2026-07-02")])
    lived(of, 1)
    family = next(w.family for w in of.vitals.windows if isinstance(w.family, Consumption))
    windows = next(w for w in of.vitals.windows if w.family is family)
    every = np.arange(3)
    day = int(family.ordinal(every, np.full(3, START // 60))[0])
    for member in every.tolist():
        days = np.arange(day - 370, day)
        rows = np.tile(np.array([96.0 * (2, 3, 5)[member], 96.0, 96.0]), (len(days), 1))
        family.books["days"].enter(np.full(len(days), member), days, rows)  # type: ignore[attr-defined]
    windows.say_anew(every, np.full(3, day))
    of.tick(START + DAY + 3600)
    scale = 100 / 60
    assert values(of, YEAR, "_/_") == pytest.approx([240 * 365 * scale / 200])
    passed = day - datetime.date(2026, 1, 1).toordinal() + 1
    assert values(of, YTD, "_/_") == pytest.approx([240 * passed * scale / 200])


def test_a_restated_day_follows_late_readings() -> None:
    of = town(CITY)
    lived(of, 1, skip=40)
    assert np.isnan(values(of, DAILY, "_/_")[0])
    of.take(Reading("d0", "power", START + 900.0 * block, 2.0) for block in range(40))
    of.tick(START + DAY + 7200)
    assert values(of, DAILY, "_/_") == pytest.approx([240 * 100 / 60 / 200])
    assert [rev for _, rev in of.last(DAILY, "_/_").values()] == [2]


def test_households_count_in_the_city_in_groups_only() -> None:
    of = town(CITY, private=True)
    lived(of, 1)
    assert of.last(DAILY, "_/_") == {}
    of.vitals.registry.group_min = 3
    lived(of, 1, first=1)
    assert [value for value, _ in of.last(DAILY, "_/_").values()] == pytest.approx(
        [240 * 100 / 60 / 200])


@pytest.mark.parametrize(("kind", "first", "middle"), [
    ("day", "2026-03-02", "2026-03-02"), ("ytd", "2026-01-01", "2026-07-01"),
    ("year", "2025-03-03", "2025-09-01"),
])
def test_periods(kind: str, first: str, middle: str) -> None:
    day = datetime.date(2026, 3, 2).toordinal()
    assert datetime.date.fromordinal(first_of(kind, day)).isoformat() == first
    assert datetime.date.fromordinal(middle_of(kind, day)).isoformat() == middle


def test_the_facts_are_told_with_their_sources_and_a_missing_one_with_the_way_out() -> None:
    of = town(CITY)
    lived(of, 1)
    family = next(w.family for w in of.vitals.windows if isinstance(w.family, Consumption))
    day = int(family.ordinal(np.zeros(1, np.int64), np.array([START // 60]))[0])
    keys = [key.path for key in of.vitals.registry.keys]
    told = per_head(family, keys.index("_/_"), KINDS.index("day"), day, np.arange(3))
    assert told["population"]["source"] == "Census"
    assert told["population"]["value"] == 200
    assert (told["customers"]["value"], told["metered_customers"]) == (100, 60)
    none = per_head(family, keys.index("a/_"), KINDS.index("day"), day, np.arange(2))
    assert none["population"] is None
    assert "cityvitals facts load" in none["missing"]
