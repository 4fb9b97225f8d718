"""One pass over a batch: put in the order of its series, it leaves what readings one by one do."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine import intake
from engine.batch import Batch
from engine.intake import near
from engine.panes import fold_dirty
from tests.town import Reading, Town, at, row

BEGIN = at("2026-03-02 10:00")
QUANTITIES = ("pm25", "speed", "power", "energy", "laeq", "temp", "count", "frequency")
DEVICES = [f"d{k}" for k in range(24)]


def _town() -> Town:
    rows = [row(name, f"centre/{name}") for name in DEVICES]
    # A device that reports more rarely from then on, one that is gone, and one far from UTC.
    rows.append(row("d1", "centre/d1", 900.0, since="2026-03-02T10:20"))
    rows.append(row("d2", "centre/d2", 0.0, since="2026-03-02T10:30"))
    rows.append(row("d3", "centre/d3", tz="Asia/Kolkata", since="2026-02-01"))
    return Town(rows)


def _readings(rng: np.random.Generator, count: int) -> list[Reading]:
    """Readings of an hour and some of a day before, with spikes, repeats and failed ones."""
    found = []
    for device in rng.integers(0, len(DEVICES), count).tolist():
        quantity = QUANTITIES[device % len(QUANTITIES)]
        second = BEGIN + int(rng.choice([300, 3600, -86_400]) * rng.random())
        value = round(float(rng.choice([20.0, 21.0, 400.0], p=[0.5, 0.4, 0.1])), 1)
        flag = int(rng.choice([1, 3, 4, 9], p=[0.8, 0.1, 0.05, 0.05]))
        found.append(Reading(DEVICES[device], quantity, second, value, flag))
    return found


def _state(town: Town) -> dict[str, npt.NDArray[Any]]:
    """All that readings leave behind, folded."""
    vitals = town.vitals
    panes, registry = vitals.panes, vitals.registry
    fold_dirty(
        panes.minutes, panes.fine, panes.coarse, panes.rows, registry.quantity, registry.shift,
        panes.dirty, panes.touched,
    )
    return {
        "minutes": panes.minutes, "hours": panes.coarse[0], "days": panes.coarse[1],
        **{f"fine{k}": fine for k, fine in enumerate(panes.fine)},
        "first_min": panes.first_min, "series": vitals.series.table, "recent": vitals.judge.table,
        "blocks": vitals.registers.blocks, "power": _filled(vitals.power.sums, vitals.power.row),
        "power_n": _filled(vitals.power.counts, vitals.power.row),
        "levels": _filled(vitals.spectra.counts, vitals.spectra.row),
        "hertz": _filled(vitals.hertz.sums, vitals.hertz.row),
        "unsettled": np.array(sorted(vitals.judge.unsettled), np.int64),
        "waiting": np.array([vitals.judge.waiting, vitals.judge.table["held"].sum()]),
    }


def _taken(parts: list[list[Reading]]) -> Town:
    town = _town()
    for name, device in zip(QUANTITIES * 3, DEVICES, strict=True):
        town.slot(Reading(device, name, BEGIN, 0.0))
    for part in parts:
        town.take(part)
    return town


def _filled(array: npt.NDArray[Any], row: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    """Where something is, and what; in the order of series, since rows are given out as they come.
    """
    found = array[row[row >= 0]]
    return np.stack([*np.nonzero(found), found[np.nonzero(found)]])


@given(seed=st.integers(0, 2**32 - 1), count=st.integers(1, 200), limit=st.sampled_from([1, 4, 64]))
@settings(max_examples=25, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_batch_in_order_of_series_leaves_what_its_readings_do_one_by_one(
    monkeypatch: pytest.MonkeyPatch, seed: int, count: int, limit: int
) -> None:
    readings = _readings(np.random.default_rng(seed), count)
    parts = [[readings[k] for k in part] for part in np.array_split(np.arange(count), 2)]
    single = [[reading] for reading in readings]
    one_by_one, in_two = (_state(_taken(part)) for part in (single, parts))
    with monkeypatch.context() as changed:
        changed.setattr(intake, "SORTED_MIN", 1)
        changed.setattr(intake, "NEIGHBOURHOODS_MAX", limit)
        in_order = _state(_taken(parts))
    for name, array in in_order.items():
        assert array.tolist() == in_two[name].tolist(), name
        # A look at what is possible sees the panes after the batch: more may be judged anew.
        assert name == "unsettled" or array.tolist() == one_by_one[name].tolist(), name
    assert in_order["waiting"][0] == in_order["waiting"][1]


@pytest.mark.parametrize(("count", "series", "sorts"), [
    (4096, 4096, True), (4095, 4096, False), (4096, 4095, False), (5000, 100_000, True),
])
def test_only_a_large_batch_of_a_large_city_is_put_in_order(
    count: int, series: int, sorts: bool
) -> None:
    rng = np.random.default_rng(count + series)
    none = np.zeros(count, np.int64)
    batch = Batch(
        rng.integers(0, series, count).astype(np.int32), np.arange(count), rng.random(count),
        rng.integers(1, 5, count).astype(np.uint8), none.astype(np.int32), none, none,
        none.astype(np.uint8), 0,
    )
    bits = max((series - 1).bit_length() - 12, 0)
    order = np.argsort(batch.slot >> bits, kind="stable") if sorts else np.arange(count)
    columns = near(batch, series)
    want = (batch.slot, batch.time_ns, batch.value, batch.flag)
    for column, before in zip(columns, want, strict=True):
        assert column.tolist() == before[order].tolist()
    assert columns[3] is not batch.flag
