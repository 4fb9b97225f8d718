"""The format `json`: shapes of common publishers, and what does not fit."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from edge.verdicts import Verdict
from ingest import foreign_found
from ingest.foreign_found import Found, WrongError
from ingest.foreign_json import Places, found_in

NOW_MS = 1_790_000_000_000
PARTS = {"device": "d"}


def found(tree: Any, places: Places, **parts: str) -> list[Found]:
    return found_in(tree, places, PARTS | parts, NOW_MS)


def test_zigbee2mqtt_says_when_or_not() -> None:
    places = Places(("power", "energy"), time="last_seen")
    told = {"power": 42, "energy": 12.34, "linkquality": 87}
    assert found(told, places) == [Found("power", 42), Found("energy", 12.34)]
    told["last_seen"] = "2026-09-21T14:13:20.000Z"
    assert found(told, places) == [
        Found("power", 42, NOW_MS), Found("energy", 12.34, NOW_MS),
    ]
    told["last_seen"] = None
    assert found(told, places)[0].time_ms is None


def test_tasmota_is_nested_and_in_local_time() -> None:
    places = Places(("ENERGY.Power", "ENERGY.Current.1"), time="Time",
                    zone=ZoneInfo("Europe/Berlin"))
    told = {"Time": "2026-09-21T16:13:20", "ENERGY": {"Power": 2635, "Current": [1.32, 2.10]}}
    assert found(told, places) == [
        Found("ENERGY.Power", 2635, NOW_MS), Found("ENERGY.Current.1", 2.10, NOW_MS),
    ]


def test_thingsboard_sends_lists() -> None:
    places = Places(("values.pm25",), time="ts")
    told = [{"ts": NOW_MS, "values": {"pm25": 12.5}}, {"ts": NOW_MS + 1, "values": {"pm25": 12.9}}]
    assert found(told, places) == [
        Found("values.pm25", 12.5, NOW_MS), Found("values.pm25", 12.9, NOW_MS + 1),
    ]


def test_a_topic_for_each_quantity() -> None:
    assert found(12.5, Places(("pm25",)), quantity="pm25") == [Found("pm25", 12.5)]
    told = {"v": "7", "at": 1_790_000_000}
    places = Places(("pm25",), value="v", time="at", time_unit="s")
    assert found(told, places, quantity="soot") == [Found("soot", "7", NOW_MS)]


@pytest.mark.parametrize(("told", "places", "verdict"), [
    ({"action": "single"}, Places(("power",)), Verdict.REFUSED_QUANTITY),
    ([], Places(("power",)), Verdict.REFUSED_QUANTITY),
    (12.5, Places(("power",)), Verdict.REFUSED_TYPE),
    ([{"power": 1}, 2], Places(("power",)), Verdict.REFUSED_TYPE),
    (None, Places(("power",)), Verdict.REFUSED_TYPE),
])
def test_nothing_that_can_be_read(told: Any, places: Places, verdict: Verdict) -> None:
    with pytest.raises(WrongError) as error:
        found(told, places)
    assert error.value.verdict == verdict


def test_a_time_that_cannot_be_read_is_no_time_of_receipt() -> None:
    places = Places(("power",), time="t")
    assert found({"power": 1, "t": "yesterday"}, places)[0].refused == Verdict.REFUSED_TYPE
    assert found({"power": 1, "t": "2026-09-21T14:13:20"}, places)[0].refused == \
        Verdict.REFUSED_TIME


def test_entries_at_their_limit() -> None:
    most = foreign_found.ENTRIES_MAX
    assert len(found([{"power": 1}] * most, Places(("power",)))) == most
    with pytest.raises(WrongError) as error:
        found([{"power": 1}] * (most + 1), Places(("power",)))
    assert error.value.verdict == Verdict.REFUSED_OVERSIZED
