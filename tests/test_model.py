"""Physics of simville: what drives what."""

import numpy as np
import pytest

from simulators import districts
from simulators.model import ORIGIN_S, Model

STEP_MS = 900_000
MONDAY_MS = 1_784_505_600_000  # 2026-07-20T00:00:00Z


@pytest.fixture(scope="module")
def model() -> Model:
    return Model(1, districts.stations())


def test_rush_hours_are_slow_and_nights_are_free(model: Model) -> None:
    at = model.instants(MONDAY_MS + np.arange(96, dtype=np.int64) * STEP_MS)
    speed = model.traffic(at, model.load(at), 300.0)["speed"]
    hour = (at.wall_s // 3600 % 24).astype(int)
    index = np.median(speed[hour == 3], axis=0) / speed[hour == 17].mean(axis=0)
    assert ((index > 1.2) & (index < 2.5)).sum() >= 8
    assert (index < 1.15).sum() >= 6


def test_counts_are_right_on_average_at_any_period(model: Model) -> None:
    seconds = model.instants(MONDAY_MS + 36_000_000 + np.arange(7200, dtype=np.int64) * 1000)
    blocks = model.instants(MONDAY_MS + 36_000_000 + np.arange(24, dtype=np.int64) * 300_000)
    fine = model.traffic(seconds, model.load(seconds), 1.0)["count"].sum(axis=0)
    coarse = model.traffic(blocks, model.load(blocks), 300.0)["count"].sum(axis=0)
    assert np.abs(fine.sum() / coarse.sum() - 1.0) < 0.03
    assert (np.abs(fine / coarse - 1.0) < 0.25).all()


def test_traffic_drives_nitrogen_dioxide(model: Model) -> None:
    at = model.instants(MONDAY_MS + np.arange(5 * 96, dtype=np.int64) * STEP_MS)
    no2 = model.pollution(at, model.load(at))["no2"]
    kerb = np.array([row.kerb for row in model.air])
    assert no2[:, kerb >= 0.8].mean() > 1.5 * no2[:, kerb <= 0.1].mean()
    hour = at.wall_s // 3600 % 24
    assert no2[hour == 8].mean() > no2[hour == 3].mean()


def test_ozone_follows_the_sun_and_is_eaten_by_traffic(model: Model) -> None:
    at = model.instants(MONDAY_MS + np.arange(10 * 96, dtype=np.int64) * STEP_MS)
    o3 = model.pollution(at, model.load(at))["o3"]
    kerb = np.array([row.kerb for row in model.air])
    hour = at.wall_s // 3600 % 24
    assert o3[hour == 16].mean() > o3[hour == 5].mean() + 10
    assert o3[:, kerb <= 0.1].mean() > o3[:, kerb >= 0.8].mean()


def test_demand_follows_people_and_cold(model: Model) -> None:
    summer = model.instants(MONDAY_MS + np.arange(7 * 96, dtype=np.int64) * STEP_MS)
    winter = model.instants(MONDAY_MS + (26 * 7 * 96 + np.arange(7 * 96)) * STEP_MS)
    hour = summer.wall_s // 3600 % 24
    power = model.power(summer)
    assert power[hour == 3].sum() < 0.7 * power[hour == 18].sum()
    assert model.power(winter).sum() > 1.03 * power.sum()


def test_register_is_the_integral_of_power_and_never_falls(model: Model) -> None:
    time_ms = MONDAY_MS + np.arange(24 * 60 + 1, dtype=np.int64) * 60_000
    at = model.instants(time_ms)
    register = model.register(at.time_s)
    assert (np.diff(register, axis=0) > 0).all()
    rows = np.flatnonzero(model.metered)
    power = model.power(at, rows)
    used = (power[:-1] + power[1:]).sum(axis=0) / 120.0
    assert np.allclose(register[-1] - register[0], used, rtol=0.01)
    assert (model.register(np.array([float(ORIGIN_S)])) == 0.0).all()


def test_register_does_not_depend_on_what_was_asked_before() -> None:
    early, late = np.array([ORIGIN_S + 86_400.0]), np.array([ORIGIN_S + 200 * 86_400.0 + 7.0])
    straight = Model(1, districts.stations())
    stepwise = Model(1, districts.stations())
    stepwise.register(early)
    assert np.array_equal(straight.register(late), stepwise.register(late))
    assert np.array_equal(straight.register(early), stepwise.register(early))


def test_plants_follow_wind_sun_and_demand_and_stop_in_an_outage(model: Model) -> None:
    at = model.instants(MONDAY_MS + np.arange(7 * 96, dtype=np.int64) * STEP_MS)
    made = model.grid(at)["generation"]
    of = {row.source: made[:, column] for column, row in enumerate(model.feeders) if row.source}
    assert not made[:, [not row.source for row in model.feeders]].any()
    assert (of["solar_pv_roof"][at.sun <= 0] == 0).all()
    assert of["solar_pv_roof"].max() > 500
    windy = at.wind > np.median(at.wind)
    assert of["wind_onshore"][windy].min() > of["wind_onshore"][~windy].max() - 1e-6
    hour = at.wall_s // 3600 % 24
    assert of["gas_cc"][hour == 18].mean() > 1.3 * of["gas_cc"][hour == 3].mean()
