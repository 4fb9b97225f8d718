"""What drives simville: weather and people's week, from them traffic, air, noise and demand.

Every function of time takes `Instants` and returns float64[n, m]: n instants by m stations of
its kind, before rounding. Plausible by construction: all noise is bounded (`signals`).
"""

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from simulators import signals
from simulators.districts import CENTRE_LAT, CENTRE_LON, DISTRICTS, ZONE, Station
from simulators.forces import Forces, none
from simulators.signals import Floats, Keys, Times

ORIGIN_S = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp())
"""Simville's first instant: its energy registers stood at 0."""
REGISTER_STEP_S = 900
REGISTER_BLOCK = 2880
"""Steps by which the table of register readings grows: 30 days."""

Picks = npt.NDArray[np.intp] | slice
ALL = slice(None)


@dataclass(slots=True)
class Instants:
    """n instants and the weather that all stations share: float64[n] each.

    `spread` is what a source at the ground leaves in the air, the more the less it is stirred;
    `rain` and `snow` 0..1, `sun` sine of its height. `snow` is 0.0 on days without.
    """

    time_ms: Times
    time_s: Floats
    wall_s: Floats
    temp: Floats
    rh: Floats
    wind: Floats
    sun: Floats
    winter: Floats
    rain: Floats
    spread: Floats
    snow: Floats


def _weekday_traffic(morning: float) -> Floats:
    def shape(day: int, hours: Floats) -> Floats:
        if day >= 5:
            leisure = 0.85 * signals.plateau(hours, 9, 19.5, 1.2) + 0.2 * signals.bump(hours, 15, 3)
            return np.asarray(0.04 + (0.62 if day == 5 else 0.5) * leisure)
        rush = morning * signals.bump(hours, 7.75, 0.85)
        rush = rush + (1.6 - 0.6 * morning) * signals.bump(hours, 16.9, 1.15)
        return np.asarray(0.04 + 0.38 * signals.plateau(hours, 6.5, 20) + 0.58 * rush)

    profile = signals.weekly(shape)
    return np.asarray(profile / profile.max())


def _homes(day: int, hours: Floats) -> Floats:
    morning = 0.35 * signals.bump(hours, 7.5 if day < 5 else 9.5, 1.3)
    evening = 0.4 * signals.bump(hours, 19.3, 1.8)
    return 0.22 + morning + 0.3 * signals.plateau(hours, 8, 23) + evening


def _shops(day: int, hours: Floats) -> Floats:
    busy = (1.0, 1.0, 1.0, 1.0, 1.0, 0.9, 0.25)[day]
    return 0.2 + 0.78 * busy * signals.plateau(hours, 7.5, 19.5)


def _works(day: int, hours: Floats) -> Floats:
    busy = 1.0 if day < 5 else 0.3
    return 0.35 + 0.6 * busy * signals.plateau(hours, 6, 21, 0.4)


