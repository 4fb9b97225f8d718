"""The format `things-stack` on messages of the vendor's own documentation."""

import json
from pathlib import Path
from typing import Any

import pytest

from edge.verdicts import Verdict
from ingest.foreign_found import Found, WrongError
from ingest.foreign_things_stack import found_in
from ingest.foreign_time import instant_ms

SAMPLES = Path(__file__).parent / "samples" / "foreign"
NOW_MS = 1_790_000_000_000
NAMES = ("temperature", "humidity")


def sample(name: str) -> Any:
    return json.loads((SAMPLES / name).read_text())


def test_the_time_is_that_of_the_network() -> None:
    at_ms = instant_ms("2021-07-08T11:17:58.984Z", "", None, 0)
    assert found_in(sample("ubidots_1.json"), NAMES, NOW_MS) == [
        Found("temperature", 32, at_ms), Found("humidity", 44, at_ms),
    ]


def test_without_a_time_it_is_not_told() -> None:
    told = sample("payload-formatters_javascript_uplink_1.json")
    assert found_in(told, NAMES, NOW_MS) == [Found("temperature", -21.3)]
    told["received_at"] = "2025-01-21T16:56:54Z"
    [one] = found_in(told, NAMES, NOW_MS)
    assert one.time_ms == instant_ms("2025-01-21T16:56:54Z", "", None, 0)
    told["received_at"] = 5
    assert found_in(told, NAMES, NOW_MS)[0].refused == Verdict.REFUSED_TYPE


@pytest.mark.parametrize(("told", "verdict"), [
    (sample("data-formats_4.json"), Verdict.REFUSED_TYPE),  # of a downlink
    (sample("mqtt_2.json"), Verdict.REFUSED_QUANTITY),  # nothing decodes it there
    ([], Verdict.REFUSED_TYPE), ({"uplink_message": 1}, Verdict.REFUSED_TYPE),
])
def test_messages_without_readings(told: Any, verdict: Verdict) -> None:
    with pytest.raises(WrongError) as error:
        found_in(told, NAMES, NOW_MS)
    assert error.value.verdict == verdict


def test_a_simulated_uplink_must_not_count() -> None:
    told = sample("ubidots_1.json") | {"simulated": True}
    assert [one.bad for one in found_in(told, NAMES, NOW_MS)] == [True, True]
