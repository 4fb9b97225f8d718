"""An outage of seven days, drained in one go, ends in the very points of an undisturbed run."""

import random
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edge import wire
from engine.catalogue import INDICATORS
from ingest.admission import Opened, opened
from ingest.line import Line
from ingest.messages import Received
from tests.line_city import (
    CITY,
    MINUTE_MS,
    MS,
    START_MS,
    Kept,
    line_of,
    row,
    verdicts,
    write_places,
)

HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
STEP_MS = 2 * HOUR_MS
BEGIN_MS = START_MS - START_MS % DAY_MS
OUTAGE = (DAY_MS, 8 * DAY_MS)
LIVED_MS = 9 * DAY_MS
KINDS = (("pm25", "no2", "o3"), ("speed", "count"), ("power",))
Told = tuple[int, str, bytes]


class City:
    """Stations of two districts; those of `centre` have the outage."""

    def __init__(self, stations: int, others: int, period_s: int) -> None:
        self.period_ms = period_s * 1000
        self.rows = []
        for k in range(1, stations + others + 1):
            one = row(f"d{k}", f"s{k}", period_s=float(period_s))
            self.rows.append(one if k <= stations else replace(one, district="harbour"))
        self.row_of = {one.device: one for one in self.rows}

    def told(self) -> Iterator[Told]:
        """(time in ms, device, payload) of every message, in the order of time."""
        rng = random.Random(7)
        for number, time_ms in enumerate(
            range(BEGIN_MS, BEGIN_MS + LIVED_MS, self.period_ms), 1
        ):
            for k, one in enumerate(self.rows):
                values = {name: round(rng.uniform(5, 90), 1) for name in KINDS[k % len(KINDS)]}
                if rng.random() < 0.98:  # what no sensor measured is missing in both lives
                    yield time_ms, one.device, wire.encode_device_block(1, number, time_ms, values)

    def message(self, device: str, payload: bytes, at_ms: int) -> Opened:
        """As it comes from the broker."""
        one = self.row_of[device]
        topic = f"cv/1/r/{CITY}/{one.district}/{one.station}/{device}"
        return opened(Received(topic, payload), at_ms * MS)


def take(line: Line, city: City, messages: list[Told], at_ms: int, batch: int) -> None:
    """All of them at one moment."""
    for first in range(0, len(messages), batch):
        line.take([
            city.message(device, payload, at_ms)
            for _, device, payload in messages[first : first + batch]
        ], at_ms * MS)


def live(folder: Path, city: City, *, outage: bool) -> tuple[dict[Any, Any], float, int]:
    """The final points; how long the drain took in s, and its readings."""
    folder.mkdir()
    write_places(folder / "places.csv", city.rows)
    kept = Kept()
    line = line_of(folder, kept)
    gone = {one.device for one in city.rows if one.district == "centre"} if outage else set()
    first_ms, end_ms = (BEGIN_MS + at for at in OUTAGE)
    outbox: list[Told] = []
    now: list[Told] = []
    took_s, readings, step_ms = 0.0, 0, BEGIN_MS + STEP_MS
    for told in [*city.told(), (BEGIN_MS + LIVED_MS, "", b"")]:
        while told[0] >= step_ms:
            take(line, city, now, step_ms, 500)
            now = []
            if step_ms == end_ms and outbox:
                before, begun = sum(verdicts(line).values()), time.perf_counter()
                take(line, city, outbox, step_ms, 2000)
                line.tick((step_ms + MINUTE_MS) * MS, with_open=False)
                took_s = time.perf_counter() - begun
                readings = sum(verdicts(line).values()) - before
            line.tick((step_ms + MINUTE_MS) * MS, with_open=False)
            step_ms += STEP_MS
        away = told[1] in gone and first_ms <= told[0] < end_ms
        (outbox if away else now).append(told)
    for hour in range(0, 9 * 24, 8):
        line.tick((BEGIN_MS + LIVED_MS + hour * HOUR_MS + 5 * MINUTE_MS) * MS, with_open=False)
    line.close(save=False)
    horizon_s = (BEGIN_MS + LIVED_MS) // 1000
    points = {
        (key.path, INDICATORS[indicator].key, end_s): said[:4]
        for (key, indicator, end_s), said in kept.values.items() if end_s <= horizon_s
    }
    return points, took_s, readings


def compared(folder: Path, city: City) -> tuple[float, int]:
    """Both lives, bit for bit; how long the drain took, and its readings."""
    whole, _, _ = live(folder / "whole", city, outage=False)
    drained, took_s, readings = live(folder / "drained", city, outage=True)
    different = [key for key in whole.keys() | drained.keys() if whole.get(key) != drained.get(key)]
    assert not different, [(key, whole.get(key), drained.get(key)) for key in different[:4]]
    assert {name for _, name, _ in whole} >= {
        "air.us_aqi", "traffic.tti", "traffic.ffs", "energy.demand_sliding", "energy.demand_peak",
    }
    return took_s, readings


def test_seven_days_drained_in_one_go(tmp_path: Path) -> None:
    _, readings = compared(tmp_path, City(3, 1, 300))
    assert readings > 5000


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_seven_days_of_a_district_of_thirty_stations(tmp_path: Path) -> None:
    took_s, readings = compared(tmp_path, City(30, 30, 60))
    print(f"drained {readings:,} readings in {took_s:.1f} s: {readings / took_s:,.0f} a second")
    assert readings > 500_000
