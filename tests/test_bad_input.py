"""Bad input through a real broker: each its verdict, kept and counted, and the stream goes on."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboards.answers import Json
from edge.places import PlaceRow, render
from tests.brokers import Nats
from tests.live_ingest import LiveIngest, begun_ms, publish, until

TOPIC = "cv/1/r/town/centre/s1/dev-1"
GOOD = 50
"""Each message has a time of its own from here on: two of one time and value are one reading."""


def _place(device: str, station: str) -> PlaceRow:
    return PlaceRow(
        0, "town", "centre", station, device, station, 52.5, 13.4, "Europe/Berlin", 1.0
    )


@pytest.fixture(name="ingest")
def _ingest(tmp_path: Path) -> Iterator[tuple[LiveIngest, Nats]]:
    nats = Nats(tmp_path / "broker")
    nats.start()
    (tmp_path / "places.csv").write_text(render([_place("dev-1", "s1")]))
    ingest = LiveIngest(tmp_path, nats.url)
    ingest.start_and_wait()
    yield ingest, nats
    ingest.kill()
    nats.kill()


def _single(number: int, **keys: object) -> bytes:
    body = {"e": 1, "s": number, "q": "pm25", "t": begun_ms() + number, "v": 12.5}
    return json.dumps(body | keys).encode()


def _bad(now_ms: int) -> list[tuple[str, str, bytes]]:
    """(verdict, topic, payload); numbers from 1001."""
    return [
        ("refused_unparsable", TOPIC, b"not JSON"),
        ("refused_unparsable", TOPIC, b'{"e":1,"s":1001,' + b"[" * 10_000),
        ("refused_unparsable", TOPIC, b'\xff\xfe{"e":1}'),
        ("refused_oversized", TOPIC, b'{"e":1,"s":1002,"q":"' + b"x" * 1_000_000 + b'"}'),
        ("refused_type", TOPIC, _single(1003, v="12.5")),
        ("refused_type", TOPIC, _single(1004, t="now")),
        ("refused_not_a_number", TOPIC, _single(1005).replace(b"12.5", b"NaN")),
        ("refused_not_a_number", TOPIC, _single(1006, v=None)),
        ("refused_impossible", TOPIC, _single(1007, v=99_999.0)),
        ("refused_quantity", TOPIC, _single(1008, q="happiness")),
        ("refused_unit", TOPIC, _single(1009, u="furlong")),
        ("applied", TOPIC, _single(1010, t=0)),  # a clock that is not set: placed
        ("refused_topic", "cv/1/r/town/centre/Bad Station/dev-1", _single(1011)),
        ("refused_topic", "cv/1/r/too/short", _single(1012)),
        ("held_future", TOPIC, _single(1013, t=now_ms + 3_600_000)),
        ("held_unknown", "cv/1/r/town/centre/s9/stranger", _single(1)),
    ]


def test_each_kind_gets_its_verdict_and_the_stream_goes_on(
    ingest: tuple[LiveIngest, Nats], tmp_path: Path
) -> None:
    live, nats = ingest
    bad = _bad(time.time_ns() // 1_000_000)
    messages: list[tuple[str, bytes]] = []
    for number in range(1, GOOD + 1):
        messages.append((TOPIC, _single(number)))
        if number <= len(bad):
            messages.append(bad[number - 1][1:])
    publish(nats.url, [row for row in messages if " " not in row[0]])
    skipped = sum(" " in row[1] for row in bad)  # NATS itself refuses a space in a topic
    expected: dict[str, int] = {"applied": GOOD}
    for verdict, topic, _ in bad:
        if " " not in topic:
            expected[verdict] = expected.get(verdict, 0) + 1
    until(lambda: live.verdicts() == expected, f"verdicts {expected}, got {live.verdicts()}")
    health: Json = live.health()
    assert health["received"] == sum(expected.values()) == GOOD + len(bad) - skipped
    assert health["broker"]["connected"]
    reasons = {row["reason"] for row in health["dead_letters"]}
    assert reasons == {verdict for verdict in expected if verdict.startswith("refused_")}
    (held,) = health["held"]
    assert (held["device"], held["readings"]) == ("stranger", 1)

    # The stranger is placed: what it sent meanwhile counts.
    rows = [_place("dev-1", "s1"), _place("stranger", "s9")]
    (tmp_path / "places.csv").write_text(render(rows))
    until(lambda: live.verdicts().get("held_unknown", 0) == 0, "the held reading is admitted")
    counts = live.verdicts()
    assert counts["applied"] + counts.get("late", 0) == GOOD + 2  # and the one of 1970
    assert sum(counts.values()) == health["received"]


def test_a_flood_of_bad_messages_does_not_slow_good_ones(
    ingest: tuple[LiveIngest, Nats]
) -> None:
    live, nats = ingest
    messages = []
    for number in range(1, 1001):
        messages += [(TOPIC, b"{" * 200)] * 4 + [(TOPIC, _single(number))]
    begun = time.monotonic()
    publish(nats.url, messages)
    until(lambda: live.verdicts() == {"applied": 1000, "refused_unparsable": 4000}, "all counted")
    assert time.monotonic() - begun < 30
    health: Json = live.health()
    assert health["queue"] == 0
    assert len(health["dead_letters"]) <= 50
