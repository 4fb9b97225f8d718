"""Tables of topics and series: what was learned is found, nothing else, and they are bounded."""

import numpy as np
import pytest

from edge.quantities import INDEX, QUANTITIES
from ingest import known as module
from ingest.known import (
    ALWAYS_NS,
    CHANNEL_BYTES_MAX,
    UNIT_FACTOR,
    UNIT_OFFSET,
    Known,
    key_of,
    quantity_at,
    series_entry,
    topic_entry,
    unit_at,
)
from tests.fuzz_frames import Guarded

GUARDED = Guarded()


def device_of(known: Known, topic: str | bytes) -> int:
    raw = topic.encode() if isinstance(topic, str) else topic
    data = GUARDED.hold(raw)
    row = topic_entry(
        data.ctypes.data, 0, len(raw), len(raw), known.topics, known.arena.ctypes.data, known.seed)
    return int(known.topics[row]["device"]) if row >= 0 else -1


def slot_of(known: Known, device: int, quantity: int, channel: str = "", at_ns: int = 0) -> int:
    raw = channel.encode().ljust(16, b"\0")
    words = (np.uint64(int.from_bytes(raw[k : k + 8], "little")) for k in (0, 8))
    row = series_entry(known.series, key_of(device, quantity), *words, at_ns)
    return int(known.series[row]["slot"]) if row >= 0 else -1


def test_every_topic_is_found_and_no_other() -> None:
    known = Known()
    topics = [f"cv/1/r/porto/{k % 7}/s{k}/{'x' * (k % 60)}{k}" for k in range(5000)]
    for device, topic in enumerate(topics):
        known.learn_topic(topic, device)
        known.learn_topic(topic, device)
    assert known.topic_count == len(topics)
    assert [device_of(known, topic) for topic in topics] == list(range(len(topics)))
    for topic in topics[::100]:
        assert device_of(known, topic[:-1]) == device_of(known, topic + "x") == -1
        assert device_of(known, topic.encode()[:-1] + b"\xff") == -1
    known.forget()
    assert device_of(known, topics[0]) == -1


def test_a_full_table_of_topics_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TOPICS_KNOWN_MAX", 10)
    known = Known()
    for device in range(11):
        known.learn_topic(f"t{device}", device)
    assert known.topic_count == 1
    assert (device_of(known, "t10"), device_of(known, "t0")) == (10, -1)


def test_series_by_device_quantity_channel_and_time() -> None:
    known = Known()
    always = (-ALWAYS_NS, ALWAYS_NS)
    for device in range(3000):
        known.learn_series(device, device % 20, "", always, device)
    assert known.series_count == 3000
    assert [slot_of(known, k, k % 20) for k in range(3000)] == list(range(3000))
    assert slot_of(known, 5, 6) == slot_of(known, 3000, 0) == -1
    known.learn_series(7, 3, "lane-1", (-ALWAYS_NS, 100), 5000)
    known.learn_series(7, 3, "lane-1", (100, ALWAYS_NS), 5001)
    assert [slot_of(known, 7, 3, "lane-1", at) for at in (-5, 99, 100)] == [5000, 5000, 5001]
    assert slot_of(known, 7, 3, "lane-2") == -1


def test_channels_at_their_limit() -> None:
    known = Known()
    for channel in ("c" * CHANNEL_BYTES_MAX, "c" * (CHANNEL_BYTES_MAX + 1)):
        known.learn_series(1, 2, channel, (-ALWAYS_NS, ALWAYS_NS), 9)
    assert known.series_count == 1
    assert slot_of(known, 1, 2, "c" * CHANNEL_BYTES_MAX) == 9


def test_a_full_table_of_series_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SERIES_KNOWN_MAX", 10)
    known = Known()
    for device in range(11):
        known.learn_series(device, 0, "", (-ALWAYS_NS, ALWAYS_NS), device)
    assert known.series_count == 1
    assert (slot_of(known, 10, 0), slot_of(known, 0, 0)) == (10, -1)


def test_where_too_many_keys_meet_a_key_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    known = Known()
    known.topics["device"] = 0  # as if every place were taken
    known.learn_topic("t", 1)
    assert (known.topic_count, device_of(known, "t")) == (0, -1)
    known.series["used"] = 1
    known.learn_series(1, 1, "", (-ALWAYS_NS, ALWAYS_NS), 1)
    assert (known.series_count, slot_of(known, 1, 1)) == (0, -1)


def test_quantities_and_units_by_their_bytes() -> None:
    for name, row in INDEX.items():
        data = GUARDED.hold(name.encode())
        for end, of in ((len(name), row), (len(name) - 1, INDEX.get(name[:-1], -1))):
            assert quantity_at(data.ctypes.data, 0, end, len(name)) == of
        units = QUANTITIES[name].units
        for unit in [*units, QUANTITIES[name].unit, "nope", "", "x" * 9]:
            raw = unit.encode()
            data = GUARDED.hold(raw or b" ")
            found = unit_at(data.ctypes.data, 0, len(raw), len(raw), row)
            convert = QUANTITIES[name].accepts(unit)
            assert (found >= 0) == (convert is not None), (name, unit)
            if convert:
                assert (UNIT_FACTOR[found], UNIT_OFFSET[found]) == convert
