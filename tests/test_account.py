"""What an account is made of: panes as printed, windows as looked at."""

import math

import numpy as np
import pytest

from engine.account import SPEED_UNIT, SUM_UNIT, number, numbers, pane_rows
from engine.panes import FIVE, HOUR, ONE, QUARTER
from tests.looks import look_at
from tests.town import Reading, Town, at, row

START = at("2026-03-02 10:00")


def town() -> Town:
    """One station with power and speed, a reading a minute for an hour."""
    made = Town([row("d", "a/s", length_km=1.0, posted_kmh=50.0)])
    made.take(Reading("d", name, START + 60 * k, value)
              for k in range(60) for name, value in (("power", 2.5), ("speed", 50.0)))
    made.tick(START + 3700)
    return made


@pytest.mark.parametrize(("value", "told"), [
    (0.1 + 0.2, 0.3), (math.nan, None), (math.inf, None), (5, 5.0), (-1.25, -1.25),
])
def test_numbers_without_dust(value: float, told: float | None) -> None:
    assert number(value) == told
    assert numbers([value]) == [told]


def test_panes_as_printed() -> None:
    vitals = town().vitals
    power, speed = 0, 1
    index = START // 60
    unit, rows = pane_rows(vitals, power, QUARTER, index // 15, 2)
    assert unit == SUM_UNIT
    assert rows == [[START * 1000, 15, 15, 37_500_000, 15],
                    [(START + 900) * 1000, 15, 15, 37_500_000, 15]]
    unit, rows = pane_rows(vitals, speed, FIVE, index // 5, 1)
    assert unit == SPEED_UNIT
    assert rows == [[START * 1000, 5, 5, 5 * 20_000_000_000, 5]]
    assert pane_rows(vitals, speed, HOUR, index // 60, 1)[0] == SUM_UNIT
    assert pane_rows(vitals, power, ONE, index + 59, 1)[1] == [
        [(START + 3540) * 1000, 1, 1, 2_500_000, 1]]
    assert pane_rows(vitals, power, QUARTER, index // 15 + 96, 4)[1] == []


def test_a_look_knows_its_window_and_its_series() -> None:
    look = look_at(town(), "energy.demand_15min", START + 900)
    assert (look.start_min * 60, look.end_min * 60) == (START, START + 900)
    assert look.slots("power") == [0]
    assert look.slots("speed") == []
    members, window = look.at(look.window)
    assert (members.dtype, window.tolist()) == (np.int64, [look.window])