class Model:
    """Signals of the stations as functions of time; `seed` chooses the noise."""

    def __init__(
        self, seed: int, stations: list[Station], forces: Forces | None = None
    ) -> None:
        self.seed = seed
        self.forces = forces or none(stations)
        self.air = [row for row in stations if row.kind == "air"]
        self.roads = [row for row in stations if row.kind == "road"]
        self.feeders = [row for row in stations if row.kind == "feeder"]
        self._keys: dict[str, Keys] = {}
        self._prepare_roads()
        self._prepare_air()
        self._prepare_feeders()
        self._register = np.zeros((1, int(self.metered.sum())))

    def _prepare_roads(self) -> None:
        rows = self.roads
        self._weeks = np.stack([_weekday_traffic(row.morning) for row in rows], axis=1)
        self._load = np.array([row.load for row in rows])
        share = signals.uniform(signals.keys(self.seed, "free", len(rows)))
        self._free = np.array([row.posted_kmh for row in rows]) * (0.97 + 0.1 * share)
        self._capacity = np.array([row.capacity_vph for row in rows])

    def _prepare_air(self) -> None:
        order = [district.id for district in DISTRICTS]
        self._kerb = np.array([row.kerb for row in self.air])
        self._smoke = np.array([row.smoke for row in self.air])
        self._ships = np.array([row.ships for row in self.air])
        self._district = np.array([order.index(row.district) for row in self.air])
        self._nearest = np.array([_nearest(row, self.roads) for row in self.air])
        own = signals.normal(signals.keys(self.seed, "site", len(self.air)))
        warmer = np.array([district.warmer_c for district in DISTRICTS])
        self._warmer = warmer[self._district] + 0.15 * own

    def _prepare_feeders(self) -> None:
        rows = self.feeders
        kinds = np.stack([signals.weekly(shape) for shape in (_homes, _shops, _works)], axis=1)
        shares = np.array([[row.homes, row.shops, row.works] for row in rows])
        # Sums of three products each, written out: no BLAS, so no thread starts.
        self._demand = sum(kinds[:, i, None] * shares[None, :, i] for i in range(3))
        self._rated = np.array([row.rated_kw for row in rows])
        self.metered = np.array(["energy" in row.quantities for row in rows])
        self._plants = [(column, row) for column, row in enumerate(rows) if row.source]

    def _key(self, name: str, count: int) -> Keys:
        if name not in self._keys:
            self._keys[name] = signals.keys(self.seed, name, count)
        return self._keys[name]

    def _one(self, name: str, time_s: Floats, scale_s: float) -> Floats:
        return signals.smooth(self._key(name, 1), time_s, scale_s)[:, 0]

    def instants(self, time_ms: Times) -> Instants:
        """The weather at int64[n] Unix ms."""
        t = time_ms / 1000.0
        wall = signals.local_s(t, ZONE)
        sun = signals.sun_height(t, CENTRE_LAT, CENTRE_LON)
        winter = np.cos(2 * np.pi * (t / 86_400.0 - 20.0) / 365.2422)
        front = 2.2 * self._one("front", t, 3 * 86_400) + 1.4 * self._one("air mass", t, 50_000)
        cloud = 1.0 / (1.0 + np.exp(-1.6 * self._one("cloud", t, 64_800)))
        daily = np.cos(2 * np.pi * (wall / 3600.0 - 15.0) / 24.0)
        level = 9.5 - 9.0 * winter + front
        temp = level + (4.5 - 3.0 * cloud) * daily
        forced = self.forces.weather(time_ms)
        if forced is not None:
            temp = np.clip(temp + forced["temp_c"], -28.0, 46.0)
        dew = level - 1.6 - 4.0 * (1.0 - cloud)
        rh = 100.0 * signals.saturation_hpa(dew) / signals.saturation_hpa(temp)
        gusts = 0.45 * self._one("wind", t, 80_000) + 0.2 * self._one("breeze", t, 14_000)
        wind = 3.6 * np.exp(gusts) * (0.85 + 0.4 * sun)
        if forced is not None:
            wind = wind * forced["wind"]
        spread = 1.0 / (0.35 + wind / 3.6 * (0.45 + 1.1 * sun))
        rain = np.clip((cloud - 0.82) / 0.18, 0.0, 1.0)
        snow = np.zeros(len(t))
        if forced is not None:
            rain = np.clip(rain + forced["rain"], 0.0, 1.0)
            snow = np.clip(forced["snow"], 0.0, 1.0)
        rh = np.clip(rh + 12.0 * rain, 22.0, 97.0)
        return Instants(time_ms, t, wall, temp, rh, wind, sun, winter, rain, spread, snow)

    def load(self, at: Instants) -> Floats:
        """Demand over capacity of each road; people drive by the clock on the wall."""
        count = len(self.roads)
        mood = 0.06 * signals.smooth(self._key("day", count), at.time_s, 86_400)
        mood = mood + 0.05 * signals.smooth(self._key("platoon", count), at.time_s, 1500)
        load = signals.at_week(self._weeks, at.wall_s) * self._load
        crowd = self.forces.traffic(at.time_ms)
        if crowd is not None:
            load = load * crowd
        load = signals.below(load * (1.0 + mood) * (1.0 + 0.04 * at.rain[:, None]), 1.3)
        if self.forces.closed(at.time_ms) is not None:
            more = self.forces.diverted(at.time_ms, load * self._capacity) / self._capacity
            load = signals.below(load + more, 1.5)
        return load

    def flow(self, at: Instants, load: Floats) -> Floats:
        """Vehicles an hour of each road."""
        flow: Floats = self._capacity * signals.below(load, 1.0)
        closed = self.forces.closed(at.time_ms)
        if closed is not None:
            flow = flow * (1.0 - closed)
        return flow * (1.0 - 0.4 * at.snow[:, None])

    def mean_speed(self, at: Instants, load: Floats) -> Floats:
        """Speed of each road in km/h without its scatter; 0 where it is closed."""
        free = self._free * (1.0 - 0.06 * at.rain[:, None]) * (1.0 - 0.35 * at.snow[:, None])
        full = load / (1.0 - 0.4 * at.snow[:, None])
        closed = self.forces.closed(at.time_ms)
        if closed is None:
            return free / signals.delay_factor(full)
        full = np.minimum(full / np.maximum(1.0 - closed, 0.05), 2.0)
        return np.where(closed < 0.995, free / signals.delay_factor(full), 0.0)

    def traffic(self, at: Instants, load: Floats, period_s: float) -> dict[str, Floats]:
        """`speed` (km/h, mean of the interval) and `count` (vehicles in `period_s`)."""
        count = len(self.roads)
        wander = 0.02 * signals.smooth(self._key("speed", count), at.time_s, 420)
        noise = 0.025 * signals.white(self._key("speed noise", count), at.time_ms)
        speed = self.mean_speed(at, load) * (1.0 + wander + noise)
        expected = self.flow(at, load) * (period_s / 3600.0)
        # Bounded scatter, and rounding by lot: right on average even at 0.1 vehicles a second.
        scatter = np.minimum(0.8 * np.sqrt(expected), expected / 4.0)
        noise = signals.white(self._key("count noise", count), at.time_ms)
        lot = signals.uniform(signals.hashed(self._key("count lot", count), at.time_ms))
        return {"speed": speed, "count": np.floor(expected + scatter * noise + lot)}

    def sound(self, at: Instants, load: Floats) -> Floats:
        """`laeq` in dB(A) of all air stations: traffic, people, wind; sums of energies.

        Twice the vehicles are 3 dB more, a third more speed about as much; snow swallows 4 dB.
        """
        count = len(self.air)
        flow = self.flow(at, load)[:, self._nearest]
        speed = np.maximum(self.mean_speed(at, load)[:, self._nearest], 5.0)
        road = 36.0 + 10.0 * np.log10(1.0 + flow) + 22.0 * np.log10(speed / 50.0)
        road = road - 13.0 * (1.0 - self._kerb) - 4.0 * at.snow[:, None]
        back = 33.0 + 0.9 * np.minimum(at.wind, 12.0)[:, None] + 4.0 * at.rain[:, None]
        energy = 10.0 ** (road / 10.0) + 10.0 ** (back / 10.0)
        crowd = self.forces.crowd_db(at.time_ms)
        if crowd is not None:
            energy = energy + 10.0 ** (crowd / 10.0)
        wander = 1.2 * signals.smooth(self._key("sound", count), at.time_s, 90)
        noise = 0.8 * signals.white(self._key("sound noise", count), at.time_ms)
        level: Floats = 10.0 * np.log10(energy) + wander + noise
        return np.clip(level, 26.0, 118.0)

    def pollution(self, at: Instants, load: Floats) -> dict[str, Floats]:
        """All quantities of the air stations; sources at the ground, spread by the weather."""
        count = len(self.air)
        spread = at.spread[:, None]
        busy = load.reshape(len(load), len(DISTRICTS), -1).mean(axis=2)
        exhaust = (0.5 * load[:, self._nearest] + 0.5 * busy[:, self._district]) * self._kerb
        closed = self.forces.closed(at.time_ms)
        if closed is not None:
            exhaust = exhaust * (1.0 - 0.5 * closed[:, self._nearest])
        exhaust = exhaust * spread
        calls = 0.5 + 0.3 * signals.smooth(self._key("ships", count), at.time_s, 9000)
        ships = self._ships * np.maximum(calls, 0.0) * spread

        def noise(name: str) -> Floats:
            return signals.white(self._key(name, count), at.time_ms)

        wander = signals.smooth(self._key("eddy", count), at.time_s, 1300)
        no2 = 4.5 + 19.0 * exhaust + 7.0 * ships + 2.0 * spread
        no2 = signals.below(no2, 105.0)
        no2 = no2 + self._episode(at, "no2")
        no2 = np.maximum(no2 * (1 + 0.04 * wander) + 0.3 * noise("no2"), 0.4)
        warm = np.clip((at.temp - 2.0) / 20.0, 0.1, 1.2)
        older_sun = signals.sun_height(at.time_s - 7200.0, CENTRE_LAT, CENTRE_LON)
        regional = 24.0 + 4.0 * self._one("ozone", at.time_s, 200_000) + 38.0 * older_sun * warm
        o3 = np.maximum(regional[:, None] - 0.5 * (no2 - 4.5) + 0.4 * noise("o3"), 0.6)
        pm25 = np.maximum(self._particles(at, exhaust, ships, wander) + 0.25 * noise("pm25"), 0.5)
        dust = (1.0 - 0.8 * at.rain)[:, None] * (3.0 + 8.0 * exhaust)
        coarse = dust + 0.6 * at.wind[:, None] + 0.4 * noise("pm10")
        return {
            "pm25": pm25, "pm10": 1.15 * pm25 + np.maximum(coarse, 0.5), "no2": no2, "o3": o3,
            "co": np.maximum(0.18 + 0.45 * exhaust + 0.01 * noise("co"), 0.05),
            "so2": np.maximum(1.0 + 6.0 * ships + 0.15 * noise("so2"), 0.1),
            "temp": at.temp[:, None] + self._warmer + 0.05 * noise("temp"),
            "rh": np.clip(at.rh[:, None] - 1.2 * self._warmer + 0.3 * noise("rh"), 20.0, 98.0),
        }

    def _particles(self, at: Instants, exhaust: Floats, ships: Floats, wander: Floats) -> Floats:
        """PM2.5 without sensor noise: regional air, stoves on cold evenings, exhaust, ships."""
        t = at.time_s
        haze = 0.45 * self._one("region", t, 170_000) + 0.15 * self._one("haze", t, 47_000)
        cold = np.clip((15.0 - at.temp) / 15.0, 0.0, 1.5)
        hour = (at.wall_s / 3600.0) % 24.0
        stoves = cold * (0.4 + signals.bump(hour, 20.5, 2.5)) * at.spread
        level = 8.5 * np.exp(haze) * (1.0 + 0.2 * at.winter) * (1.0 - 0.35 * at.rain) + 3.0 * stoves
        total = self._smoke * level[:, None] + 4.0 * exhaust + 4.0 * ships
        total = signals.below(total, 60.0) + self._episode(at, "pm25")
        return total * (1.0 + 0.05 * wander)

    def _episode(self, at: Instants, pollutant: str) -> Floats:
        """What the sources of a scenario add; calm air holds up to twice as much of it."""
        added = self.forces.emission(at.time_ms, pollutant)
        if added is None:
            return np.zeros(1)
        return added * np.clip(at.spread, 0.5, 2.0)[:, None]

    def power(self, at: Instants, rows: Picks = ALL) -> Floats:
        """Active power in kW of the feeders `rows`, without sensor noise."""
        count = len(self.feeders)
        weather = 0.012 * np.maximum(16.0 - at.temp, 0.0) + 0.018 * np.maximum(at.temp - 21.0, 0.0)
        wander = 0.03 * signals.smooth(self._key("demand", count)[rows], at.time_s, 2400)
        switching = signals.smooth(self._key("switching", count)[rows], at.time_s, 240)
        shape = signals.at_week(self._demand[:, rows], at.wall_s)
        power = self._rated[rows] * 0.62 * shape * (1.0 + weather)[:, None] * (
            1.0 + wander + 0.015 * switching
        )
        factor = self.forces.demand(at.time_ms)
        return power if factor is None else power * factor[:, rows]

    def grid(self, at: Instants) -> dict[str, Floats]:
        """`power` (kW), `voltage` (V, phase to neutral), `energy` (kWh, metered rows only),
        `generation` (kW) and `frequency` (Hz)."""
        count = len(self.feeders)
        power = self.power(at)
        sag = 234.5 - 8.0 * power / self._rated
        sag = sag + 0.8 * signals.smooth(self._key("tap", count), at.time_s, 7200)
        volt = sag + 0.2 * signals.white(self._key("volt", count), at.time_ms)
        live = self.forces.live(at.time_ms)
        if live is not None:
            volt = volt * live
        energy = np.zeros_like(power)
        energy[:, self.metered] = self.register(at.time_s)
        return {
            "power": power * (1.0 + 0.004 * signals.white(self._key("power", count), at.time_ms)),
            "voltage": volt,
            "energy": energy, "generation": self._generation(at, power),
            "frequency": np.broadcast_to(self.frequency(at.time_s)[:, None], power.shape),
        }

    def frequency(self, time_s: Floats) -> Floats:
        """float64[n], Hz of the grid that the city is part of: within 0.1 Hz of 50."""
        slow = 0.015 * self._one("balance", time_s, 600)
        return 50.0 + slow + 0.008 * self._one("swing", time_s, 30)

    def _generation(self, at: Instants, power: Floats) -> Floats:
        """kW of the plants at their feeders, 0 elsewhere: wind, sun and water, and gas for the rest
        of what the city needs."""
        out = np.zeros_like(power)
        busy = np.clip(power.sum(axis=1) / self._rated.sum(), 0.0, 1.0)
        share = {
            "wind_onshore": np.clip((at.wind / 10.0) ** 3, 0.0, 1.0),
            "solar_pv_roof": np.clip(at.sun, 0.0, 1.0) * (1.0 - 0.7 * at.rain),
            "hydro": 0.55 + 0.15 * self._one("river", at.time_s, 400_000),
            "biomass": 0.8 + 0.05 * self._one("digester", at.time_s, 30_000),
            "gas_cc": np.clip(0.1 + 1.3 * busy, 0.0, 1.0),
        }
        for column, row in self._plants:
            out[:, column] = row.plant_kw * np.clip(share[row.source], 0.0, 1.0)
        live = self.forces.live(at.time_ms)
        return out if live is None else out * live

    def register(self, time_s: Floats) -> Floats:
        """kWh since `ORIGIN_S` of the metered feeders: power at quarter hours, joined linearly."""
        position = (time_s - ORIGIN_S) / REGISTER_STEP_S
        step = position.astype(np.int64)
        self._grow(int(step.max()) + 2)
        share = (position - step)[:, None]
        left = self._register[step]
        return left + (self._register[step + 1] - left) * share

    def _grow(self, steps: int) -> None:
        """Make the register table hold `steps` readings, in blocks of fixed place and size."""
        while len(self._register) < steps:
            first = len(self._register) - 1
            knots = np.arange(first, first + REGISTER_BLOCK + 1) * REGISTER_STEP_S + ORIGIN_S
            power = self.power(self.instants(knots * 1000), np.flatnonzero(self.metered))
            used = (power[:-1] + power[1:]) * (REGISTER_STEP_S / 7200.0)
            used[0] += self._register[-1]
            self._register = np.concatenate([self._register, np.cumsum(used, axis=0)])


def _nearest(station: Station, roads: list[Station]) -> int:
    """Row of the road of the same district that is nearest."""

    def apart(row: int) -> float:
        road = roads[row]
        return (road.lat - station.lat) ** 2 + (0.59 * (road.lon - station.lon)) ** 2

    return min((i for i, r in enumerate(roads) if r.district == station.district), key=apart)
