"""PurpleAir stations of a small town: what is corrected, what has no value, what is said anew."""

import math
import random
import statistics
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests import line_city
from tests.brokers import Broker, Mosquitto, Nats
from tests.line_city import body, topic, write_places
from tests.live_ingest import LiveIngest, begun_ms, publish, until
from tests.reference_air import corrected_atm, corrected_cf1
from tests.town import Reading, Town, at, row

START = at("2026-03-02 10:00")
INDEX, EPA, PAIRS = (
    "air.eaqi_2024_pm25", "air.pm25_purpleair_epa", "dq.channels_disagree",
)


def hour_of(
    device: str, a: float, b: float | None, rh: float | None, hour: int = 0, minutes: int = 60
) -> list[Reading]:
    """Readings of a PurpleAir sensor, one a minute."""
    rows = []
    for minute in range(minutes):
        time_s = START + hour * 3600 + minute * 60
        rows.append(Reading(device, "pm25", time_s, a, channel="" if b is None else "a"))
        if b is not None:
            rows.append(Reading(device, "pm25", time_s, b, channel="b"))
        if rh is not None:
            rows.append(Reading(device, "rh", time_s, rh))
    return rows


def town(*rows: Any) -> Town:
    found = Town(rows)
    found.keep(INDEX, EPA)
    return found


def values(there: Town, key: str, hours: int = 1) -> list[float]:
    """Of centre/s, the hours that have closed; NaN insufficient."""
    there.tick(START + hours * 3600 + 120)
    return [value for _, (value, _) in sorted(there.last(key, "centre/s").items())]


RAW, CORRECTED = 4.0, 3.0
"""European bands of 60 µg/m³, and of what is left of them."""


@pytest.mark.parametrize(("kind", "pm25"), [
    ("purpleair-cf1", corrected_cf1(60.0, 50.0)), ("purpleair-atm", corrected_atm(60.0, 50.0)),
])
def test_what_an_index_sees_is_corrected(kind: str, pm25: float) -> None:
    there = town(row("p", "centre/s", correction=kind))
    there.take(hour_of("p", 58.0, 62.0, 50.0))
    assert values(there, EPA) == [pytest.approx(pm25)]
    assert values(there, INDEX) == [CORRECTED]
    assert values(there, PAIRS) == [0.0]


def test_without_a_row_that_says_so_nothing_is_corrected() -> None:
    there = town(row("p", "centre/s"), row("q", "centre/t", correction="purpleair-cf1"))
    there.take(hour_of("p", 58.0, 62.0, 50.0))
    assert values(there, INDEX) == [RAW]
    assert values(there, EPA) == values(there, PAIRS) == []


def test_without_humidity_there_is_no_value() -> None:
    there = town(row("p", "centre/s", correction="purpleair-cf1"))
    there.take(hour_of("p", 60.0, None, None))
    for key in (EPA, INDEX):
        assert math.isnan(values(there, key)[0])
    assert values(there, PAIRS) == []  # it has one channel


def test_the_humidity_of_the_station_serves_a_sensor_without() -> None:
    there = town(row("p", "centre/s", correction="purpleair-cf1"), row("w", "centre/s"))
    there.take(hour_of("p", 60.0, None, None))
    there.take([Reading("w", "rh", START + 60 * k, 50.0) for k in range(60)])
    assert values(there, EPA) == [pytest.approx(corrected_cf1(60.0, 50.0))]


@pytest.mark.parametrize(("b", "minutes", "disagree"), [(25.0, 60, 1.0), (11.0, 30, math.nan)])
def test_channels_that_disagree_or_are_silent_have_no_value(
    b: float, minutes: int, disagree: float
) -> None:
    there = town(row("p", "centre/s", correction="purpleair-atm"))
    there.take(hour_of("p", 10.0, None, 50.0))
    there.take([one._replace(channel="b", value=b)
                for one in hour_of("p", b, None, None, minutes=minutes)])
    for key in (EPA, INDEX):
        assert math.isnan(values(there, key)[0])
    assert values(there, PAIRS) == [pytest.approx(disagree, nan_ok=True)]


