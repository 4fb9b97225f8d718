"""Facts by day: before the first nothing is known, the later one replaces it."""

import json
import math
from datetime import date

from edge.facts import Fact
from engine.known_facts import KnownFacts, restored
from tests.town import Town, at, row

DAY = date(2026, 3, 2).toordinal()
FACTS = [
    Fact(date(2026, 3, 2), "a/s", "rated_kva", 30.0, "kVA", "plate"),
    Fact(date(2020, 1, 1), "a/s", "rated_kva", 20.0, "kVA", "plate"),
    Fact(date(2020, 1, 1), "_/_", "population", 9.0, "1", "office"),
]


def test_the_value_in_force() -> None:
    known = KnownFacts(FACTS)
    assert known.at("a/s", "rated_kva", DAY - 1) == 20.0
    assert known.at("a/s", "rated_kva", DAY) == 30.0
    assert math.isnan(known.at("a/s", "rated_kva", date(2019, 12, 31).toordinal()))
    assert math.isnan(known.at("a/s", "population", DAY))
    assert known.dated("a/s", "rated_kva")[-1] == (DAY, 30.0)
    assert known.dated("a/s", "none") == []


def test_a_snapshot_keeps_them() -> None:
    known = KnownFacts(FACTS)
    assert restored(json.loads(json.dumps(known.dump()))).facts == known.facts


def test_a_day_begins_in_the_zone_of_its_place() -> None:
    town = Town([row("m", "a/s", tz="Asia/Tokyo")])
    town.vitals.load_facts(FACTS)
    registry = town.vitals.registry
    place = next(k for k, key in enumerate(registry.keys) if key.station)
    midnight = at("2026-03-01 15:00") // 60
    assert registry.fact_at(place, "rated_kva", midnight - 1) == 20.0
    assert registry.fact_at(place, "rated_kva", midnight) == 30.0
    assert registry.zone == "Asia/Tokyo"
