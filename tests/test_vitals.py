"""The vital signs: what is said in the end follows from the readings, not from how they came."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.drawn import RARELY, SEEDS
from tests.town import Reading, Town, at, row

START = at("2026-03-02 14:10")
ZONE = "Asia/Kolkata"
ROWS = [
    row("air1", "centre/air1", 300, tz=ZONE), row("air2", "harbour/air2", 600, tz=ZONE),
    row("air3", "harbour/air2", 600, tz=ZONE), row("air4", "harbour/air2", 600, tz=ZONE),
    row("road1", "centre/road1", 60, tz=ZONE, posted_kmh=50, length_km=2),
    row("road2", "centre/road2", 300, tz=ZONE, posted_kmh=70),
    row("meter1", "centre/meter1", 60, tz=ZONE), row("meter2", "harbour/meter2", 300, tz=ZONE),
    row("meter3", "harbour/meter2", 60, tz=ZONE),
]
MEASURES = {
    "air1": ("pm25", "no2"), "air2": ("pm25", "o3"), "air3": ("pm25",), "air4": ("pm25",),
    "road1": ("speed", "count"), "road2": ("speed",), "meter1": ("power",),
    "meter2": ("power",), "meter3": ("power",),
}
PERIOD = {one.device: int(one.period_s) for one in ROWS}


def month_of_readings(rng: np.random.Generator, hours: float) -> list[Reading]:
    """Readings of every series, from a moment of its own on, with gaps and bad flags."""
    found = []
    for device, quantities in MEASURES.items():
        for quantity in quantities:
            begin = START + int(rng.choice([0, rng.uniform(0, hours * 3600 / 2)]))
            hole = begin + rng.uniform(0, hours * 3600)
            length = float(rng.choice([0, 600, 7200]))
            times = np.arange(-(-begin // PERIOD[device]), (START + hours * 3600) // PERIOD[device])
            for second in (times * PERIOD[device]).tolist():
                if not hole <= second < hole + length:
                    flag = 4 if rng.random() < 0.02 else 1
                    value = round(float(rng.gamma(4, 10)), 1)
                    found.append(Reading(device, quantity, second, value, flag))
    return found


def arrivals(
    rng: np.random.Generator, readings: list[Reading], late_max_s: float
) -> list[tuple[float, Reading]]:
    """When each reading comes: alone a little late, or with the backlog of an outage."""
    outage = {device: START + rng.uniform(-3600, 14_400) for device in MEASURES}
    found = []
    for one in readings:
        delay = rng.choice([1.0, rng.uniform(1, late_max_s)], p=[0.7, 0.3])
        back = outage[one.device] + late_max_s
        if outage[one.device] < one.time_s < back and rng.random() < 0.9:
            delay = max(back - one.time_s, 1.0)
        found.append((one.time_s + min(float(delay), late_max_s), one))
    return sorted(found, key=lambda pair: pair[0])


def live(
    rng: np.random.Generator, coming: list[tuple[float, Reading]], step_s: float, end_s: float
) -> Town:
    """Live through arrivals in random batches, the clock moving at random moments."""
    town = Town(ROWS)
    steps = np.arange(START, end_s, step_s)
    moments = np.minimum(steps + rng.uniform(0, step_s / 2, len(steps)), end_s)
    at_index = 0
    for moment in moments.tolist():
        upto = at_index
        while upto < len(coming) and coming[upto][0] <= moment:
            upto += 1
        batch = [reading for _, reading in coming[at_index:upto]]
        order = rng.permutation(len(batch))
        for part in np.array_split(order, int(rng.integers(1, 4))):
            town.take(batch[k] for k in part)
        at_index = upto
        town.tick(moment, with_open=bool(rng.random() < 0.5))
    town.take(reading for _, reading in coming[at_index:])
    town.tick(end_s)
    town.tick(end_s + 60)
    return town


def check(seed: int, hours: float, late_max_s: float, step_s: float) -> None:
    """Two lives of the same readings end with the same points, a 03:00 after the last came."""
    rng = np.random.default_rng(seed)
    readings = month_of_readings(rng, hours)
    end_s = START + hours * 3600 + late_max_s + 90_000
    on_time = [(reading.time_s + 1.0, reading) for reading in readings]
    one = live(rng, sorted(on_time, key=lambda pair: pair[0]), step_s, end_s)
    two = live(rng, arrivals(rng, readings, late_max_s), step_s * 1.3, end_s)
    first, second = one.final(), two.final()
    different = {key for key in first | second if first.get(key) != second.get(key)}
    assert not different, [
        (key, first.get(key), second.get(key)) for key in sorted(different)[:4]
    ]
    assert len(first) > 100


@given(seed=SEEDS)
@RARELY
def test_a_few_minutes_late_changes_nothing_at_all(seed: int) -> None:
    check(seed, 4.0, 700.0, 450.0)


@pytest.mark.soak
@given(seed=SEEDS, hours=st.sampled_from([5.0, 14.0]))
@RARELY
def test_hours_late_changes_nothing_at_all(seed: int, hours: float) -> None:
    check(seed, hours, 30_000.0, 1500.0)


@pytest.mark.parametrize("days", [1, pytest.param(7, marks=pytest.mark.soak)])
def test_days_late_changes_nothing_at_all(days: int) -> None:
    check(days, 5.0, days * 86_400.0, 3000.0)