def test_a_reference_monitor_beside_counts_as_it_came() -> None:
    there = town(row("p", "centre/s", correction="purpleair-cf1"), row("m", "centre/s"))
    there.take(hour_of("p", 10.0, 25.0, 50.0) + hour_of("m", 60.0, None, None))
    assert values(there, INDEX) == [RAW]
    assert math.isnan(values(there, EPA)[0])


def test_a_row_counts_from_the_next_hour_on() -> None:
    there = town(
        row("p", "centre/s"),
        row("p", "centre/s", since="2026-03-02 10:30", correction="purpleair-cf1"),
    )
    for hour in range(2):
        there.take(hour_of("p", 58.0, 62.0, 50.0, hour))
    assert values(there, INDEX, 2) == [RAW, CORRECTED]
    assert values(there, EPA, 2) == [pytest.approx(corrected_cf1(60.0, 50.0))]


def test_humidity_that_comes_late_says_the_hour_anew() -> None:
    there = town(row("p", "centre/s", correction="purpleair-cf1"))
    there.take(hour_of("p", 60.0, None, None))
    there.take([Reading("p", "rh", START, 50.0)])
    assert math.isnan(values(there, INDEX)[0])
    there.take([Reading("p", "rh", START + 60 * k, 50.0) for k in range(1, 60)])
    there.tick(START + 3600 + 240)
    assert there.last(INDEX, "centre/s") == {START + 3600: (CORRECTED, 2)}


@pytest.mark.parametrize("kind_of_broker", [Nats, Mosquitto])
def test_over_a_real_broker_the_point_is_the_independent_computation(
    kind_of_broker: type[Broker], tmp_path: Path
) -> None:
    """Two sensors of two channels and humidity, in blocks; the channels of one disagree."""
    hour_ms = begun_ms() // 3_600_000 * 3_600_000 - 3_600_000
    rng, minutes = random.Random(12), range(0, 3_600_000, 60_000)
    a, b = ([round(rng.uniform(low, low + 12), 2) for _ in minutes] for low in (12, 14))
    rh = [round(rng.uniform(40, 60), 1) for _ in minutes]
    rows = [
        replace(line_city.row("d1", "s1"), correction="purpleair-cf1"),
        replace(line_city.row("d2", "s2"), correction="purpleair-atm"),
    ]
    write_places(tmp_path / "places.csv", rows)
    broker = kind_of_broker(tmp_path / "broker")
    broker.start()
    ingest = LiveIngest(tmp_path, broker.url, grace_s=0)
    try:
        ingest.start_and_wait()
        publish(broker.url, [
            (topic(device),
             body(number, q=quantity, t0=hour_ms, dt=list(minutes), v=values, **more))
            for device, other in (("d1", b), ("d2", [4 * value for value in a]))
            for number, (quantity, values, more) in enumerate((
                ("pm25", a, {"ch": "a"}), ("pm25", other, {"ch": "b"}), ("rh", rh, {}),
            ), 1)
        ])

        def said(station: str, key: str) -> tuple[float, int]:
            found = ingest.store.history(f"centre/{station}", key, hour_ms, 1 << 42, 100)
            rows = [row for row in found if row.end_ms == hour_ms + 3_600_000]
            return (rows[-1].value, rows[-1].level) if rows else (math.nan, -2)

        until(lambda: said("s1", EPA)[1] > -2 and said("s2", EPA)[1] > -2, "both hours are said")
        pa = (statistics.fmean(a) + statistics.fmean(b)) / 2
        expected = corrected_cf1(pa, statistics.fmean(rh))
        assert said("s1", EPA) == (pytest.approx(expected, abs=1e-5), 0)
        assert said("s1", PAIRS) == (0.0, 0)
        assert expected < 15 < pa, "what was sent would be of band 3"
        assert said("s1", INDEX) == (2.0, 1)
        assert said("s2", EPA)[1] == said("s2", INDEX)[1] == -1
        assert said("s2", PAIRS) == (1.0, 1)
    finally:
        ingest.kill()
        broker.kill()
