"""How samples become messages."""

import json
import math

from hypothesis import given
from hypothesis import strategies as st

from edge import wire
from edge.driver import Sample
from edge.grouping import BLOCK_SAMPLES_MAX, clock, encoders, interruption
from edge.quantities import QUANTITIES

T = 1_763_836_000_000


def payloads(*samples: Sample) -> list[dict[str, object]]:
    return [json.loads(encode(7, n)) for n, encode in enumerate(encoders(samples), 1)]


def test_samples_of_one_time_travel_together() -> None:
    assert payloads(Sample("pm25", T, 12.5), Sample("no2", T, 18.1)) == [
        {"e": 7, "s": 1, "t": T, "m": {"pm25": 12.5, "no2": 18.1}}
    ]


def test_one_sample_travels_alone() -> None:
    assert payloads(Sample("pm25", T, 12.5)) == [{"e": 7, "s": 1, "q": "pm25", "t": T, "v": 12.5}]


def test_each_time_has_its_message_in_order() -> None:
    found = payloads(
        Sample("pm25", T, 1.0), Sample("pm10", T, 2.0), Sample("pm25", T + 1, 3.0),
        Sample("pm10", T + 1, 4.0),
    )
    assert [message["t"] for message in found] == [T, T + 1]


def test_unit_channel_and_flag_need_a_message_of_their_own() -> None:
    found = payloads(
        Sample("pm25", T, 1.0, unit="ug/m3"), Sample("pm10", T, 2.0),
        Sample("co", T, 300.0, unit="ppb"), Sample("count", T, 4.0, channel="lane1"),
        Sample("no2", T, 5.0, flag=4),
    )
    assert found == [
        {"e": 7, "s": 1, "t": T, "m": {"pm25": 1.0, "pm10": 2.0}},
        {"e": 7, "s": 2, "q": "co", "t": T, "v": 300.0, "u": "ppb"},
        {"e": 7, "s": 3, "q": "count", "t": T, "v": 4.0, "ch": "lane1"},
        {"e": 7, "s": 4, "q": "no2", "t": T, "v": 5.0, "f": 4},
    ]


def test_receive_time_of_a_recording_travels_and_separates() -> None:
    found = payloads(
        Sample("pm25", T, 1.0, received_ms=T + 5), Sample("pm10", T, 2.0, received_ms=T + 5),
        Sample("no2", T, 3.0, received_ms=T + 9),
    )
    assert [(message.get("m"), message["r"]) for message in found] == [
        ({"pm25": 1.0, "pm10": 2.0}, T + 5), (None, T + 9),
    ]


def test_same_quantity_twice_at_one_time_loses_neither() -> None:
    found = payloads(Sample("pm25", T, 1.0), Sample("no2", T, 2.0), Sample("pm25", T, 3.0))
    assert [message.get("m") or message["v"] for message in found] == [
        {"pm25": 1.0, "no2": 2.0}, 3.0,
    ]


def test_not_a_number_travels_as_null_for_ingest_to_count() -> None:
    assert payloads(Sample("pm25", T, math.nan))[0]["v"] is None


def test_block_is_bounded_at_its_limit() -> None:
    many = [Sample(f"q{n}", T, 1.0) for n in range(BLOCK_SAMPLES_MAX + 1)]
    sizes = [len(wire.decode(encode(1, 1)).m or {}) for encode in encoders(many)]
    assert sizes == [BLOCK_SAMPLES_MAX, 0]


_sample = st.builds(
    Sample, st.sampled_from(sorted(QUANTITIES)), st.integers(T, T + 2), st.floats(-1e6, 1e6),
    st.sampled_from([None, "ug/m3", "ppm"]), st.sampled_from([None, "a"]),
    st.sampled_from([None, 1, 3]), st.sampled_from([None, T + 9]),
)


@given(st.lists(_sample, max_size=20))
def test_every_sample_travels_exactly_once(samples: list[Sample]) -> None:
    found = []
    for encode in encoders(samples):
        message = wire.decode(encode(1, 1))
        if message.m is not None:
            assert message.u is None
            found += [
                Sample(q, message.t or 0, v or 0.0, received_ms=message.r)
                for q, v in message.m.items()
            ]
        else:
            assert isinstance(message.v, float)
            found.append(Sample(
                message.q or "", message.t or 0, message.v, message.u, message.ch or None,
                message.f, message.r,
            ))

    def plain(sample: Sample) -> Sample:
        canonical = sample.unit == QUANTITIES[sample.quantity].unit
        alone = sample.channel is not None or sample.flag is not None
        return sample._replace(unit=None) if canonical and not alone else sample

    def key(sample: Sample) -> str:
        return repr(plain(sample)._replace(value=sample.value + 0.0))

    assert sorted(key(s) for s in found) == sorted(key(s) for s in samples)


def test_messages_without_readings() -> None:
    assert wire.decode(clock(5)(7, 3)).r == 5
    told = wire.decode(interruption("f-1", 1000, 2000, 310)(7, 4))
    assert (told.e, told.s, told.ev, told.id) == (7, 4, "interruption", "f-1")
    assert (told.t, told.end, told.customers) == (1000, 2000, 310)
