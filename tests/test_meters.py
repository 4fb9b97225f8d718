"""Meters: which series of a place count, power or register, each energy once."""

import numpy as np
import pytest

from edge.quantities import INDEX
from engine.registry import Registry
from tests.town import Reading, Town, at, row

HOUR = at("2026-03-02 10:00")
EAST = "centre/east"


def town() -> Town:
    """Two phases with power, the first with a register too; and a meter with a register alone."""
    found = Town([row("m1", EAST), row("m2", EAST)])
    for minute in range(16):
        time_s = HOUR + 60 * minute
        found.take([
            Reading("m1", "power", time_s, 3.0, 1, "l1"),
            Reading("m1", "power", time_s, 4.0, 1, "l2"),
            Reading("m1", "energy", time_s, minute / 20, 1, "l1"),
            Reading("m2", "energy", time_s, minute / 10),
        ])
    return found


def flat(found: Town) -> list[tuple[str, str, str]]:
    """Device, quantity and channel of what counts in the first block."""
    vitals = found.vitals
    vitals.tick((HOUR + 960) * 10**9, with_open=False)
    meters = vitals.peaks.source
    start = np.array([HOUR // 60], np.int64)
    _, slots = meters.flat(np.zeros(1, np.int64), start, start + 15, vitals.panes)
    names = {index: name for name, index in INDEX.items()}
    registry: Registry = vitals.registry
    return [
        (registry.devices[series.device], names[series.quantity], series.channel)
        for series in (registry.series[slot] for slot in slots.tolist())
    ]


def test_a_register_beside_its_power_series_does_not_count_again() -> None:
    assert flat(town()) == [
        ("m1", "power", "l1"), ("m1", "power", "l2"), ("m2", "energy", ""),
    ]


def test_all_that_counts_adds_up() -> None:
    found = town()
    found.tick(HOUR + 960)
    value, _ = found.last("energy.demand_15min", EAST)[HOUR + 900]
    assert value == pytest.approx(3.0 + 4.0 + 6.0)


def test_before_its_power_series_begins_a_register_counts() -> None:
    found = Town([row("m1", EAST)])
    for minute in range(31):
        found.take([Reading("m1", "energy", HOUR + 60 * minute, minute / 10)])
    for minute in range(15, 31):
        found.take([Reading("m1", "power", HOUR + 60 * minute, 7.0)])
    found.tick(HOUR + 1920)
    words = found.last("energy.demand_15min", EAST)
    assert [words[HOUR + end][0] for end in (900, 1800)] == pytest.approx([6.0, 7.0])


def test_windows_of_registers_alone_wait() -> None:
    found = town()
    found.tick(HOUR + 960)
    meters = found.vitals.peaks.source
    members = np.zeros(1, np.int64)
    assert meters.patience_min(members, HOUR // 60).tolist() == [3]
